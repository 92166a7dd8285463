"""The search: a field, and below it what it finds."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
    Slot,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QTextLayout,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from lensgui.app.commands.entries import SOURCES, Entry, named_head, named_neuron
from lensgui.app.commands.matches import Matcher, Uses, matching
from lensgui.app.window.window import MainWindow
from lensgui.panes import theme
from lensgui.panes.controls.controls import announce
from lensgui.panes.pictures.painted import say
from lensgui.panes.style import TARGET

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
HINT = "Search actions, heads, tokens, examples, settings…"
NOTHING = "Nothing is called that."
WIDTH, ROWS = 560, 12  # pixels, times the zoom; rows that are seen at once
SIDE, GAP = 10, 14  # pixels from the edges, and between the columns of a row
MOST = 100  # rows
LONGEST = 200  # letters that can be sought at once
STEPS: dict[int, int] = {
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Backtab: -1,
    Qt.Key.Key_Tab: 1,
    Qt.Key.Key_PageUp: 1 - ROWS,
    Qt.Key.Key_PageDown: ROWS - 1,
}
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Found(QAbstractListModel):
    """What is found, as Qt's views read it.

    Attributes:
        entries: The entries, the best first.
        query: What they match.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: Sequence[Entry] = ()
        self.query = ""

    def show_entries(self, entries: Sequence[Entry], query: str) -> None:
        """Take other entries."""
        self.beginResetModel()
        self.entries, self.query = entries, query
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """Return how many there are."""
        return 0 if parent is not None and parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Role.DisplayRole) -> str | None:
        """Return what an entry is called, or all that is said of it."""
        entry = self.entries[index.row()]
        if role == Role.DisplayRole:
            return entry.text
        return spoken(entry) if role == Role.AccessibleTextRole else None


def spoken(entry: Entry) -> str:
    """Return all that is said of an entry in one line."""
    return ", ".join(filter(None, (entry.text, entry.kind, entry.keys, entry.reason)))


class Lines(QStyledItemDelegate):
    """Paints an entry: its name, the letters that match in bold; then its keys and its kind."""

    def __init__(self, found: Found, parent: QWidget) -> None:
        super().__init__(parent)
        self._found = found

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return a line that is large enough to be pressed."""
        return QSize(0, max(TARGET, option.fontMetrics.height() + 8))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint it."""
        entry, colors = self._found.entries[index.row()], theme.of(option.palette)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        faint = QColor(colors.faint)
        ink = faint if entry.reason else QColor(colors.text)
        if is_chosen:
            ink = faint = option.palette.color(QPalette.ColorRole.HighlightedText)
        painter.save()
        if is_chosen:
            painter.fillRect(option.rect, QColor(colors.highlight))
        where = option.rect.adjusted(SIDE, 0, -SIDE, 0)
        painter.setFont(option.font)
        painter.setPen(faint)
        for words in (entry.kind, entry.keys):
            where = _write_right(painter, words, where)
        painter.setPen(ink)
        bold = matching(self._found.query, entry.text)
        where = _write_left(painter, entry.text, bold, where)
        if entry.reason:
            painter.setPen(faint)
            where.adjust(GAP, 0, 0, 0)
            _write_left(painter, entry.reason, set(), where)
        painter.restore()


