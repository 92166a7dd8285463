"""Thousands of random moves: nothing breaks, nothing hangs, nothing warns, and much is seen."""

from __future__ import annotations

import pytest

from lensgui.terms.kinds import SweepKind
from tests.app import random_user

MOVES = 5000
ENOUGH = 2000  # moves, which are sure to come across what is asserted


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
@pytest.mark.parametrize("seed", range(2026, 2032))
@pytest.mark.parametrize("is_real", [False, True], ids=["made up", "real"])
def test_random_things_leave_the_window_at_rest(is_real, seed, share, tmp_path, qapp, qtbot):
    moves = round(MOVES * share)
    with random_user.opened(tmp_path, is_real, qapp) as parts:
        user = random_user.use(parts, qtbot, seed, moves)
    if moves < ENOUGH:
        return
    assert len(set(user.done)) >= 12
    assert len({seen for seen in user.seen if isinstance(seen, SweepKind)}) >= 5
    assert {"denoising", "noising"} <= user.seen
    for what, least in (("view", 3), ("measure", 3)):
        assert len([s for s in user.seen if isinstance(s, tuple) and s[0] == what]) >= least
