"""A window's help: the guide at the right page, the log, and its faults."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QApplication, QWidget

from lensgui.app.commands.entries import Entry
from lensgui.app.help.faults import FaultDialog
from lensgui.app.help.guide import INDEX, Guide, pages
from lensgui.app.help.log import LogDock
from lensgui.app.runtime import Faults
from lensgui.app.window.window import MainWindow
from lensgui.panes.pane import Pane


class Help(QObject):
    """Opens the parts of the help, each made when it is first wanted.

    Attributes:
        log: The log, which hears from the start.
        is_quiet: Whether no dialog is to open by itself.
    """

    def __init__(self, window: MainWindow, faults: Faults) -> None:
        super().__init__(window)
        self._window, self._faults = window, faults
        self._guide: Guide | None = None
        self._dialog: FaultDialog | None = None
        self.log = LogDock(window)
        self.is_quiet = False
        window.status.said.connect(self.log.add)
        faults.caught.connect(self._show_fault)

    @Slot()
    def show_guide(self) -> None:
        """Open the guide at the page of the pane that has the keyboard."""
        widget: QWidget | None = QApplication.focusWidget()
        while widget is not None and not isinstance(widget, Pane):
            widget = widget.parentWidget()
        self.show_page(widget.guide if isinstance(widget, Pane) else INDEX)

    def show_page(self, name: str) -> None:
        """Open the guide at a page."""
        if self._guide is None:
            self._guide = Guide(self._window)
        self._guide.open_at(name)

    @Slot()
    def toggle_log(self) -> None:
        """Show or hide the log."""
        self.log.setVisible(self.log.isHidden())
        if not self.log.isHidden():
            self.log.raise_()

    def entries(self, window: MainWindow) -> Iterator[Entry]:
        """Yield what the search finds: every page of the guide."""
        for page in pages().values():
            yield Entry(f"Guide: {page.title}", "page", partial(self.show_page, page.name))

    @Slot(str, str)
    def _show_fault(self, what: str, details: str) -> None:
        if self.is_quiet:  # the log has it
            return
        if self._dialog is None:
            self._dialog = FaultDialog(self._window, self._faults.log_path)
        self._dialog.show_fault(what, details)

    def release(self) -> None:
        """Hear nothing more."""
        self.log.release()
