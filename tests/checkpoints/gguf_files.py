"""A tiny llama with every weight its own, as a folder and as a GGUF file."""

from __future__ import annotations

import re
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers as hf
from safetensors.torch import load_file

from tests.checkpoints.tiny_models import VOCABULARY

WIDTH, HIDDEN, HEADS, GROUPS, LAYERS = 64, 96, 4, 2, 2
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


def save_llama(folder: Path) -> Path:
    """Save the model, without a tokenizer."""
    torch.manual_seed(0)
    config = hf.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=HIDDEN,
        num_hidden_layers=LAYERS, num_attention_heads=HEADS, num_key_value_heads=GROUPS,
        max_position_embeddings=48, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    model = hf.LlamaForCausalLM(config)
    for weight in model.parameters():
        weight.data.normal_(0.0 if weight.ndim > 1 else 1.0, 0.3)
    model.save_pretrained(folder)
    return folder


def interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """Queries' or keys' rows in the order of GGUF's llamas, which turn neighbours together."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def describe(writer) -> None:
    """Write what a GGUF file says of the tiny llama and of its tokenizer."""
    writer.add_block_count(LAYERS)
    writer.add_context_length(48)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(GROUPS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(VOCABULARY)
    letters = [chr(ord("A") + index) for index in range(VOCABULARY - 4)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(["<s>", "</s>", *letters, "Ġ", "AB"])
    writer.add_token_merges(["A B"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(0)


def written(folder, kind=gguf.GGMLQuantizationType.F32, without="$", more=None, say=describe):
    """A GGUF file of a folder's model, and the weights that it holds, dequantised.

    Args:
        folder: The model's folder.
        kind: How its matrices are quantised.
        without: A regular expression of tensors to leave out.
        more: Other tensors, by name.
        say: Writes the rest.
    """
    path = folder.parent / f"tiny-{kind.name}.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    say(writer)
    for name, tensor in (more or {}).items():
        writer.add_tensor(name, tensor)
    kept = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        value, quantised, place = tensor.numpy(), kind, gguf_name(name)
        if re.match(without, place):
            continue
        if "attn_q" in place or "attn_k" in place:
            value = interleaved(value, HEADS if "attn_q" in place else GROUPS)
        if value.ndim == 1 or value.shape[1] % 32:
            quantised = gguf.GGMLQuantizationType.F32
        data = gguf.quants.quantize(value, quantised)
        writer.add_tensor(place, data, raw_dtype=quantised)
        kept[name] = torch.from_numpy(gguf.quants.dequantize(data, quantised).copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path, {name: straightened(name, value) for name, value in kept.items()}


def renamed(path: Path, hf_model, kind: str, numbers: dict) -> None:
    """Write a model whose tensors GGUF only renames; `numbers` by key, None to leave one out."""
    writer = gguf.GGUFWriter(path, kind)
    describe(writer)
    for key, value in numbers.items():
        writer.kv_data[0].pop(f"{kind}.{key}", None)
        if value is not None:
            add = writer.add_float32 if isinstance(value, float) else writer.add_uint32
            add(f"{kind}.{key}", value)
    (arch,) = (arch for arch, name in gguf.MODEL_ARCH_NAMES.items() if name == kind)
    names = gguf.get_tensor_name_map(arch, LAYERS)
    for name, tensor in hf_model.state_dict().items():
        place = names.get_name(name, (".weight", ".bias"))
        assert place is not None, name
        writer.add_tensor(place, tensor.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def straightened(name: str, weight: torch.Tensor) -> torch.Tensor:
    """Queries' or keys' rows in Hugging Face's order, others as they are."""
    for part, heads in (("q_proj", HEADS), ("k_proj", GROUPS)):
        if part in name:
            pairs = weight.view(heads, -1, 2, WIDTH).transpose(1, 2)
            return pairs.reshape(weight.shape).contiguous()
    return weight


def gguf_name(name: str) -> str:
    parts = name.removesuffix(".weight").split(".")
    if "layers" in parts:
        return f"blk.{parts[2]}.{NAMES['.'.join(parts[3:])]}.weight"
    whole = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    return whole[".".join(parts)] + ".weight"
