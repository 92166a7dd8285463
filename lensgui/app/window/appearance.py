"""Light, dark or as the system says, and how large: fonts and palettes of the whole application."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSettings, Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication, QToolTip

from lensgui.panes import theme
from lensgui.panes.style import Style
from lensgui.terms.resources import resource

SYSTEM = "system"
CHOICES = (SYSTEM, *theme.THEMES)
FONTS = ("Inter-Regular.otf", "Inter-SemiBold.otf", "JetBrainsMono-Regular.ttf")
ZOOMS = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


class Appearance(QObject):
    """Dresses the application, and remembers how.

    Attributes:
        choice: One of `CHOICES`.
        zoomed: All text has become larger or smaller.
    """

    zoomed = Signal()

    def __init__(self, app: QApplication, settings: QSettings) -> None:
        super().__init__(app)
        self._app, self._settings = app, settings
        self.choice = str(settings.value("look", SYSTEM))
        for name in FONTS:
            QFontDatabase.addApplicationFont(str(resource("fonts", name)))
        app.setStyle(Style())
        self._resize(_number(settings.value("zoom", 1.0)))
        app.styleHints().colorSchemeChanged.connect(self._follow)
        self._dress()

    def choose(self, choice: str) -> None:
        """Apply a theme by name; unknown names follow the system."""
        self.choice = choice
        self._dress()
        self._settings.setValue("look", self.choice)

    def zoom(self, factor: float) -> None:
        """Make all text so much larger than at first, what is on screen too."""
        self._resize(factor)
        self._settings.setValue("zoom", theme.zoom())
        self.zoomed.emit()

    def _dress(self) -> None:
        self.choice = self.choice if self.choice in CHOICES else SYSTEM
        palette = theme.palette(theme.THEMES.get(self.choice, self._of_system()))
        self._app.setPalette(palette)
        QToolTip.setPalette(palette)

    def _resize(self, factor: float) -> None:
        before = theme.zoom()
        theme.set_zoom(factor)
        for widget in self._app.allWidgets():
            if widget.testAttribute(Qt.WidgetAttribute.WA_SetFont):
                widget.setFont(theme.rezoomed(widget.font(), before))
        self._app.setFont(theme.text_font())  # last, so that owners find their parts as they are
        self._app.sendPostedEvents(None, QEvent.Type.ApplicationFontChange.value)  # now
        QToolTip.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))

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

    def _of_system(self) -> theme.Theme:
        is_dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return theme.DARK if is_dark else theme.LIGHT

    @Slot()
    def _follow(self) -> None:
        if self.choice == SYSTEM:
            self._dress()


def _number(said: object) -> float:
    """Return a zoom as the settings say, if that is a number."""
    try:
        return float(str(said))
    except ValueError:
        return 1.0
