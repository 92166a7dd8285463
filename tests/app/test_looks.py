"""How large all is, what looks like something to press, and a pane in all the room there is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QSettings, Qt
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from lensgui.app.settings.appearance import ZOOMS
from lensgui.panes import theme
from lensgui.panes.action import Action
from lensgui.panes.controls.controls import button
from lensgui.panes.pictures import picture
from lensgui.panes.pictures.painted import BELOW
from lensgui.panes.style import Style
from lensgui.panes.theme import contrast

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)


def texts(window):
    """The size of each widget's letters."""
    return {part: part.font().pointSizeF() for part in window.findChildren(QWidget)}


def places(window):
    return {
        title: dock.geometry()
        for title, dock in window.docks.items()
        if dock.pane.is_in_front and dock.isVisible()
    }


def test_zoom_enlarges_all_text_and_leads_back(parts, window, qtbot, tmp_path):
    before, rooms = texts(window), places(window)
    while theme.zoom() < ZOOMS[-1]:
        window.actions_by_name["zoom_in"].trigger()
    after = texts(window)
    for part in before.keys() & after.keys():
        assert after[part] == pytest.approx(2 * before[part]), part
    kept = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    assert float(kept.value("zoom")) == 2
    for _ in ZOOMS:
        window.actions_by_name["zoom_out"].trigger()
    assert theme.zoom() == ZOOMS[0]
    window.actions_by_name["zoom_back"].trigger()
    now = texts(window)
    assert {part: now[part] for part in before.keys() & now.keys()} == pytest.approx(before)
    qtbot.waitUntil(lambda: places(window) == rooms)


def test_prompts_that_were_folded_for_a_zoom_are_as_tall_again(parts, window, qtbot):
    dock = window.docks["Prompt"]
    before = dock.height()
    parts.appearance.zoom(1.5)
    qtbot.waitUntil(lambda: dock.is_folded)
    parts.appearance.zoom(1.0)
    qtbot.waitUntil(lambda: dock.height() >= before)
    qtbot.wait(50)  # it would grow on
    assert dock.height() == before


def test_the_selected_head_stays_in_view_at_another_zoom(parts, window, qtbot):
    grid = window.panes["Attention"].grid
    window.selection.move(layer=5, head=3)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    for zoom in (2.0, 1.0):
        parts.appearance.zoom(zoom)
        qtbot.wait(50)  # what the layout does late
        assert grid.layout_now().area.contains(grid.middle_of(5, 3))


def test_every_key_of_zoom_is_free_and_one_needs_no_shift(window):
    keys = {
        name: [key.toString() for key in window.actions_by_name[name].shortcuts()]
        for name in ("zoom_in", "zoom_out", "zoom_back")
    }
    assert keys == {
        "zoom_in": ["Ctrl++", "Ctrl+="],
        "zoom_out": ["Ctrl+-"],
        "zoom_back": ["Ctrl+0"],
    }
    every = [key for action in window.actions_by_name.values() for key in action.shortcuts()]
    assert len({key.toString() for key in every}) == len(every)


def test_a_pane_alone_has_all_the_room_and_gives_it_back(window, qtbot):
    before = places(window)
    dock = window.docks["Attention"]
    qtbot.mouseDClick(dock.bar, Qt.MouseButton.LeftButton, pos=dock.bar.rect().center())
    qtbot.waitUntil(lambda: list(places(window)) == ["Attention"])
    qtbot.waitUntil(lambda: dock.width() > 0.95 * window.width())
    assert not dock.isFloating()
    assert dock.bar.solo.isChecked()
    dock.bar.solo.click()
    qtbot.waitUntil(lambda: places(window) == before)
    assert not dock.bar.solo.isChecked()


def test_who_asks_for_another_pane_leaves_the_one_alone(window, qtbot):
    before = places(window)
    window.docks["Inspector"].bar.solo.click()
    qtbot.waitUntil(lambda: list(places(window)) == ["Inspector"])
    window.show_pane("Attention")
    qtbot.waitUntil(lambda: places(window) == before)
    window.docks["Inspector"].bar.solo.click()
    window.actions_by_name["reset_layout"].trigger()
    qtbot.waitUntil(lambda: places(window) == before)
    assert not window.docks["Inspector"].bar.solo.isChecked()


def test_a_closed_pane_comes_back_by_the_menu(window, qtbot):
    dock = window.docks["Inspector"]
    dock.bar.shut.click()
    assert not dock.isVisible()
    dock.toggleViewAction().trigger()
    assert dock.isVisible()


