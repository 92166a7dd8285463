"""Saving where something else happens meanwhile: nothing is written over, and no title lies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from lensgui.app.sessions import choosing, sessions
from lensgui.app.sessions.open_file import OpenFile
from lensgui.app.sessions.placement import place, placed
from lensgui.jobs.requests import OpenModel
from lensgui.models import recognised
from lensgui.state.sessions.sessions import read, write
from lensgui.terms.errors import ModelError
from tests.windows import work


def settled(files, path, qtbot):
    files.save_to(path)
    qtbot.waitUntil(lambda: files.file.path == path and not files.is_modified)


@pytest.mark.parametrize(("typed", "name"), [("gpt2.5", "gpt2.5.lens"), ("notes", "notes.lens")])
def test_an_ending_is_added_and_never_takes_one_away(
    window, files, tmp_path, qtbot, monkeypatch, typed, name
):
    (tmp_path / "gpt2.lens").write_bytes(b"somebody's")
    (tmp_path / "notes.lens").write_bytes(b"somebody's")
    asked = []
    monkeypatch.setattr(choosing, "ask_replacing", lambda path, _: bool(asked.append(path.name)))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / typed), ""))
    files.save_as()
    files.writer.wait(5)
    assert (tmp_path / "gpt2.lens").read_bytes() == b"somebody's"
    assert (tmp_path / "notes.lens").read_bytes() == b"somebody's"
    assert asked == (["notes.lens"] if typed == "notes" else [])
    assert (tmp_path / name).exists()


def test_what_is_written_after_another_was_opened_is_not_what_is_open(
    window, files, tmp_path, qtbot
):
    window.session.edit(clean="a")
    first, second = tmp_path / "a.lens", tmp_path / "b.lens"
    other = replace(files.saved(), document=window.session.document.having(clean="b"))
    files.save_to(first)
    files.show(other, None)
    files.writer.wait(5)
    qtbot.waitUntil(lambda: first in files.recent.paths)
    assert files.file.path is None
    assert window.windowTitle().startswith("Untitled")
    settled(files, second, qtbot)
    assert read(first).document.pair.clean == "a"


def test_two_saves_at_once_ask_nothing_and_a_failure_is_said(
    window, files, tmp_path, qtbot, monkeypatch
):
    path = tmp_path / "a.lens"
    settled(files, path, qtbot)
    monkeypatch.setattr(sessions, "ask_overwriting", lambda *_: pytest.fail("asked"))
    for text in "xyz":
        window.session.edit(clean=text)
        files.save()
    files.writer.wait(5)
    qtbot.waitUntil(lambda: not files.is_modified)
    files.save()
    files.writer.wait(5)
    assert read(path).document.pair.clean == "z"


def test_a_new_session_has_nothing_of_the_file_before(window, files, tmp_path, qtbot):
    path = tmp_path / "a.lens"
    files.show(replace(files.saved(), unknown=(("later", b"1"),)), None)
    files.new()
    settled(files, path, qtbot)
    assert read(path).unknown == ()


def test_a_session_stays_about_its_model_where_that_cant_be_opened(
    window, files, answerer, qtbot, parts
):
    qtbot.waitUntil(lambda: window.exchange.card is not None)
    recognised.remember("a" * 64, "another")
    saved = files.saved()
    answerer.broken[OpenModel] = ModelError("It can't be opened.")
    files.show(
        replace(saved, model=replace(saved.model, name="another", content_id="a" * 64)), None
    )
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    assert window.session.document.model.source == "another"
    assert not window.isWindowModified()


def test_a_file_changed_since_a_crash_is_not_replaced_unasked(window, files, tmp_path, monkeypatch):
    path = tmp_path / "a.lens"
    write(path, files.saved())
    files.show(files.saved(), path, is_modified=True)
    asked = []
    monkeypatch.setattr(sessions, "ask_overwriting", lambda *_: bool(asked.append(1)))
    files.save()
    assert asked


def test_a_very_long_name_is_locked_too(tmp_path):
    path = tmp_path / ("a" * 248 + ".lens")
    path.write_bytes(b"")
    file = OpenFile()
    file.take(path)
    assert file.path == path
    file.release()


def test_a_pane_below_another_comes_back_there(window, qtbot):
    docks = window.docks
    window.splitDockWidget(docks["Prompt"], docks["Prompt pairs"], Qt.Orientation.Vertical)
    qtbot.wait(50)
    before = placed(window, docks)
    window.reset_layout()
    place(window, docks, before)
    qtbot.wait(50)
    after = placed(window, docks)
    assert {area.panes for area in after.areas} == {area.panes for area in before.areas}
    below, above = docks["Prompt pairs"].geometry(), docks["Prompt"].geometry()
    assert below.y() >= above.bottom()
    assert below.x() == above.x()
    work(window)


def test_undo_comes_back_to_what_was_saved(window, files, tmp_path, qtbot):
    window.session.edit(clean="one")
    settled(files, tmp_path / "a.lens", qtbot)
    for text in ("one t", "one tw", "one two"):
        window.session.edit(clean=text)
    window.undo()
    assert window.session.document.pair.clean == "one"
    assert not window.isWindowModified()


def test_where_a_model_runs_is_no_change_of_the_session(window, files):
    model = window.session.document.model
    window.session.edit(model=replace(model, device="cpu"))
    assert not window.isWindowModified()
    window.session.edit(model=replace(model, dtype="bfloat16"))
    assert window.isWindowModified()


def test_a_session_knows_its_model_while_that_is_being_opened(window, files, answerer, tmp_path):
    recognised.remember("a" * 64, "another")
    window.session.edit(model=replace(window.session.document.model, source="another"))
    assert files.saved().model.content_id == "a" * 64  # before anybody has opened it
    meant = replace(files.saved().model, name="unheard-of", content_id="b" * 64)
    files.show(replace(files.saved(), model=meant), None)
    assert files.saved().model == meant


def test_another_model_under_the_same_name_is_told_though_it_is_open(window, files, qtbot):
    qtbot.waitUntil(lambda: window.exchange.card is not None)
    window.exchange.card = replace(window.exchange.card, content_id="d" * 64)
    saved, said = files.saved(), []
    files.status_message.connect(said.append)
    files.show(replace(saved, model=replace(saved.model, content_id="e" * 64)), None)
    assert any("not the one" in sentence for sentence in said)


def test_no_file_leaves_the_window_empty(window):
    layout = placed(window, window.docks)
    place(window, window.docks, replace(layout, hidden=tuple(window.docks)))
    assert any(dock.isVisible() for dock in window.docks.values())


def test_alone_is_no_pane_that_is_hidden(window, files):
    layout = replace(files.saved().layout, hidden=("Inspector",), solo="Inspector")
    files.show(replace(files.saved(), layout=layout), None)
    assert window.alone.title == ""
    assert window.docks["Attention"].isVisible()


def test_a_link_to_an_open_file_is_in_use(tmp_path):
    path, link = tmp_path / "a.lens", tmp_path / "b.lens"
    path.write_bytes(b"")
    link.symlink_to(path)
    first, second = OpenFile(), OpenFile()
    first.take(path)
    second.take(link)
    assert second.path is None
    first.release()


def test_looking_around_is_not_offered_after_a_crash(window, files):
    window.selection.move(layer=1)
    assert not files.autosave.is_due
    window.session.edit(clean="typed")
    assert files.autosave.is_due
