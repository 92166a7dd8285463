"""Pictures and words are drawn otherwise at once, everywhere, and nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget

from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.pictures.rows import Rows

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
PANES = (
    "Attention",
    "Activation patching",
    "All kinds at once",
    "Necessary or sufficient",
    "Who feeds it",
    "Prompt pairs",
)
OLD = re.compile(r"·(?=\w)")


def words(window) -> Iterator[tuple[str, str]]:
    """Every text in sight, with the name of the widget that has it."""
    for part in window.findChildren(QWidget):
        if not part.isVisible() or part.visibleRegion().isEmpty():
            continue
        texts = [part.accessibleDescription()]
        if isinstance(part, QLabel):
            texts.append(part.text())
        if isinstance(part, QLineEdit):
            texts.append(part.placeholderText())
        if isinstance(part, ChipRow):
            texts += [text for chip in part.chips for text in (chip.text, chip.hover)]
        if isinstance(part, Rows):
            texts += [part.words(row) for row in range(part.count())]
        if isinstance(part, Heatmap) and part.picture is not None:
            texts += part.picture.column_names + part.picture.row_names
        yield from ((part.accessibleName() or type(part).__name__, text) for text in texts)


def at_rest(window, qtbot):
    QApplication.processEvents()  # which pane is in front is said late
    qtbot.waitUntil(lambda: not window.runner.is_busy)


@pytest.mark.parametrize("sign", ["␣", "plain"])
def test_spaces_of_tokens_look_alike_everywhere(parts, window, qtbot, sign):
    window.selection.move(layer=2, head=1, position=8, source=3)
    at_rest(window, qtbot)
    before = [words for words in words(window) if OLD.search(words[1])]
    assert len(before) > 20
    parts.appearance.preferences.change(spaces=sign)
    for title in PANES:
        window.show_pane(title)
        at_rest(window, qtbot)
        assert [said for said in words(window) if OLD.search(said[1])] == [], title
    shown = window.panes["Prompt"].tokens["clean"].row.chips[1].text
    assert shown == {"␣": "␣John", "plain": " John"}[sign]
    window.show_pane("Attention")
    parts.appearance.preferences.restore()
    at_rest(window, qtbot)
    assert window.panes["Prompt"].tokens["clean"].row.chips[1].text == "·John"


@pytest.mark.parametrize("sign", ["·", "␣", "plain"])
def test_what_is_copied_or_typed_has_the_space_itself(parts, window, qtbot, sign):
    parts.appearance.preferences.change(spaces=sign)
    window.show_pane("Activation patching")
    at_rest(window, qtbot)
    window._copy(window.panes["Activation patching"])
    copied = QApplication.clipboard().text()
    assert "When John and Mary went" in copied
    assert not re.search("[·␣]", copied)
    field = window.panes["Prompt"].answers.fields["answer"]
    for typed in ("·Mary", "␣Mary", " Mary"):
        field.setText(typed)
        assert field.last_part == " Mary"


def test_nothing_that_is_selected_shown_or_asked_changes_by_it(parts, window, qtbot, answerer):
    window.selection.move(layer=2, head=1, position=8, source=3)
    window.panes["Prompt"].editors["clean"].setFocus()
    at_rest(window, qtbot)
    document, cursor = window.session.document, window.selection.cursor
    places = {title: dock.geometry() for title, dock in window.docks.items()}
    asked = len(answerer.asked)
    preferences = parts.appearance.preferences
    preferences.change(diverging="purple-green", sequential="violet", layers="up", spaces="␣")
    at_rest(window, qtbot)
    assert (window.session.document, window.selection.cursor) == (document, cursor)
    assert {title: dock.geometry() for title, dock in window.docks.items()} == places
    assert len(answerer.asked) == asked
    assert window.panes["Prompt"].editors["clean"].hasFocus()
    assert window.panes["Activation patching"].heatmap.picture is not None
