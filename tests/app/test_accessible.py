"""Who can't see, can't point or can't tell colours apart uses all of it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollArea,
    QSlider,
    QTabBar,
    QWidget,
)

from lensgui.app.window.docks import is_in_front
from lensgui.panes import theme
from lensgui.panes.controls import chip
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.pictures import role_marks
from lensgui.panes.pictures.level_bar import LevelBar
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.pictures.rows import Rows
from lensgui.panes.scatter.scatter import Scatter
from lensgui.panes.style import TARGET
from lensgui.panes.theme import contrast

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
TEXT, MARK = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
GROUNDS = ("window", "surface", "raised")
LOOKS = pytest.mark.parametrize("look", list(theme.THEMES.values()), ids=list(theme.THEMES))
ARROWS = (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Up)
PRESSED = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QSlider)


@LOOKS
def test_every_text_is_read_on_every_ground(look):
    for name in ("text", "faint", "accent", "changed", "warning"):
        for ground in GROUNDS:
            found = contrast(QColor(getattr(look, name)), QColor(getattr(look, ground)))
            assert found >= TEXT, (name, ground, found)
    assert contrast(QColor("#ffffff"), QColor(look.highlight)) >= TEXT


@LOOKS
def test_every_mark_is_told_from_its_ground(look):
    marks = {
        "outline": ("window", "surface", "raised"),
        "accent": ("window", "surface", "raised"),
        "changed": ("window", "surface", "raised"),
        "text": ("window", "surface", "raised", "masked"),
        "hatch": ("surface",),
        "faint": ("window", "surface"),
    }
    for name, grounds in marks.items():
        for ground in grounds:
            found = contrast(QColor(getattr(look, name)), QColor(getattr(look, ground)))
            assert found >= MARK, (name, ground, found)


@LOOKS
def test_a_role_is_read_as_a_ring_and_filled(look):
    for letter in role_marks.LIGHT:
        color = role_marks.color_of(letter, look)
        assert contrast(color, QColor(look.surface)) >= TEXT, letter
        ink = theme.readable_on(color.red(), color.green(), color.blue())
        assert contrast(ink, color) >= TEXT, letter


@LOOKS
def test_numbers_are_read_on_every_colour_of_a_table(look):
    for table in (theme.sequential(look), theme.diverging(look)):
        for red, green, blue in table.tolist():
            ink = theme.readable_on(red, green, blue)
            assert contrast(ink, QColor(red, green, blue)) >= TEXT
    for share in np.linspace(0, 1, 50):
        tinted = Chip("a", tint=float(share))
        assert contrast(chip.ink(tinted, look), chip.tint(float(share), look)) >= TEXT


def walked(window):
    """Return the widgets in sight that Tab goes to."""

    def is_reached(part):
        takes_keys = bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus) and part.isEnabled()
        is_inside = part.objectName() == "qt_spinbox_lineedit"
        is_seen = part.isVisible() and is_in_front(part) and not part.visibleRegion().isEmpty()
        return takes_keys and is_seen and not is_inside

    return [part for part in window.findChildren(QWidget) if is_reached(part)]


def too_small(part):
    """Whether a widget that is pressed is smaller than a target has to be."""
    if isinstance(part, QTabBar):
        sizes = [part.tabRect(at).size() for at in range(part.count())]
        return any(min(size.width(), size.height()) < TARGET for size in sizes)
    if isinstance(part, ChipRow):
        places = part._lay_out(part.width())
        ends = [place.topLeft() + QPointF(12, down) for place in places for down in (-1, 23)]
        narrow = any(place.width() < TARGET for place in places)
        return narrow or any(part.chip_at(end) is None for end in ends)
    is_inside = isinstance(part.parent(), QAbstractSpinBox | QComboBox | QAbstractScrollArea)
    is_inside |= part.objectName().startswith("qt_") or "Scroll" in part.objectName()
    if not isinstance(part, PRESSED) or is_inside:
        return False
    across = TARGET if isinstance(part, QSlider) else part.width()
    return min(across, part.height()) < TARGET


def test_what_is_pressed_is_large_enough(window, qtbot):
    for title in ("Attention", "All kinds at once", "Necessary or sufficient", "Prompt pairs"):
        window.show_pane(title)
        qtbot.waitUntil(lambda: not window.runner.is_busy)
        parts = [part for part in window.findChildren(QWidget) if part.isVisible()]
        assert [part.accessibleName() for part in parts if too_small(part)] == []


def test_every_widget_has_a_name_and_says_what_the_keys_move_to(window, qtbot):
    for title in ("Attention", "Activation patching", "All kinds at once", "Who feeds it"):
        window.show_pane(title)
        qtbot.waitUntil(lambda: not window.runner.is_busy)
        painted = 0
        for part in walked(window):
            assert part.accessibleName(), part
            assert part.toolTip() or isinstance(part, QScrollArea), part.accessibleName()
            if isinstance(part, Painted | ChipRow | Rows | LevelBar | Scatter):
                painted += 1
                window.selection.move(layer=2, head=1, position=2, source=1)
                qtbot.waitUntil(lambda: not window.runner.is_busy)
                assert changes_words(part, qtbot), part.accessibleName()
        assert painted >= 5


@pytest.mark.parametrize("zoom", [1.0, 2.0])
def test_the_export_dialog_is_named_large_and_walked_from_top_to_bottom(parts, window, qtbot, zoom):
    parts.appearance.preferences.change(zoom=zoom)
    parts.commands.exporting.export()
    dialog = parts.commands.exporting._dialog
    qtbot.waitUntil(dialog.isVisible)
    dialog.resize(1600, 1200)
    dialog.format.setCurrentIndex(1)
    found = [part for part in dialog.findChildren(QWidget) if part.isVisible()]
    assert [part.accessibleName() for part in found if too_small(part)] == []
    assert dialog.preview.accessibleName()
    dialog.which.setFocus()
    reached = []
    while not reached or dialog.focusWidget() is not dialog.which:
        part = dialog.focusWidget()
        assert part.accessibleName(), part
        assert part.toolTip(), part.accessibleName()
        reached.append(part.mapTo(dialog, QPoint(0, 0)))
        qtbot.keyClick(part, Qt.Key.Key_Tab)
    assert len(reached) == 11
    assert reached == sorted(reached, key=lambda place: (place.y(), place.x()))
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def changes_words(part, qtbot):
    """Whether an arrow key changes what is said; a row of one place has nowhere to go."""
    part.setFocus()
    before = part.accessibleDescription()
    for key in ARROWS:
        qtbot.keyClick(part, key)
        if part.accessibleDescription() != before:
            return True
    return isinstance(part, ChipRow) and len(part.chips) == 1


def test_a_key_that_moves_announces_where_to(window, qtbot, monkeypatch):
    said = []
    for place in ("pictures.painted", "controls.chips", "pictures.rows"):
        monkeypatch.setattr(
            f"lensgui.panes.{place}.announce", lambda part, words: said.append(words)
        )
    heatmap = window.panes["Activation patching"].heatmap
    window.selection.move(layer=3, position=2)
    heatmap.setFocus()
    assert said == []  # a selection that was made elsewhere is none of the keyboard's
    qtbot.keyClick(heatmap, Qt.Key.Key_Down)
    assert said == [heatmap.accessibleDescription()]
    assert said[0].startswith("L4")
    qtbot.mouseMove(heatmap, heatmap.middle_of(1, 1).toPoint())
    assert len(said) == 1  # nor is hovering


@LOOKS
def test_what_has_the_keyboard_is_seen(parts, window, qtbot, look):
    parts.appearance.choose(look.name)
    window.selection.move(layer=2, head=1, position=2, source=1)
    window.show_pane("Necessary or sufficient")
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    window.activateWindow()
    seen = 0
    for part in walked(window):
        other = window.panes["Prompt"].editors["clean"]
        if part is other:
            other = window.panes["Prompt"].editors["corrupted"]
        other.setFocus()
        without = part.grab().toImage()
        part.setFocus()
        if part.hasFocus():
            seen += 1
            assert part.grab().toImage() != without, part.accessibleName()
    assert seen >= 20
