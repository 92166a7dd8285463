"""Of a multimodal model the language part opens, and what was left out is said.

Reported of gemma3 with `text_config`, and of files whose names begin with `language_model.`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from lensgui.checkpoints import compare_hf
from lensgui.checkpoints.loading import NO_PROCESSING, from_pretrained
from lensgui.terms.errors import ModelError
from tests.command_line.in_process import lensgui
from tests.reports.small import TOKENS, is_one_sentence

TEXT = {
    "vocab_size": 31,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "max_position_embeddings": 16,
    "pad_token_id": 0,
}
SEES = {
    "hidden_size": 16,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 8,
    "patch_size": 4,
}
MROPE = {"rope_type": "default", "rope_theta": 100.0, "mrope_section": [1, 1, 0]}
QWEN_SEES = {"depth": 1, "embed_dim": 16, "hidden_size": 16, "num_heads": 2, "patch_size": 4}
KINDS = {
    "gemma3": ({**TEXT, "sliding_window": 3}, SEES),
    "llava": ({**TEXT, "model_type": "llama"}, {**SEES, "model_type": "clip_vision_model"}),
    "mistral3": (
        {**TEXT, "model_type": "mistral", "sliding_window": None},
        {**SEES, "model_type": "pixtral"},
    ),
    "idefics3": ({**TEXT, "model_type": "llama"}, SEES),
    "qwen2_vl": ({**TEXT, "rope_parameters": MROPE}, QWEN_SEES),
    "qwen2_5_vl": (
        {**TEXT, "rope_parameters": MROPE},
        {**QWEN_SEES, "out_hidden_size": 16, "fullatt_block_indexes": [0]},
    ),
    "qwen3_vl": (
        {**TEXT, "rope_parameters": MROPE},
        {**QWEN_SEES, "out_hidden_size": 16, "deepstack_visual_indexes": [0]},
    ),
}


def whole(kind, tied=False):
    """Return a small random multimodal model."""
    text, sees = KINDS[kind]
    torch.manual_seed(0)
    config = hf.CONFIG_MAPPING[kind](
        text_config=text, vision_config=sees, tie_word_embeddings=tied, image_token_id=30
    )
    config.text_config.tie_word_embeddings = tied
    model = hf.AutoModelForImageTextToText.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.3)
    return model


def opened(place="", **settings):
    return from_pretrained(str(place), device="cpu", **NO_PROCESSING, **settings)


def is_the_language_part(model, hf_model):
    logits = hf_model(input_ids=TOKENS, attention_mask=torch.ones_like(TOKENS)).logits
    torch.testing.assert_close(model(TOKENS), logits, atol=1e-4, rtol=1e-4)
    (said,) = (step for step in model.cfg.processing if step.startswith("language part only"))
    assert "visi" in said or "visual" in said
    return True


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_folder_opens(kind, tmp_path):
    hf_model = whole(kind)
    hf_model.save_pretrained(tmp_path)
    assert is_the_language_part(opened(tmp_path), hf_model)


@pytest.mark.parametrize("kind", ["gemma3", "llava", "qwen2_vl"])
@torch.no_grad()
def test_a_tied_one_in_memory_opens_and_stays_as_it_was(kind):
    hf_model = whole(kind, tied=True)
    before = hf_model.config.to_dict()
    assert is_the_language_part(opened(hf_model=hf_model), hf_model)
    assert hf_model.config.to_dict() == before


@pytest.fixture
def words(tmp_path):
    """A tokenizer of the words of the prompt that models are compared on, in the folder."""
    known = {word: number for number, word in enumerate(["<?>", *compare_hf.PROMPT.split()])}
    tokenizer = Tokenizer(WordLevel(known, unk_token="<?>"))
    tokenizer.pre_tokenizer = Whitespace()
    hf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<?>").save_pretrained(
        tmp_path
    )


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_compared_with_hugging_faces_own(kind, tmp_path):
    whole(kind).save_pretrained(tmp_path)
    measured = compare_hf.compare(tmp_path, "float64")
    assert measured.agrees
    assert 0 < measured.logits < 1e-5


@pytest.mark.usefixtures("words", "home")
def test_checking_one_by_the_command_line(tmp_path, capsys):
    whole("llava").save_pretrained(tmp_path)
    assert lensgui("check", str(tmp_path)) == 0
    assert "max-abs difference to the Hugging Face logits" in capsys.readouterr().out


STYLES = {
    "language_model.model.": "language_model.lm_head.weight",  # older transformers, and the hub
    "model.language_model.": "lm_head.weight",
    "model.": "lm_head.weight",
}


@pytest.mark.parametrize("style", STYLES)
@torch.no_grad()
def test_however_the_parts_are_called(style, tmp_path):
    hf_model = whole("llava")
    hf_model.save_pretrained(tmp_path)
    text = hf_model.model.language_model.state_dict()
    tensors = {style + name: tensor.clone() for name, tensor in text.items()}
    tensors[STYLES[style]] = hf_model.lm_head.weight.clone()
    tensors["vision_tower.vision_model.post_layernorm.weight"] = torch.ones(16)
    tensors["multi_modal_projector.linear_1.weight"] = torch.ones(16, 16)
    save_file(tensors, tmp_path / "model.safetensors")
    model = opened(tmp_path)
    assert is_the_language_part(model, hf_model)
    assert model.cfg.processing == [
        "language part only: without multi_modal_projector, vision_tower"
    ]


def test_a_language_part_that_lacks_a_tensor_is_refused(tmp_path):
    whole("llava").save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    tensors = load_file(weights)
    del tensors[next(name for name in tensors if name.endswith("layers.1.mlp.up_proj.weight"))]
    save_file(tensors, weights)
    with pytest.raises(ModelError, match=r"layers\.1\.mlp\.up_proj"):
        opened(tmp_path)


@pytest.mark.parametrize("kind", ["llama4", "gemma3n", "mllama", "clip"])
def test_a_language_part_that_is_not_supported_is_one_sentence(kind, tmp_path):
    Path(tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(ModelError, match=f"multimodal '{kind}' is not supported") as caught:
        opened(tmp_path)
    assert is_one_sentence(str(caught.value))


@pytest.mark.parametrize("kind", ["t5", "bert", "vit", "nothing_known"])
def test_another_architecture_is_named_as_before(kind, tmp_path):
    Path(tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(ModelError, match=f"'{kind}' is not supported.*; lensgui opens"):
        opened(tmp_path)
