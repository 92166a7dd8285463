from __future__ import annotations

import logging
import sys
import threading

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication

from lensgui.app.help import guide
from lensgui.app.help.guide import INDEX, NOTHING, having, pages
from lensgui.app.window.layout import PANES
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.patching.patching import PatchingPane
from tests.windows import pane_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def help_(parts, window):
    yield parts.commands.help
    for dialog in (parts.commands.help._guide, parts.commands.help._dialog):
        if dialog is not None:
            dialog.close()


def test_every_pane_has_a_page():
    assert {kind.guide for kind in PANES} <= set(pages())
    assert len({kind.guide for kind in PANES}) == len(PANES)
    assert next(iter(pages())) == INDEX


@pytest.mark.parametrize("kind", [PatchingPane, InspectorPane])
def test_f1_opens_the_page_of_the_pane_that_has_the_keyboard(kind, help_, window, qtbot):
    pane = pane_of(window, kind)
    part = pane.heatmap if kind is PatchingPane else pane.note_field
    part.setFocus()
    qtbot.waitUntil(part.hasFocus)
    qtbot.keyClick(part, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: help_._guide is not None and help_._guide.isVisible())
    assert help_._guide.windowTitle() == f"Guide: {pages()[kind.guide].title}"
    assert pages()[kind.guide].title in help_._guide.page.toPlainText()


def test_links_lead_from_page_to_page_and_back(help_, qtbot, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    help_.show_page("sessions.md")
    book = help_._guide
    for url in ("heads.md", "none.md", "https://example.org", "file:///etc/passwd", "javascript:1"):
        book.page.anchorClicked.emit(QUrl(url))
    assert book._name == "heads.md"
    assert opened == [QUrl("https://example.org")]
    qtbot.mouseClick(book.back, LEFT)
    assert book._name == "sessions.md"
    assert not book.back.isEnabled()
    qtbot.mouseClick(book.forward, LEFT)
    assert book._name == "heads.md"
    assert book.list.currentItem().text() == pages()["heads.md"].title


def test_the_guide_is_searched(help_, qtbot):
    help_.show_page(INDEX)
    book = help_._guide
    qtbot.keyClicks(book.field, "induction heads")
    names = [book.list.item(row).text() for row in range(book.list.count())]
    assert names == [page.title for page in having("induction heads")]
    assert 0 < len(names) < len(pages())
    qtbot.keyClick(book.field, Qt.Key.Key_Return)
    assert book._name == having("induction heads")[0].name
    book.field.setText("xyzzy")
    assert book.list.item(0).text() == NOTHING
    qtbot.keyClick(book.field, Qt.Key.Key_Return)
    assert book._name == having("induction heads")[0].name


def test_pages_are_found_by_the_search_of_everything(help_, window):
    found = {entry.text for entry in help_.entries(window)}
    assert {f"Guide: {page.title}" for page in pages().values()} == found


def test_the_log_has_what_was_said_and_is_copied(help_, window, qtbot):
    window.status.show_sentence("Saved as here.")
    thread = threading.Thread(target=logging.getLogger("lensgui.test").info, args=("from beside",))
    thread.start()
    thread.join()
    window.actions_by_name["show_log"].trigger()
    assert help_.log.isVisible()
    qtbot.waitUntil(lambda: "INFO lensgui.test: from beside" in help_.log.text.toPlainText())
    qtbot.mouseClick(help_.log.copy, LEFT)
    assert "Saved as here." in QGuiApplication.clipboard().text()
    qtbot.mouseClick(help_.log.clear, LEFT)
    assert help_.log.text.toPlainText() == ""
    window.actions_by_name["show_log"].trigger()
    assert not help_.log.isVisible()


def test_a_fault_says_what_happened_and_what_to_do_with_its_details_folded(help_, parts, qtbot):
    def fall() -> None:
        raise ZeroDivisionError("made up")

    for count in (1, 2):
        try:
            fall()
        except ZeroDivisionError:
            parts.faults.catch(*sys.exc_info())
        dialog = help_._dialog
        assert dialog.isVisible()
        assert dialog.what.text() == "ZeroDivisionError: made up"
        assert dialog.more.isVisible() == (count > 1)
    assert not dialog.details.isVisible()
    qtbot.mouseClick(dialog.unfold, LEFT)
    assert dialog.details.isVisible()
    assert "in fall" in dialog.details.toPlainText()
    qtbot.mouseClick(dialog.copy, LEFT)
    assert QGuiApplication.clipboard().text().startswith("ZeroDivisionError: made up\n\nTraceback")
    qtbot.mouseClick(dialog.shut, LEFT)
    assert not dialog.isVisible()


def test_a_guide_without_pages_shows_nothing_and_falls_over_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(guide, "resource", lambda *_: tmp_path)
    guide.pages.cache_clear()
    assert pages() == {}
    assert having("a") == []
    guide.pages.cache_clear()
