"""Small random models, and the folders that hold them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from safetensors.torch import load_file, save_file

from lensgui.checkpoints.loading import from_pretrained
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer

TOKENS = torch.tensor([[3, 1, 4, 1, 5]])
RAW: dict[str, Any] = {
    "device": "cpu",
    "fold_ln": False,
    "center_writing_weights": False,
    "center_unembed": False,
}


def random_model(**settings: Any) -> HookedTransformer:
    """Return a model of two layers of ours."""
    sizes = {"n_layers": 2, "d_model": 16, "n_ctx": 12, "d_head": 4, "d_vocab": 31}
    return HookedTransformer(HookedTransformerConfig(**{**sizes, "seed": 0, **settings}))


def llama(**settings: Any) -> Any:
    """Return a Hugging Face LLaMA of two layers and 31 tokens."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 31, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 12}
    return hf.LlamaForCausalLM(hf.LlamaConfig(**{**sizes, **heads, **settings})).eval()


def saved(
    folder: Path,
    model: Any,
    change: Callable[[dict[str, torch.Tensor]], Mapping[str, torch.Tensor]] = dict,
    **config: Any,
) -> str:
    """Save a model with other tensors and other fields of its config; return the folder's name."""
    model.save_pretrained(folder)
    weights = folder / "model.safetensors"
    tensors = {name: tensor.contiguous() for name, tensor in change(load_file(weights)).items()}
    save_file(tensors, weights)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return str(folder)


def logits_of(name: str, **settings: Any) -> torch.Tensor:
    """Return the logits that an opened model gives for TOKENS."""
    return from_pretrained(name, **RAW, **settings)(TOKENS)


def is_one_sentence(text: str) -> bool:
    """Return whether a message is one sentence that ends."""
    return text.endswith(".") and ". " not in text and "\n" not in text
