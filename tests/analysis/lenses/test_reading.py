"""What is read of each cell is what the whole logits of that cell say, each cell once."""

from __future__ import annotations

from math import log

import pytest
import torch

from lensgui.analysis.lenses import cells as in_cells
from lensgui.analysis.lenses import reading
from lensgui.analysis.lenses.lens import LogitLens, lens_logits
from lensgui.analysis.lenses.reading import lens_metric, lens_worth, read_lens
from lensgui.analysis.run.predictions import logit_lens
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import KLDivergence, LogitDifference, Probability, Rank
from tests.analysis.lenses.test_lens import lenses_of
from tests.answering import last
from tests.checkpoints.tiny_models import prompts
from tests.references import close, model_of

TOKENS = (3, 7)


def cells_of(run, lens, **named):
    """Every cell that is read, by row and position."""
    found = {}
    for cells in read_lens(run, lens, TOKENS, **named):
        for at, (row, position) in enumerate(zip(cells.rows, cells.positions, strict=True)):
            place = int(row), int(position)
            assert place not in found
            found[place] = {name: getattr(cells, name)[at] for name in cells.__slots__}
    return found


@pytest.mark.parametrize("which", range(3))
def test_each_cell_is_what_its_logits_say(model, run, which):
    lens = lenses_of(model)[which]
    found = cells_of(run, lens, position=4, k=5)
    n_layers, length = model.cfg.n_layers, len(run.tokens)
    rows = [row for row in range(n_layers) if lens.reads(row)] + [n_layers]
    assert found.keys() == {(row, at) for row in rows for at in range(length)}
    own = model(run.tokens[None])[0].log_softmax(-1)
    for row in rows:
        logits = lens_logits(model, lens, run.residuals[row], row)
        log_probs = logits.log_softmax(-1)
        for at in range(length):
            cell = found[row, at]
            close(cell["log_probs"], log_probs[at].topk(5).values)
            close(log_probs[at][cell["tokens"]], cell["log_probs"])
            close(cell["entropy"], torch.distributions.Categorical(logits=logits[at]).entropy())
            divergence = (own[at].exp() * (own[at] - log_probs[at])).sum()
            close(cell["divergence"], divergence)
            close(cell["chosen"], logits[at, list(TOKENS)])
            close(cell["chosen_log_probs"], log_probs[at, list(TOKENS)])
            ranks = [int((logits[at] > logits[at, token]).sum()) for token in TOKENS]
            assert cell["chosen_ranks"].tolist() == ranks
            if at + 1 < length:
                close(cell["surprisal"], -log_probs[at, run.tokens[at + 1]] / log(2))
            else:
                assert cell["surprisal"].isnan()


def test_the_position_that_is_looked_at_comes_first_and_then_its_neighbours(
    model, run, monkeypatch
):
    monkeypatch.setattr(in_cells, "most_cells", lambda model: model.cfg.n_layers + 1)
    order = [int(at) for cells in read_lens(run, LogitLens(), position=5) for at in cells.positions]
    seen = list(dict.fromkeys(order))
    assert seen[:5] == [5, 4, 6, 3, 7]
    assert sorted(seen) == list(range(len(run.tokens)))


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_pieces_of_any_size_read_the_same(model, run, monkeypatch, most):
    whole = cells_of(run, LogitLens())
    monkeypatch.setattr(in_cells, "most_cells", lambda model: most)
    pieces = cells_of(run, LogitLens())
    assert pieces.keys() == whole.keys()
    for place, cell in whole.items():
        close(pieces[place]["divergence"], cell["divergence"])


def test_a_position_or_token_that_is_not_there_is_refused(run):
    with pytest.raises(ValueError, match="no position 99: the prompt has"):
        next(read_lens(run, LogitLens(), position=99))
    with pytest.raises(ValueError, match="has no token 1000000"):
        next(read_lens(run, LogitLens(), (10**6,)))


