"""The field's teaching models open in every layout that they are published in, and give the logits
that the definitions give."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import lensgui
from lensgui.checkpoints.loading import open_model
from lensgui.terms.errors import ModelError
from lensgui.transformer.weights.processing import fold
from tests.reports.small import is_one_sentence, random_model
from tests.reports.teaching import TEACHING, Slowly, Teaching, tensors_of

TOKENS = [3, 1, 4, 1, 5, 9]
TOKENS_2D = torch.tensor([TOKENS])
EXACT = {"atol": 1e-10, "rtol": 1e-10}


def folder_of(tmp_path: Path, model: Teaching, called: str = "", **fields: Any) -> str:
    """A folder with a made-up model's published files, but for the pickle."""
    folder = tmp_path / (called or model.repository.rpartition("/")[2])
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(model.config | fields))
    save_file(tensors_of(model), folder / "model.safetensors")
    return str(folder)


@pytest.mark.parametrize("alias", TEACHING)
@torch.no_grad()
def test_logits_are_those_of_the_definitions(tmp_path, alias):
    model = TEACHING[alias]
    place = folder_of(tmp_path, model)
    expected = Slowly(model, tensors_of(model)).logits(TOKENS)
    opened = open_model(place, device="cpu", dtype="float64")
    torch.testing.assert_close(opened(TOKENS_2D)[0], expected, **EXACT)
    folded = open_model(place, folded=True, device="cpu", dtype="float64")
    found = folded(TOKENS_2D)[0].log_softmax(-1)
    torch.testing.assert_close(found, expected.log_softmax(-1), **EXACT)


@torch.no_grad()
def test_an_old_model_is_known_by_its_numbers_whatever_its_folder_is_called(tmp_path):
    model = replace(TEACHING["solu-8l-pile"], sizes={"n_ctx": 12, "d_vocab": 50278})
    expected = Slowly(model, tensors_of(model)).logits(TOKENS)
    place = folder_of(tmp_path, model, "mine")
    opened = open_model(place, device="cpu", dtype="float64")
    torch.testing.assert_close(opened(TOKENS_2D)[0], expected, **EXACT)


@torch.no_grad()
def test_one_that_transformerlens_saved_anew_has_its_layout(tmp_path):
    model = replace(TEACHING["solu-8l-pile"], turned="none", norms=TEACHING["solu-3l"].norms)
    expected = Slowly(model, tensors_of(model)).logits(TOKENS)
    place = folder_of(tmp_path, model, original_architecture="neel-solu-old")
    opened = open_model(place, device="cpu", dtype="float64")
    torch.testing.assert_close(opened(TOKENS_2D)[0], expected, **EXACT)


@pytest.mark.parametrize(
    ("alias", "fields", "sentence"),
    [
        ("gelu-2l", {"architecture": "new"}, "whose layout is not known"),
        ("gelu-2l", {"architecture": ["neel"]}, "whose layout is not known"),
        ("gelu-2l", {"architecture": "mingpt"}, "has no tensor tok_emb.weight"),
        ("gelu-2l", {"architecture": "neel-solu-old"}, "has shape"),
        ("othello-gpt", {"architecture": "neel"}, "has no tensor embed.W_E"),
        ("solu-2l-pile", {}, "has shape"),
        ("solu-12l-pile", {}, "has no tensor blocks.0.ln1.w"),
        ("solu-1l-pile", {"n_layers": "one"}, "n_layers as 'one'"),
    ],
)
def test_another_layout_is_refused_in_one_sentence(tmp_path, alias, fields, sentence):
    place = folder_of(tmp_path, TEACHING[alias], "mine", **fields)
    with pytest.raises(ModelError, match=sentence) as caught:
        open_model(place, device="cpu")
    assert is_one_sentence(str(caught.value))


@torch.no_grad()
def test_parts_add_up_before_a_last_norm_that_does_not_centre():
    model = random_model(act_fn="solu_ln", final_rms=True, dtype=torch.float64, init_range=0.4)
    logits, cache = model.run_with_cache(TOKENS_2D)
    parts = cache.apply_ln_to_stack(cache.decompose_resid(), layer=-1)
    torch.testing.assert_close(parts.sum(0) @ model.W_U + model.b_U, logits, **EXACT)
    attributed = cache.logit_attrs(cache.decompose_resid(), tokens=7)
    found = attributed.sum(0) + model.b_U[7]
    torch.testing.assert_close(found, logits[..., 7], **EXACT)
    run = lensgui.Run(model, TOKENS_2D[0]).complete()
    torch.testing.assert_close(run.residuals[-1].double(), cache["resid_post", -1][0], **EXACT)
    before = logits.log_softmax(-1)
    fold(model)
    assert "center_writing_weights skipped: the last norm does not centre" in model.cfg.processing
    torch.testing.assert_close(model(TOKENS_2D).log_softmax(-1), before, **EXACT)


def test_a_last_rms_norm_is_like_the_others_where_they_are_too():
    assert not random_model(normalization_type="RMS", final_rms=True).cfg.final_rms
    assert random_model(final_rms=True).ln_final.b is None
