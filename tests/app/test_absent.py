"""The line that names a model which is not here, and the ways out of it."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from lensgui.app.sessions.absent import can_be_fetched
from lensgui.app.window.toolbar import VARIABLE
from lensgui.jobs.requests import (
    AttentionGrid,
    AttentionHead,
    LogitLens,
    OpenModel,
    Patching,
    ReadMLP,
    ReadPair,
)
from lensgui.panes.pane import NO_NUMBERS
from lensgui.state.sessions.saved import ModelReference
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import ABSENT, ModelKey
from lensgui.terms.roles import GivenRole

NAME = "somebody/a-model-with-a-very-long-name-that-is-shown-whole"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def bar(window, parts, answerer):
    """The line, in a window whose session needs a model that is not here."""
    answerer.broken[OpenModel] = ModelError("Not here.")
    window.session.edit(model=ModelKey(ABSENT + NAME))
    parts.absent_bar.show_reference(ModelReference(NAME))
    return parts.absent_bar


def test_the_name_is_shown_whole_and_no_pane_repeats_it(bar, window, qtbot):
    assert bar.words.text() == f"Model not here: {NAME}"
    needed = bar.words.fontMetrics().horizontalAdvance(bar.words.text())
    qtbot.waitUntil(lambda: bar.words.width() >= needed)
    assert window.model_bar.model.text().startswith(NAME[:40])
    said = [pane.message.text() for title, pane in window.panes.items() if title != "Prompt"]
    assert not any(said)


def test_what_the_file_has_no_numbers_for_says_so(window, answerer, qtbot):
    refused = (OpenModel, ReadPair, AttentionGrid, AttentionHead, Patching, ReadMLP, LogitLens)
    answerer.broken |= dict.fromkeys(refused, ModelError("Get it."))
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(model=ModelKey(ABSENT + NAME))
    panes = [pane for pane in window.panes.values() if pane.isVisible() and pane.is_in_front]
    assert len(panes) == 4
    assert {pane.message.text() for pane in panes} == {NO_NUMBERS}


def test_it_is_fetched_only_when_asked_for(bar, parts, qtbot, monkeypatch):
    asked = []
    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.setattr(parts.fetching.download, "start", asked.append)
    assert os.environ[VARIABLE] == "1"
    qtbot.mouseClick(bar.get, LEFT)
    assert asked == [NAME]
    assert os.environ[VARIABLE] == "0"


def test_a_folder_may_hold_it(bar, window, answerer, tmp_path, qtbot, monkeypatch):
    del answerer.broken[OpenModel]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    qtbot.mouseClick(bar.locate, LEFT)
    assert window.session.document.model.source == str(tmp_path)
    assert not bar.isVisible()
    qtbot.waitUntil(lambda: window.exchange.card is not None)


def test_no_folder_changes_nothing(bar, window, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    qtbot.mouseClick(bar.locate, LEFT)
    assert window.session.document.model.is_absent
    assert bar.isVisible()


@pytest.mark.parametrize(
    ("name", "is_so"),
    [
        ("owner/model", True),
        ("gpt2-small", True),
        ("toy", True),
        ("../model", False),
        ("/etc/passwd", False),
        ("~/model", False),
        ("a/b/c", False),
        ("my folder", False),
        ("", False),
    ],
)
def test_only_names_are_fetched_and_never_paths(name, is_so):
    assert can_be_fetched(name) == is_so


def test_letters_of_roles_come_back_with_the_model(window, parts, files, qtbot):
    window.session.edit(roles=(GivenRole(2, 1, "mover"),))
    qtbot.waitUntil(lambda: (2, 1) in window.panes["Attention"].roles)
    saved = files.saved()
    elsewhere = replace(saved.model, name=NAME, content_id="e" * 64)
    files.show(replace(saved, model=elsewhere), None)
    assert window.session.document.model.is_absent
    files.show(saved, None)
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    qtbot.waitUntil(lambda: (2, 1) in window.panes["Attention"].roles)


def test_nothing_of_another_model_is_shown_for_it(window, parts, answerer, files, qtbot):
    pane = window.panes["Attention"]
    qtbot.waitUntil(lambda: pane.grid.atlas is not None and not parts.runner.is_busy)
    meant = replace(files.saved().model, name=NAME, content_id="e" * 64)
    answerer.broken |= dict.fromkeys((OpenModel, AttentionGrid, Patching), ModelError("Not here."))
    files.show(replace(files.saved(), model=meant, answers=()), None)
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    assert pane.grid.atlas is None
    assert window.panes["Activation patching"].sweep is None


def test_kept_answers_stay_while_a_view_is_edited(
    window, parts, answerer, files, qtbot, monkeypatch
):
    pane = window.panes["Attention"]
    qtbot.waitUntil(lambda: pane.grid.atlas is not None and not parts.runner.is_busy)
    saved = files.saved(with_answers=True)
    answerer.broken |= dict.fromkeys((OpenModel, AttentionGrid, Patching), ModelError("Not here."))
    files.show(replace(saved, model=replace(saved.model, name=NAME, content_id="e" * 64)), None)
    qtbot.waitUntil(lambda: pane.grid.atlas is not None and not parts.runner.is_busy)
    cancelled = []
    monkeypatch.setattr(parts.runner, "cancel", cancelled.append)
    window.session.edit(attention=replace(window.session.document.views.attention, drawing="lines"))
    assert not cancelled  # each would be a blank picture until the next answer
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    assert pane.grid.atlas is not None
