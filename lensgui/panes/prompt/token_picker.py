"""A field to type a token in, with a list of the vocabulary's tokens that contain what is typed."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QRect, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QCompleter, QListView, QWidget

from lensgui.jobs.answers.readings import TokenMatches
from lensgui.panes import theme
from lensgui.panes.controls.controls import TokenField
from lensgui.panes.token_text import percent, raw, shorten, spell
from lensgui.prompts.pair import SEPARATOR

TEXT = Qt.ItemDataRole.UserRole + 1
SHOWN = 12  # lines of the list
WIDE = 40  # letters


class TokenPicker(TokenField):
    """Asks what tokens there are while it is being typed in, and lets one be chosen from them.

    Attributes:
        sought: (text,) to look for in the vocabulary; None once nothing is sought.
    """

    sought = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items = QStandardItemModel(self)
        self.list = QCompleter(self._items, self)
        self.list.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self.list.setCompletionRole(TEXT)
        self.list.setMaxVisibleItems(SHOWN)
        self.list.setWidget(self)
        popup = self.popup = QListView()
        self.list.setPopup(popup)
        popup.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        popup.setAccessibleName("Tokens of the vocabulary")
        self._takes_first = False  # of the list that is to come
        self._listed: str | None = None  # what the list was sought for
        self.list.activated.connect(self._choose)
        self.textEdited.connect(self._seek)

    @property
    def last_part(self) -> str:
        """What is typed after the last separator: the token being sought."""
        return raw(self.text().rpartition(SEPARATOR)[2])

    def show_matches(self, matches: TokenMatches) -> None:
        """List tokens, as long as the field is being typed in."""
        self._items.clear()
        self._listed = matches.sought
        for likely in matches.found:
            note = f"{percent(likely.probability):>7}   id {likely.token.id}"
            item = QStandardItem(f"{shorten(spell(likely.token), 16):<17}{note}")
            item.setData(likely.token.text, TEXT)
            self._items.appendRow(item)
        if matches.found and self.hasFocus() and matches.sought == self.last_part:
            self.list.setCompletionPrefix("")
            wide = self.popup.fontMetrics().horizontalAdvance("M" * WIDE)
            self.popup.setMinimumWidth(wide)
            self.list.complete(QRect(0, 0, wide, self.height()))
            self.popup.setCurrentIndex(QModelIndex())  # a line is taken only if it was gone to
            if self._takes_first:
                self._accept()
        else:
            self.popup.hide()
            if self._takes_first and matches.sought == self.last_part:
                self.sought.emit(None)  # there is none: what is typed stays

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the list on Down; leave the choice among its lines to the list."""
        popup = self.popup
        keys = Qt.Key
        self._takes_first = event.key() in (keys.Key_Return, keys.Key_Enter)
        if self._takes_first:
            self._accept()
            return
        if popup.isVisible() and event.key() == keys.Key_Tab:
            self._accept()
        if event.key() == keys.Key_Down:
            self._seek()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Seek nothing any more, unless the focus went to the list."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.sought.emit(None)

    def _accept(self) -> None:
        """Take the line that was gone to; else by Return the first, or what is typed.

        A list that is still to come is waited for.
        """
        chosen = self.popup.currentIndex()
        if self._takes_first and not chosen.isValid() and self._listed == self.last_part:
            chosen = self._items.index(0, 0)
        is_line = self.popup.isVisible() and chosen.isValid()
        self.popup.hide()
        if is_line:
            self._takes_first = False
            self._choose(str(chosen.data(TEXT)))
        elif not self._takes_first:
            self.sought.emit(None)

    @Slot(str)
    def _choose(self, token: str) -> None:
        before, mark, _ = self.text().rpartition(SEPARATOR)
        text = before + mark + token
        self.setText(text)
        self.sought.emit(None)
        self.typed.emit(text)

    @Slot()
    def _seek(self) -> None:
        self._takes_first = False  # what is pasted or composed comes by no key
        self.popup.setCurrentIndex(QModelIndex())  # it answers what was typed before
        self.sought.emit(self.last_part)
