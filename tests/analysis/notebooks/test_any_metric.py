"""Patching with a notebook's own metric: what a whole forward a cell gives, and what it may do."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lensgui import patching, sweep
from lensgui.analysis.notebooks import generic
from lensgui.analysis.sweep import in_order
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.hooks.names import get_act_name
from tests.analysis.sweep.test_sweeps_drawn import FAMILIES, drawn, prompts
from tests.references import attached, close, kinds_of, model_of, putting, where

CLEAN = torch.tensor([[3, 1, 4, 1, 5, 9]])
CORRUPTED = torch.tensor([[3, 1, 2, 1, 5, 9]])
ANSWERS = torch.tensor([[11, 7], [5, 2], [8, 8]])


def by_index(logits: Tensor) -> Tensor:
    return logits[0, -1, 11] - logits[0, -1, 7]


def by_gather(logits: Tensor) -> Tensor:
    last = logits[:, -1, :]
    chosen = last.gather(1, ANSWERS[: len(last)])
    return (chosen[:, 0] - chosen[:, 1]).mean()


def divergence(logits: Tensor) -> Tensor:
    found = logits[:, -1].log_softmax(-1)
    return F.kl_div(found, torch.full_like(found, -3.0), reduction="sum", log_target=True)


def loss(logits: Tensor) -> Tensor:
    return logits.log_softmax(-1)[:, :-1, 5].sum()


def earlier(logits: Tensor) -> float:
    return float(logits[-1, 2].max() + logits[0, 1:3, 4].sum())


def in_place(logits: Tensor) -> Tensor:
    logits -= logits.mean(-1, keepdim=True)
    return logits[0, -1, 3]


METRICS = (by_index, by_gather, divergence, loss, earlier, in_place)
SETTERS = {
    "position": patching.layer_pos_head_vector_patch_setter,
    "all": patching.layer_head_vector_patch_setter,
}
PATTERN_SETTERS = {
    "position": patching.layer_head_pos_pattern_patch_setter,
    "all": patching.layer_head_pattern_patch_setter,
    "edge": patching.layer_head_dest_src_pos_pattern_patch_setter,
}


def setter(kind: SweepKind) -> Callable[..., Tensor]:
    """The setter that makes a kind of sweep."""
    if not kind.is_of_heads:
        return patching.layer_pos_patch_setter
    return (SETTERS if kind.has_vectors else PATTERN_SETTERS)[kind.extent]


@torch.no_grad()
def slowly(model, tokens, cache, kind: SweepKind, metric, indices) -> Tensor:
    """The metric of each index by one whole forward with a plain hook."""
    found = []
    for layer, *index in indices:
        hook = putting(get_act_name(kind.activation, layer), where(kind, index), cache)
        logits = model.run_with_hooks(tokens, fwd_hooks=[hook])
        found.append(torch.as_tensor(metric(logits.clone()), dtype=torch.float64))
    return torch.stack(found)


@pytest.mark.parametrize("name", FAMILIES)
@drawn(3)
@given(data=st.data(), metrics=st.permutations(METRICS))
def test_every_kind_gives_what_a_forward_a_cell_gives(name, data, metrics):
    model = model_of(name)
    clean, corrupted = data.draw(prompts(data.draw(st.sampled_from(["several", "one"])), (1, 3)))
    cache = model.run_with_cache(clean)[1]
    for number, kind in enumerate(kinds_of(model)):
        metric = metrics[number % len(metrics)]
        if clean.shape[1] < 4 and metric is earlier:
            continue
        sizes = generic.map_shape(kind, model, clean.shape[1])
        places = list(itertools.product(*map(range, sizes)))
        indices = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=6))
        found = patching.generic_activation_patch(
            model, corrupted, cache, metric, setter(kind), kind.activation, index_df=indices
        )
        close(found, slowly(model, corrupted, cache, kind, metric, indices))


@pytest.fixture(scope="module")
def model():
    return model_of("llama")


@pytest.fixture(scope="module")
def given_(model):
    return model, CORRUPTED, model.run_with_cache(CLEAN)[1]


@pytest.fixture
def engine(monkeypatch):
    """Refuses a whole forward pass a cell."""
    monkeypatch.setattr(generic, "_patched", None)


@pytest.mark.parametrize("metric", METRICS)
def test_maps_are_the_engines_whatever_the_metric(engine, given_, metric):
    found = patching.get_act_patch_resid_pre(*given_, metric)
    places = list(itertools.product(range(3), range(6)))
    close(found.flatten(), slowly(*given_, SweepKind("resid_pre"), metric, places))
    every = patching.get_act_patch_attn_head_all_pos_every(*given_, metric)
    assert every.shape == (5, 3, 4)


@pytest.mark.parametrize(
    "kept", ["hook_z", "hook_resid_post", "hook_resid_mid", "hook_attn_out", "hook_resid_pre"]
)
def test_a_cache_of_just_what_is_patched_will_do(given_, kept):
    model, corrupted, whole = given_
    cache = model.run_with_cache(CLEAN, names_filter=lambda name: name.endswith(kept))[1]
    kind = SweepKind(kept.removeprefix("hook_"), "all" if kept == "hook_z" else "position")
    places = [(layer, at) for layer in range(3) for at in range(4)]
    arguments = (by_index, setter(kind), kind.activation)
    found = patching.generic_activation_patch(model, corrupted, cache, *arguments, index_df=places)
    close(found, slowly(model, corrupted, whole, kind, by_index, places))
    plain = dict(cache.items())
    again = patching.generic_activation_patch(model, corrupted, plain, *arguments, index_df=places)
    close(again, found)


def test_it_is_called_once_a_cell_in_order(engine, given_):
    model, corrupted, cache = given_
    slow = slowly(*given_, SweepKind("resid_pre"), by_index, [(2, 3), (0, 2), (2, 3), (1, 5)])
    seen: list[float] = []

    def metric(logits: Tensor) -> float:
        assert logits.shape == (1, 6, model.cfg.d_vocab_out)
        seen.append(float(by_index(logits)))
        return seen[-1]

    found = patching.generic_activation_patch(
        model,
        corrupted,
        cache,
        metric,
        patching.layer_pos_patch_setter,
        "resid_pre",
        index_df=[(2, 3), (0, -4), (2, -3), (1, 5)],
    )
    close(found, slow)
    close(torch.tensor(seen, dtype=torch.float64), slow)


def test_what_changes_nothing_gives_the_base_to_the_bit(given_):
    model, corrupted, _ = given_
    for metric in METRICS:
        found = patching.get_act_patch_attn_head_out_by_pos(*given_, metric)
        *_, swept = sweep(model, CLEAN, corrupted, metric, SweepKind("z"))
        assert not swept.values[:, :2].any(), "nothing differs before position 2"
        assert len(found[:, :2].unique()) == 1
        assert len(found.unique()) > 3 or metric is earlier


def test_logits_that_are_kept_can_be_read_later(engine, given_):
    kept: list[Tensor] = []

    def keeping(logits: Tensor) -> float:
        kept.append(logits)
        return 0.0

    patching.get_act_patch_resid_pre(*given_, keeping)
    later = torch.stack([by_index(logits) for logits in reversed(kept)]).flip(0)
    close(later, patching.get_act_patch_resid_pre(*given_, by_index).flatten())


def test_many_cells_are_read_by_one_product(engine, given_, monkeypatch):
    read_out, rows = in_order.read_out, []

    def counting(model, residual, columns=None):
        rows.append(residual.shape[:-1].numel())
        return read_out(model, residual, columns)

    monkeypatch.setattr(in_order, "read_out", counting)
    found = patching.get_act_patch_resid_pre(*given_, by_gather)
    live = int((found != found[0, 0]).sum())
    assert rows == [1, live], "the base run's row, and those of all cells that change it"
    assert live > 6
    rows.clear()
    last = [(2, at) for at in range(6)]
    arguments = (by_gather, patching.layer_pos_patch_setter, "resid_post")
    found = patching.generic_activation_patch(*given_, *arguments, index_df=last)
    assert rows == [1, 1], "a row that is the base run's to the bit is not read again"
    assert len(found[:-1].unique()) == 1 != len(found.unique())


def test_no_cells_are_no_numbers(given_):
    model, corrupted, cache = given_
    for metric in (by_index, LogitDifference((11,), (7,))):
        found = patching.generic_activation_patch(
            model,
            corrupted,
            cache,
            metric,
            patching.layer_pos_patch_setter,
            "resid_pre",
            index_df=[],
        )
        assert found.shape == (0,)
    nothing = torch.zeros(3, 6, dtype=torch.bool)
    *_, result = sweep(model, CLEAN, corrupted, by_index, only=nothing)
    assert result.values.isnan().all()


def test_small_pieces_give_the_same(given_, monkeypatch):
    whole = [patching.get_act_patch_attn_head_out_by_pos(*given_, metric) for metric in METRICS]
    monkeypatch.setattr(in_order, "_AT_ONCE", 1)
    monkeypatch.setattr(in_order, "_KEPT", 1)
    monkeypatch.setattr(in_order, "MOST_ROWS", 5)
    for metric, before in zip(METRICS, whole, strict=True):
        close(patching.get_act_patch_attn_head_out_by_pos(*given_, metric), before)


def test_a_memory_that_refuses_many_cells_is_asked_for_few(given_, monkeypatch):
    whole = patching.get_act_patch_resid_pre(*given_, by_index)
    through, asked = in_order.through, []

    def refusing(model, batches, layers):
        cells = sum(len(waiting) for batch in batches for waiting in batch._waiting.values())
        asked.append(cells)
        if cells > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        yield from through(model, batches, layers)

    monkeypatch.setattr(in_order, "through", refusing)
    close(patching.get_act_patch_resid_pre(*given_, by_index), whole)
    assert max(asked) > 2


@pytest.mark.parametrize("direction", ["denoising", "noising"])
@pytest.mark.parametrize("kind", [SweepKind("resid_pre"), SweepKind("k", "all")])
def test_a_sweep_takes_any_metric(model, kind, direction):
    declared = LogitDifference((11,), (7,))
    *_, wanted = sweep(model, CLEAN, CORRUPTED, declared, kind, direction)
    *_, found = sweep(model, CLEAN, CORRUPTED, by_index, kind, direction)
    close(found.values, wanted.values)
    assert found.unchanged.equal(wanted.unchanged)
    assert (found.clean, found.corrupted) == pytest.approx((wanted.clean, wanted.corrupted))
    order = wanted.values.abs()
    called: list[float] = []

    def metric(logits: Tensor) -> Tensor:
        called.append(float(by_index(logits)))
        return by_index(logits)

    only = order > order.median()
    *_, some = sweep(model, CLEAN, CORRUPTED, metric, kind, direction, first=order, only=only)
    close(some.values[only], wanted.values[only])
    assert some.values[~only].isnan().all()
    base = found.corrupted if direction == "denoising" else found.clean
    sizes = (torch.tensor(called[2:]) - base).abs()
    assert len(sizes) == int(only.sum())
    assert (sizes.diff() <= 1e-9).all(), "the largest first"


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (
            lambda logits: logits[0, -1],
            r"a tensor of shape \[41\] for layer 0, position 0",
        ),
        (lambda logits: None, "returned nothing for layer 0"),
        (lambda logits: "high", "returned str 'high' for layer 0"),
        (lambda logits: logits, r"returned a tensor of shape \[1, 6, 41\]"),
        (lambda logits: logits[0, -1, 3] + 1j, "must return one number"),
    ],
)
def test_a_metric_that_gives_no_number_is_refused_in_a_sentence(given_, metric, words):
    model = given_[0]
    words = words.replace("41", str(model.cfg.d_vocab_out))
    with pytest.raises(ValueError, match=words):
        patching.get_act_patch_resid_pre(*given_, metric)
    with pytest.raises(ValueError, match="must return one number"):
        list(sweep(model, CLEAN, CORRUPTED, metric))
    assert attached(model) == 0


def test_nan_stays_and_is_said_once(given_):
    usual = patching.get_act_patch_resid_pre(*given_, by_index)

    def metric(logits: Tensor) -> Tensor:
        return (by_index(logits) - usual.mean()).log()

    with pytest.warns(UserWarning, match="NaN in .* of 18 cells, first for layer") as said:
        found = patching.get_act_patch_resid_pre(*given_, metric)
    assert len(said) == 1
    wanted = (usual - usual.mean()).log()
    assert wanted.isnan().any()
    close(found.nan_to_num(99), wanted.nan_to_num(99))

    def doubled(activation: Tensor, index, clean: Tensor) -> Tensor:
        return activation * 2

    with pytest.warns(UserWarning, match=r"NaN in 1 of 1 cells, first for index \(1, 0\)"):
        patching.generic_activation_patch(
            *given_, lambda logits: torch.nan, doubled, "mlp_out", index_df=[(1, 0)]
        )
    with pytest.raises(ValueError, match="The metric of the clean run is nan"):
        list(sweep(given_[0], CLEAN, CORRUPTED, lambda logits: logits[0, 0, 0] * torch.nan))


def test_a_metric_may_ask_for_gradients(given_):
    def metric(logits: Tensor) -> Tensor:
        with torch.enable_grad():
            last = logits[0, -1].clone().requires_grad_()
            return last[11] - last[7]

    wanted = patching.get_act_patch_resid_pre(*given_, by_index)
    found = patching.get_act_patch_resid_pre(*given_, metric)
    assert not found.requires_grad
    close(found, wanted)


def test_what_a_metric_raises_says_where_and_leaves_nothing(given_):
    model, calls = given_[0], itertools.count()

    def metric(logits: Tensor) -> Tensor:
        if next(calls) == 13:
            raise KeyError("no such answer")
        return by_index(logits)

    with pytest.raises(KeyError, match="no such answer") as raised:
        patching.get_act_patch_resid_pre(*given_, metric)
    assert raised.value.__notes__ == ["The metric raised this for layer 2, position 1."]
    assert attached(model) == 0
    assert patching.get_act_patch_resid_pre(*given_, metric).isfinite().all()


def test_a_sweep_may_be_left_in_the_middle_and_a_budget_be_too_small(model):
    steps = sweep(model, CLEAN, CORRUPTED, by_index, SweepKind("z"))
    for _ in range(5):
        next(steps)
    steps.close()
    assert attached(model) == 0
    with pytest.raises(ValueError, match="allow more, or shorten the prompt"):
        list(sweep(model, CLEAN, CORRUPTED, by_index, budget=100))
    *_, result = sweep(model, CLEAN, CORRUPTED, by_index, SweepKind("z"), budget=100_000)
    assert result.values.isfinite().all()


def test_hooks_and_other_setters_go_the_slow_way_and_say_so(given_, caplog):
    model, corrupted, cache = given_

    def doubled(activation: Tensor, index, clean: Tensor) -> Tensor:
        activation[:, index[1]] = 2 * clean[:, index[1]]
        return activation

    places = [(0, 5), (2, 3)]
    found = patching.generic_activation_patch(
        model, corrupted, cache, by_gather, doubled, "mlp_out", index_df=places
    )
    twice = {name: 2 * value for name, value in cache.items()}
    close(found, slowly(model, corrupted, twice, SweepKind("mlp_out"), by_gather, places))
    name = "blocks.1.hook_mlp_out"
    with caplog.at_level("INFO"), model.hooks([(name, lambda x, hook: x * 0.5)]):
        hooked = patching.get_act_patch_resid_pre(*given_, by_index)
        slow = slowly(*given_, SweepKind("resid_pre"), by_index, [(1, 2)])
    assert f"whole forward pass: hooks are attached, at {name}" in caplog.text
    close(hooked[1, 2], slow[0])
