"""The dialog of settings: found by words, by keyboard alone, and whole in little room."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QDoubleSpinBox, QFileDialog, QWidget

from lensgui.app.settings.applied import NOT_THERE
from lensgui.app.settings.dialog import NOTHING, SettingsDialog
from lensgui.panes import theme
from lensgui.panes.style import TARGET
from lensgui.panes.theme import contrast
from lensgui.state.settings import MIB, SECTIONS, TABLE, Settings, values

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)


@pytest.fixture
def dialog(window) -> SettingsDialog:
    """The dialog, opened by the menu."""
    window.actions_by_name["settings"].trigger()
    (found,) = window.findChildren(SettingsDialog)
    return found


def find(search, qtbot, text):
    """Take what the search finds first, and return that."""
    search.open()
    search.field.setText(text)
    first = search.found.entries[0]
    qtbot.keyClick(search.field, Qt.Key.Key_Return)
    return first


def settings(dialog) -> Settings:
    return dialog._preferences.settings


def test_it_is_opened_by_a_key_beside_the_window_and_once(window, dialog):
    assert window.actions_by_name["settings"].shortcut().toString() == "Ctrl+,"
    assert not dialog.isModal()
    assert dialog.focusWidget() is dialog.search
    window.actions_by_name["settings"].trigger()
    assert window.findChildren(SettingsDialog) == [dialog]


def test_every_setting_has_a_row_with_its_words(dialog):
    assert list(dialog.rows) == list(TABLE)
    for name, row in dialog.rows.items():
        assert row.title.text() == TABLE[name].title
        assert row.control.accessibleName() == TABLE[name].title
        assert TABLE[name].sentence in row.control.toolTip()
        assert not row.reset.isEnabled()
    assert [heading.text() for heading, _ in dialog._sections] == list(SECTIONS)


@pytest.mark.parametrize("name", TABLE)
def test_each_setting_is_found_by_the_search_and_gone_to(parts, window, qtbot, name):
    search, title = parts.commands.search, f"Settings: {TABLE[name].title}"
    for _ in range(2):  # as the dialog is made, and again where other rows are looked at
        found = find(search, qtbot, title)
        assert (found.text, found.kind) == (title, "setting")
        (dialog,) = window.findChildren(SettingsDialog)
        row = dialog.rows[name]
        assert dialog.focusWidget() in (row.control, row.control.focusProxy())
        QApplication.processEvents()  # else its sentence has no lines yet
        assert row.visibleRegion().boundingRect() == row.rect()
        dialog.search.setText("nonsense")


def test_what_can_be_chosen_of_a_setting_is_found_and_set(parts, window, qtbot):
    search, seen = parts.commands.search, 0
    for name, setting in TABLE.items():
        for value, words in values(setting):
            parts.appearance.preferences.restore()
            found = find(search, qtbot, f"Settings: {setting.title} → {words}")
            assert found.text == f"Settings: {setting.title} → {words}"
            is_there = value not in ("cuda", "mps")
            assert found.reason == ("" if is_there else NOT_THERE)
            now = getattr(parts.appearance.preferences.settings, name)
            assert now == (value if is_there else setting.default)
            seen += 1
    assert seen > 20


def test_words_leave_the_rows_that_have_them_all(dialog, qtbot):
    qtbot.keyClicks(dialog.search, "colours ORANGE")
    assert [name for name, row in dialog.rows.items() if row.isVisible()] == ["diverging"]
    headings = [heading.text() for heading, _ in dialog._sections if heading.isVisible()]
    assert headings == ["Pictures"]
    qtbot.keyClicks(dialog.search, " nonsense")
    assert dialog.nothing.isVisible()
    assert dialog.nothing.text() == NOTHING
    dialog.search.clear()
    assert all(row.isVisible() for row in dialog.rows.values())


def test_all_of_it_is_done_by_keyboard(dialog, window, qtbot):
    keys = Qt.Key
    qtbot.keyClicks(dialog.search, "theme")
    qtbot.keyClick(dialog.search, keys.Key_Tab)
    look = dialog.rows["look"].control
    assert dialog.focusWidget() is look
    qtbot.keyClick(look, keys.Key_Down)
    assert settings(dialog).look == "light"
    qtbot.keyClick(look, keys.Key_End)
    qtbot.waitUntil(lambda: theme.of(window.palette()).name == "high contrast")
    qtbot.keyClick(look, keys.Key_Tab)
    assert dialog.focusWidget() is dialog.rows["look"].reset
    qtbot.keyClick(dialog.focusWidget(), keys.Key_Space)
    assert settings(dialog).look == "system"
    assert dialog.focusWidget() is look
    dialog.rows["look"].control.setFocus()
    dialog.search.setText("activations")
    number = dialog.rows["runs_bytes"].control
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, "512")
    assert settings(dialog).runs_bytes == 1024 * MIB  # not before it is whole
    qtbot.keyClick(number, keys.Key_Return)
    assert settings(dialog).runs_bytes == 512 * MIB
    assert dialog.isVisible()
    qtbot.keyClick(dialog, keys.Key_Escape)
    assert not dialog.isVisible()


def test_every_row_follows_what_is_changed_elsewhere(dialog, window):
    dialog.rows["zoom"].control.setFocus()
    window.actions_by_name["zoom_in"].trigger()
    assert dialog.rows["zoom"].control.text() == "110 %"
    assert dialog.rows["zoom"].reset.isEnabled()
    window.appearance.choose("dark")
    assert dialog.rows["look"].control.currentText() == "dark"
    dialog.restore.click()
    assert settings(dialog) == Settings()
    assert dialog.rows["zoom"].control.text() == "100 %"
    assert not any(row.reset.isEnabled() for row in dialog.rows.values())


def test_only_devices_that_are_there_are_offered(dialog, window, qtbot):
    device = dialog.rows["device"].control
    assert [device.itemData(at) for at in range(device.count())] == ["best", "cpu"]
    dialog.open_for(("cuda", "cpu"))
    assert [device.itemData(at) for at in range(device.count())] == ["best", "cpu", "cuda"]


def test_the_wheel_scrolls_and_sets_nothing_by_the_way(dialog, qtbot):
    down = QPoint(0, -120)
    for row in dialog.rows.values():
        if isinstance(row.control, QComboBox | QDoubleSpinBox):
            event = QWheelEvent(
                QPointF(5, 5), QPointF(row.control.mapToGlobal(QPoint(5, 5))), QPoint(), down,
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            QApplication.sendEvent(row.control, event)
    assert settings(dialog) == Settings()


def test_a_folder_is_chosen_and_used_by_dialogs_of_files(dialog, window, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    dialog.rows["files_folder"].control.browse.click()
    assert settings(dialog).files_folder == str(tmp_path)
    begun = []
    monkeypatch.setattr(
        QFileDialog, "getOpenFileNames", lambda *words: (begun.append(words[2]), ([], ""))[1]
    )
    monkeypatch.setattr(
        QFileDialog, "getExistingDirectory", lambda *words: begun.append(words[2]) or ""
    )
    window.panes["Prompt pairs"]._open()
    window.actions_by_name["open_folder"].trigger()
    assert begun == [str(tmp_path)] * 2
    monkeypatch.setattr("pathlib.Path.is_dir", lambda _: False)  # its disk is away
    window.actions_by_name["open_folder"].trigger()
    assert begun[2] != str(tmp_path)


def test_folders_are_shown_and_opened(dialog, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(
        "lensgui.app.settings.dialog.QDesktopServices.openUrl",
        lambda url: opened.append(url.toLocalFile()),
    )
    home, models = dialog._facts
    assert home.said.text() == str(tmp_path)
    assert "of the disk are free" in models.said.text()
    home.show_folder.click()
    assert opened == [str(tmp_path)]


@pytest.mark.parametrize("look", list(theme.THEMES))
def test_it_is_whole_named_and_read_in_every_theme_in_little_room(window, dialog, qtbot, look):
    dialog.hide()
    window.resize(800, 480)
    window.appearance.choose(look)
    window.actions_by_name["settings"].trigger()
    assert dialog.width() <= 800
    assert dialog.height() <= 480
    colors = theme.THEMES[look]
    for row in dialog.rows.values():
        dialog.search.setText(row.setting.title)
        qtbot.waitUntil(lambda row=row: not row.visibleRegion().isEmpty())
        inside = row.parentWidget().rect()
        assert inside.width() <= dialog.width()
        assert inside.contains(row.geometry().adjusted(0, 0, 0, -1))
        for part in row.findChildren(QWidget):
            is_reached = bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus)
            if is_reached and part.isVisible() and part.objectName() != "qt_spinbox_lineedit":
                assert part.accessibleName(), row.setting.name
                assert part.toolTip(), row.setting.name
                assert part.height() >= TARGET
    for color in (colors.text, colors.faint):
        assert contrast(QColor(color), QColor(colors.window)) >= 4.5
