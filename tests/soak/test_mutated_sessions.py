"""Session files that were changed at random are read, or one sentence says why not."""

from __future__ import annotations

import pytest

from tests.soak import session_mutations as mutations
from tests.soak.panes_of_sessions import draw, opened

EACH = 350  # mutations of each of the six kinds


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", mutations.KINDS)
def test_each_mutated_session_is_read_or_gives_one_sentence(kind, share, tmp_path):
    path, faults = tmp_path / "mine.lens", []
    for seed in range(round(EACH * share)):
        data, what = mutations.mutated(kind, seed)
        path.write_bytes(data)
        outcome = mutations.attempt(path)
        if outcome.is_fault or list(tmp_path.iterdir()) != [path]:
            faults.append((seed, what, outcome))
    assert not faults


@pytest.mark.parametrize("kind", ["answers", "arrays"])
def test_what_is_read_of_a_mutated_session_is_drawn_by_every_pane(kind, share, qtbot):
    for seed in range(round(EACH * share)):
        session = opened(mutations.mutated(kind, seed)[0])
        if session is not None:
            draw(session)
