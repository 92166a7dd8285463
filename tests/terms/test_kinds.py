"""Kinds of sweeps: values that travel, and two tables that must name the same activations."""

from __future__ import annotations

import copy
import pickle

import pytest

from lensgui.analysis.sweep.kinds import WAYS
from lensgui.terms.kinds import ACTIVATIONS, SWEEP_KINDS, SweepKind


def test_both_tables_know_the_same_activations():
    assert ACTIVATIONS.keys() == WAYS.keys()


@pytest.mark.parametrize("kind", SWEEP_KINDS, ids=str)
def test_a_kind_is_a_value(kind):
    again = SweepKind(kind.activation, kind.extent)
    assert kind == again == pickle.loads(pickle.dumps(kind)) == copy.deepcopy(kind)
    assert hash(kind) == hash(again)
    assert len({*SWEEP_KINDS, again}) == len(SWEEP_KINDS)


@pytest.mark.parametrize("kind", SWEEP_KINDS, ids=str)
def test_a_cell_has_each_axis_once_at_its_index_or_within_it(kind):
    axes = ACTIVATIONS[kind.activation].axes
    place = kind.place(tuple(range(len(kind.axes) - 1)))
    at = {axis: part for axis, part in zip(axes, place, strict=True) if isinstance(part, int)}
    assert [axis for axis in axes if axis in at] == list(kind.axes[1:])
    assert list(at.values()) == list(range(len(at)))
    assert [axes[number] for number in kind.within] == [axis for axis in axes if axis not in at]
