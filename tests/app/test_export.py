from __future__ import annotations

import ast
import json
import os
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QContextMenuEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu, QPushButton

from lensgui.app.export.dialog import GONE, NO_SCRIPT, ONLY_PICTURES
from lensgui.app.export.exporting import HOLDS_MORE, NO_PICTURE
from lensgui.app.sessions.attaching import SessionFile
from lensgui.app.sessions.choosing import dropped
from lensgui.app.sessions.closing import ask_writing_over
from lensgui.models import store
from lensgui.panes.figures.files import FORMATS
from lensgui.panes.menus import MENU
from lensgui.panes.patching.patching import PatchingPane
from lensgui.prompts.pair import PairRow
from lensgui.state.sessions import sessions
from lensgui.state.sessions.pictures import session_in
from lensgui.terms.errors import SessionError
from tests.windows import pane_of

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def exporting(parts, window):
    return parts.commands.exporting


@pytest.fixture
def dialog(exporting, window, qtbot):
    """The dialog, opened by its key over the sweep's map."""
    heatmap = pane_of(window, PatchingPane).heatmap
    heatmap.setFocus()
    qtbot.waitUntil(heatmap.hasFocus)
    qtbot.keyClick(heatmap, "E", CONTROL)
    qtbot.waitUntil(lambda: exporting._dialog is not None and exporting._dialog.isVisible())
    yield exporting._dialog
    exporting._dialog.close()


@pytest.fixture
def chosen(monkeypatch, tmp_path):
    """Where the system's dialogs say that files go."""
    path = tmp_path / "out" / "chosen"
    path.parent.mkdir()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path.parent))
    return path


def said(window):
    return window.status.sentence.text()


def choose(dialog, name):
    dialog.format.setCurrentIndex(list(FORMATS).index(name))


@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_is_saved_by_key_and_mouse(dialog, window, chosen, qtbot, name):
    assert dialog.which.currentText() == window.panes["Activation patching"].shown()[0].heading
    choose(dialog, name)
    qtbot.mouseClick(dialog.save, LEFT)
    path = chosen.with_name(f"chosen{FORMATS[name].suffix}")
    qtbot.waitUntil(lambda: said(window) == f"Exported {path.name} to {path.parent}.")
    assert path.stat().st_size > 100
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_preview_is_drawn_and_the_caption_said(dialog, window, qtbot):
    qtbot.waitUntil(lambda: dialog.preview._pixmap is not None)
    assert "Clean: “" in dialog.caption.toPlainText()
    before = dialog.preview._pixmap.toImage()
    dialog.has_caption.setChecked(False)
    qtbot.waitUntil(lambda: dialog.preview._pixmap.toImage() != before)
    assert not dialog.options().style.has_caption


def test_what_does_not_belong_to_a_format_can_not_be_chosen(dialog):
    choose(dialog, "csv")
    for part in (dialog.width_, dialog.times, dialog.text, dialog.has_caption, dialog.can_reopen):
        assert not part.isEnabled()
    assert dialog.along.text() == ONLY_PICTURES
    choose(dialog, "svg")
    assert dialog.text.isEnabled()
    assert not dialog.times.isEnabled()


