"""Every kind of sweep, in every family and both directions, is one patched forward per cell."""

from __future__ import annotations

import itertools

import pytest
import torch

from lensgui.analysis.sweep.sweep import sweep, sweep_many
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import TINY, tiny
from tests.references import KINDS, changes, model_of

CLEAN = torch.tensor([[3, 1, 4, 1, 5, 9, 2]])
METRIC = LogitDifference((11, 13), (7,))
ONE_CELL = 58_000  # bytes; that of all seven positions needs 57,120
CORRUPTED = {
    "one position": torch.tensor([[3, 1, 2, 1, 5, 9, 2]]),
    "several": torch.tensor([[3, 8, 4, 1, 7, 9, 2]]),
    "all": CLEAN + 10,
}


def some(result, count: int = 6) -> list[list[int]]:
    """A few cells, those that changed most among them, spread over the map."""
    order = result.values.abs().flatten().argsort(descending=True)
    chosen = [*order[: count // 2], *order[:: max(1, len(order) // (count // 2))]]
    return [torch.stack(torch.unravel_index(at, result.values.shape)).tolist() for at in chosen]


def agrees(model, clean, corrupted, kind, direction):
    *_, result = sweep(model, clean, corrupted, METRIC, kind, direction)
    source, base = (clean, corrupted) if direction == "denoising" else (corrupted, clean)
    cells = some(result)
    slow = changes(model, source, base, METRIC, kind, cells)
    ours = torch.stack([result.values[tuple(cell)] for cell in cells])
    scale = max(0.1, abs(result.clean - result.corrupted))
    assert (ours - slow).abs().max() <= 1e-9 * scale, (kind, direction)
    return result


@pytest.mark.parametrize("direction", ["denoising", "noising"])
@pytest.mark.parametrize("name", ["gpt2", "gptj", "llama", "gemma2", "mixtral"])
def test_every_kind_is_one_forward_per_cell(name, direction):
    model = model_of(name)
    for kind, corrupted in itertools.product(KINDS, CORRUPTED.values()):
        if kind.activation == "resid_mid" and model.cfg.parallel_attn_mlp:
            continue
        agrees(model, CLEAN, corrupted, kind, direction)


@pytest.mark.parametrize("name", TINY)
def test_heads_in_every_family(name):
    for kind in (SweepKind("z", "all"), SweepKind("k"), SweepKind("mlp_out")):
        agrees(model_of(name), CLEAN, CORRUPTED["several"], kind, "denoising")


def test_a_map_has_the_shape_of_its_axes():
    cfg = model_of("llama").cfg
    sizes = {"layer": cfg.n_layers, "position": 7, "source": 7, "head": cfg.n_heads}
    sizes["key_value_head"] = cfg.kv_heads
    for kind in KINDS:
        *_, result = sweep(model_of("llama"), CLEAN, CORRUPTED["several"], METRIC, kind)
        assert tuple(result.values.shape) == tuple(sizes[axis] for axis in kind.axes)
        assert result.values.isfinite().all()
        assert not result.values[result.unchanged].any()


def test_several_kinds_in_one_pass_are_each_alone():
    model, corrupted = model_of("llama"), CORRUPTED["several"]
    *_, together = sweep_many(model, CLEAN, corrupted, METRIC, KINDS)
    for kind, result in zip(KINDS, together, strict=True):
        *_, alone = sweep(model, CLEAN, corrupted, METRIC, kind)
        torch.testing.assert_close(result.values, alone.values, atol=1e-10, rtol=1e-9)


def test_a_small_budget_gives_the_same_numbers_and_too_small_a_sentence():
    model, corrupted = model_of("llama"), CORRUPTED["several"]
    *_, free = sweep(model, CLEAN, corrupted, METRIC, SweepKind("z"))
    *_, tight = sweep(model, CLEAN, corrupted, METRIC, SweepKind("z"), budget=ONE_CELL)
    torch.testing.assert_close(tight.values, free.values, atol=1e-10, rtol=1e-9)
    with pytest.raises(ValueError, match=r"needs [\d,]+ bytes and 100 are allowed"):
        list(sweep(model, CLEAN, corrupted, METRIC, SweepKind("z"), budget=100))


def test_the_directions_mirror_each_other_at_the_input():
    model, corrupted = model_of("gpt2"), CORRUPTED["one position"]
    *_, to_clean = sweep(model, CLEAN, corrupted, METRIC)
    *_, to_corrupted = sweep(model, CLEAN, corrupted, METRIC, direction="noising")
    assert float(to_clean.normalised[0, 2]) == pytest.approx(1, abs=1e-9)
    assert float(to_corrupted.normalised[0, 2]) == pytest.approx(-1, abs=1e-9)


@pytest.mark.parametrize(
    ("activation", "extent", "match"),
    [
        ("resid", "position", "There is no sweep of 'resid'"),
        ("mlp_out", "all", "position by position only"),
        ("z", "edge", "has no edges"),
    ],
)
def test_sweeps_that_do_not_exist(activation, extent, match):
    with pytest.raises(ValueError, match=match):
        SweepKind(activation, extent)


def test_parallel_blocks_have_no_middle():
    with pytest.raises(ValueError, match="parallel blocks"):
        list(sweep(model_of("gptj"), CLEAN, CORRUPTED["all"], METRIC, SweepKind("resid_mid")))


def test_attached_hooks_are_refused():
    model = model_of("llama")
    with (
        model.hooks([("hook_embed", lambda x, hook: None)]),
        pytest.raises(ValueError, match="Hooks are attached"),
    ):
        next(sweep(model, CLEAN, CORRUPTED["all"], METRIC))


def test_numbers_that_overflow_are_located():
    model = HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny("gpt2"), device="cpu", dtype=torch.float64
    ).requires_grad_(False)
    model.blocks[1].mlp.b_out.data[0] = torch.inf
    with pytest.raises(ValueError, match="not finite after layer 1"):
        list(sweep(model, CLEAN, CORRUPTED["all"], METRIC))


def test_the_most_important_cells_come_first():
    model, kind = model_of("llama"), SweepKind("z")
    *_, exact = sweep(model, CLEAN, CORRUPTED["several"], METRIC, kind)
    importance = torch.zeros_like(exact.values)
    wanted = (2, 4, 3)
    importance[wanted] = 1.0
    running = sweep(
        model, CLEAN, CORRUPTED["several"], METRIC, kind, budget=ONE_CELL, first=importance
    )
    for result in running:
        known = result.values.isfinite() & ~result.unchanged
        if known.any():
            break
    assert known[wanted]
    assert known.sum() < (~result.unchanged).sum()
    *_, result = running
    torch.testing.assert_close(result.values, exact.values, atol=1e-10, rtol=1e-9)


def test_a_walk_that_memory_refuses_is_halved(monkeypatch):
    from lensgui.analysis.sweep import batches

    model, kind = model_of("llama"), SweepKind("z", "all")
    *_, exact = sweep(model, CLEAN, CORRUPTED["several"], METRIC, kind)
    read = batches.PatchedPass.metric

    def refuse(walk, metric):
        if len(walk.cells) > 3:
            raise torch.OutOfMemoryError("no room")
        return read(walk, metric)

    monkeypatch.setattr(batches.PatchedPass, "metric", refuse)
    *_, result = sweep(model, CLEAN, CORRUPTED["several"], METRIC, kind)
    torch.testing.assert_close(result.values, exact.values, atol=1e-10, rtol=1e-9)
