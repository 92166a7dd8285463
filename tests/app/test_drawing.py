"""Pictures and words are drawn otherwise at once, everywhere, and nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QTableWidget, QWidget

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
BLUE = re.compile(r"\b(blue|red)\b", re.IGNORECASE)


def words(whole: QWidget) -> Iterator[tuple[str, str]]:
    """Every text in sight, with the name of the widget that has it."""
    for part in whole.findChildren(QWidget):
        if not part.isVisible() or part.visibleRegion().isEmpty():
            continue
        name = part.accessibleName() or type(part).__name__
        said = part.accessibleDescription(), part.toolTip()
        yield from ((name, text) for text in (*said, *texts(part)))


def texts(part: QWidget) -> list[str]:
    if isinstance(part, QLabel):
        return [part.text()]
    if isinstance(part, QLineEdit):
        return [part.placeholderText()]
    if isinstance(part, ChipRow):
        return [text for chip in part.chips for text in (chip.text, chip.hover)]
    if isinstance(part, QTableWidget):
        cells = [part.item(row, 0) for row in range(part.rowCount())]
        return [cell.text() for cell in cells if cell is not None]
    if isinstance(part, Rows):
        return [part.words(row) for row in range(part.count())]
    if isinstance(part, Heatmap) and part.picture is not None:
        return part.picture.column_names + part.picture.row_names
    return []


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


@pytest.mark.parametrize("title", [*PANES[:-2], "Prompt", "Inspector"])
def test_what_is_in_front_says_so_at_once(parts, window, qtbot, title):
    view = replace(window.session.document.views.patching, shows_table=True)
    window.session.edit(patching=view)
    window.selection.move(layer=2, head=1, position=8, source=3)
    window.show_pane(title)
    at_rest(window, qtbot)
    QApplication.processEvents()  # what has come to be seen is laid out late
    pane = window.panes[title]
    assert [said for said in words(pane) if OLD.search(said[1]) or BLUE.search(said[1])]
    parts.appearance.preferences.change(spaces="␣", diverging="purple-green")
    after = list(words(pane))
    assert [said for said in after if OLD.search(said[1]) or BLUE.search(said[1])] == []
    assert [said for said in after if "␣" in said[1] or "purple" in said[1]]


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