@pytest.mark.parametrize("name", ["png", "svg"])
def test_a_picture_can_hold_its_session_which_a_drop_opens(
    dialog, parts, window, chosen, qtbot, name
):
    before = window.session.document
    choose(dialog, name)
    qtbot.mouseClick(dialog.can_reopen, LEFT, pos=QPoint(8, dialog.can_reopen.height() // 2))
    assert dialog.can_reopen.isChecked()
    qtbot.mouseClick(dialog.save, LEFT)
    path = chosen.with_name(f"chosen.{name}")
    qtbot.waitUntil(path.exists)
    if name == "png":
        assert not QImage(str(path)).isNull()
    window.session.edit(clean="another prompt")
    window.session.undo_stack.setClean()
    parts.sessions._clean = window.session.document
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    assert dropped(data) == path
    for kind in (QEvent.Type.DragEnter, QEvent.Type.Drop):
        event = QDropEvent(
            QPointF(9, 9),
            Qt.DropAction.CopyAction,
            data,
            LEFT,
            Qt.KeyboardModifier.NoModifier,
            kind,
        )
        QApplication.sendEvent(window, event)
    qtbot.waitUntil(lambda: window.session.document.pair == before.pair)
    assert parts.sessions.file.path is None  # so that Save does not replace the picture


def test_a_picture_without_a_session_says_so(dialog, window, chosen, qtbot):
    qtbot.mouseClick(dialog.save, LEFT)
    path = chosen.with_name("chosen.png")
    qtbot.waitUntil(path.exists)
    lacking = SessionFile.of(path)
    assert lacking.trouble == "chosen.png is a picture without a session: choose a .lens file."


@pytest.mark.parametrize("cut", [10, 100, 1000, -20])
def test_a_damaged_picture_is_one_sentence(dialog, window, chosen, qtbot, cut):
    dialog.can_reopen.setChecked(True)
    qtbot.mouseClick(dialog.save, LEFT)
    path = chosen.with_name("chosen.png")
    qtbot.waitUntil(path.exists)
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    if cut < 0:  # the session comes before the pixels
        assert sessions.read(path).document == window.session.document
        return
    with pytest.raises(SessionError, match=r"^chosen\.png .*\.$"):
        sessions.read(path)


def test_pairs_and_notes_do_not_travel(exporting, window, qtbot):
    pair = window.session.document.pair
    window.session.edit(table=(PairRow(pair),))
    exporting.export()
    assert not exporting._dialog.can_reopen.isEnabled()
    assert exporting._dialog.along.text() == HOLDS_MORE
    assert exporting._dialog.options().session == b""
    exporting._dialog.close()


@pytest.mark.usefixtures("no_popup")
def test_a_right_click_on_any_picture_offers_it(exporting, parts, window, qtbot):
    heatmap = pane_of(window, PatchingPane).heatmap
    middle = heatmap.middle_of(0, 0).toPoint()
    heatmap.menu_requested.emit(0, 0, heatmap.mapToGlobal(middle))
    menu = pane_of(window, PatchingPane).findChild(QMenu, MENU)
    verbs = {action.text(): action for action in menu.actions()}
    verbs["Copy its numbers"].trigger()
    copied = QGuiApplication.clipboard().text()
    assert copied.splitlines()[1].startswith("L0\t")
    verbs["Copy as picture"].trigger()
    assert QGuiApplication.clipboard().mimeData().hasImage()
    ElementTree.fromstring(bytes(QGuiApplication.clipboard().mimeData().data("image/svg+xml")))
    verbs["Export this picture…"].trigger()
    assert exporting._dialog.isVisible()
    menu.close()
    exporting._dialog.close()


@pytest.mark.usefixtures("no_popup")
def test_the_colour_bar_and_the_names_belong_to_the_picture(window, qtbot):
    pane = pane_of(window, PatchingPane)
    for part, place in ((pane.view.levels, QPoint(5, 5)), (pane.heatmap, QPoint(2, 2))):
        with qtbot.waitSignal(pane.taken) as taken:
            where = part.mapToGlobal(place)
            event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, where)
            QApplication.sendEvent(part, event)
        assert taken.args[1] == "menu"
        assert pane.shown_at(taken.args[0]).name == ""


def test_all_pictures_are_exported_at_once(exporting, window, chosen, qtbot):
    exporting.export_all()
    names = {each.figure.name for each in exporting.pictures()}
    assert len(names) > 4
    count = 4 * len(names)
    qtbot.waitUntil(
        lambda: said(window) == f"Exported {count} files to {chosen.parent}.", timeout=20000
    )
    assert {each.stem for each in chosen.parent.iterdir()} == names


def test_a_notebook_has_a_cell_for_each_pane_and_opens_the_model_once(
    exporting, window, chosen, qtbot
):
    exporting.export_notebook()
    path = chosen.with_name("chosen.ipynb")
    qtbot.waitUntil(lambda: said(window) == f"Exported {path.name} to {path.parent}.")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    words = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert [text.split("\n")[0] for text in words[1:]] == [
        f"## {title}" for title, pane in window.panes.items() if pane.is_computed
    ]
    assert len(codes) == 1 + sum(pane.is_computed for pane in window.panes.values())
    assert codes[0].count("from lensgui import ") == 1
    assert codes[0].count("model = ") == 1
    for code in codes:
        ast.parse(code)
    assert not any(
        "import " in line for code in codes[1:] for line in code.splitlines() if line[0:1].strip()
    )


def test_without_a_picture_nothing_is_exported(parts, qtbot):
    exporting = parts.commands.exporting
    for act in (exporting.export, exporting.export_all, exporting.copy_picture):
        act()
        assert parts.window.status.sentence.text() == NO_PICTURE


def test_what_is_old_is_not_exported(exporting, window, dialog, qtbot):
    pane = pane_of(window, PatchingPane)
    pane.view.show_sweeps(replace(pane.view.given, is_stale=True))
    exporting.export(next(each for each in exporting.pictures() if each.pane == pane.title))
    assert not dialog.save.isEnabled()
    qtbot.waitUntil(lambda: "older question" in dialog.preview.empty)


def test_the_dialog_follows_what_changes_behind_it(dialog, window, qtbot):
    title, prompts = dialog.which.currentText(), window.session.document.pair
    window.session.edit(clean="When Ann and Mary went", corrupted="When Mary and Mary went")
    qtbot.waitUntil(lambda: "“When Ann and Mary went”" in dialog.caption.toPlainText())
    qtbot.waitUntil(dialog.save.isEnabled)
    assert dialog.which.currentText() == title
    dialog.has_caption.setChecked(False)
    window.session.edit(corrupted="")  # there is nothing to patch any more
    qtbot.waitUntil(lambda: dialog.preview.empty == GONE)
    assert not dialog.save.isEnabled()
    assert not dialog.copy.isEnabled()
    window.session.edit(corrupted=prompts.corrupted)
    assert not dialog.has_caption.isChecked()


def test_a_script_that_there_is_not_can_not_be_saved(dialog, exporting):
    found = list(exporting.pictures())
    bare = [replace(each, figure=replace(each.figure, code="")) for each in found]
    dialog.open_for(bare, bare[0], (b"", ""))
    choose(dialog, "py")
    assert not dialog.save.isEnabled()
    assert dialog.along.text() == NO_SCRIPT
    choose(dialog, "csv")
    assert dialog.save.isEnabled()


def test_pictures_of_one_title_are_told_apart(dialog, exporting):
    found = list(exporting.pictures())
    alike = [replace(each, figure=replace(each.figure, title="Same")) for each in found]
    dialog.open_for(alike, alike[2], (b"", ""))
    assert dialog.picture is alike[2]


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_the_dialog_fits_on_a_small_screen(exporting, parts, window, qtbot, scale):
    parts.appearance.preferences.change(zoom=scale)
    exporting.export()
    dialog = exporting._dialog
    dialog.resize(800, 480)
    assert (dialog.width(), dialog.height()) == (800, 480)
    for each in (dialog.save, dialog.copy, dialog.shut):
        assert dialog.rect().contains(each.geometry())
    dialog.can_reopen.setFocus()
    dialog.close()


def test_a_folder_in_the_way_a_full_disk_and_a_missing_folder(
    dialog, exporting, window, chosen, qtbot, monkeypatch
):
    picture, options = dialog.picture, dialog.options()
    target = chosen.with_name("chosen.png")
    target.mkdir()
    exporting.save_to(target, picture, "png", options)
    qtbot.waitUntil(lambda: "chosen.png is a folder" in said(window))
    exporting.save_to(chosen.parent / "none" / "a.png", picture, "png", options)
    qtbot.waitUntil(lambda: said(window).startswith("a.png was not written (no such file"))
    kept = chosen.parent / "kept.png"
    kept.write_bytes(b"before")

    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(store.os, "fsync", full)
    exporting.save_to(kept, picture, "png", options)
    qtbot.waitUntil(lambda: "kept.png was not written (no space left" in said(window))
    assert kept.read_bytes() == b"before"
    assert sorted(each.name for each in chosen.parent.iterdir()) == ["chosen.png", "kept.png"]


def test_what_is_old_is_left_out_and_said(exporting, window, chosen, qtbot, monkeypatch):
    current = list(exporting.pictures())[:2]
    old = replace(current[0], shown=replace(current[0].shown, is_stale=True))
    monkeypatch.setattr(exporting, "pictures", lambda: iter([old, current[1]]))
    exporting.export_all()
    words = "Exported 4 files to {}. Left out, as they answer an older question: 1."
    qtbot.waitUntil(lambda: said(window) == words.format(chosen.parent))
    monkeypatch.setattr(exporting, "pictures", lambda: iter([old]))
    exporting.export_all()
    assert "answers an older question" in said(window)


@pytest.mark.parametrize("is_wanted", [False, True])
def test_no_file_is_written_over_unasked(
    dialog, exporting, window, chosen, qtbot, monkeypatch, is_wanted
):
    asked = []
    monkeypatch.setattr(
        "lensgui.app.export.exporting.ask_writing_over",
        lambda paths, _: asked.append([path.name for path in paths]) or is_wanted or not paths,
    )
    kept = [chosen.with_name(name) for name in ("chosen.png", "chosen.ipynb", "attention.svg")]
    for path in kept:
        path.write_bytes(b"before")
    qtbot.mouseClick(dialog.save, LEFT)
    exporting.export_notebook()
    found = [each for each in exporting.pictures() if each.figure.name == "attention"]
    exporting.export_to(chosen.parent, found)
    qtbot.waitUntil(lambda: not exporting._pending)
    assert asked == [["chosen.png"], ["chosen.ipynb"], ["attention.svg"]]
    assert [path.read_bytes() != b"before" for path in kept] == [is_wanted] * 3
    assert chosen.with_name("attention.pdf").exists() is is_wanted


@pytest.mark.parametrize("verb", ["Cancel", "Replace"])
def test_it_is_asked_in_one_sentence(window, verb):
    said_: list[str] = []

    def act() -> None:
        box = QApplication.activeModalWidget()
        assert box is not None
        said_.extend(label.text() for label in box.findChildren(QLabel))
        next(each for each in box.findChildren(QPushButton) if each.text() == verb).click()

    QTimer.singleShot(0, act)
    names = [Path("a.png"), Path("b.png"), Path("c.png")]
    assert ask_writing_over(names, window) is (verb == "Replace")
    assert said_ == ["Replace the files?", "a.png and 2 more are there already."]


def test_what_failed_of_several_files_is_said_at_the_end(
    dialog, exporting, window, chosen, qtbot, monkeypatch
):
    found = [each for each in exporting.pictures() if each.figure.name == "attention"]
    monkeypatch.setattr("lensgui.app.export.exporting.ask_writing_over", lambda *_: True)
    chosen.with_name("attention.csv").mkdir()
    exporting.export_to(chosen.parent, found)
    qtbot.waitUntil(lambda: not exporting._pending)
    assert said(window).startswith("attention.csv is a folder")
    assert said(window).endswith(" 3 were exported.")
    exporting.save_to(chosen.with_name("b.svg"), found[0], "svg", dialog.options())
    qtbot.waitUntil(lambda: said(window) == f"Exported b.svg to {chosen.parent}.")
    exporting.export_to(chosen.parent / "none", found)
    qtbot.waitUntil(lambda: said(window).endswith("3 more were not written either."))


def test_saving_twice_at_once_is_said_once(dialog, exporting, window, chosen, qtbot):
    picture, options = dialog.picture, dialog.options()
    for name in ("svg", "svg", "csv", "svg"):
        exporting.save_to(chosen.with_suffix(f".{name}"), picture, name, options)
    qtbot.waitUntil(lambda: not exporting._pending)
    assert said(window).startswith("Exported ")
    assert sorted(each.suffix for each in chosen.parent.iterdir()) == [".csv", ".svg"]


def test_session_in_finds_nothing_in_other_files():
    for data in (b"", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"<lensgui:session>", os.urandom(999)):
        assert session_in(data) is None
    with pytest.raises(ValueError, match="damaged"):
        session_in(b"<lensgui:session>!</lensgui:session>")


def test_exporting_ends_with_the_window(exporting, dialog, chosen):
    exporting.save_to(Path(chosen).with_suffix(".svg"), dialog.picture, "svg", dialog.options())
    assert exporting.close()
    assert chosen.with_name("chosen.svg").exists()
