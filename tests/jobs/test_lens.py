"""What the window is told of a lens on the toy is what the library reads, the start first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.analysis.lenses.files import save_lens
from lensgui.analysis.lenses.held_out import held_out_prompts
from lensgui.analysis.lenses.lens import JacobianLens, LogitLens, TunedLens
from lensgui.analysis.lenses.reading import lens_metric, lens_worth, read_lens
from lensgui.analysis.pairs.answers import answers
from lensgui.analysis.pairs.lens_readings import read_lens_of_pairs
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.questions.lens_requests import AverageLens, LensMetric, LensWorth, ReadLens
from lensgui.models import lenses
from lensgui.prompts.pair import PairRow, Role
from lensgui.terms.errors import ModelError
from lensgui.terms.metrics import Probability
from tests.answering import PAIR, TOY, last

ROWS = (
    PairRow(PAIR),
    PairRow(replace(PAIR, clean=PAIR.corrupted, corrupted=PAIR.clean)),
)
NAMES = ("entropy", "divergence", "surprisal", "log_probs", "tokens")


def run_of(toy, side, pair=PAIR):
    text = getattr(pair, side)
    return Run(toy, toy.to_tokens(text, prepend_bos=pair.bos)).complete()


def tuned(toy):
    cfg, generator = toy.cfg, torch.Generator().manual_seed(0)
    weights = torch.randn(cfg.n_layers, cfg.d_model, cfg.d_model, generator=generator) / 20
    return TunedLens(weights, torch.randn(cfg.n_layers, cfg.d_model, generator=generator))


def kept(lens, name="mine.safetensors"):
    save_lens(lens, lenses.folder() / name)
    return name


@pytest.mark.parametrize("side", ["clean", "corrupted"])
@pytest.mark.parametrize("is_fitted", [False, True])
def test_a_grid_is_what_the_library_reads(dispatcher, toy, home, side, is_fitted):
    lens = tuned(toy) if is_fitted else LogitLens()
    name = kept(lens) if is_fitted else ""
    found = last(dispatcher.answer(ReadLens(TOY, PAIR, side, name)))
    assert found.axes[0].coordinates == (*range(toy.cfg.n_layers), None)
    assert (found.states == CellState.EXACT).all()
    words = [token.text for token in found.chosen]
    assert words == [PAIR.answer, PAIR.distractor]
    tokens = [toy.to_single_token(word) for word in words]
    for cells in read_lens(run_of(toy, side), lens, tokens):
        at = cells.rows.numpy(), cells.positions.numpy()
        for array in NAMES:
            np.testing.assert_allclose(
                getattr(found, array)[at], getattr(cells, array).numpy(), atol=2e-5
            )
        np.testing.assert_allclose(found.logits[at], cells.chosen.numpy(), atol=1e-4)
        np.testing.assert_array_equal(found.ranks[at], cells.chosen_ranks.numpy())
    for token in np.unique(found.tokens).tolist():
        assert found.names[token].text == toy.to_single_str_token(token)


def test_the_start_is_known_first_and_nothing_is_made_up(dispatcher):
    grids = [one for one in dispatcher.answer(ReadLens(TOY, PAIR, "clean", start=4)) if one]
    first = grids[0].states == CellState.EXACT
    assert first[:, 4].all()
    assert not np.delete(first, 4, 1).any()
    assert not np.isfinite(grids[0].entropy[~first]).any()
    assert (grids[-1].states == CellState.EXACT).all()


@pytest.mark.parametrize("only", [0, 4, 99])
def test_one_position_alone_is_that_of_the_whole(dispatcher, only):
    whole = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean")))
    found = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", only=only)))
    at = only if only < whole.states.shape[1] else -1
    assert (found.states[:, at] == CellState.EXACT).all()
    assert not np.delete(found.states == CellState.EXACT, at, 1).any()
    np.testing.assert_allclose(found.entropy[:, at], whole.entropy[:, at], atol=1e-5)


@pytest.mark.parametrize("start", [-1, -99, 99, 0])
def test_a_start_that_is_not_there_is_the_end(dispatcher, start):
    first = next(one for one in dispatcher.answer(ReadLens(TOY, PAIR, "clean", start=start)) if one)
    at = 0 if start == 0 else -1
    assert (first.states[:, at] == CellState.EXACT).all()


@pytest.mark.parametrize("is_fitted", [False, True])
def test_the_metric_is_what_the_library_reads(dispatcher, toy, home, is_fitted):
    lens = tuned(toy) if is_fitted else LogitLens()
    name = kept(lens) if is_fitted else ""
    found = last(dispatcher.answer(LensMetric(TOY, PAIR, "corrupted", name)))
    expected = last(lens_metric(run_of(toy, "corrupted"), lens, answers(toy, PAIR).metric))
    np.testing.assert_allclose(found.values, expected.numpy(), atol=1e-4)
    assert (found.states == CellState.EXACT).all()


def test_rows_that_a_lens_has_nothing_for_stay_unknown(dispatcher, toy, home):
    name = kept(JacobianLens({0: torch.eye(toy.cfg.d_model)}))
    grid = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", name)))
    metric = last(dispatcher.answer(LensMetric(TOY, PAIR, "clean", name)))
    assert grid.unread == {0}
    for states in (grid.states, metric.states):
        assert (states[0] == CellState.UNKNOWN).all()
        assert (states[1:] == CellState.EXACT).all()


def test_a_lens_that_is_not_here_or_of_another_model_is_one_sentence(dispatcher, home):
    with pytest.raises(ModelError, match=r"There is no lens .*gone\.safetensors: import it"):
        last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", "gone.safetensors")))
    name = kept(TunedLens(torch.zeros(2, 4, 4), torch.zeros(2, 4)))
    with pytest.raises(ValueError, match="is 4 wide, and the model's stream 64"):
        last(dispatcher.answer(LensMetric(TOY, PAIR, "clean", name)))


def test_a_lens_that_is_written_anew_is_read_anew(dispatcher, toy, home):
    lens = tuned(toy)
    name = kept(lens)
    before = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", name)))
    kept(TunedLens(lens.weights * 0, lens.biases * 0), name)
    after = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", name)))
    plain = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean")))
    assert not np.allclose(before.entropy, after.entropy, atol=1e-3)
    np.testing.assert_allclose(after.entropy, plain.entropy, atol=1e-5)


def test_the_stream_between_attention_and_mlp_has_rows_of_its_own(dispatcher, toy):
    found = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", mid=True)))
    plain = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean")))
    n_layers = toy.cfg.n_layers
    assert found.axes[0].labels[:3] == ("L0", "L0 mid", "L1")
    assert found.axes[0].coordinates == (
        *(at for layer in range(n_layers) for at in (layer, None)),
        None,
    )
    np.testing.assert_allclose(found.entropy[::2], plain.entropy, atol=1e-5)
    cells = list(read_lens(run_of(toy, "clean"), LogitLens(), mid=True))
    for one in cells:
        at = one.rows.numpy(), one.positions.numpy()
        np.testing.assert_allclose(found.entropy[at], one.entropy.numpy(), atol=2e-5)
    metric = last(dispatcher.answer(LensMetric(TOY, PAIR, "clean", mid=True)))
    assert metric.values.shape == found.states.shape
    assert metric.axes == found.axes


def test_a_model_of_parallel_blocks_is_read_without_them_and_that_is_said(
    dispatcher, toy, monkeypatch
):
    monkeypatch.setattr(type(toy.cfg), "has_middle", property(lambda cfg: False))
    found = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", mid=True)))
    assert len(found.axes[0]) == toy.cfg.n_layers + 1
    assert "side by side" in found.remark
    assert last(dispatcher.answer(LensMetric(TOY, PAIR, "clean", mid=True))).axes == found.axes


def test_tokens_that_are_followed_stand_behind_answer_and_distractor(dispatcher, toy):
    typed = PAIR.distractor, PAIR.clean, PAIR.answer
    found = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", tokens=typed)))
    answer, distractor, same, several, again = found.chosen
    assert (same, several, again) == (distractor, None, answer)
    assert f"‘{PAIR.clean}’ is " in found.remark
    for array in (found.logits, found.ranks, found.chosen_log_probs):
        np.testing.assert_array_equal(array[..., 2], array[..., 1])
        np.testing.assert_array_equal(array[..., 4], array[..., 0])
        assert np.isnan(array[..., 3]).all()


@pytest.mark.parametrize("value", ["metric", "answer", "distractor"])
@pytest.mark.parametrize("side", ["clean", "corrupted", "difference"])
def test_a_mean_is_over_what_the_library_reads_of_each_pair(dispatcher, toy, value, side):
    grids = [
        one for one in dispatcher.answer(AverageLens(TOY, PAIR, side, value, rows=ROWS)) if one
    ]
    read = []
    for row in ROWS:
        found = answers(toy, row.pair)
        metric = found.metric if value == "metric" else Probability(getattr(found, value))
        each = {
            one: last(lens_metric(run_of(toy, one, row.pair), LogitLens(), metric))
            for one in ("clean", "corrupted")
        }
        read.append(each["clean"] - each["corrupted"] if side == "difference" else each[side])
    every = torch.stack(read)
    np.testing.assert_allclose(grids[-1].values, every.mean(0).numpy(), atol=1e-4)
    np.testing.assert_allclose(grids[-1].deviation, every.std(0).numpy(), atol=1e-4)
    assert (grids[-1].pairs, grids[-1].total) == (len(ROWS),) * 2
    library = last(read_lens_of_pairs(toy, ROWS, LogitLens(), value, side))
    torch.testing.assert_close(library, every, atol=1e-4, rtol=0)


def test_prompts_laid_out_differently_are_matched_by_role(dispatcher, toy):
    rows = (
        PairRow(PAIR, (Role("end", len(PAIR.clean)),)),
        PairRow(
            replace(PAIR, clean=f"so {PAIR.clean}", corrupted=f"so {PAIR.corrupted}"),
            (Role("end", 3 + len(PAIR.clean)),),
        ),
    )
    found = last(dispatcher.answer(AverageLens(TOY, PAIR, "clean", "metric", rows=rows)))
    assert found.axes[1].labels == ("end",)
    ends = [
        last(
            lens_metric(run_of(toy, "clean", row.pair), LogitLens(), answers(toy, row.pair).metric)
        )
        for row in rows
    ]
    expected = (ends[0][:, -1] + ends[1][:, -1]) / 2
    np.testing.assert_allclose(found.values[:, 0], expected.numpy(), atol=1e-4)


def test_a_pair_that_lacks_what_is_read_is_named(dispatcher):
    rows = (PairRow(replace(PAIR, answer=" so on", metric="log-probability")),)
    with pytest.raises(ValueError, match=r"Pair “.*” has an answer of several tokens"):
        last(dispatcher.answer(AverageLens(TOY, PAIR, "clean", "metric", rows=rows)))


def test_what_a_lens_is_worth_is_measured_on_a_text_of_its_own(dispatcher, toy, home):
    name = kept(tuned(toy))
    for lens, of in ((LogitLens(), ""), (tuned(toy), name)):
        found = [one for one in dispatcher.answer(LensWorth(TOY, of)) if one]
        prompts = held_out_prompts(toy)
        assert len(found) == len(prompts) > 3
        sums = sum(len(ids) * lens_worth(Run(toy, ids), lens) for ids in prompts)
        expected = sums / sum(map(len, prompts))
        np.testing.assert_allclose(found[-1].values, expected.numpy(), atol=1e-4)
        assert found[-1].axes[0].labels[-1] == "end"
        assert found[-1].values[-1] == pytest.approx(0, abs=1e-5)


def test_the_selected_token_is_followed_last_and_one_beyond_the_vocabulary_is_not(dispatcher, toy):
    plain = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", tokens=(PAIR.answer,))))
    found = last(dispatcher.answer(ReadLens(TOY, PAIR, "clean", tokens=(PAIR.answer,), token=9)))
    assert [token and token.id for token in found.chosen][-1] == 9
    assert found.chosen[:-1] == plain.chosen
    cells = list(read_lens(run_of(toy, "clean"), LogitLens(), (9,)))
    for one in cells:
        at = one.rows.numpy(), one.positions.numpy()
        np.testing.assert_allclose(found.logits[(*at, -1)], one.chosen[:, 0].numpy(), atol=1e-4)
    beyond = ReadLens(TOY, PAIR, "clean", tokens=(PAIR.answer,), token=toy.cfg.d_vocab)
    assert last(dispatcher.answer(beyond)).chosen == plain.chosen
