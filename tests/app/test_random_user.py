"""A few of the random user's moves; `make soak` makes thousands."""

from __future__ import annotations

import pytest

from tests.app import random_user

MOVES = 200


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
@pytest.mark.parametrize("is_real", [False, True], ids=["made up", "real"])
def test_random_things_leave_the_window_at_rest(is_real, tmp_path, qapp, qtbot):
    with random_user.opened(tmp_path, is_real, qapp) as parts:
        user = random_user.use(parts, qtbot, seed=2026, moves=MOVES)
        assert len(set(user.done)) >= 12
