"""What a token, a prompt, a note or a model is called is never taken for HTML.

Qt guesses: LLaMA's "<s>" vanished from tooltips and struck the rest through (seen in this project's
own first version).
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QMouseEvent, QTextDocument
from PySide6.QtGui import Qt as Text
from PySide6.QtWidgets import QApplication, QLabel, QToolTip, QWidget

from lensgui.app.window.layout import PANES
from lensgui.app.window.toolbar import ModelBar
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.requests import OpenModel
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.token_text import plain_tip
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.document import Document, Note
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.panes.conftest import CURSOR, answer

HOSTILE = ["<s>", "<i>", "&amp;", '<img src="file:///x.png">', "&lt;b&gt;", "to (13) → <s> (0)"]
TEXT = "<s> of <i> and <br> &amp; <img/>"
SHOWING_TOKENS = (PromptPane, AttentionPane, PatchingPane, InspectorPane)
TOKEN = Token
OPENING = '<span style="white-space: pre-wrap">'


def shown(tip: str) -> str:
    """What a tooltip says."""
    if not Text.mightBeRichText(tip):
        return tip
    page = QTextDocument()
    page.setHtml(tip)
    return page.toPlainText()


def is_safe(tip: str) -> bool:
    inside = tip.removeprefix(OPENING).removesuffix("</span>")
    return not Text.mightBeRichText(tip) or ("<" not in inside and tip.startswith(OPENING))


@pytest.mark.parametrize("words", [*HOSTILE, "two  spaces\nand <s>\nlines", "plain", ""])
def test_a_tooltip_says_what_it_was_given(words):
    assert shown(plain_tip(words)) == words


@pytest.fixture
def tips(monkeypatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda where, words, *_: said.append(words))
    return said


def point_at(widget: QWidget, at: QPointF) -> None:
    none, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, no_key))


def hover(widget: QWidget) -> None:
    """Point everywhere at a widget, and rest there."""
    for x in range(3, widget.width(), 23):
        for y in range(3, widget.height(), 17):
            at = QPoint(x, y)
            point_at(widget, QPointF(at))
            QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, at, at))


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
@pytest.mark.parametrize("kind", PANES)
def test_every_pane(kind, tips, qtbot, monkeypatch):
    hostile = lambda id, text, *rest: TOKEN(id, text.replace("w", "<s>"))  # noqa: E731
    monkeypatch.setattr("tests.fakes.answerer.Token", hostile)
    pair = PromptPair(TEXT, TEXT.replace("<i>", "<u>"), " <b>", " &lt;")
    document = Document(ModelKey("<b>model</b>"), pair, notes=(Note(CURSOR, "<s>note</s>"),))
    document = document.having(table=(PairRow(pair), PairRow(replace(pair, clean="<s> a"))))
    pane = kind()
    qtbot.addWidget(pane)
    pane.resize(520, 480)
    with qtbot.waitExposed(pane):
        pane.show()
    answer(pane, document)
    widgets = [pane, *pane.findChildren(QWidget)]
    for widget in widgets:
        if isinstance(widget, QLabel):
            assert widget.textFormat() == Qt.TextFormat.PlainText, widget.text()
        if widget.isVisible():
            hover(widget)
    tips += [widget.toolTip() for widget in widgets]
    assert [tip for tip in tips if not is_safe(tip)] == []
    assert kind not in SHOWING_TOKENS or any("&lt;s&gt;" in tip for tip in tips)


def test_a_chip_shows_its_token(qtbot, tips):
    row = ChipRow()
    qtbot.addWidget(row)
    row.show_chips([Chip(name, hover=name) for name in HOSTILE])
    for index in range(len(HOSTILE)):
        point_at(row, row.place_of(index).center())
    assert [shown(tip) for tip in tips] == HOSTILE


@pytest.mark.parametrize("title", HOSTILE)
def test_a_models_name(qtbot, title):
    bar = ModelBar()
    qtbot.addWidget(bar)
    bar.show_card(replace(fakes.card(OpenModel(ModelKey("fake"))), title=title))
    assert shown(bar.model.toolTip()).startswith(title)
    assert bar.model.text().replace("&&", "&") == title
    for label in bar.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText
