"""The dialog that exports one picture: how it will look, and what goes along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from lensgui.app.window.actions import ACTIONS
from lensgui.panes import theme
from lensgui.panes.controls.controls import button, dress, sentence
from lensgui.panes.figures.drawing import painting
from lensgui.panes.figures.drawing.layout import draw
from lensgui.panes.figures.drawing.style import PAPER, WIDTHS, Style, Width
from lensgui.panes.figures.figure import Figure
from lensgui.panes.figures.files import FORMATS, TIMES, Options
from lensgui.panes.figures.shown import STALE, Shown
from lensgui.panes.pictures.painted import say

SIZE = 860, 600  # pixels, times the zoom
PREVIEW = 160, 160  # pixels, at least
SOON_MS = 30  # from a choice to the preview
MM = 25.4 / 72
WIDTH_NAMES: dict[Width, str] = {
    "column": f"A column of a journal, {WIDTHS['column'] * MM:.0f} mm",
    "page": f"A page, {WIDTHS['page'] * MM:.0f} mm",
    "slide": "A slide, 24 pt text",
}
GOES_ALONG = (
    "The picture then holds the session: prompts, answers, pins, roles, how panes are set and what "
    "the model is called. Whoever has the picture can open it in lensgui."
)
GONE = "This picture is no longer shown: choose another one above."
NO_SCRIPT = "This picture has no script: choose another kind of file."
ONLY_PICTURES = "Only PNG and SVG files can be reopened."


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture that can be exported.

    Attributes:
        pane: The title of its pane.
        shown: What the pane says of it.
        figure: The figure of it.
    """

    pane: str
    shown: Shown
    figure: Figure

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others, and is the same when its numbers are others."""
        return self.pane, self.shown.name


class Preview(QWidget):
    """A picture as the file will have it, as large as there is room for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setMinimumSize(*PREVIEW)
        self.setAccessibleName("Preview")
        self.setToolTip("The picture as the file will have it.")
        self._draw: Callable[[float], QPixmap] | None = None
        self._pixmap: QPixmap | None = None
        self.empty = ""

    def show_drawing(self, figure: Figure | None, style: Style) -> None:
        """Draw a figure in a style; None for words alone."""
        self._pixmap = None
        if figure is not None:
            drawing = draw(figure, style)
            room = self.size() * self.devicePixelRatioF()
            scale = min(room.width() / drawing.width, room.height() / drawing.height)
            times = max(0.05, min(4.0, scale / painting.PIXELS))
            self._pixmap = QPixmap.fromImage(painting.image(drawing, times))
            self._pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it in the middle."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if self._pixmap is None:
                say(painter, self.rect(), self.empty, colors)
                return
            size = self._pixmap.deviceIndependentSize()
            left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
            painter.drawPixmap(round(left), round(top), self._pixmap)


