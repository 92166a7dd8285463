"""Quantised checkpoints are named as such, with the way out (TransformerLens#750)."""

from __future__ import annotations

import pytest
import torch

from lensgui.checkpoints.loading import from_pretrained
from lensgui.terms.errors import ModelError
from tests.reports.small import TOKENS, is_one_sentence, llama, logits_of, saved

QUERY = "model.layers.0.self_attn.q_proj"


def replaced(**parts):
    """Return a change: a layer's query weight is these tensors instead."""

    def change(tensors):
        kept = {name: value for name, value in tensors.items() if not name.startswith(QUERY)}
        return kept | {f"{QUERY}.{name}": value for name, value in parts.items()}

    return change


def packed(*shape, dtype=torch.int32):
    return torch.ones(*shape, dtype=dtype)


def everywhere(dtype):
    return lambda tensors: {name: value.to(dtype) for name, value in tensors.items()}


SCALES = torch.ones(1, 16)
FILES = {
    "bitsandbytes, 4 bit": (
        {"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False},
        replaced(
            **{"weight": packed(128, 1, dtype=torch.uint8), "weight.absmax": torch.ones(4)},
            **{"weight.quant_map": torch.ones(16)},
            **{"weight.quant_state.bitsandbytes__nf4": packed(9, dtype=torch.uint8)},
        ),
    ),
    "bitsandbytes, 8 bit": (
        {"load_in_8bit": True},  # as it was written before the method had a field
        replaced(weight=packed(16, 16, dtype=torch.int8), SCB=torch.ones(16)),
    ),
    "awq, 4 bit": (
        {"quant_method": "awq", "bits": 4, "group_size": 16},
        replaced(qweight=packed(16, 2), qzeros=packed(1, 2), scales=SCALES),
    ),
    "gptq, 4 bit": (
        {"quant_method": "gptq", "bits": 4},
        replaced(qweight=packed(2, 16), qzeros=packed(1, 2), scales=SCALES, g_idx=packed(16)),
    ),
    "fp8": (
        {"quant_method": "fp8", "weight_block_size": [8, 8]},
        replaced(
            weight=torch.ones(16, 16).to(torch.float8_e4m3fn), weight_scale_inv=torch.ones(2, 2)
        ),
    ),
    "compressed-tensors": (
        {"quant_method": "compressed-tensors", "format": "pack-quantized"},
        replaced(weight_packed=packed(16, 2), weight_scale=SCALES, weight_shape=packed(2)),
    ),
    "mxfp4": (
        {"quant_method": "mxfp4"},
        replaced(
            q_proj_blocks=packed(16, 8, dtype=torch.uint8),
            q_proj_scales=packed(16, dtype=torch.uint8),
        ),
    ),
    "quanto": ({"quant_method": "quanto"}, everywhere(torch.int8)),
    "tensor lm_head.weight": (None, everywhere(torch.int8)),
    "tensor model.layers.0.self_attn.q_proj.qweight": (
        None,
        replaced(qweight=packed(2, 16), scales=SCALES),
    ),
}


@pytest.mark.parametrize("how", FILES)
def test_the_sentence_names_the_quantisation_and_the_way_out(how, tmp_path):
    said, change = FILES[how]
    config = {} if said is None else {"quantization_config": said}
    with pytest.raises(ModelError, match="dequantised copy") as caught:
        from_pretrained(saved(tmp_path, llama(), change, **config), device="cpu")
    assert how in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert is_one_sentence(str(caught.value))


def test_a_quantised_model_in_memory_is_refused_too():
    hf_model = llama()
    hf_model.config.quantization_config = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    projection = hf_model.model.layers[0].mlp.up_proj
    projection.weight = torch.nn.Parameter(packed(24, 16, dtype=torch.int8), requires_grad=False)
    with pytest.raises(ModelError, match="bitsandbytes, 8 bit"):
        from_pretrained(hf_model=hf_model, device="cpu")


@torch.no_grad()
def test_plain_numbers_open_whatever_the_config_says(tmp_path):
    hf_model = llama()
    stale = {"quantization_config": {"quant_method": "awq", "bits": 4}}
    logits = logits_of(saved(tmp_path, hf_model, **stale))
    torch.testing.assert_close(logits, hf_model(TOKENS).logits)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
@torch.no_grad()
def test_numbers_of_eight_bits_without_scales_open(dtype, tmp_path):
    hf_model = llama(tie_word_embeddings=True)
    name = saved(tmp_path, hf_model, everywhere(dtype))
    for parameter in hf_model.parameters():
        parameter.copy_(parameter.to(dtype))
    torch.testing.assert_close(logits_of(name), hf_model(TOKENS).logits)
