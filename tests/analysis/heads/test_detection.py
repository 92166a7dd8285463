"""Heads that are built to do one thing are detected; the toy's induction heads are found."""

from __future__ import annotations

import pytest
import torch

from lensgui import evals, head_detector, utils
from lensgui.analysis.svd import SVDInterpreter
from lensgui.checkpoints.loading import open_model
from lensgui.prompts.ioi import NAMES, ioi_prompts
from lensgui.transformer.model import HookedTransformer

TEXT = " table green seven music apple house river table green seven music apple house"


@pytest.fixture(scope="module")
def model() -> HookedTransformer:
    model = open_model("toy", device="cpu")
    model.cfg.default_prepend_bos = False
    return model


def test_patterns_of_a_small_text():
    tokens = torch.tensor([[4, 7, 4, 7]])
    previous = head_detector.get_previous_token_head_detection_pattern(tokens)
    duplicate = head_detector.get_duplicate_token_head_detection_pattern(tokens)
    induction = head_detector.get_induction_head_detection_pattern(tokens)
    assert previous.nonzero().tolist() == [[1, 0], [2, 1], [3, 2]]
    assert duplicate.nonzero().tolist() == [[2, 0], [3, 1]]
    assert induction.nonzero().tolist() == [[2, 1], [3, 2]]


def test_the_toys_heads_are_what_its_card_says(model):
    induction = head_detector.detect_head(model, TEXT, "induction_head")
    assert induction.shape == (2, 4)
    assert induction[1].max() > 2 * induction[0].max()
    previous = head_detector.detect_head(model, TEXT, "previous_token_head")
    assert previous[0].max() > 0.5


def test_a_head_that_is_the_pattern_scores_one(model):
    pattern = model.run_with_cache(TEXT)[1]["pattern", 1][0, 2]
    settings = {"exclude_bos": False, "exclude_current_token": False}
    score = head_detector.compute_head_attention_similarity_score
    assert score(pattern, pattern, error_measure="abs", **settings) == 1
    inside = score(pattern, (pattern > 0).float(), error_measure="mul", **settings)
    assert inside == pytest.approx(1)
    scores = head_detector.detect_head(model, TEXT, pattern, heads=[(1, 2)], error_measure="abs")
    assert scores[1, 2] == 1
    assert (scores[0] == -1).all()


def test_several_texts_are_averaged_and_a_cache_is_used(model):
    other = " river stone river stone river"
    both = head_detector.detect_head(model, [TEXT, other], "induction_head")
    each = [head_detector.detect_head(model, one, "induction_head") for one in (TEXT, other)]
    torch.testing.assert_close(both, (each[0] + each[1]) / 2)
    cache = model.run_with_cache(other)[1]
    cached = head_detector.detect_head(
        model, other, "induction_head", heads={1: [0, 3]}, cache=cache, exclude_bos=True
    )
    fresh = head_detector.detect_head(model, other, "induction_head", exclude_bos=True)
    torch.testing.assert_close(cached[1, 3], fresh[1, 3])
    assert (each[1] != fresh).any()


@pytest.mark.parametrize(
    ("pattern", "match"),
    [
        ("copying_head", "no pattern 'copying_head'"),
        (torch.eye(3), "must be"),
        (torch.ones(13, 13), "lower triangular"),
    ],
)
def test_bad_patterns_are_said(model, pattern, match):
    with pytest.raises(ValueError, match=match):
        head_detector.detect_head(model, TEXT, pattern)


def test_singular_vectors_of_a_head(model):
    found = SVDInterpreter(model).get_singular_vectors("OV", 1, 4, head_index=2)
    assert found.shape == (model.cfg.d_vocab, 1, 4)
    matrix = model.OV.AB[1, 2]
    expected = torch.linalg.svd(matrix).Vh[:4] @ model.W_U
    torch.testing.assert_close(found[:, 0].T.abs(), expected.abs(), atol=1e-3, rtol=1e-2)
    for kind in ("w_in", "w_out"):
        assert SVDInterpreter(model).get_singular_vectors(kind, 0, 3).shape[-1] == 3
    with pytest.raises(ValueError, match="give head_index"):
        SVDInterpreter(model).get_singular_vectors("OV", 0)
    with pytest.raises(ValueError, match="999 were asked"):
        SVDInterpreter(model).get_singular_vectors("w_in", 0, 999)


def test_prompts_of_indirect_object_identification():
    rows = ioi_prompts(20, symmetric=True)
    assert rows == ioi_prompts(20, symmetric=True)
    for row, mirrored in zip(rows[::2], rows[1::2], strict=True):
        assert (row["IO"], row["S"]) == (mirrored["S"], mirrored["IO"])
        assert row["text"].count(row["S"].strip()) == 2
        assert row["IO"].strip() in NAMES
    with pytest.raises(ValueError, match="two names"):
        ioi_prompts(1, names=["Mary"])


def test_a_prompt_is_looked_at(model, capsys):
    prompt = " table green seven music apple house river table green seven"
    ranks = utils.test_prompt(prompt, "music apple", model)
    assert ranks == [(0, " music"), (0, " apple")]
    assert "rank 0" in capsys.readouterr().out


@pytest.mark.demo
def test_the_demo_model_solves_ioi(demo_folder):
    result = evals.ioi_eval(open_model(str(demo_folder), device="cpu"), num_samples=8)
    assert result["Accuracy"] == 1
    assert 2 < result["Logit Difference"] < 10
