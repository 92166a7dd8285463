"""The other side of lenses, run in an environment of its own.

    python lens_peer.py tuned|jacobian MODEL FOLDER

MODEL is a model's folder. FOLDER has `asked.json`, and a lens in that package's own format; it gets
`answers.npz`: `logits.ROW`, and of Jacobian lenses that are fitted here `jacobian.LAYER`. It
imports nothing of lensgui's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def opened(folder: str) -> Any:
    """Return the model, as Hugging Face has it."""
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()


@torch.no_grad()
def tuned(model: str, folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what the package tuned-lens reads of a prompt, at every layer."""
    from tuned_lens.nn.lenses import TunedLens

    theirs = opened(model)
    lens = TunedLens.from_model_and_pretrained(theirs, str(folder / "lens"))
    streams = theirs(torch.tensor([asked["tokens"]]), output_hidden_states=True).hidden_states
    layers = range(theirs.config.num_hidden_layers)
    found = {f"logits.{row}": lens(streams[row], row)[0].numpy() for row in layers}
    return found | {"hash": np.array(lens.unembed.unembedding_hash())}


def jacobian(model: str, folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what TransformerLens reads through a Jacobian lens, and what it fits itself."""
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.tools.analysis import JacobianLens

    tokenizer = AutoTokenizer.from_pretrained(model)
    bridge = TransformerBridge.boot_transformers(
        model, hf_model=opened(model), tokenizer=tokenizer, device="cpu"
    )
    lens = JacobianLens.load(str(folder / "lens.pt"))
    tokens = torch.tensor([asked["tokens"]])
    read = lens.readout(bridge, tokens, return_full_logits=True)
    logits = read.lens_logits or {}
    found = {f"logits.{layer + 1}": logits[layer].numpy() for layer in lens.source_layers}
    if asked["prompts"]:
        ids = iter([torch.tensor([prompt]) for prompt in asked["prompts"]])
        bridge.to_tokens = lambda prompt: next(ids)  # the very tokens, whatever tokenizers add
        words = [str(at) for at in range(len(asked["prompts"]))]
        fitted = JacobianLens.fit(bridge, words, corpus="oracle", show_progress=False)
        matrices = fitted.jacobians.items()
        found |= {f"jacobian.{layer}": matrix.numpy() for layer, matrix in matrices}
    return found


def main() -> None:
    """Answer what is asked."""
    kind, model, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    asked = json.loads((folder / "asked.json").read_text())
    answer = tuned if kind == "tuned" else jacobian
    np.savez(folder / "answers.npz", **answer(model, folder, asked))


if __name__ == "__main__":
    main()
