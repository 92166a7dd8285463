"""What is set is applied at once and kept; what can't be read is said, and never lost."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSettings

from lensgui.app import start
from lensgui.app.commands.matches import USES
from lensgui.app.commands.menus import open_example
from lensgui.app.sessions.attaching import SessionFile
from lensgui.app.sessions.choosing import KEY
from lensgui.app.settings.file import SettingsFile
from lensgui.app.settings.preferences import Preferences
from lensgui.jobs.answerer import Limits
from lensgui.models import recognised
from lensgui.panes import files, theme
from lensgui.state.examples import TOY, find
from lensgui.state.sessions.sessions import write
from lensgui.state.settings import MIB, Settings
from lensgui.terms.model_key import ABSENT, ModelKey
from tests.state.test_settings import others

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)


@pytest.fixture
def build(answerer, tmp_path, monkeypatch):
    """Start the application again and again on one folder, each time anew."""
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path))
    built = []

    def build(**options):
        for before in built:
            before.appearance.windows.clear()
        parts = start.build(start.Options(model="fake", **options), lambda: answerer)
        parts.faults.release()
        built.append(parts)
        return parts

    yield build
    for parts in built:
        assert start.leave(parts, 5)
        parts.window.deleteLater()
    built[-1].appearance.preferences.restore()
    built[-1].appearance.choose("light")


def preferences(parts) -> Preferences:
    return parts.appearance.preferences


def seen(parts) -> dict[str, object]:
    """How each setting shows, outside of the settings themselves."""
    window, app = parts.window, parts.app
    model, pictures = window.session.document.model, theme.pictures()
    limits = window.runner.worker._limits or Limits()
    return {
        "device": model.device,
        "dtype": model.dtype,
        "threads": limits.threads,
        "kept_bytes": window.runner.board._kept.limit,
        "runs_bytes": limits.runs_bytes,
        "look": theme.of(app.palette()).name,
        "zoom": window.font().pointSizeF() / theme.POINTS,
        "text_family": window.font().families()[0],
        "mono_family": window.panes["Prompt"].editors["clean"].font().families()[0],
        "motion": (app.cursorFlashTime() > 0, window.isAnimated()),
        "diverging": theme.diverging(theme.LIGHT).tobytes(),
        "sequential": theme.sequential(theme.LIGHT).tobytes(),
        "layers": pictures.rises,
        "spaces": pictures.space,
        "files_folder": files._FOLDER[0],
    }


def test_every_setting_is_applied_at_once_survives_a_restart_and_comes_back(build, qtbot):
    parts = build()
    preferences(parts).change(look="light")
    for name, value in others().items():
        qtbot.waitUntil(lambda: parts.window.runner.worker._limits is not None)
        before = seen(parts)
        preferences(parts).change(**{name: value})
        qtbot.waitUntil(lambda name=name, was=before: seen(parts)[name] != was[name])
        assert {at for at, now in seen(parts).items() if now != before[at]} == {name}
    changed = seen(parts)
    again = build()
    qtbot.waitUntil(lambda: again.window.runner.worker._limits is not None)
    assert preferences(again).settings == preferences(parts).settings
    assert seen(again) == changed
    preferences(again).restore()
    assert preferences(again).settings == Settings()
    qtbot.waitUntil(lambda: seen(again)["runs_bytes"] == Settings().runs_bytes)
    assert {seen(again)[name] for name in ("layers", "zoom")} == {False, 1.0}


def test_the_worker_uses_as_many_threads_at_once(parts, window, qtbot, answerer):
    preferences(parts).change(threads=1)
    qtbot.waitUntil(lambda: answerer.limits == Limits(1, Settings().runs_bytes))
    preferences(parts).change(threads=0, runs_bytes=64 * MIB)
    qtbot.waitUntil(lambda: answerer.limits == Limits(0, 64 * MIB))


def test_another_format_is_an_edit_of_the_open_model_and_another_device_is_none(parts, window):
    session = window.session
    preferences(parts).change(dtype="bfloat16")
    assert session.document.model.dtype == "bfloat16"
    window.model_bar._edit(device="cpu")
    preferences(parts).change(device="cuda")
    assert session.document.model.device == "cuda"
    session.undo_stack.undo()
    assert session.undo_stack.count() == 1
    assert session.document.model == ModelKey("fake", device="cuda")
    session.undo_stack.redo()
    window.model_bar.open_source("another")
    assert (session.document.model.source, session.document.model.dtype) == ("another", "bfloat16")


def test_the_ticks_of_the_menu_follow(parts, window):
    themes = {
        action.data(): action
        for menu in window.menuBar().actions()
        for action in menu.menu().actions()
        if action.actionGroup()
    }
    assert list(themes) == ["system", "light", "dark", "high contrast"]
    themes["dark"].trigger()
    assert preferences(parts).settings.look == parts.appearance.choice == "dark"
    preferences(parts).change(look="light")
    assert [name for name, action in themes.items() if action.isChecked()] == ["light"]


def test_a_bad_value_is_said_and_stays_until_it_is_set(build, tmp_path):
    path = tmp_path / "settings.ini"
    path.write_text("[General]\nzoom=abc\nlook=dark\nhers=1\n[Other]\nhis=2\n", encoding="utf-8")
    parts = build()
    assert parts.window.status.sentence.text() == (
        "settings.ini: zoom ‘abc’ is no number: 100 % is used."
    )
    assert (parts.appearance.choice, theme.zoom()) == ("dark", 1.0)
    preferences(parts).change(dtype="float64")
    text = path.read_text(encoding="utf-8")
    assert all(line in text for line in ("zoom=abc", "hers=1", "[Other]", "his=2", "dtype=float64"))
    preferences(parts).restore("zoom")
    assert "zoom=1.0" in path.read_text(encoding="utf-8")
    assert preferences(build()).remark == ""


@pytest.mark.parametrize("rubbish", [b"\xff\xfe\x00\x01", b"no list of settings", b"[open\nx=1"])
def test_a_file_that_is_no_list_is_set_aside_whole(build, tmp_path, rubbish):
    path, aside = tmp_path / "settings.ini", tmp_path / "settings.ini.bad"
    path.write_bytes(rubbish)
    parts = build()
    assert preferences(parts).settings == Settings()
    assert str(aside) in parts.window.status.sentence.text()
    assert aside.read_bytes() == rubbish
    preferences(parts).change(look="dark")
    assert "look=dark" in path.read_text(encoding="utf-8")
    path.write_bytes(b"again")
    build()
    assert (tmp_path / "settings.ini.bad.2").read_bytes() == b"again"
    assert aside.read_bytes() == rubbish


def test_a_file_that_can_not_be_opened_is_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "settings.ini"
    path.write_text("[General]\nlook=dark\n", encoding="utf-8")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    file = SettingsFile(tmp_path)
    with monkeypatch.context() as context:
        context.setattr("pathlib.Path.read_text", refuse)
        found = Preferences(file)
        assert "can't be read (Permission denied)" in found.remark
        found.change(look="light")
    assert path.read_text(encoding="utf-8") == "[General]\nlook=dark\n"


def test_a_change_that_can_not_be_kept_is_applied_and_said(parts, window, tmp_path, monkeypatch):
    monkeypatch.setattr("lensgui.app.settings.file.store.home", lambda: tmp_path / "home")
    (tmp_path / "settings.ini").unlink(missing_ok=True)
    (tmp_path / "settings.ini").mkdir()
    preferences(parts).change(look="dark")
    assert "so the change is not kept" in window.status.sentence.text()
    assert parts.appearance.choice == "dark"
    (tmp_path / "settings.ini").rmdir()


def test_safe_mode_neither_reads_nor_writes(build, tmp_path):
    path = tmp_path / "settings.ini"
    path.write_text("[General]\nlook=dark\nzoom=abc\n", encoding="utf-8")
    parts = build(safe_mode=True)
    assert preferences(parts).settings == Settings()
    assert "safe mode" in parts.window.windowTitle()
    assert parts.window.status.sentence.text().startswith("Safe mode:")
    preferences(parts).change(zoom=1.5)
    assert theme.zoom() == 1.5
    parts.window.session.edit(clean="another")
    assert parts.window.windowTitle() == "Untitled[*] – lensgui (safe mode)"
    assert path.read_text(encoding="utf-8") == "[General]\nlook=dark\nzoom=abc\n"


def test_nor_does_it_know_or_remember_what_was_opened_and_chosen_last(build, tmp_path):
    path = tmp_path / "history.ini"
    before = QSettings(str(path), QSettings.Format.IniFormat)
    before.setValue(KEY, [str(tmp_path / "work.lens")])
    before.setValue(USES, '{"action: Undo": 1}')
    before.sync()
    kept = path.read_bytes()
    assert build().sessions.recent.paths == [tmp_path / "work.lens"]
    parts = build(safe_mode=True)
    assert parts.sessions.recent.paths == []
    assert parts.commands.search._uses.of("action: Undo") == 0
    parts.sessions.recent.add(tmp_path / "other.lens")
    parts.commands.search._uses.add("action: Redo")
    assert path.read_bytes() == kept


def test_a_session_that_is_opened_leaves_room_for_what_is_said_of_settings(build, tmp_path):
    (tmp_path / "settings.ini").write_text("[General]\nzoom=abc\n", encoding="utf-8")
    lacking = SessionFile.of(tmp_path / "none.lens")
    said = build(request=lacking).window.status.sentence.text()
    assert said == f"{lacking.trouble} settings.ini: zoom ‘abc’ is no number: 100 % is used."


def test_a_session_opens_where_models_run_now_in_its_own_format(build, tmp_path):
    (tmp_path / "settings.ini").write_text(
        "[General]\ndevice=cpu\ndtype=float64\n", encoding="utf-8"
    )
    recognised.remember("f" * 64, "fake")
    parts, file = build(), tmp_path / "work.lens"
    session = parts.window.session
    session.edit(model=ModelKey("fake", device="cpu", dtype="bfloat16"))
    saved = parts.sessions.saved()
    write(file, saved)
    session.edit(model=ModelKey("another"))
    parts.sessions.show(saved, file)
    assert session.document.model == ModelKey("fake", device="cpu", dtype="bfloat16")
    parts.sessions.file.release()
    again = build(request=SessionFile.of(file)).window.session.document
    assert again.model == ModelKey("fake", device="cpu", dtype="bfloat16")


def test_the_toy_opens_where_models_run_now(parts, window):
    preferences(parts).change(device="cpu", dtype="float64")
    open_example(window, find(TOY))
    assert window.session.document.model == ModelKey(TOY, device="cpu", dtype="float64")


def test_numbers_of_a_model_that_is_not_here_stay(parts, window):
    window.session.edit(model=ModelKey(f"{ABSENT}far/away"))
    before = window.session.document
    preferences(parts).change(device="cpu", dtype="float64")
    assert window.session.document == before


def test_a_file_that_qt_wrote_is_read(build, tmp_path):
    before = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    for name, value in (("look", "high contrast"), ("zoom", 1.25), ("kept_bytes", 1000)):
        before.setValue(name, value)
    before.sync()
    found = preferences(build())
    assert found.remark == ""
    assert (found.settings.look, found.settings.zoom) == ("high contrast", 1.25)
    assert found.settings.kept_bytes == 1000


def test_a_change_wakes_nobody_if_nothing_changes(tmp_path, qtbot):
    found = Preferences(SettingsFile(tmp_path))
    said = []
    found.changed.connect(said.append)
    found.change(zoom=1.0)
    found.change(zoom=1.5, look="system")
    assert said == [frozenset({"zoom"})]
    assert Preferences(SettingsFile(tmp_path)).settings.zoom == 1.5


def test_two_windows_of_one_process_have_one_set_of_settings(parts, window, answerer, qtbot):
    other = start.build(start.Options(document=window.session.document), lambda: answerer)
    other.faults.release()
    preferences(other).change(zoom=1.25, layers="up", device="cpu")
    assert preferences(parts).settings.device == window.session.document.model.device == "cpu"
    preferences(other).failed.emit("Not kept.")
    assert window.status.sentence.text() == "Not kept."
    with qtbot.assertNotEmitted(window.settings_requested):
        other.window.settings_requested.emit()
    assert start.leave(other, 5)
    assert list(parts.appearance.windows) == [window]
    preferences(parts).change(device="best")
    assert other.window.session.document.model.device == "cpu"  # nothing runs there any more
