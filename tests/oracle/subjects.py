"""The models that both libraries are asked about, saved where both can read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from lensgui.models import known_models
from tests.checkpoints.tiny_models import VOCABULARY, randomise, tiny
from tests.transformer import vocabularies

DEMO = known_models.DEMO.name
TINY = ("gpt2", "gpt_neox", "llama", "gemma2", "mixtral")
FILES = ("gpt2_untied", "llama_tied")  # opened from their files, the latter with SentencePiece
ALL = (*TINY, *FILES, DEMO)


def tiny_model(name: str) -> Any:
    """Return a tiny Hugging Face model in float32, without what the peer has no place for."""
    if name in FILES:
        torch.manual_seed(0)
        model = GPT2LMHeadModel(_gpt2()) if name == "gpt2_untied" else LlamaForCausalLM(_llama())
        randomise(model, name)
        return model
    model = tiny(name, torch.float32)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if key.endswith(("gate_proj.bias", "up_proj.bias")):
                parameter.zero_()
    return model


def _gpt2() -> GPT2Config:
    sizes: Any = {"n_layer": 3, "n_head": 4, "n_embd": 32, "n_inner": 40, "n_positions": 48}
    return GPT2Config(vocab_size=VOCABULARY, tie_word_embeddings=False, **sizes)


def _llama() -> LlamaConfig:
    layers: Any = {"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2}
    sizes: Any = {"hidden_size": 32, "intermediate_size": 40, "head_dim": 8}
    vocabulary = len(tokenizer("llama_tied"))
    return LlamaConfig(vocab_size=vocabulary, tie_word_embeddings=True, **layers, **sizes)


def tokenizer(name: str) -> PreTrainedTokenizerFast:
    """Return the tokenizer of a subject."""
    return vocabularies.llama() if name == "llama_tied" else letters()


def letters() -> PreTrainedTokenizerFast:
    """Return a tokenizer of letters, each with and without a space in front, and three specials."""
    known = "abcdefghijklmnopqrstuvwxyz"
    words = ["<s>", "</s>", "<pad>", *known, "Ġ", *(f"Ġ{letter}" for letter in known), "th"]
    ids = {word: index for index, word in enumerate(words)}
    merges: list[tuple[str, str]] = [*(("Ġ", letter) for letter in known), ("t", "h")]
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
    folder = parent / str(ALL.index(name))  # the peer does as it pleases where a path says gemma
    tiny_model(name).save_pretrained(folder)
    tokenizer(name).save_pretrained(folder)
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
