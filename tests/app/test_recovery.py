"""What is kept before long, offered after a crash, and found again after closing."""

from __future__ import annotations

from pathlib import Path

from lensgui.app.sessions import autosaving, sessions
from lensgui.app.sessions.closing import Leave
from lensgui.app.sessions.open_file import is_in_use
from lensgui.state.autosave import Recovery
from lensgui.state.selection import Cursor
from lensgui.state.sessions.sessions import read
from tests.windows import work


def test_what_changes_is_kept_before_long_and_offered_after_a_crash(
    window, qtbot, monkeypatch, files
):
    work(window)
    autosave = files.autosave
    assert autosave.is_due
    assert autosave._timer.interval() <= 20_000
    assert Recovery(autosave.recovery.path.parent).left() == []  # this window lives
    with qtbot.waitSignal(files.writer.written):
        autosave.now()
    assert Recovery(autosave.recovery.path.parent).left() == []
    autosave.recovery._lock.release()  # as when the process dies
    left = Recovery(autosave.recovery.path.parent).left()
    assert [one.saved.document.pair.clean for one in left] == ["a b c d"]
    autosave.recovery = Recovery(autosave.recovery.path.parent)  # as of another window
    files.offer()
    dialog = window.findChild(autosaving.Offer)
    assert "a b c d" in dialog.list.item(0).text()
    window.session.begin(window.session.document.having(clean="new", pins=()))
    monkeypatch.setattr(sessions, "ask_saving", lambda *_: Leave.STAY)
    dialog._open()
    assert window.session.document.pins == ()  # what is here is not replaced unasked
    monkeypatch.setattr(sessions, "ask_saving", lambda *_: Leave.DROP)
    files.offer()
    dialog = window.findChildren(autosaving.Offer)[-1]
    dialog._open()
    assert window.session.document.pins == (Cursor(2, 1),)
    assert files.is_modified
    files.writer.wait(5)
    assert [path.stem for path in left[0].path.parent.glob("*.lens")] == [
        autosave.recovery.path.stem
    ]


def test_closing_asks_where_work_would_be_lost_and_keeps_what_was_typed(window, monkeypatch, files):
    asked = []

    def ask(document, name, parent):
        asked.append(name)
        return Leave.STAY

    monkeypatch.setattr(sessions, "ask_saving", ask)
    window.session.edit(clean="typed")
    assert files.may_close()
    assert asked == []
    files.writer.wait(5)
    assert read(files.autosave.recovery.last).document.pair.clean == "typed"
    work(window)
    assert not files.may_close()
    assert asked == ["Untitled"]


def test_saving_on_the_way_out(window, tmp_path, monkeypatch, files, qtbot):
    file = tmp_path / "work.lens"
    files.save_to(file)
    qtbot.waitUntil(lambda: files.file.path == file)
    work(window)
    monkeypatch.setattr(sessions, "ask_saving", lambda *_: Leave.SAVE)
    assert files.may_close()
    assert read(file).document.pair.clean == "a b c d"
    assert not is_in_use(file)


def test_a_window_that_is_left_unasked_leaves_what_took_work(window, files):
    work(window)
    assert files.close()
    files.autosave.recovery._lock.release()  # as when the process ends
    folder = files.autosave.recovery.path.parent
    assert [one.saved.document.pins for one in Recovery(folder).left()] == [(Cursor(2, 1),)]


def test_what_was_only_typed_is_found_by_recover(window, files):
    window.session.edit(clean="typed")
    assert files.close()
    recovery = Recovery(files.autosave.recovery.path.parent)
    assert recovery.left() == []
    assert [one.saved.document.pair.clean for one in recovery.left(with_last=True)] == ["typed"]


def test_what_is_discarded_is_offered_by_recover_until_something_else_is(files, window):
    recovery = files.autosave.recovery
    for text, origin in (("one", None), ("two", Path("/its/file.lens"))):
        crashed = Recovery(recovery.path.parent)
        window.session.edit(clean=text)
        crashed.write(files.saved(), origin)
        crashed._lock.release()  # as when its process dies
    files.offer()
    dialog = window.findChild(autosaving.Offer)
    dialog.list.setCurrentRow(1)
    dialog._discard()
    dialog.reject()
    assert [_clean(one) for one in recovery.left()] == ["two"]
    assert sorted(_clean(one) for one in recovery.left(with_last=True)) == ["one", "two"]
    files.recover()
    dialog = window.findChildren(autosaving.Offer)[-1]
    assert autosaving.DISCARDED in dialog.list.item(1).text()
    dialog._discard()
    (left,) = recovery.left(with_last=True)
    assert (_clean(left), left.origin, left.is_discarded) == ("two", Path("/its/file.lens"), True)
    recovery.set_aside(left)
    assert recovery.left(with_last=True) == []


def _clean(left):
    return left.saved.document.pair.clean
