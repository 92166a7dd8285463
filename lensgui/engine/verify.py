"""Is it the same model? The same prompt through lensgui and through Hugging Face's own code."""

from __future__ import annotations

from typing import Any

import torch

from lensgui.engine.config import DTYPES
from lensgui.engine.errors import ModelError
from lensgui.engine.loading import folder_of, open_model

PROMPT = "When John and Mary went to the store, John gave a drink to"


@torch.no_grad()
def verify(source: str, dtype: str = "float32", device: str = "cpu") -> float:
    """Return the largest |difference| between lensgui's logits and the Hugging Face forward's.

    Both copies are in memory at once.

    Args:
        source: A model's name or folder, with its weights as they are.
        dtype: The number format of both.
        device: Where both run.

    Returns:
        Logits, over every position and token of one prompt.

    Raises:
        ModelError: If the model has no tokenizer, or either copy can't be opened.
    """
    model = open_model(source, device=device, dtype=dtype)
    if model.tokenizer is None:
        raise ModelError(f"{source} has no tokenizer, so there is no prompt to compare on.")
    tokens = model.to_tokens(PROMPT, prepend_bos=False)
    theirs = _reference(source, dtype).to(device)(tokens, use_cache=False).logits
    return float((model(tokens) - theirs).abs().max())


def _reference(source: str, dtype: str) -> Any:
    """Return the Hugging Face model, with eager attention."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(
        folder_of(source),
        dtype=DTYPES[dtype],
        attn_implementation="eager",
        local_files_only=True,
        trust_remote_code=False,
    ).eval()