def test_reset_layout_shares_out_what_is_in_the_panes_too(window, qtbot):
    pane = window.panes["Activation patching"]
    pane.view.tools.table.click()
    for shares in (window.panes["Attention"]._splitter, pane.view.picture.parts):
        first = shares.sizes()
        handle = shares.handle(1)
        middle = handle.rect().center()
        qtbot.mousePress(handle, Qt.MouseButton.LeftButton, pos=middle)
        qtbot.mouseMove(handle, pos=middle - QPoint(36, 36))
        qtbot.mouseRelease(handle, Qt.MouseButton.LeftButton)
        assert shares.is_by_hand
        assert shares.sizes() != first
        window.actions_by_name["reset_layout"].trigger()
        qtbot.waitUntil(lambda some=shares, was=first: near(some.sizes(), was))


def near(sizes, others):
    """Whether parts are as large as others, but for what rounding leaves."""
    return all(abs(one - other) <= 30 for one, other in zip(sizes, others, strict=True))


def test_tabs_of_panes_stay_in_their_order(window):
    bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible()]
    assert len(bars) == 3
    assert not any(bar.isMovable() for bar in bars)
    assert all(bar.accessibleName() for bar in bars)


@pytest.fixture(params=list(theme.THEMES.values()), ids=list(theme.THEMES))
def drawn(request, qtbot):
    """Controls in one of the themes."""
    window = QWidget()
    qtbot.addWidget(window)
    window.setPalette(theme.palette(request.param))
    column = QVBoxLayout(window)
    box, spin, tick = QComboBox(), QDoubleSpinBox(), QCheckBox("tick")
    box.addItem("one")
    for part in (
        button(Action("press", "press", "Press.")),
        QLineEdit(),
        QPlainTextEdit(),
        box,
        spin,
        tick,
    ):
        part.setStyle(window_style())
        column.addWidget(part)
    with qtbot.waitExposed(window):
        window.show()
    return window, request.param


STYLES: list[Style] = []


def window_style():
    """Return the style, kept while the tests run: widgets do not own theirs."""
    STYLES.append(Style())
    return STYLES[-1]


def test_what_can_be_pressed_or_typed_into_has_an_outline(drawn):
    window, colors = drawn
    image = window.grab().toImage()
    ground = QColor(colors.window)
    for part in window.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
        row = [
            image.pixelColor(x, part.geometry().center().y())
            for x in range(part.x() - 2, part.x() + 6)
        ]
        assert max(contrast(color, ground) for color in row) >= 3, part


def test_the_tab_in_front_has_a_bar(qtbot):
    for colors in theme.THEMES.values():
        bar = QTabBar()
        qtbot.addWidget(bar)
        bar.setStyle(window_style())
        bar.setPalette(theme.palette(colors))
        bar.setShape(QTabBar.Shape.RoundedSouth)
        for name in ("one", "two"):
            bar.addTab(name)
        bar.resize(bar.sizeHint())
        image = bar.grab().toImage()
        found = [
            QColor(colors.accent).name()
            in {
                image.pixelColor(bar.tabRect(at).center().x(), y).name()
                for y in range(image.height())
            }
            for at in (0, 1)
        ]
        assert found == [True, False], colors.name


def test_a_tooltip_stands_below_what_it_explains(window, qtbot, monkeypatch):
    shown = []
    for place in ("pictures.painted", "controls.chips", "controls.controls"):
        monkeypatch.setattr(f"lensgui.panes.{place}.QToolTip", Tips(shown))
    heatmap = window.panes["Activation patching"].heatmap
    cell = picture.cell(heatmap.picture, heatmap.plot(), 1, 2)
    qtbot.mouseMove(heatmap, heatmap.middle_of(1, 1).toPoint())
    qtbot.mouseMove(heatmap, cell.center().toPoint())
    row = window.panes["Prompt"].tokens["clean"].row
    qtbot.mouseMove(row, row.place_of(1).center().toPoint())
    editor = window.panes["Prompt"].editors["clean"]
    help_event = QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), editor.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(editor, help_event)
    bottoms = [
        heatmap.mapToGlobal(cell.bottomLeft().toPoint()).y(),
        row.mapToGlobal(row.place_of(1).bottomLeft().toPoint()).y(),
        editor.mapToGlobal(editor.rect().bottomLeft()).y(),
    ]
    tops = [where.y() + BELOW for where, words in shown if words][-3:]
    assert all(top >= bottom - 1 for top, bottom in zip(tops, bottoms, strict=True))


class Tips:
    """Where tooltips would be shown, and what they say."""

    def __init__(self, shown):
        self._shown = shown

    def showText(self, where, words, *_):
        self._shown.append((where, words))

    def isVisible(self):
        return False
