"""The guide: its pages in reading order, searched, with links from one to another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from lensgui.app.window.actions import ACTIONS
from lensgui.panes.controls.controls import button
from lensgui.panes.theme import zoomed
from lensgui.terms.resources import resource

INDEX = "index.md"
SIZE = 900, 640  # pixels, times the zoom
SHARES = 250, 650  # pixels of the list and the page, times the zoom
MISSING = "The guide is not there: install lensgui anew, or read it where its source is."
MARGIN = 14  # pixels around a page, times the zoom
NOTHING = "No page of the guide has these words."
_LINK = re.compile(r"\]\(([a-z_]+\.md)(?:#[^)]*)?\)")
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the guide.

    Attributes:
        name: Its file.
        title: Its heading.
        text: What it says, as Markdown.
    """

    name: str
    title: str
    text: str


@cache
def pages() -> dict[str, Page]:
    """Return all pages by their names, in the order in which the index links to them."""
    folder = resource("guide")
    found = {path.name: _page(path.name, path.read_text("utf-8")) for path in folder.glob("*.md")}
    linked = _LINK.findall(found[INDEX].text) if INDEX in found else []
    order = dict.fromkeys([INDEX, *linked, *sorted(found)])
    return {name: found[name] for name in order if name in found}


def _page(name: str, text: str) -> Page:
    heading = _HEADING.search(text)
    return Page(name, heading[1] if heading else name.removesuffix(".md"), text)


def having(words: str) -> list[Page]:
    """Return the pages in which all words stand, those with them in the title first."""
    needed = words.casefold().split()
    found = [page for page in pages().values() if _has(page.text, needed)]
    return sorted(found, key=lambda page: not _has(page.title, needed))


def _has(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)


class Guide(QDialog):
    """Shows the pages; it stays open beside its window.

    Attributes:
        field: What is searched for.
        list: The pages that have it.
        page: The page that is shown.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Guide")
        self._before: list[str] = []
        self._after: list[str] = []
        self._name = ""
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("Search the guide…")
        self.field.setAccessibleName("Search the guide")
        self.field.setToolTip("Words of a page; Return opens the first that has them.")
        self.field.setClearButtonEnabled(True)
        self.list = QListWidget(self)
        self.list.setAccessibleName("Pages of the guide")
        self.list.setToolTip("Click a page to read it.")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSpacing(1)
        self.page = QTextBrowser(self)
        self.page.setOpenLinks(False)
        self.page.setSearchPaths([str(resource("guide"))])
        self.page.setAccessibleName("Page of the guide")
        self.back = button(ACTIONS["guide_back"], self)
        self.forward = button(ACTIONS["guide_forward"], self)
        self._lay_out()
        self.field.textChanged.connect(self._search)
        self.field.returnPressed.connect(self._open_first)
        self.list.currentItemChanged.connect(self._choose)
        self.page.anchorClicked.connect(self._follow)
        self.back.clicked.connect(self._go_back)
        self.forward.clicked.connect(self._go_forward)
        self._search("")

    def _lay_out(self) -> None:
        left, right = QWidget(self), QWidget(self)
        column = QVBoxLayout(left)
        column.addWidget(self.field)
        column.addWidget(self.list, 1)
        row = QHBoxLayout()
        for part in (self.back, self.forward):
            part.setAutoRaise(False)
            row.addWidget(part)
        row.addStretch(1)
        beside = QVBoxLayout(right)
        beside.addLayout(row)
        beside.addWidget(self.page, 1)
        for inner in (column, beside):
            inner.setContentsMargins(0, 0, 0, 0)
        parts = QSplitter(Qt.Orientation.Horizontal, self)
        parts.addWidget(left)
        parts.addWidget(right)
        parts.setStretchFactor(1, 1)
        parts.setChildrenCollapsible(False)
        parts.setSizes([zoomed(share) for share in SHARES])
        whole = QVBoxLayout(self)
        whole.addWidget(parts)
        self.resize(*map(zoomed, SIZE))

    def open_at(self, name: str) -> None:
        """Show a page, in front; the index for one that is not there."""
        self.show_page(name if name in pages() else INDEX)
        if not pages():
            self.page.setPlainText(MISSING)
        self.show()
        self.activateWindow()
        self.page.setFocus()

    def show_page(self, name: str) -> None:
        """Turn to a page."""
        if name not in pages() or name == self._name:
            return
        if self._name:
            self._before.append(self._name)
        self._after.clear()
        self._turn_to(name)

    def _turn_to(self, name: str) -> None:
        self._name = name
        found = pages()[name]
        self.page.document().setMarkdown(
            found.text, QTextDocument.MarkdownFeature.MarkdownDialectGitHub
        )
        self.page.document().setDocumentMargin(zoomed(MARGIN))
        self.page.verticalScrollBar().setValue(0)
        self.setWindowTitle(f"Guide: {found.title}")
        self.back.setEnabled(bool(self._before))
        self.forward.setEnabled(bool(self._after))
        self._mark(name)
        if self.field.text():
            self.page.find(self.field.text())

    def _mark(self, name: str) -> None:
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item.data(Qt.ItemDataRole.UserRole) == name:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)

    @Slot(str)
    def _search(self, words: str) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        for page in having(words):
            item = QListWidgetItem(page.title, self.list)
            item.setData(Qt.ItemDataRole.UserRole, page.name)
        if not self.list.count():
            QListWidgetItem(NOTHING, self.list).setFlags(Qt.ItemFlag.NoItemFlags)
        self.list.blockSignals(False)
        self._mark(self._name)

    @Slot()
    def _open_first(self) -> None:
        item = self.list.item(0)
        name = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if name == self._name:
            self.page.find(self.field.text())
        elif name is not None:
            self.show_page(name)

    @Slot()
    def _choose(self) -> None:
        item = self.list.currentItem()
        name = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if name is not None:
            self.show_page(name)

    @Slot(QUrl)
    def _follow(self, url: QUrl) -> None:
        """Turn to a page that a link names; an address outside opens in the user's browser."""
        if url.isRelative():
            self.show_page(url.path())
            if url.hasFragment():
                self.page.scrollToAnchor(url.fragment())
        elif url.scheme() == "https":
            QDesktopServices.openUrl(url)

    @Slot()
    def _go_back(self) -> None:
        if self._before:
            self._after.append(self._name)
            self._turn_to(self._before.pop())

    @Slot()
    def _go_forward(self) -> None:
        if self._after:
            self._before.append(self._name)
            self._turn_to(self._after.pop())