def test_one_token_is_read(model):
    short = Run(model, prompts(1)[:, :1])
    assert len(cells_of(short, LogitLens())) == model.cfg.n_layers + 1


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize(
    "metric",
    [LogitDifference((3,), (7, 8)), Probability((5,)), Rank((5,)), KLDivergence()],
    ids=lambda metric: metric.name,
)
def test_a_metric_is_read_everywhere_from_the_lens_s_logits(model, run, which, metric):
    lens = lenses_of(model)[which]
    found = last(lens_metric(run, lens, metric))
    n_layers, length = model.cfg.n_layers, len(run.tokens)
    assert found.shape == (n_layers + 1, length)
    own = model(run.tokens[None])[0]
    for row in range(n_layers + 1):
        if row < n_layers and not lens.reads(row):
            assert found[row].isnan().all()
            continue
        logits = lens_logits(model, lens, run.residuals[row], row)
        for at in range(length):
            expected = metric.against(own[at])(logits[None, at : at + 1])
            assert float(found[row, at]) == pytest.approx(float(expected), abs=1e-9)


MIDDLE = pytest.mark.parametrize("model", ["gpt2", "gemma2", "granite"], indirect=True)


@MIDDLE
def test_the_stream_between_attention_and_mlp_is_read_where_it_is_asked_for(model, run):
    _, cache = model.run_with_cache(run.tokens[None])
    found = cells_of(run, LogitLens(), position=4, mid=True)
    metric = LogitDifference((3,), (7, 8))
    values = last(lens_metric(run, LogitLens(), metric, mid=True))
    n_layers, length = model.cfg.n_layers, len(run.tokens)
    assert {row for row, _ in found} == set(range(2 * n_layers + 1))
    assert values.shape == (2 * n_layers + 1, length)
    for row in range(2 * n_layers + 1):
        layer, is_mid = divmod(row, 2)
        at_end = layer == n_layers
        name = ("resid_post", layer - 1) if at_end else (("resid_pre", "resid_mid")[is_mid], layer)
        logits = lens_logits(model, LogitLens(), cache[name][0], n_layers)
        for at in range(length):
            close(found[row, at]["chosen"], logits[at, list(TOKENS)])
            expected = metric(logits[None, at : at + 1])
            assert float(values[row, at]) == pytest.approx(float(expected), abs=1e-9)


@MIDDLE
def test_a_fitted_lens_reads_nothing_between_attention_and_mlp(model, run):
    lens = lenses_of(model)[1]
    assert {row for row, _ in cells_of(run, lens, mid=True)} == {
        2 * row for row in range(model.cfg.n_layers + 1)
    }


@pytest.mark.parametrize("model", ["cohere", "gpt_neox"], indirect=True)
def test_parallel_blocks_have_nothing_between_attention_and_mlp(run):
    with pytest.raises(ValueError, match=r"no stream between attention and MLP in .*: leave"):
        next(read_lens(run, LogitLens(), mid=True))
    with pytest.raises(ValueError, match="no stream between attention and MLP"):
        next(lens_metric(run, LogitLens(), Rank((3,)), mid=True))


def test_a_long_prompt_is_read_between_attention_and_mlp_in_pieces(monkeypatch):
    model = model_of("gpt2")
    run = Run(model, prompts(1))
    whole = last(lens_metric(run, LogitLens(), Rank((3,)), mid=True))
    monkeypatch.setattr(reading, "_MID_AT_ONCE", 3)
    assert torch.equal(last(lens_metric(run, LogitLens(), Rank((3,)), mid=True)), whole)


def test_of_one_position_it_is_the_logit_lens_of_the_inspector(model, run):
    found = cells_of(run, LogitLens(), position=3)
    expected = logit_lens(run, 3)[:, list(TOKENS)]
    close(torch.stack([found[row, 3]["chosen"] for row in range(model.cfg.n_layers + 1)]), expected)


def test_worth_is_the_mean_divergence_by_row_and_nothing_at_the_last(model, run):
    for lens in lenses_of(model):
        found, cells = lens_worth(run, lens), cells_of(run, lens)
        for row in range(model.cfg.n_layers + 1):
            divergences = [cell["divergence"] for (at, _), cell in cells.items() if at == row]
            if divergences:
                assert float(found[row]) == pytest.approx(float(sum(divergences)) / len(run.tokens))
            else:
                assert found[row].isnan()
        assert float(found[-1]) == pytest.approx(0, abs=1e-12)
