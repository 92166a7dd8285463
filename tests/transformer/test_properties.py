"""Laws of hooks, names and slices, on random examples."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from lensgui.utils import Slice
from tests.references import attached

LENGTH = 6
TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9]])
MODEL = HookedTransformer(
    HookedTransformerConfig(
        n_layers=2, d_model=12, n_ctx=16, d_head=4, d_vocab=11, act_fn="gelu", seed=0
    )
).requires_grad_(False)
LOGITS, CACHE = MODEL.run_with_cache(TOKENS)
ACTIVE = sorted(CACHE)


class StoppedError(Exception):
    pass


@dataclass(frozen=True)
class Context:
    """A `hooks` context: what it attaches, what is done inside it, and whether that fails."""

    names: list[str]
    direction: str
    inside: list[Context]
    fails: str | None


contexts = st.recursive(
    st.builds(
        Context,
        st.lists(st.sampled_from(ACTIVE), max_size=3),
        st.sampled_from(["fwd", "bwd"]),
        st.just([]),
        st.sampled_from([None, None, "attaching", "running", "afterwards"]),
    ),
    lambda children: st.builds(
        Context,
        st.lists(st.sampled_from(ACTIVE), max_size=3),
        st.sampled_from(["fwd", "bwd"]),
        st.lists(children, min_size=1, max_size=3),
        st.sampled_from([None, None, "running", "afterwards"]),
    ),
    max_leaves=6,
)


def interrupt(activation, hook):
    raise StoppedError


def enter(context: Context) -> None:
    """Go through a context and all inside it; a child that fails ends or is survived by turns."""
    outside, level = attached(MODEL), MODEL.context_level
    names = [*context.names, "no such hook"] if context.fails == "attaching" else context.names
    hooks = [(name, lambda x, hook: None) for name in names]
    forwards, backwards = (hooks, []) if context.direction == "fwd" else ([], hooks)
    try:
        with MODEL.hooks(forwards, backwards):
            assert attached(MODEL) == outside + len(context.names)
            assert MODEL.context_level == level + 1
            for place, child in enumerate(context.inside):
                try:
                    enter(child)
                except (StoppedError, KeyError):
                    if place % 2:
                        raise
                assert attached(MODEL) == outside + len(context.names)
            if context.fails == "running":
                MODEL.run_with_hooks(TOKENS, fwd_hooks=[(ACTIVE[-1], interrupt)])
            if context.fails == "afterwards":
                raise StoppedError
            torch.testing.assert_close(MODEL(TOKENS), LOGITS)
    finally:
        assert attached(MODEL) == outside
        assert MODEL.context_level == level


@settings(deadline=None)
@given(contexts, st.booleans())
def test_contexts_leave_what_they_found_whatever_happens_inside(context, has_permanent):
    if has_permanent:
        MODEL.add_perma_hook("hook_embed", lambda x, hook: None)
    try:
        enter(context)
    except (StoppedError, KeyError):
        pass
    finally:
        assert attached(MODEL) == has_permanent
        MODEL.reset_hooks(including_permanent=True)
    assert attached(MODEL) == 0


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=4))
def test_nested_hooks_run_from_the_outermost_in(factors):
    """x → 2x + factor, composed in that order."""
    expected = CACHE["resid_pre", 1]
    for factor in factors:
        expected = expected * 2 + factor

    def nested(rest):
        if not rest:
            return MODEL.run_with_cache(TOKENS)[1]["resid_pre", 1]
        first, *others = rest
        with MODEL.hooks([("blocks.1.hook_resid_pre", lambda x, hook: x * 2 + first)]):
            return nested(others)

    torch.testing.assert_close(nested(factors), expected)


@given(st.sampled_from(ACTIVE))
def test_every_full_name_has_a_short_one(name):
    *path, leaf = name.split(".")
    short = leaf.removeprefix("hook_")
    if path[:1] != ["blocks"]:
        full = (short,) if path != ["unembed"] else (name,)
    else:
        full = (short, int(path[1]), *path[2:])
    assert get_act_name(*full) == name
    assert CACHE[full if len(full) > 1 else full[0]] is CACHE.cache_dict[name]
    if len(full) > 1:
        assert get_act_name(f"{short}{path[1]}{''.join(path[2:])}") == name or "_" in short
        assert CACHE[(short, int(path[1]) - 2, *path[2:])] is CACHE.cache_dict[name]


places = st.one_of(
    st.integers(-LENGTH, LENGTH - 1),
    st.lists(st.integers(-LENGTH, LENGTH - 1), min_size=1, max_size=4),
    st.slices(LENGTH).filter(lambda s: s.step is None or s.step > 0),
    st.tuples(st.integers(0, 2), st.integers(3, LENGTH)),
    st.none(),
)


@given(places)
def test_a_slice_takes_what_python_takes(place):
    whole = torch.arange(LENGTH)
    python = slice(*place) if isinstance(place, tuple) else place
    python = slice(None) if python is None else python
    taken = Slice(place)
    assert torch.equal(taken.apply(whole), whole[python])
    assert (taken.indices(LENGTH) % LENGTH).tolist() == whole[python].reshape(-1).tolist()
    square = torch.arange(LENGTH**2).view(LENGTH, LENGTH)
    assert torch.equal(taken.apply(square, dim=1), square[:, python])
    if isinstance(place, list):
        assert torch.equal(Slice(torch.tensor(place)).apply(whole), whole[python])


@settings(deadline=None)
@given(places, st.booleans())
@pytest.mark.parametrize(
    "method",
    [
        "accumulated_resid",
        "decompose_resid",
        "stack_head_results",
        "stack_neuron_results",
        "get_full_resid_decomposition",
    ],
)
def test_slicing_before_or_after_is_the_same(method, place, apply_ln):
    python = slice(*place) if isinstance(place, tuple) else place
    python = slice(None) if python is None else python
    whole = getattr(CACHE, method)(apply_ln=apply_ln)
    part = getattr(CACHE, method)(apply_ln=apply_ln, pos_slice=place)
    torch.testing.assert_close(part, whole[:, :, python], atol=1e-5, rtol=1e-5)
    wrapped = getattr(CACHE, method)(apply_ln=apply_ln, pos_slice=Slice(place))
    assert torch.equal(wrapped, part)


@settings(deadline=None)
@given(places)
def test_attribution_of_some_positions(place):
    python = slice(*place) if isinstance(place, tuple) else place
    python = slice(None) if python is None else python
    whole = CACHE.logit_attrs(CACHE.decompose_resid(), 3, 7)
    part = CACHE.logit_attrs(CACHE.decompose_resid(pos_slice=place), 3, 7, pos_slice=place)
    torch.testing.assert_close(part, whole[:, :, python], atol=1e-5, rtol=1e-5)


@settings(deadline=None)
@given(places)
def test_a_cache_of_some_positions(place):
    python = slice(*place) if isinstance(place, tuple) else place
    python = slice(None) if python is None else python
    if isinstance(python, int):  # one position stays a dimension of 1
        python = [python]
    _, part = MODEL.run_with_cache(TOKENS, pos_slice=place)
    for name, value in part.items():
        rows = CACHE[name].movedim(2 if name.endswith(("scores", "pattern")) else 1, 0)[python]
        kept = value.movedim(2 if name.endswith(("scores", "pattern")) else 1, 0)
        torch.testing.assert_close(kept, rows)
