"""On prompts nobody chose, every cell of every kind is what a plain hooked forward pass gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lensgui import patching
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep_many
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import VOCABULARY
from tests.references import kinds_of, model_of, where

BAR = 1e-9  # of the difference between the prompts
LEAST = 0.1  # logits: what the prompts must differ by
FAMILIES = ("gpt2", "gpt_neox", "llama", "gemma2", "mixtral")
LENGTHS = (9, 4, 8, 3, 6)  # the first is the simplest to hypothesis: beyond the window of 7
DIFFERING: dict[str, Callable[[int], int]] = {
    "one": lambda length: 1,
    "several": lambda length: length // 2 + 1,
    "all": lambda length: length,
}
EDGES = 7  # of so many edges of a pattern, one is compared
PATCHES = {
    "resid_pre": SweepKind("resid_pre"),
    "resid_mid": SweepKind("resid_mid"),
    "attn_out": SweepKind("attn_out"),
    "mlp_out": SweepKind("mlp_out"),
    "attn_head_out_by_pos": SweepKind("z"),
    "attn_head_out_all_pos": SweepKind("z", "all"),
    **{f"attn_head_{name}_by_pos": SweepKind(name) for name in ("q", "k", "v", "pattern")},
    **{f"attn_head_{n}_all_pos": SweepKind(n, "all") for n in ("q", "k", "v", "pattern")},
    "attn_head_pattern_dest_src_pos": SweepKind("pattern", "edge"),
}


def drawn(examples: int):
    """The same few examples each time, however long they take."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def prompts(draw, extent: str, batches: tuple[int, int] = (1, 1)):
    """A clean and a corrupted batch, [batch, position], that differ in some positions."""
    length, batch = draw(st.sampled_from(LENGTHS)), draw(st.integers(*batches))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    clean = torch.randint(VOCABULARY, (batch, length), generator=generator)
    other = torch.randint(1, VOCABULARY, (batch, length), generator=generator)
    differing = torch.randperm(length, generator=generator)[: DIFFERING[extent](length)]
    corrupted = clean.clone()
    corrupted[:, differing] = (clean + other)[:, differing] % VOCABULARY
    return clean, corrupted


@st.composite
def metrics(draw):
    """A logit difference of one to three tokens each, at the last position or the one before."""
    tokens = st.integers(0, VOCABULARY - 1)
    ids = draw(st.lists(tokens, min_size=2, max_size=6, unique=True))
    half = len(ids) // 2
    return LogitDifference(tuple(ids[:half]), tuple(ids[half:]), draw(st.sampled_from([-1, -2])))


def shape_of(model: HookedTransformer, kind: SweepKind, length: int) -> tuple[int, ...]:
    """The sizes of a map's axes."""
    sizes = {"layer": model.cfg.n_layers, "position": length, "source": length}
    sizes |= {"head": model.cfg.n_heads, "key_value_head": model.cfg.kv_heads}
    return tuple(sizes[axis] for axis in kind.axes)


@torch.no_grad()
def read(model, tokens, metric: LogitDifference, hooks=()) -> torch.Tensor:
    """The metric of each row of a batch, [batch]."""
    logits = model.run_with_hooks(tokens, fwd_hooks=list(hooks))
    return metric.of_columns(logits[:, metric.position][:, list(metric.columns)])


def cells_of(model, kind: SweepKind, length: int, first: int = 0) -> list[tuple[int, ...]]:
    """The cells of a layer that are compared: all, but of edges every seventh from the first."""
    _, *sizes = shape_of(model, kind, length)
    cells = list(itertools.product(*map(range, sizes)))
    return cells[first::EDGES] if kind.extent == "edge" else cells


@torch.no_grad()
def patched(model, source, base, metric, kind, cells) -> torch.Tensor:
    """The metric of cells, [layer, cell, batch]: each its rows of a plain forward with a hook."""
    batch, layers = len(base), []
    ending = get_act_name(kind.activation, 0).removeprefix("blocks.0")
    _, cache = model.run_with_cache(source, names_filter=lambda name: name.endswith(ending))
    for layer in range(model.cfg.n_layers):
        name = get_act_name(kind.activation, layer)

        def put(x, hook):
            x = x.clone()
            for at, cell in enumerate(cells):
                rows = x[at * batch : (at + 1) * batch]
                rows[where(kind, cell)] = cache[hook.name][where(kind, cell)]
            return x

        values = read(model, base.repeat(len(cells), 1), metric, [(name, put)])
        layers.append(values.view(len(cells), batch))
    return torch.stack(layers)