class ExportDialog(QDialog):
    """Chooses a picture, a format and how it looks.

    Attributes:
        save_requested: (Picture, format, Options) it is to be saved.
        copy_requested: (Picture, Options) it is to be copied.
    """

    save_requested = Signal(object, str, object)
    copy_requested = Signal(object, object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export a picture")
        self._pictures: list[Picture] = []
        self._session, self._why_not = b"", ""
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._draw)
        self.preview = Preview(self)
        self.which = self._choice("export_which", [])
        self.format = self._choice("export_format", [each.title for each in FORMATS.values()])
        self.width_ = self._choice("export_width", list(WIDTH_NAMES.values()))
        self.times = self._choice("export_times", [f"{times} ×" for times in TIMES])
        self.times.setCurrentIndex(1)
        self.background = self._choice("export_background", ["white", "as in the window"])
        self.text = self._choice("export_text", ["text", "outlines"])
        self.has_caption = self._box("export_caption")
        self.has_caption.setChecked(True)
        self.can_reopen = self._box("export_session")
        self.along = sentence(self)
        self.caption = QPlainTextEdit(self)
        self.caption.setReadOnly(True)
        self.caption.setTabChangesFocus(True)
        self.caption.setAccessibleName("Caption")
        self.caption.setToolTip("What is to be known to read the picture: select it to copy it.")
        self._lay_out()
        for choice in self.findChildren(QComboBox):
            choice.currentIndexChanged.connect(self._change)
        for box in self.findChildren(QCheckBox):
            box.toggled.connect(self._change)
        wanted, room = QSize(*map(theme.zoomed, SIZE)), self.screen().availableSize()
        self.resize(wanted.boundedTo(room))

    def _choice(self, name: str, texts: list[str]) -> QComboBox:
        box = dress(QComboBox(self), ACTIONS[name])
        box.addItems(texts)
        box.setSizePolicy(box.sizePolicy().Policy.Expanding, box.sizePolicy().Policy.Fixed)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(16)
        return box

    def _box(self, name: str) -> QCheckBox:
        return dress(QCheckBox(ACTIONS[name].text, self), ACTIONS[name])

    def _lay_out(self) -> None:
        form = QFormLayout()
        rows = (self.which, self.format, self.width_, self.times, self.background, self.text)
        for part in rows:
            form.addRow(ACTIONS[part.objectName()].called, part)
        self.save = button(ACTIONS["export_save"], self)
        self.copy = button(ACTIONS["export_copy"], self)
        self.shut = button(ACTIONS["export_close"], self)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for each in (self.save, self.copy, self.shut):
            each.setAutoRaise(False)
            buttons.addWidget(each)
        self.save.clicked.connect(self._save)
        self.copy.clicked.connect(self._copy)
        self.shut.clicked.connect(self.reject)
        choices = QWidget(self)
        column = QVBoxLayout(choices)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        below: tuple[QWidget, ...] = self.has_caption, self.caption, self.can_reopen, self.along
        for line in below:
            column.addWidget(line)
        for before, after in pairwise((*rows, *below[:-1], self.save)):
            QWidget.setTabOrder(before, after)
        right = QVBoxLayout()
        right.addWidget(scrolling(choices))
        right.addLayout(buttons)
        row = QHBoxLayout(self)
        row.addWidget(self.preview, 3)
        row.addLayout(right, 2)

    def open_for(
        self, pictures: list[Picture], chosen: Picture, reopening: tuple[bytes, str]
    ) -> None:
        """Show some pictures, one of them first.

        Args:
            pictures: Those that can be exported.
            chosen: The one that is shown, called as one of them.
            reopening: A session that the file could hold, or why it can't.
        """
        self.can_reopen.setChecked(False)
        self._list(pictures, chosen.key, reopening)
        self.show()
        self.activateWindow()

    def show_anew(self, pictures: list[Picture], reopening: tuple[bytes, str]) -> None:
        """Show what has become of the pictures; one that is gone can't be exported.

        Args:
            pictures: Those that can be exported.
            reopening: As of `open_for`.
        """
        before = self.picture
        self._list(pictures, ("", "") if before is None else before.key, reopening)

    def _list(
        self, pictures: list[Picture], key: tuple[str, str], reopening: tuple[bytes, str]
    ) -> None:
        self._pictures = pictures
        self._session, self._why_not = reopening
        keys = [picture.key for picture in pictures]
        self.which.blockSignals(True)
        self.which.clear()
        self.which.addItems([picture.figure.title for picture in pictures])
        self.which.setCurrentIndex(keys.index(key) if key in keys else -1)
        self.which.blockSignals(False)
        self._change()

    @property
    def picture(self) -> Picture | None:
        """The picture that is chosen."""
        at = self.which.currentIndex()
        return self._pictures[at] if 0 <= at < len(self._pictures) else None

    @property
    def format_name(self) -> str:
        """The format that is chosen."""
        return list(FORMATS)[self.format.currentIndex()]

    def options(self) -> Options:
        """Return how the picture is written."""
        is_white = self.background.currentIndex() == 0
        colors = PAPER if is_white else theme.of(self.palette())
        widths: tuple[Width, ...] = get_args(Width)
        width = widths[self.width_.currentIndex()]
        return Options(
            Style.of(width, colors, has_caption=self.has_caption.isChecked()),
            TIMES[self.times.currentIndex()],
            self.text.currentIndex() == 1,
            self._session if self.can_reopen.isChecked() else b"",
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw the picture as large as there is room now."""
        super().resizeEvent(event)
        self._soon.start()

    @Slot()
    def _change(self) -> None:
        """Show what belongs to the choices, and draw soon."""
        name, picture = self.format_name, self.picture
        is_drawn = FORMATS[name].is_drawn
        drawn: tuple[QWidget, ...] = self.width_, self.background, self.has_caption
        for part in drawn:
            part.setEnabled(is_drawn)
        self.times.setEnabled(name == "png")
        self.text.setEnabled(name == "svg")
        can_hold = name in ("png", "svg")
        self.can_reopen.setEnabled(can_hold and bool(self._session))
        if not self.can_reopen.isEnabled():
            self.can_reopen.setChecked(False)
        lacks_script = name == "py" and picture is not None and not picture.figure.code
        why = self._why_not or (GOES_ALONG if can_hold else ONLY_PICTURES)
        self.along.setText(NO_SCRIPT if lacks_script else why)
        is_stale = picture is not None and picture.shown.is_stale
        caption = "" if picture is None else picture.figure.caption
        if caption != self.caption.toPlainText():  # else what is selected of it stays so
            self.caption.setPlainText(caption)
        can_be = picture is not None and not is_stale
        self.save.setEnabled(can_be and not lacks_script)
        self.copy.setEnabled(can_be and is_drawn)
        self._soon.start()

    @Slot()
    def _draw(self) -> None:
        picture = self.picture
        figure = None if picture is None or picture.shown.is_stale else picture.figure
        stale = "" if picture is None else STALE.format(title=picture.figure.title)
        self.preview.empty = "" if figure is not None else stale or GONE
        self.preview.show_drawing(figure, self.options().style)

    @Slot()
    def _save(self) -> None:
        if self.picture is not None:
            self.save_requested.emit(self.picture, self.format_name, self.options())

    @Slot()
    def _copy(self) -> None:
        if self.picture is not None:
            self.copy_requested.emit(self.picture, self.options())


def scrolling(content: QWidget) -> QScrollArea:
    """Return what shows a column of choices where there is no room for all of it."""
    area = QScrollArea(content.parentWidget())
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    area.setMinimumWidth(
        content.minimumSizeHint().width() + area.verticalScrollBar().sizeHint().width()
    )
    return area
