"""Where lensgui and TransformerLens 3.9 differ on purpose; README.md beside this says why."""

from __future__ import annotations

import re

# Answers, as subject/processing/question/name, by the heading of the row in README.md.
DIFFERENCES: dict[str, str] = {
    "the final norm's weights": (
        r".*/raw/components/(attrs.*|apply_ln_to_stack/.*|full/ln|stack_head_results/.*/ln"
        r"|stack_neuron_results(/labels)?|accumulated_resid/[12]/apply_ln=True"
        r"|decompose_resid/.*/apply_ln=True(/labels)?)"
    ),
    "gradients of ln1": r".*/gradients/blocks\.1\.ln1\.hook_(normalized|scale)_grad",
    "keys and values in `…_every`": r"llama/.*/patching/attn_head_(all|by)_pos_every",
    "scaled embeddings": r"gemma2/raw/weights/W_E",
    "parts behind a post-norm": (
        r"gemma2/.*/components/(stack_head_results/.*|neurons.*|stack_neuron_results.*|full/.*"
        r"|attrs/(heads|rows|batch_slice))"
    ),
    "tokens of SentencePiece as text": r"llama_tied/.*/texts/to_str_tokens.*",
    "hooks inside experts": r"mixtral/.*/blocks\.\d\.mlp\.experts\..*",
}


def purpose(answer: str) -> str | None:
    """Return the heading under which an answer differs on purpose, or None."""
    return next((why for why, names in DIFFERENCES.items() if re.fullmatch(names, answer)), None)
