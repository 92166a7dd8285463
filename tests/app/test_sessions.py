"""Sessions in the window: saved, opened, found again, shown without their model."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from lensgui.app.sessions import sessions
from lensgui.app.sessions.attaching import SessionFile
from lensgui.app.sessions.choosing import Recent
from lensgui.app.sessions.open_file import OpenFile, is_in_use
from lensgui.jobs.requests import OpenModel, Patching
from lensgui.models import recognised
from lensgui.panes.patching.patching import PatchingPane
from lensgui.state.sessions.sessions import read, write
from lensgui.terms.errors import ModelError
from tests.windows import pane_of, work

MODEL_ID = "c" * 64


@pytest.fixture
def file(tmp_path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    return folder / "work.lens"


@pytest.fixture
def saves(window, parts, qtbot, files):
    """Save to a file once all is computed, and wait until it is there."""

    def save(path: Path) -> None:
        qtbot.waitUntil(lambda: not parts.runner.is_busy)
        files.save_to(path)
        qtbot.waitUntil(lambda: files.file.path == path and not files.is_modified)

    return save


@pytest.fixture
def opens(window, parts, qtbot, files):
    """Open a file, and wait until it is shown and all is computed."""

    def open_file(path: Path) -> None:
        with qtbot.waitSignal(files.titled):
            files.open_file(path)
        qtbot.waitUntil(lambda: not parts.runner.is_busy)

    return open_file


@pytest.fixture
def absent_bar(parts):
    """The line that names a model that is not here."""
    return parts.absent_bar


def forget(parts, file: Path) -> None:
    """Know nothing of what a file has, as in another process."""
    for request, _ in read(file).answers:
        parts.runner.board.forget(request)


def test_what_is_saved_comes_back_as_it_was(window, file, saves, opens, files):
    work(window)
    window.docks["Inspector"].close()
    window.show_pane("Prompt pairs")
    before, cursor = window.session.document, window.selection.cursor
    saves(file)
    assert not files.is_modified
    assert window.windowTitle().startswith("work")
    files.new()
    assert window.session.document.pair.clean == ""
    window.reset_layout()
    opens(file)
    assert window.session.document == before
    assert window.selection.cursor == cursor
    assert window.docks["Inspector"].isHidden()
    assert window.docks["Prompt pairs"].pane.is_in_front
    assert not files.is_modified
    assert not window.session.undo_stack.canUndo()


def test_the_mark_comes_with_an_edit_and_goes_with_undo(window, file, saves):
    work(window)
    saves(file)
    assert not window.isWindowModified()
    window.session.edit(clean="other")
    assert window.isWindowModified()
    window.session.edit(clean="other words")  # which the history has as one step with it
    window.undo()
    assert not window.isWindowModified()
    window.selection.move(layer=0)  # what is selected is saved, and changes nothing
    assert not window.isWindowModified()
    window.session.edit(clean="one")
    saves(file)
    window.session.edit(clean="one two")  # one step with what is saved, and a change
    assert window.isWindowModified()


def test_a_file_that_cant_be_read_leaves_all_as_it_is(window, file, opens, qtbot, files):
    work(window)
    before = window.session.document
    file.write_bytes(b"PK\x03\x04 nothing")
    for path in (file, file.with_name("gone.lens"), file.parent):
        with qtbot.waitSignal(files.failed) as said:
            files.open_file(path)
        assert path.name in said.args[0]
        assert said.args[0].endswith(".")
        assert "\n" not in said.args[0]
    assert window.session.document is before
    assert window.session.undo_stack.canUndo()


def test_what_cant_be_written_is_said_and_nothing_is_lost(
    window, file, saves, qtbot, monkeypatch, files
):
    work(window)
    saves(file)
    whole = file.read_bytes()
    window.session.edit(clean="other")

    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", refuse)
        with qtbot.waitSignal(files.failed) as said:
            files.save()
    assert "full" in said.args[0]
    assert file.read_bytes() == whole
    assert sorted(os.listdir(file.parent)) == [".work.lens.lock", "work.lens"]
    assert files.is_modified
    with qtbot.waitSignal(files.failed):
        files.save_to(file / "below.lens")
    saves(file)
    assert read(file).document.pair.clean == "other"


def test_a_file_that_another_window_has_open_is_a_copy_here(window, file, saves, opens, files):
    saves(file)
    files.new()
    other = OpenFile()
    other.take(file)
    said = []
    files.status_message.connect(said.append)
    opens(file)
    assert files.file.path is None
    assert any("another window" in sentence for sentence in said)
    files.failed.connect(said.append)
    before = file.read_bytes()
    files.save_to(file)
    assert "another window" in said[-1]
    assert file.read_bytes() == before
    other.release()
    saves(file)
    assert is_in_use(file)


def test_a_file_that_somebody_else_changed_is_not_replaced_unasked(
    window, file, saves, monkeypatch, qtbot, files
):
    saves(file)
    window.session.edit(clean="mine")
    theirs = replace(read(file), document=window.session.document.having(clean="theirs"))
    write(file, theirs)
    assert files.file.is_changed
    assert "another program" in files.file.look()
    assert files.file.look() == ""
    monkeypatch.setattr(sessions, "ask_overwriting", lambda path, parent: False)
    files.save()
    assert read(file).document.pair.clean == "theirs"
    monkeypatch.setattr(sessions, "ask_overwriting", lambda path, parent: True)
    with qtbot.waitSignal(files.writer.written):
        files.save()
    assert read(file).document.pair.clean == "mine"


def test_a_file_that_is_gone_is_written_anew(window, file, saves, qtbot, files):
    saves(file)
    file.unlink()
    assert "no longer there" in files.file.look()
    files.save()
    qtbot.waitUntil(file.exists)  # another file may be written first: what would be left by a crash


def test_a_session_whose_model_is_not_here_opens_with_everything_else(
    window, parts, answerer, file, saves, opens, files, absent_bar
):
    work(window)
    before = window.session.document
    files.with_answers = True
    saves(file)
    saved = read(file)
    assert any(isinstance(request, Patching) for request, _ in saved.answers)
    named = replace(saved, model=replace(saved.model, name="far/away", content_id=MODEL_ID))
    write(file, named)
    files.new()
    asked = len(answerer.asked)
    answerer.broken[OpenModel] = ModelError("There is no such model.")
    opens(file)
    document = window.session.document
    assert document.model.is_absent
    assert document.pair == before.pair
    assert document.pins == before.pins
    assert absent_bar.isVisible()
    assert absent_bar.words.text() == "Model not here: far/away"
    assert absent_bar.get.isEnabled()
    pane = pane_of(window, PatchingPane)
    assert pane.sweep is not None  # as the file has it
    assert window.docks[pane.title].bar.from_file.isVisible()
    assert not [one for one in answerer.asked[asked:] if isinstance(one, Patching)]
    del answerer.broken[OpenModel]
    window.session.edit(model=replace(document.model, source="fake"))
    assert not absent_bar.isVisible()
    window.session.undo_stack.undo()
    assert window.session.document.model.is_absent


def test_a_model_is_found_by_what_it_is(window, file, saves, opens, files, absent_bar):
    saves(file)
    saved = read(file)
    write(file, replace(saved, model=replace(saved.model, name="renamed", content_id=MODEL_ID)))
    recognised.remember(MODEL_ID, "fake")
    files.new()
    opens(file)
    assert window.session.document.model.source == "fake"
    assert not absent_bar.isVisible()


def test_answers_of_a_file_say_so_until_they_are_computed_here(
    window, parts, answerer, file, saves, opens, qtbot, files
):
    work(window)
    files.with_answers = True
    saves(file)
    files.new()
    forget(parts, file)
    asked = len(answerer.asked)
    said = []
    files.status_message.connect(said.append)
    opens(file)
    bar = window.docks[PatchingPane.title].bar
    assert bar.from_file.isVisible()
    assert not [one for one in answerer.asked[asked:] if isinstance(one, Patching)]
    qtbot.waitUntil(lambda: any("agree" in sentence for sentence in said))
    qtbot.mouseClick(bar.from_file, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not bar.from_file.isVisible())
    qtbot.waitUntil(lambda: any(isinstance(one, Patching) for one in answerer.asked[asked:]))


def test_numbers_that_this_machine_does_not_find_are_named(
    window, parts, file, saves, opens, qtbot, files
):
    work(window)
    files.with_answers = True
    saves(file)
    saved = read(file)
    changed = tuple(
        (
            request,
            replace(answer, values=answer.values * 2 + 5)
            if isinstance(request, Patching)
            else answer,
        )
        for request, answer in saved.answers
    )
    write(file, replace(saved, answers=changed))
    files.new()
    forget(parts, file)
    with qtbot.waitSignal(files.failed) as said:
        opens(file)
    assert "does not find" in said.args[0]


def test_recent_files_the_latest_first(parts, window, file, saves, tmp_path, files):
    other = file.with_name("other.lens")
    saves(file)
    saves(other)
    saves(file)
    recent = files.recent
    assert recent.paths == [file, other]
    recent.drop(file)
    assert recent.paths == [other]
    recent._history.setValue("recent", {"a": 1})
    assert recent.paths == []
    assert Recent(recent._history).paths == []


def test_a_session_that_is_dropped_is_opened(window, file, saves, qtbot, files):
    work(window)
    saves(file)
    files.new()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPointF(9, 9).toPoint(), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, keys)
    with qtbot.waitSignal(files.titled):
        QApplication.sendEvent(window, drop)
    assert window.session.document.pair.clean == "a b c d"


def test_the_command_line_opens_a_session(tmp_path, window, file, saves):
    from lensgui.command_line.parser import make_parser, take_session

    parser = make_parser()
    given = ["--model", "x.lens", "--safe-mode", "work.lens"]
    assert take_session(given, parser) == Path("work.lens")
    assert given == ["--model", "x.lens", "--safe-mode"]
    assert take_session(["models", "get", "x.lens"], parser) is None
    work(window)
    saves(file)
    assert SessionFile.of(file).document.pair.clean == "a b c d"
    assert SessionFile.of(tmp_path / "none.lens").trouble


def test_where_a_sessions_model_can_not_be_opened_it_shows_what_the_file_has(
    window, parts, answerer, file, saves, opens, files, absent_bar
):
    work(window)
    files.with_answers = True
    saves(file)
    saved = read(file)
    named = replace(saved, model=replace(saved.model, name="renamed", content_id=MODEL_ID))
    write(file, named)
    recognised.remember(MODEL_ID, "damaged")
    files.new()
    answerer.broken[OpenModel] = ModelError("damaged is no whole file: get it again.")
    said = []
    files.failed.connect(said.append)
    opens(file)
    document = window.session.document
    assert document.model.is_absent
    assert document.pair == saved.document.pair
    pane = pane_of(window, PatchingPane)
    assert pane.sweep is not None
    assert window.docks[pane.title].bar.from_file.isVisible()
    assert said == ["Numbers are those of the file: damaged is no whole file: get it again."]
    assert absent_bar.words.text() == "Model not here: renamed"
    assert not files.is_modified
    window.session.edit(direction="noising")
    window.session.undo_stack.undo()
    assert window.session.document.model == document.model


def test_where_the_file_has_no_numbers_either_only_the_model_is_said(
    window, parts, answerer, file, saves, opens, files, absent_bar
):
    saves(file)
    saved = read(file)
    write(file, replace(saved, model=replace(saved.model, name="renamed", content_id=MODEL_ID)))
    recognised.remember(MODEL_ID, "damaged")
    files.new()
    answerer.broken[OpenModel] = ModelError("damaged is no whole file: get it again.")
    said = []
    files.failed.connect(said.append)
    opens(file)
    assert not window.session.document.model.is_absent
    assert said == []
    assert "damaged is no whole file" in window.panes["Prompt"].message.text()
