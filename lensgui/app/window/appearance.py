"""Light, dark or as the system says; fonts and palettes of the whole application."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication, QToolTip

from lensgui.panes import theme
from lensgui.terms.resources import resource

SYSTEM = "system"
CHOICES = (SYSTEM, *theme.THEMES)
FONTS = ("Inter-Regular.otf", "Inter-SemiBold.otf", "JetBrainsMono-Regular.ttf")


class Appearance(QObject):
    """Dresses the application.

    Attributes:
        choice: One of `CHOICES`.
    """

    def __init__(self, app: QApplication, choice: str = SYSTEM) -> None:
        super().__init__(app)
        self._app = app
        self.choice = choice
        for name in FONTS:
            QFontDatabase.addApplicationFont(str(resource("fonts", name)))
        app.setStyle("Fusion")
        app.setFont(theme.text_font())
        QToolTip.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
        app.styleHints().colorSchemeChanged.connect(self._follow)
        self.choose(choice)

    def choose(self, choice: str) -> None:
        """Apply a theme by name; unknown names follow the system."""
        self.choice = choice if choice in CHOICES else SYSTEM
        palette = theme.palette(theme.THEMES.get(self.choice, self._of_system()))
        self._app.setPalette(palette)
        QToolTip.setPalette(palette)

    def _of_system(self) -> theme.Theme:
        is_dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return theme.DARK if is_dark else theme.LIGHT

    @Slot()
    def _follow(self) -> None:
        if self.choice == SYSTEM:
            self.choose(SYSTEM)
