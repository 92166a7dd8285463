"""Thirty mutated sessions, seeded; the rest are a soak."""

from __future__ import annotations

import pytest

from tests.soak import session_mutations as mutations
from tests.soak.mutations import Outcome
from tests.soak.panes_of_sessions import draw, opened
from tests.soak.session_zips import whole, whole_data

EACH = 5  # mutations of each of the six kinds


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("seed", range(1000, 1000 + EACH))
@pytest.mark.parametrize("kind", mutations.KINDS)
def test_a_mutated_session_is_read_or_gives_one_sentence(kind, seed, tmp_path):
    data, what = mutations.mutated(kind, seed)
    path = tmp_path / "mine.lens"
    path.write_bytes(data)
    outcome = mutations.attempt(path)
    assert not outcome.is_fault, (what, outcome)
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_not_changed_is_read(tmp_path):
    path = tmp_path / "mine.lens"
    path.write_bytes(whole_data())
    assert mutations.attempt(path) == Outcome("runs")


def test_what_is_read_of_a_session_is_drawn_by_every_pane(qtbot):
    draw(whole())
    sessions = [opened(mutations.mutated("answers", seed)[0]) for seed in range(2000, 2030)]
    read = [session for session in sessions if session is not None]
    assert len(read) > 5
    for session in read:
        draw(session)
