"""Lenses are their formulas on the stream; what is no lens of a model is refused."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.lenses.lens import (
    Fit,
    JacobianLens,
    LogitLens,
    TunedLens,
    check_lens,
    lens_logits,
    unembedding_hash,
)
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import tiny
from tests.references import close, model_of


def lenses_of(model):
    """One of each kind, of random numbers."""
    cfg, generator = model.cfg, torch.Generator().manual_seed(0)
    matrices = torch.randn(cfg.n_layers, cfg.d_model, cfg.d_model, generator=generator) / 5
    biases = torch.randn(cfg.n_layers, cfg.d_model, generator=generator)
    return (
        LogitLens(),
        TunedLens(matrices.double(), biases.double()),
        JacobianLens({layer: matrices[layer].double() for layer in range(cfg.n_layers - 1)}),
    )


def final(model, stream):
    """The model's own way from its last stream to logits."""
    return model.to_logits(stream)


def test_each_is_its_formula_at_every_row(model, run):
    logit, tuned, jacobian = lenses_of(model)
    for row in range(model.cfg.n_layers):
        stream = run.residuals[row]
        close(lens_logits(model, logit, stream, row), final(model, stream))
        moved = stream + stream @ tuned.weights[row].T + tuned.biases[row]
        close(lens_logits(model, tuned, stream, row), final(model, moved))
        if row:
            moved = stream @ jacobian.jacobians[row - 1].T
            close(lens_logits(model, jacobian, stream, row), final(model, moved))


def test_the_last_row_is_the_model_itself(model, run):
    n_layers, stream = model.cfg.n_layers, run.residuals[-1]
    whole = model(run.tokens[None])[0]
    for lens in lenses_of(model):
        close(lens_logits(model, lens, stream, n_layers), whole)


def test_a_few_columns_are_those_of_the_whole_row(model, run):
    for lens in lenses_of(model):
        whole = lens_logits(model, lens, run.residuals[1], 1)
        close(lens_logits(model, lens, run.residuals[1], 1, (3, 7)), whole[:, [3, 7]])


def test_rows_that_were_not_fitted_are_not_made_up(model, run):
    *_, jacobian = lenses_of(model)
    sparse = JacobianLens({1: jacobian.jacobians[1]})
    assert [row for row in range(model.cfg.n_layers + 1) if sparse.reads(row)] == [2]
    with pytest.raises(ValueError, match="nothing for the stream that enters layer 1"):
        lens_logits(model, sparse, run.residuals[1], 1)


def with_last(lens, layer):
    some = next(iter(lens.jacobians.values()))
    return JacobianLens({**lens.jacobians, layer: some})


def test_what_is_no_lens_of_the_model_is_refused(model):
    logit, tuned, jacobian = lenses_of(model)
    n_layers, d_model = model.cfg.n_layers, model.cfg.d_model
    for lens in (logit, tuned, jacobian):
        assert check_lens(model, lens) == ""
    narrow = TunedLens(tuned.weights[:, 1:, 1:], tuned.biases[:, 1:])
    refused = [
        (narrow, rf"is {d_model - 1} wide, and the model's stream {d_model}"),
        (TunedLens(tuned.weights[1:], tuned.biases[1:]), f"of {n_layers - 1} layers, not of"),
        (with_last(jacobian, n_layers - 1), "it is one of heads, which is not read"),
        (with_last(jacobian, n_layers + 3), f"it has layer {n_layers + 3}, and the model's last"),
        (with_last(jacobian, -1), "and the model's last is"),
    ]
    for lens, says in refused:
        with pytest.raises(ValueError, match=says):
            check_lens(model, lens)


def test_a_lens_of_another_unembedding_is_warned_of(model):
    _, tuned, _ = lenses_of(model)
    own = Fit("here", unembedding=unembedding_hash(model))
    assert check_lens(model, TunedLens(tuned.weights, tuned.biases, own)) == ""
    other = Fit("another/model", unembedding="0" * 64)
    assert "another/model" in check_lens(model, TunedLens(tuned.weights, tuned.biases, other))


def test_centred_weights_are_refused_and_folded_ones_are_not():
    tuned = lenses_of(model_of("gpt2"))[1]

    def processed(**steps):
        settings = {"device": "cpu", "dtype": torch.float64, **steps}
        return HookedTransformer.from_pretrained_no_processing(hf_model=tiny("gpt2"), **settings)

    with pytest.raises(ValueError, match="open the model with raw weights"):
        check_lens(processed(center_writing_weights=True), tuned)
    assert check_lens(processed(fold_ln=True), tuned) == ""
