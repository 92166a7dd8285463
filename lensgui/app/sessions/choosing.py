"""How a file is chosen without a dialog: one of the last, or one that is dropped on the window."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QSettings, Signal, Slot
from PySide6.QtGui import QAction, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from lensgui.app.sessions.closing import ask_replacing
from lensgui.app.window.actions import ACTIONS
from lensgui.panes.controls.controls import menu_line
from lensgui.state.sessions.pictures import SUFFIXES, is_picture
from lensgui.state.sessions.saved import SUFFIX

FILTER = f"lensgui sessions (*{SUFFIX})"
KEY = "recent"
MOST = 12
LONGEST = 4096  # letters of a path
WEIGHTS = (".gguf", ".safetensors")


def ask_which(window: QWidget, folder: Path) -> Path | None:
    """Ask which session to open; None for none."""
    path, _ = QFileDialog.getOpenFileName(window, "Open a session", str(folder), FILTER)
    return Path(path) if path else None


def ask_where(window: QWidget, first: Path) -> Path | None:
    """Ask where to save a session; None for nowhere.

    The dialog asks about a file that is there, but not where our ending is added to its name.
    """
    path, _ = QFileDialog.getSaveFileName(window, "Save the session", str(first), FILTER)
    chosen = Path(path).absolute()
    whole = chosen if chosen.suffix == SUFFIX else chosen.with_name(chosen.name + SUFFIX)
    is_unasked = whole != chosen and os.path.exists(whole)
    return whole if path and (not is_unasked or ask_replacing(whole, window)) else None


class Recent:
    """The files that were open last, the latest first."""

    def __init__(self, history: QSettings | None) -> None:
        """Remember files.

        Args:
            history: Where they are kept; None for nowhere.
        """
        self._history = history

    @property
    def paths(self) -> list[Path]:
        """The files; whether they are there still is not looked at."""
        written = self._history.value(KEY, []) if self._history is not None else []
        rows = written if isinstance(written, list) else [written]
        texts = [row for row in rows if isinstance(row, str) and 0 < len(row) <= LONGEST]
        return [Path(text) for text in texts[:MOST]]

    def add(self, path: Path) -> None:
        """Put a file first."""
        self._write([path, *(other for other in self.paths if other != path)])

    def drop(self, path: Path) -> None:
        """Forget a file, as it is not there."""
        self._write([other for other in self.paths if other != path])

    def clear(self) -> None:
        """Forget all."""
        self._write([])

    def _write(self, paths: list[Path]) -> None:
        if self._history is not None:
            self._history.setValue(KEY, [str(path) for path in paths[:MOST]])


class RecentMenu(QMenu):
    """The files that were open last, to be opened again.

    Attributes:
        chosen: (Path,) of the one that was chosen.
    """

    chosen = Signal(object)

    def __init__(self, recent: Recent, parent: QWidget) -> None:
        super().__init__("Open &recent", parent)
        self._recent = recent
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)
        self.triggered.connect(self._choose)

    @Slot()
    def _fill(self) -> None:
        self.clear()
        paths = self._recent.paths
        for path in paths:
            line = menu_line(
                self, ACTIONS["recent_session"], path.name.replace("&", "&&"), str(path)
            )
            line.setData(path)
        self.addSeparator()
        menu_line(self, ACTIONS["forget_sessions"]).setEnabled(bool(paths))

    @Slot(QAction)
    def _choose(self, action: QAction) -> None:
        path = action.data()
        if isinstance(path, Path):
            self.chosen.emit(path)
        else:
            self._recent.clear()


class Drops(QObject):
    """Takes what is dropped on a window, where no pane of it does.

    Attributes:
        session: (Path,) a session was dropped.
        model: (path,) a model's folder or file was.
    """

    session = Signal(object)
    model = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept one session, one folder or one file of weights."""
        if event.type() not in (QEvent.Type.DragEnter, QEvent.Type.Drop):
            return False
        assert isinstance(event, QDropEvent)
        path = dropped(event.mimeData())
        if path is None:
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            if path.suffix == SUFFIX or is_picture(path):
                self.session.emit(path)
            else:
                self.model.emit(str(path))
        return True


def dropped(data: QMimeData) -> Path | None:
    """Return the session, picture, folder or weights that are dragged; None if they are none."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    path = paths[0] if len(paths) == 1 else None
    is_known = path is not None and path.suffix.lower() in (SUFFIX, *SUFFIXES, *WEIGHTS)
    if path is None or not (is_known or path.is_dir()):
        return None
    return path
