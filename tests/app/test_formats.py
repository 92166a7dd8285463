"""The dialog of number formats: measured on the pair that is open, and a click to use one."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from lensgui.jobs.requests import CompareFormats
from lensgui.panes.pane import NO_MODEL
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import ABSENT, NUMBER_FORMATS, ModelKey
from tests.fakes.models import NO_ROOM

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)


def open_dialog(parts, window, qtbot):
    window.actions_by_name["compare_formats"].trigger()
    rest(parts, qtbot)
    return parts.formats.dialog


def rest(parts, qtbot):
    qtbot.waitUntil(lambda: not parts.runner.is_busy)


def shown(dialog):
    return [line.split("\t") for line in dialog.table.as_text().splitlines()]


def menu_lines(window):
    texts = [line.text() for line in window.model_bar.device.menu().actions()]
    return [text for text in texts if text.startswith(("float", "bfloat"))]


def test_all_formats_are_in_the_table_and_in_the_menu(parts, window, qtbot):
    assert menu_lines(window) == list(NUMBER_FORMATS)
    dialog = open_dialog(parts, window, qtbot)
    rows = shown(dialog)
    assert [row[0] for row in rows[1:]] == ["float32 (open)", *NUMBER_FORMATS[1:]]
    half = dict(zip(rows[0], rows[2], strict=True))
    assert half["speed"] == "2.00×"
    assert half["max |Δ logit|"] == "0.3"
    assert half["KL (nats)"] == "3.0e−03"
    assert half["clean"] == "+4.800"
    assert rows[4][1:] == ["—", *[""] * 6]
    assert NO_ROOM in dialog.said.text()
    assert "170 positions" in dialog.said.text()
    said = menu_lines(window)
    assert said[1] == "bfloat16 · 2× as fast, off by 0.3 logits here"
    assert said[3] == "float64"
    dialog.close()
    assert menu_lines(window) == said, "it stays known"


def test_a_format_is_used_and_undone(parts, window, qtbot):
    dialog = open_dialog(parts, window, qtbot)
    assert not dialog.use.isEnabled(), "float32 is in use"
    qtbot.keyClick(dialog.view, Qt.Key.Key_Down)
    assert dialog.use.isEnabled()
    dialog.use.click()
    rest(parts, qtbot)
    assert window.session.document.model.dtype == "bfloat16"
    assert shown(dialog)[2][0] == "bfloat16 (open)"
    assert shown(dialog)[1][2] == "100 ms", "what is known stays"
    assert not dialog.use.isEnabled()
    window.session.undo_stack.undo()
    rest(parts, qtbot)
    assert shown(dialog)[1][0] == "float32 (open)"
    dialog.view.setCurrentIndex(dialog.view.model().index(3, 0))
    assert not dialog.use.isEnabled(), "it does not fit"
    dialog.close()


def test_another_pair_is_measured_anew_only_while_the_dialog_is_open(
    parts, window, answerer, qtbot
):
    dialog = open_dialog(parts, window, qtbot)
    window.session.edit(clean="another prompt")
    assert menu_lines(window) == list(NUMBER_FORMATS), "that was another pair"
    assert shown(dialog)[1][1] == "…"
    rest(parts, qtbot)
    asked = [of for of in answerer.asked if isinstance(of, CompareFormats)]
    assert [of.pair.clean for of in asked][-1] == "another prompt"
    dialog.close()
    assert parts.formats.dialog is None
    window.session.edit(clean="a third prompt")
    rest(parts, qtbot)
    assert len([of for of in answerer.asked if isinstance(of, CompareFormats)]) == len(asked)
    assert menu_lines(window) == list(NUMBER_FORMATS)


def test_what_is_wrong_is_said_in_it(parts, window, answerer, qtbot):
    answerer.broken[CompareFormats] = ModelError("It does not fit: close other programs.")
    dialog = open_dialog(parts, window, qtbot)
    qtbot.waitUntil(lambda: "does not fit" in dialog.said.text())
    assert not dialog.use.isEnabled()
    assert shown(dialog)[1][1:] == [""] * 7, "nothing more will come"
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert window.session.document.model.dtype == "float32"
    dialog.close()


def test_it_is_opened_once_and_copied_as_a_table(parts, window, qtbot):
    dialog = open_dialog(parts, window, qtbot)
    assert open_dialog(parts, window, qtbot) is dialog
    dialog.copy.click()
    assert QGuiApplication.clipboard().text().startswith("\tweights\tone forward")
    dialog.close()


def test_a_model_that_is_not_here_is_not_waited_for(parts, window, qtbot):
    window.session.edit(model=ModelKey(f"{ABSENT}somebody's model"))
    dialog = open_dialog(parts, window, qtbot)
    assert dialog.said.text() == NO_MODEL
    assert shown(dialog)[1][1:] == [""] * 7
    dialog.close()
