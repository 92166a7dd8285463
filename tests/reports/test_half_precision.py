"""Linear algebra exists for float32 and float64 only (TransformerLens#934)."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.svd import SVDInterpreter
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.weights.factored import FactoredMatrix, composition_scores
from tests.reports.small import random_model

HALVES = (torch.bfloat16, torch.float16)


@pytest.fixture(params=HALVES, ids=str)
def pair(request):
    """Return a model in half precision, and one with the same numbers in float32."""
    half = random_model(dtype=request.param)
    return half, random_model(dtype=request.param).to(torch.float32)


@pytest.mark.parametrize("what", ["eigenvalues", "S", "U", "Vh"])
def test_decompositions_are_those_of_the_same_numbers_in_float32(pair, what):
    half, single = (getattr(model.OV, what) for model in pair)
    torch.testing.assert_close(half, single)


@pytest.mark.parametrize("what", ["norm", "collapse_l", "collapse_r"])
def test_what_is_worked_out_of_a_product_is_too(pair, what):
    half, single = (getattr(model.QK, what)() for model in pair)
    torch.testing.assert_close(half, single)
    torch.testing.assert_close(pair[0].OV.make_even().AB, pair[1].OV.AB)


@pytest.mark.parametrize("mode", ["Q", "K", "V"])
def test_composition_scores_are(pair, mode):
    half, single = (model.all_composition_scores(mode) for model in pair)
    torch.testing.assert_close(half, single)


@pytest.mark.parametrize(("kind", "head"), [("OV", 1), ("w_in", None), ("w_out", None)])
def test_singular_vectors_are_read_as_tokens(pair, kind, head):
    half, single = (SVDInterpreter(model).get_singular_vectors(kind, 1, 3, head) for model in pair)
    torch.testing.assert_close(half, single)


def test_heads_are_rewritten_in_half_precision():
    from lensgui.transformer.weights.processing import rewrite_heads

    model = random_model(dtype=torch.bfloat16)
    before = model.OV.AB.float()
    assert "skipped" not in rewrite_heads(model)
    torch.testing.assert_close(model.OV.AB.float(), before, atol=2e-2, rtol=2e-2)


def test_norms_do_not_overflow_in_float16():
    many = torch.full((300, 300), 2.0, dtype=torch.float16)
    product = FactoredMatrix(many, many)
    assert product.norm().isfinite()
    torch.testing.assert_close(composition_scores(product, product), torch.tensor(1.0))
    cfg = random_model(dtype=torch.float16).cfg
    assert Norm(cfg).scale(torch.tensor([[300.0, -300.0] * 8], dtype=torch.float16)) == 300