def _write_right(painter: QPainter, words: str, where: QRect) -> QRect:
    """Write at the right of a place; return what is left of it."""
    painter.drawText(where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
    width = painter.fontMetrics().horizontalAdvance(words)
    return where.adjusted(0, 0, -(width + GAP) if words else 0, 0)


def _write_left(painter: QPainter, text: str, bold: set[int], where: QRect) -> QRect:
    """Write at the left of a place, as much as fits; return what is left of it."""
    heavy = QFont(painter.font())
    heavy.setBold(True)
    elided = Qt.TextElideMode.ElideRight
    layout = QTextLayout(
        QFontMetrics(heavy).elidedText(text, elided, where.width()), painter.font()
    )
    layout.setFormats(_formats(bold, len(layout.text())))
    layout.beginLayout()
    line = layout.createLine()
    layout.endLayout()
    layout.draw(painter, QPointF(where.left(), where.center().y() - line.height() / 2))
    return where.adjusted(round(line.naturalTextWidth()), 0, 0, 0)


def _formats(bold: set[int], length: int) -> list[QTextLayout.FormatRange]:
    """Return which parts of a text are bold."""
    found: list[QTextLayout.FormatRange] = []
    for at in sorted(at for at in bold if at < length):
        if found and at == found[-1].start + found[-1].length:
            found[-1].length += 1
            continue
        part = QTextLayout.FormatRange()
        part.start, part.length = at, 1
        part.format.setFontWeight(QFont.Weight.Bold)
        found.append(part)
    return found


class Results(QListView):
    """What is found, a line each; who types goes through it with the arrow keys."""

    def __init__(self, found: Found, parent: QWidget) -> None:
        super().__init__(parent)
        self.setModel(found)
        self.setItemDelegate(Lines(found, self))
        self.setUniformItemSizes(True)
        self.setEditTriggers(self.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("What is found")
        self.selectionModel().currentChanged.connect(self._tell)

    def step(self, by: int) -> None:
        """Go to another line; it stops at either end."""
        last = self.model().rowCount() - 1
        row = max(0, min(self.currentIndex().row() + by, last))
        self.setCurrentIndex(self.model().index(row, 0))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines, or say that there is none."""
        super().paintEvent(event)
        if not self.model().rowCount():
            with QPainter(self.viewport()) as painter:
                say(painter, self.viewport().rect(), NOTHING, theme.of(self.palette()))

    @Slot(QModelIndex)
    def _tell(self, index: QModelIndex) -> None:
        if index.isValid():
            announce(self, str(index.data(Role.AccessibleTextRole)))


class Search(QFrame):
    """Finds everything in a window by some of its letters, and does it.

    Attributes:
        sources: What yields the entries, each time it opens.
    """

    def __init__(self, window: MainWindow, uses: Uses) -> None:
        super().__init__(window)
        self.sources = list(SOURCES)
        self._window, self._uses = window, uses
        self._entries: list[Entry] = []
        self._matcher = Matcher((), ())
        self._before: QWidget | None = None  # what had the keyboard
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setAccessibleName("Search")
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(HINT)
        self.field.setMaxLength(LONGEST)
        self.field.setAccessibleName("Search everything")
        self.field.setToolTip("Arrow keys choose, Return does it, Esc leaves.")
        self.found = Found(self)
        self.list = Results(self.found, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(4)
        column.addWidget(self.field)
        column.addWidget(self.list, 1)
        self.hide()
        self.field.installEventFilter(self)
        window.installEventFilter(self)
        self.field.textChanged.connect(self._seek)
        self.list.clicked.connect(self._choose)
        QApplication.instance().focusChanged.connect(self._follow)  # type: ignore[union-attr]

    @Slot()
    def open(self) -> None:
        """Show everything that there is now, the most used first."""
        if not self.isVisible():
            self._before = self._window.focusWidget()
            self._entries = [entry for source in self.sources for entry in source(self._window)]
            uses = [self._uses.of(entry.name) for entry in self._entries]
            self._matcher = Matcher([entry.text for entry in self._entries], uses)
            self.field.clear()
            self._seek("")
            self._place()
            self.show()
            self.raise_()
        self.field.setFocus()
        self.field.selectAll()

    def leave(self) -> None:
        """Close, and give the keyboard back."""
        before = self._before
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus()
        else:
            self.field.clearFocus()
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Go through what is found by keys, and keep the place when the window changes its size."""
        if watched is self._window and event.type() == QEvent.Type.Resize:
            self._place()
        if watched is not self.field or not isinstance(event, QKeyEvent):
            return False
        return event.type() == QEvent.Type.KeyPress and self._press(event.key())

    def _press(self, key: int) -> bool:
        if key in STEPS:
            self.list.step(STEPS[key])
        elif key in ENTER:
            self._choose(self.list.currentIndex())
        elif key == Qt.Key.Key_Escape:
            self.leave()
        else:
            return False
        return True

    @Slot(str)
    def _seek(self, query: str) -> None:
        best = (self._entries[at] for at in self._matcher.best(query, MOST))
        named = *named_head(self._window, query), *named_neuron(self._window, query)
        self.found.show_entries([*named, *best], query)
        self.list.setCurrentIndex(self.found.index(0, 0))

    @Slot(QModelIndex)
    def _choose(self, index: QModelIndex) -> None:
        """Do what was chosen, once the keyboard is back where it was."""
        if not index.isValid():
            return
        entry = self.found.entries[index.row()]
        if not entry.reason:
            self._uses.add(entry.name)
            self.leave()
            entry.act()

    @Slot(QWidget, QWidget)
    def _follow(self, before: QWidget | None, now: QWidget | None) -> None:
        """Close where somebody goes elsewhere."""
        if now is not None and self.isVisible() and not self.isAncestorOf(now):
            self.hide()

    def _place(self) -> None:
        """Stand at the top, in the middle, over what is there."""
        room, top = self._window.size(), self._window.menuBar().geometry().bottom() + SIDE
        width = min(theme.zoomed(WIDTH), room.width() - 2 * SIDE)
        line = self.list.sizeHintForRow(0)
        rows = ROWS * line if line > 0 else ROWS * TARGET
        height = min(self.field.sizeHint().height() + rows + 24, room.height() - top - SIDE)
        self.setGeometry((room.width() - width) // 2, top, width, height)
