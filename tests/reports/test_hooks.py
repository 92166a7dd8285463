"""Hooks on a model handed to the window: every question is refused, none shows another model."""

from __future__ import annotations

import pytest

import lensgui
from lensgui.app import notebook
from lensgui.checkpoints.loading import open_model
from lensgui.jobs.requests import OpenModel
from tests.answering import CLEAN
from tests.app.test_opening import CORRUPTED, quiet  # noqa: F401 (a fixture)


@pytest.mark.parametrize("dir", ["fwd", "bwd"])
def test_every_pane_says_that_hooks_are_attached(quiet, qtbot, dir):  # noqa: F811
    model = open_model("toy", device="cpu")
    model.add_hook("blocks.0.hook_resid_pre", lambda activation, hook: None, dir)
    window = lensgui.open(model, clean=CLEAN, corrupted=CORRUPTED, answer=" apple", block=False)

    def is_at_rest() -> bool:
        return not any(reply.is_running for reply in window.runner.replies.values())

    qtbot.waitUntil(lambda: window.exchange.card is not None and is_at_rest())
    replies = list(window.runner.replies.values())
    asked = [reply for reply in replies if not isinstance(reply.request, OpenModel)]
    assert len(asked) > 2
    assert {reply.status for reply in asked} == {"failed"}
    assert all("Hooks are attached to the model, at blocks.0" in one.sentence for one in asked)
    model.reset_hooks()
    window.exchange.retry()
    qtbot.waitUntil(is_at_rest)
    assert {reply.status for reply in window.runner.replies.values()} == {"whole"}
    window.close()
    qtbot.waitUntil(lambda: not notebook.open_windows)
