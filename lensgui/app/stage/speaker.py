"""What a speaker sees beside the window: the next scene, and notes for this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, QRect, Qt, Slot
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QMainWindow, QPlainTextEdit, QVBoxLayout, QWidget

from lensgui.app.stage.stage import Stage
from lensgui.app.stage.strip import is_same, picture_of
from lensgui.app.window.actions import ACTIONS
from lensgui.panes import theme
from lensgui.panes.controls.controls import caption, dress, plain_label
from lensgui.state.document import Scene

LAST = "This is the last scene."
NO_SCENES = "There are no scenes yet: View ▸ Add scene keeps what is shown."
SIZE = 360, 420  # pixels, times the zoom
LONGEST = 20_000  # letters of notes


class NotesField(QPlainTextEdit):
    """Notes that are kept once the keyboard goes elsewhere."""

    def __init__(self, parent: QWidget, keep: Callable[[], None]) -> None:
        super().__init__(parent)
        self._keep = keep

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Keep what was typed."""
        super().focusOutEvent(event)
        self._keep()


class NextPicture(QWidget):
    """The next scene's small picture, as large as there is room."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._picture = QPixmap()
        self.setMinimumHeight(60)
        self.setAccessibleName("Picture of the next scene")

    def show_picture(self, picture: QPixmap) -> None:
        """Show a picture."""
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it in the middle."""
        if self._picture.isNull():
            return
        size = self._picture.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        where = QRect(QPoint(), size)
        where.moveCenter(self.rect().center())
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(where, self._picture)


class Speaker(QWidget):
    """Next scene and notes in a small window, hidden until they are wanted or presented with.

    Attributes:
        notes: The notes of the scene that is shown.
    """

    def __init__(self, stage: Stage, window: QMainWindow) -> None:
        super().__init__(window, Qt.WindowType.Tool)
        self.setWindowTitle("Speaker")
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self._stage = stage
        column = QVBoxLayout(self)
        self.next = plain_label(parent=self)
        self.next.setWordWrap(True)
        self.picture = NextPicture(self)
        self.notes = dress(NotesField(self, self.keep), ACTIONS["speaker_notes"])
        self.notes.setPlaceholderText("Notes for this scene, which the audience does not see")
        self.notes.setTabChangesFocus(True)
        column.addWidget(caption("Next", self))
        column.addWidget(self.next)
        column.addWidget(self.picture, 1)
        column.addWidget(caption("Notes", self))
        column.addWidget(self.notes, 2)
        self._of: Scene | None = None  # whose notes stand there
        self.resize(theme.zoomed(SIZE[0]), theme.zoomed(SIZE[1]))
        stage.changed.connect(self.draw)
        stage.leaving.connect(self.keep)
        self.draw()

    @Slot()
    def toggle(self) -> None:
        """Show it, or hide it."""
        self.setVisible(self.isHidden())

    @Slot()
    def draw(self) -> None:
        """Show what comes next, and the notes of the scene that is shown."""
        scenes, at = self._stage.scenes, self._stage.at
        following = 0 if at is None else at + 1
        if following < len(scenes):
            one = scenes[following]
            said = f"{one.name}: {one.caption}" if one.caption else one.name
            self.next.setText(said)
            self.picture.show_picture(picture_of(one.thumb))
        else:
            self.next.setText(LAST if scenes else NO_SCENES)
            self.picture.show_picture(QPixmap())
        self.notes.setEnabled(at is not None)
        said = scenes[at].notes if at is not None and at < len(scenes) else ""
        shown = scenes[at] if at is not None and at < len(scenes) else None
        is_typed = self.notes.hasFocus() and is_same(shown, self._of)
        if not is_typed and self.notes.toPlainText() != said:
            self.notes.setPlainText(said)
        self._of = shown

    @Slot()
    def keep(self) -> None:
        """Keep the notes with their scene."""
        typed, of = self.notes.toPlainText()[:LONGEST], self._of
        at = self._stage.find(of)
        if at is not None and self._stage.scenes[at].notes != typed:
            self._stage.change(at, replace(self._stage.scenes[at], notes=typed))
