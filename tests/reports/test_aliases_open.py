"""Every name of the table opens: what its config.json says is supported (stanford-crfm's GPT-2)."""

from __future__ import annotations

import json
import re

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from lensgui.checkpoints.families.registry import family_of
from lensgui.checkpoints.folder import convert_config, read_config
from lensgui.models.aliases import ALIASES, TEACHING
from lensgui.transformer.model import HookedTransformer
from tests.reports.alias_configs import CONFIGS, TEACHING_CONFIGS
from tests.reports.small import TOKENS


@pytest.mark.parametrize("name", sorted(set(ALIASES.values())))
def test_every_model_that_has_an_alias_has_one_config_here(name):
    patterns = [*CONFIGS, *TEACHING_CONFIGS]
    assert len([pattern for pattern in patterns if re.fullmatch(pattern, name)]) == 1


@pytest.mark.parametrize("pattern", CONFIGS)
@torch.no_grad()
def test_each_config_opens(pattern, tmp_path):
    assert any(re.fullmatch(pattern, name) for name in ALIASES.values())
    kind, fields = CONFIGS[pattern]
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, **fields}))
    torch.manual_seed(0)
    hf_model = AutoModelForCausalLM.from_config(read_config(tmp_path), attn_implementation="eager")
    opened = HookedTransformer.from_pretrained_no_processing(hf_model=hf_model, device="cpu")
    torch.testing.assert_close(opened(TOKENS), hf_model.eval()(TOKENS, use_cache=False).logits)


@pytest.mark.parametrize("name", sorted(set(TEACHING.values())))
@pytest.mark.parametrize("folder_says", [True, False])
def test_each_teaching_model_is_known_at_its_own_size(name, folder_says, tmp_path):
    (layout, fields), *_ = (
        row for pattern, row in TEACHING_CONFIGS.items() if re.fullmatch(pattern, name)
    )
    sizes = re.search(r"(\d+)L(?:(\d+)W)?", name)
    if sizes is not None:
        fields = {"n_layers": int(sizes[1]), "d_model": int(sizes[2] or 0)} | fields
    fields = {
        "d_mlp": 4 * fields["d_model"],
        "n_heads": fields["d_model"] // fields["d_head"],
    } | fields
    folder = tmp_path / (name.replace("/", "--") if folder_says else "mine")
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(fields))
    config = read_config(folder)
    assert config.model_type == layout
    cfg = convert_config(family_of(layout), config, name, torch.float32)
    with torch.device("meta"):
        model = HookedTransformer(cfg, initialise=False)
    shapes = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    assert shapes["embed.W_E"] == (fields["d_vocab"], fields["d_model"])
    assert shapes["blocks.0.attn.W_Q"] == (fields["n_heads"], fields["d_model"], fields["d_head"])
    assert ("blocks.0.mlp.W_in" in shapes) != fields.get("attn_only", False)
    assert ("ln_final.w" in shapes) == (fields["normalization"] == "LN")
    assert ("ln_final.b" in shapes) == (
        fields["normalization"] == "LN" and "final_rms" not in fields
    )


@pytest.mark.parametrize("upcast", [False, True])
@torch.no_grad()
def test_scores_are_divided_by_the_layer_too(upcast):
    torch.manual_seed(0)
    settings = {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": upcast}
    hf_model = GPT2LMHeadModel(
        GPT2Config(vocab_size=31, n_embd=16, n_layer=3, n_head=2, initializer_range=0.5, **settings)
    ).eval()
    opened = HookedTransformer.from_pretrained(hf_model=hf_model, device="cpu")
    expected = hf_model(TOKENS).logits.log_softmax(-1)
    torch.testing.assert_close(opened(TOKENS).log_softmax(-1), expected, atol=1e-4, rtol=1e-4)
    scores = opened.run_with_cache(TOKENS)[1]
    q, k = scores["q", 2][0, -1, 0], scores["k", 2][0, 1, 0]
    torch.testing.assert_close(scores["attn_scores", 2][0, 0, -1, 1], q @ k / (8**0.5 * 3))
