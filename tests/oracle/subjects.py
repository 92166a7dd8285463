"""The models that both libraries are asked about, saved where both can read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from lensgui.models import known_models
from tests.checkpoints.tiny_models import VOCABULARY, tiny

DEMO = known_models.DEMO.name
TINY = ("gpt2", "gpt_neox", "llama", "gemma2", "mixtral")
ALL = (*TINY, DEMO)


@torch.no_grad()
def tiny_model(name: str) -> Any:
    """Return a tiny Hugging Face model in float32, without what the peer has no place for."""
    model = tiny(name, torch.float32)
    for key, parameter in model.named_parameters():
        if key.endswith(("gate_proj.bias", "up_proj.bias")):
            parameter.zero_()
    return model


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of letters, each with and without a space in front, and three specials."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<s>", "</s>", "<pad>", *letters, "Ġ", *(f"Ġ{letter}" for letter in letters), "th"]
    ids = {word: index for index, word in enumerate(words)}
    merges: list[tuple[str, str]] = [*(("Ġ", letter) for letter in letters), ("t", "h")]
    inner = Tokenizer(models.BPE(vocab=ids, merges=merges))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(words[:3])
    assert len(words) <= VOCABULARY
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


def folder_of(name: str, parent: Path) -> Path:
    """Return the folder of a subject, written below a parent unless it is the demo model."""
    if name == DEMO:
        return known_models.path(DEMO)
    folder = parent / str(TINY.index(name))  # the peer does as it pleases where a path says gemma
    tiny_model(name).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def fingerprint(name: str) -> dict[str, float]:
    """Return a number for each tensor of a subject that changes where its values do."""
    if name == DEMO:
        tensors = load_file(known_models.path(DEMO) / "model.safetensors")
    else:
        tensors = tiny_model(name).state_dict()
    found = {}
    for key, tensor in sorted(tensors.items()):
        sample = tensor.flatten()[:: max(1, tensor.numel() // 997)].double()
        found[key] = float((sample * torch.arange(1, len(sample) + 1).cos()).sum())
    return found
