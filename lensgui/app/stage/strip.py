"""The scenes as a row of small pictures: gone to by a click, dragged into another order, named."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QBuffer, QEvent, QObject, QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QDropEvent, QIcon, QImageReader, QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMainWindow,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from lensgui.app.stage.stage import THUMB, Stage
from lensgui.app.window.actions import ACTIONS
from lensgui.panes import theme
from lensgui.panes.controls.controls import button, dress
from lensgui.panes.token_text import plain_tip
from lensgui.state.document import Scene

SHOWN = THUMB / 4  # of a scene in the row
LOW = 600  # pixels: a lower window has no room for pictures
AROUND = 24  # pixels above and below a scene
LONGEST = 2_000  # letters of a caption
LONGEST_NAME = 200
STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Space: 1,
    Qt.Key.Key_Backspace: -1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Down: 1,
}
MOST_SIDE = 1_000  # pixels of a small picture that a file brings


class SceneList(QListWidget):
    """Scenes in their order.

    Attributes:
        stepped: (by,) the keyboard goes on, or back.
        chosen: (number,) the keyboard goes to one.
        moved: (from, to) one is to stand elsewhere.
    """

    stepped = Signal(int)
    chosen = Signal(int)
    moved = Signal(int, int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step by arrows and Space, go to a number, move with Ctrl; F2 renames."""
        by = STEPS.get(Qt.Key(event.key()))
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: self.count() - 1}
        digit = event.text() if event.text() in [*"123456789"] else ""
        if by is not None and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            to = self.currentRow() + by
            if 0 <= to < self.count():
                self.moved.emit(self.currentRow(), to)
        elif by is not None:
            self.stepped.emit(by)
        elif event.key() in ends and self.count():
            self.chosen.emit(ends[Qt.Key(event.key())])
        elif digit:
            if int(digit) <= self.count():
                self.chosen.emit(int(digit) - 1)
        else:
            super().keyPressEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell where one is dropped; who keeps the order draws it anew."""
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        at = event.position().toPoint()
        middles = [self.visualItemRect(self.item(row)).center().x() for row in range(self.count())]
        before, own = sum(middle < at.x() for middle in middles), self.currentRow()
        to = before - (before > own)
        if own >= 0 and to != own:
            self.moved.emit(own, to)


class Strip(QToolBar):
    """The scenes below the panes, hidden as long as there are none.

    Attributes:
        list: The scenes.
        caption: What is said about the one that is shown.
        is_wanted: Whether it is seen where there are scenes.
    """

    def __init__(self, stage: Stage, window: QMainWindow) -> None:
        super().__init__("Scenes", window)
        self._stage = stage
        self.setObjectName("Scenes")
        self.setMovable(False)
        self.toggleViewAction().setText("")  # it is there where there are scenes
        self.list = dress(SceneList(self), ACTIONS["scene_list"])
        self.list.setFlow(QListWidget.Flow.LeftToRight)
        self.list.setViewMode(QListWidget.ViewMode.ListMode)
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setIconSize(SHOWN)
        self._is_low: bool | None = None
        self._fit(window.height())
        window.installEventFilter(self)
        self.caption = dress(QLineEdit(self), ACTIONS["scene_caption"])
        self.caption.setPlaceholderText("What is said about this scene")
        self.caption.setMaxLength(LONGEST)
        self.add = button(ACTIONS["scene_add"], self)
        self.take = button(ACTIONS["scene_take"], self)
        self.copy = button(ACTIONS["scene_duplicate"], self)
        self.leave_out = button(ACTIONS["scene_remove"], self)
        self._lay_out()
        for part in (self.add, self.take, self.copy, self.leave_out):
            part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # a click ends what is typed
        self.is_wanted = True
        self._said_of: Scene | None = None  # whose caption stands there
        self._connect()
        self.draw()

    def _connect(self) -> None:
        stage = self._stage
        self.list.itemClicked.connect(self._go)
        self.list.itemActivated.connect(self._go)
        self.list.stepped.connect(stage.step)
        self.list.chosen.connect(stage.show)
        self.list.moved.connect(stage.move)
        self.list.itemChanged.connect(self._rename)
        self.caption.editingFinished.connect(self._say)
        self.add.clicked.connect(stage.add)
        self.take.clicked.connect(stage.take)
        self.copy.clicked.connect(stage.duplicate)
        self.leave_out.clicked.connect(stage.remove)
        stage.changed.connect(self.draw)
        stage.begun.connect(self._appear)
        stage.leaving.connect(self._say)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep to names where the window is low."""
        if event.type() == QEvent.Type.Resize and isinstance(event, QResizeEvent):
            self._fit(event.size().height())
        return False

    def _fit(self, height: int) -> None:
        """Show small pictures in a window of some height, or in a low one names alone."""
        is_low = height < theme.zoomed(LOW)
        if is_low == self._is_low:
            return
        self._is_low = is_low
        line = self.list.fontMetrics().height()
        self.list.setFixedHeight((line if is_low else SHOWN.height()) + AROUND)
        with QSignalBlocker(self.list):
            for number in range(self.list.count()):
                self._picture(self.list.item(number))

    def _picture(self, item: QListWidgetItem) -> None:
        """Have an item show its scene's small picture, where there is room."""
        scene: Scene = item.data(Qt.ItemDataRole.UserRole)
        item.setIcon(QIcon() if self._is_low else QIcon(picture_of(scene.thumb)))

    @Slot()
    def _appear(self) -> None:
        """Take room before the first scene is kept, so that all have the panes where they stay."""
        self.setVisible(self.is_wanted)
        around = self.window().layout()
        if around is not None:
            around.activate()

    def _lay_out(self) -> None:
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(4, 2, 4, 2)
        row = QHBoxLayout()
        row.addWidget(self.caption, 1)
        for part in (self.add, self.take, self.copy, self.leave_out):
            row.addWidget(part)
        column.addWidget(self.list)
        column.addLayout(row)
        self.addWidget(inside)

    @Slot()
    def draw(self) -> None:
        """Show the scenes, and which of them was gone to last."""
        scenes, at = self._stage.scenes, self._stage.at
        with QSignalBlocker(self.list):
            while self.list.count() > len(scenes):
                self.list.takeItem(self.list.count() - 1)
            for number, scene in enumerate(scenes):
                if number == self.list.count():
                    self.list.addItem(QListWidgetItem())
                item = self.list.item(number)
                if item.data(Qt.ItemDataRole.UserRole) is not scene:
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                    item.setData(Qt.ItemDataRole.UserRole, scene)
                    item.setText(scene.name)
                    item.setToolTip(plain_tip(scene.caption or scene.name))
                    self._picture(item)
            self.list.setCurrentRow(-1 if at is None else at)
        said = scenes[at].caption if at is not None and at < len(scenes) else ""
        one = scenes[at] if at is not None and at < len(scenes) else None
        is_typed = self.caption.hasFocus() and is_same(one, self._said_of)
        if not is_typed and self.caption.text() != said:
            self.caption.setText(said)
        self._said_of = one
        for part in (self.caption, self.take, self.copy, self.leave_out):
            part.setEnabled(at is not None)
        self.setVisible(bool(scenes) and self.is_wanted)

    @Slot()
    def toggle(self) -> None:
        """Hide the strip, or show it again; scenes are stepped through either way."""
        self.is_wanted = not self.is_wanted
        self.draw()

    @Slot(QListWidgetItem)
    def _go(self, item: QListWidgetItem) -> None:
        self._stage.show(self.list.row(item))

    @Slot(QListWidgetItem)
    def _rename(self, item: QListWidgetItem) -> None:
        at, name = self.list.row(item), item.text().strip()[:LONGEST_NAME]
        scene = self._stage.scenes[at]
        if name and name != scene.name:
            self._stage.change(at, replace(scene, name=name))
        else:
            with QSignalBlocker(self.list):
                item.setText(scene.name)

    @Slot()
    def _say(self) -> None:
        typed, of = self.caption.text(), self._said_of
        at = self._stage.find(of)
        if at is not None and self._stage.scenes[at].caption != typed:
            self._stage.change(at, replace(self._stage.scenes[at], caption=typed))

    def sizeHint(self) -> QSize:
        """Return how much room it takes: as low as it can be."""
        return super().minimumSizeHint()


def is_same(one: Scene | None, other: Scene | None) -> bool:
    """Whether two are one scene, perhaps with other words."""
    return one is not None and other is not None and one.document is other.document


def picture_of(data: bytes) -> QPixmap:
    """Return the picture that a PNG file holds; none of what is no such file, or a large one."""
    buffer = QBuffer()
    buffer.setData(data)
    buffer.open(QBuffer.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, b"png")
    size = reader.size()
    is_small = size.isValid() and max(size.width(), size.height()) <= MOST_SIDE
    return QPixmap.fromImage(reader.read()) if is_small else QPixmap()
