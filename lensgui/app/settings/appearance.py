"""Light, dark or as the system says, how large, in which letters and colours: all of the window."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from weakref import WeakSet, WeakValueDictionary

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from lensgui.app.settings.file import SettingsFile
from lensgui.app.settings.preferences import Preferences
from lensgui.panes import theme
from lensgui.panes.style import Style
from lensgui.panes.theme import Fonts, Pictures
from lensgui.terms.resources import resource

SYSTEM = "system"
CHOICES = (SYSTEM, *theme.THEMES)
FILES = ("Inter-Regular.otf", "Inter-SemiBold.otf", "JetBrainsMono-Regular.ttf")
ZOOMS = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)
Effect = Qt.UIEffect
EFFECTS = (
    Effect.UI_AnimateMenu,
    Effect.UI_FadeMenu,
    Effect.UI_AnimateCombo,
    Effect.UI_AnimateTooltip,
    Effect.UI_FadeTooltip,
    Effect.UI_AnimateToolBox,
)


class Appearance(QObject):
    """Dresses the application as the settings say, and again when they say otherwise.

    Attributes:
        preferences: The settings.
        windows: The windows that are open by these settings.
        zoomed: All text has become larger or smaller, or has other letters.
        redrawn: Pictures are drawn otherwise: what is made of words is to be made anew.
    """

    zoomed = Signal()
    redrawn = Signal()

    def __init__(self, app: QApplication, preferences: Preferences) -> None:
        super().__init__()
        self._app, self.preferences = app, preferences
        self.windows: WeakSet[QWidget] = WeakSet()
        for name in FILES:
            QFontDatabase.addApplicationFont(str(resource("fonts", name)))
        app.setStyle(Style())
        theme.set_pictures(self._pictures())
        self._write()
        self._move()
        app.styleHints().colorSchemeChanged.connect(self._follow)
        self._dress()
        preferences.changed.connect(self._apply)

    @classmethod
    def of(cls, app: QApplication, file: SettingsFile | None) -> Appearance:
        """Return what dresses the application by a file, the same for all windows that are open.

        Args:
            app: The application.
            file: Where settings are kept; None in safe mode, where windows have nothing in common.
        """
        known = _known.get(file.path) if file is not None else None
        if known is not None and known.windows:
            return known
        made = cls(app, Preferences(file))
        if file is not None:
            _known[file.path] = made
        return made

    @property
    def choice(self) -> str:
        """The theme that was chosen, one of `CHOICES`."""
        return self.preferences.settings.look

    def choose(self, choice: str) -> None:
        """Apply a theme by name."""
        self.preferences.change(look=choice)

    def zoom(self, factor: float) -> None:
        """Make all text so much larger than at first, what is on screen too."""
        self.preferences.change(zoom=factor)

    @Slot()
    def zoom_in(self) -> None:
        """Make all text larger by a step."""
        self.zoom(min((step for step in ZOOMS if step > theme.zoom() + 0.01), default=ZOOMS[-1]))

    @Slot()
    def zoom_out(self) -> None:
        """Make all text smaller by a step."""
        self.zoom(max((step for step in ZOOMS if step < theme.zoom() - 0.01), default=ZOOMS[0]))

    @Slot()
    def zoom_back(self) -> None:
        """Make all text as large as at first."""
        self.zoom(1.0)

    @Slot(object)
    def _apply(self, names: frozenset[str]) -> None:
        if "look" in names:
            self._dress()
        if names & {"zoom", "text_family", "mono_family"}:
            self._write()
            self.zoomed.emit()
        if "motion" in names:
            self._move()
        if self._pictures() != theme.pictures():
            self._redraw()

    def _dress(self) -> None:
        palette = theme.palette(theme.THEMES.get(self.choice, self._of_system()))
        self._app.setPalette(palette)
        QToolTip.setPalette(palette)

    def _write(self) -> None:
        before, settings = theme.fonts(), self.preferences.settings
        theme.set_fonts(Fonts(settings.zoom, settings.text_family, settings.mono_family))
        for widget in self._app.allWidgets():
            if widget.testAttribute(Qt.WidgetAttribute.WA_SetFont):
                widget.setFont(theme.remade(widget.font(), before))
        self._app.setFont(theme.text_font())  # last, so that owners find their parts as they are
        self._app.sendPostedEvents(None, QEvent.Type.ApplicationFontChange.value)  # now
        QToolTip.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))

    def _move(self) -> None:
        """Let things move by themselves, or not; what the system does not move stays still."""
        moves = self.preferences.settings.motion
        flash_ms, effects = _moving(self._app)
        self._app.setCursorFlashTime(flash_ms if moves else 0)
        for effect in effects:
            self._app.setEffectEnabled(effect, moves)

    def _redraw(self) -> None:
        theme.set_pictures(self._pictures())
        for widget in self._app.allWidgets():
            self._app.sendEvent(widget, QEvent(QEvent.Type.StyleChange))
        self.redrawn.emit()

    def _pictures(self) -> Pictures:
        settings = self.preferences.settings
        space = " " if settings.spaces == "plain" else settings.spaces
        return Pictures(settings.diverging, settings.sequential, settings.layers == "up", space)

    def _of_system(self) -> theme.Theme:
        is_dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return theme.DARK if is_dark else theme.LIGHT

    @Slot()
    def _follow(self) -> None:
        if self.choice == SYSTEM:
            self._dress()


_known: WeakValueDictionary[Path, Appearance] = WeakValueDictionary()  # by the settings' file


@cache
def _moving(app: QApplication) -> tuple[int, list[Qt.UIEffect]]:
    """Return how fast the system's cursor blinks, and what it animates, before we change that."""
    return app.cursorFlashTime(), [effect for effect in EFFECTS if app.isEffectEnabled(effect)]