def at(values: torch.Tensor, cells: list[tuple[int, ...]]) -> torch.Tensor:
    """The cells of a map, [layer, cell]."""
    return values[(slice(None), *torch.tensor(cells).T)]


@pytest.mark.parametrize("extent", DIFFERING)
@pytest.mark.parametrize("direction", ["denoising", "noising"])
@pytest.mark.parametrize("name", FAMILIES)
@drawn(2)
@given(data=st.data(), metric=metrics(), first=st.integers(0, EDGES - 1))
def test_every_cell_of_every_kind(name, direction, extent, data, metric, first):
    model, pair = model_of(name), data.draw(prompts(extent))
    clean, corrupted = (float(read(model, tokens, metric)) for tokens in pair)
    assume(abs(clean - corrupted) >= LEAST)
    source, base = pair if direction == "denoising" else reversed(pair)
    start = clean if direction == "noising" else corrupted
    *_, results = sweep_many(model, *pair, metric, kinds_of(model), direction)
    for result in results:
        cells = cells_of(model, result.kind, base.shape[1], first)
        slow = patched(model, source, base, metric, result.kind, cells)[..., 0] - start
        worst = float((at(result.values, cells) - slow).abs().max())
        assert worst <= BAR * abs(clean - corrupted), result.kind
        assert result.clean == pytest.approx(clean, abs=BAR)
        assert result.corrupted == pytest.approx(corrupted, abs=BAR)


@pytest.mark.parametrize("name", FAMILIES)
@drawn(2)
@given(data=st.data(), metric=metrics(), seed=st.integers(0, 2**16))
def test_chosen_cells_in_a_chosen_order(name, data, metric, seed):
    model, pair = model_of(name), data.draw(prompts("several"))
    clean, corrupted = (float(read(model, tokens, metric)) for tokens in pair)
    assume(abs(clean - corrupted) >= LEAST)
    kinds = data.draw(st.permutations(kinds_of(model)))[:3]
    names = data.draw(st.sampled_from([frozenset[str](), frozenset({"z", "q", "k", "pattern"})]))
    runs = [Run(model, tokens, names) for tokens in pair]
    generator, length = torch.Generator().manual_seed(seed), pair[0].shape[1]
    shapes = [shape_of(model, kind, length) for kind in kinds]
    only = [torch.rand(shape, generator=generator) < 0.5 for shape in shapes]
    order = [torch.rand(shape, generator=generator) for shape in shapes]
    *_, results = sweep_many(model, *runs, metric, kinds, first=order, only=only)
    for result, wanted in zip(results, only, strict=True):
        known = wanted | result.unchanged
        assert result.values.isfinite().equal(known)
        cells = cells_of(model, result.kind, length)
        slow = patched(model, *pair, metric, result.kind, cells)[..., 0] - corrupted
        apart = (at(result.values, cells) - slow)[at(known, cells)].abs().tolist()
        assert max(apart, default=0) <= BAR * abs(clean - corrupted), result.kind


@pytest.mark.parametrize("name", FAMILIES)
@drawn(2)
@given(data=st.data(), metric=metrics(), functions=st.permutations(sorted(PATCHES)))
def test_notebook_patching_over_a_batch(name, data, metric, functions):
    model = model_of(name)
    extent = data.draw(st.sampled_from(["several", "all", "one"]))
    pair = data.draw(prompts(extent, batches=(2, 3)))
    clean, corrupted = (float(read(model, tokens, metric).mean()) for tokens in pair)
    assume(abs(clean - corrupted) >= LEAST)
    _, cache = model.run_with_cache(pair[0])
    for function in functions[:6]:
        kind = PATCHES[function]
        if kind not in kinds_of(model):
            continue
        ours = getattr(patching, f"get_act_patch_{function}")(model, pair[1], cache, metric)
        cells = cells_of(model, kind, pair[0].shape[1], first=1)
        slow = patched(model, *pair, metric, kind, cells).mean(-1)
        apart = (at(ours, cells) - slow).abs()
        assert (apart <= BAR * abs(clean - corrupted)).all(), kind
