"""Hundreds of steps through a talk, forwards and backwards, with typing between them."""

from __future__ import annotations

from tests.app.conftest import parts, window
from tests.app.test_stage import talk, wander

__all__ = ["parts", "talk", "window"]
STEPS = 500


def test_five_hundred_random_steps_end_clean(talk, window, parts, share, qtbot):
    wander(talk, window, round(STEPS * share), 11)
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    assert not window.exchange.beside.get("scenes")
