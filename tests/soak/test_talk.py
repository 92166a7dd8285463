"""Hundreds of steps through a talk, forwards and backwards, with typing between them."""

from __future__ import annotations

import random

from PySide6.QtCore import Qt

from lensgui.app.stage.audience import Audience
from tests.app.conftest import parts, window
from tests.app.test_stage import talk, wander

__all__ = ["parts", "talk", "window"]
STEPS = 500


def test_five_hundred_random_steps_end_clean(talk, window, parts, share, qtbot):
    wander(talk, window, round(STEPS * share), 11)
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    assert not window.exchange.beside.get("scenes")


def test_five_hundred_random_steps_on_stage_end_clean(
    talk, window, parts, share, qtbot, monkeypatch
):
    monkeypatch.setattr(Audience, "showFullScreen", Audience.show)
    present, dice = parts.commands.present, random.Random(13)
    present.start()
    keys = [Qt.Key.Key_PageDown, Qt.Key.Key_PageUp, Qt.Key.Key_Space, Qt.Key.Key_Left]
    keys += [Qt.Key.Key_H, Qt.Key.Key_R, Qt.Key.Key_P, Qt.Key.Key_2, Qt.Key.Key_B]
    for _ in range(round(STEPS * share)):
        qtbot.keyClick(present.audience, dice.choice(keys))
        if dice.random() < 0.2:
            window.session.edit(clean=f"A prompt {dice.random()}")
        if dice.random() < 0.1:
            window.undo()
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    qtbot.waitUntil(lambda: present.is_drawn)
    present.end()
    assert window.updatesEnabled()
    for at in range(len(talk.scenes)):
        talk.show(at)
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
