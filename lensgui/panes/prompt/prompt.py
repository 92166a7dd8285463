"""The two prompts, their tokens, and what the model would say next."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QWidget

from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.readings import (
    PairReading,
    PromptReading,
    Replacement,
    Replacements,
    Token,
    TokenMatches,
)
from lensgui.jobs.request import Request
from lensgui.jobs.requests import FindReplacements, FindTokens, ReadPair
from lensgui.panes import menus
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.controls import Editor, button, caption, dress
from lensgui.panes.figures.shown import Shown
from lensgui.panes.interventions import verbs
from lensgui.panes.pane import Pane
from lensgui.panes.prompt import panels
from lensgui.panes.prompt.answer_row import AnswerRow
from lensgui.panes.prompt.message_line import MessageLine
from lensgui.panes.prompt.replace_dialog import ReplaceDialog, swapped
from lensgui.panes.prompt.surprisal_switch import SurprisalSwitch
from lensgui.panes.prompt.token_rows import (
    SIDES,
    Side,
    TokenRows,
    likely_answers,
    next_chips,
    summary,
)
from lensgui.panes.python import script
from lensgui.panes.token_text import plain_tip
from lensgui.prompts.pair import PromptPair
from lensgui.prompts.tasks import like
from lensgui.state.document import Document
from lensgui.state.examples import about_pair
from lensgui.state.selection import Cursor
from lensgui.terms.interventions import words

READING = "…"  # instead of one while the prompts are other ones


class PromptPane(Pane):
    """Where prompts are typed, and their tokens, answers and metric are seen."""

    title: ClassVar[str] = "Prompt"
    guide: ClassVar[str] = "prompt.md"
    about: ClassVar[str] = "The clean and the corrupted prompt, their tokens and what comes next."
    has_message_line: ClassVar[bool] = False
    folds: ClassVar[bool] = True
    view_name: ClassVar[str] = "prompt"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reading: PairReading | None = None
        self._unequal: PromptPair | None = None  # prompts that are known to differ in length
        self._sought: str | None = None
        self._layer: int | None = None  # the selected one
        self._dialog: ReplaceDialog | None = None
        self._considered = ""  # a corrupted prompt that the dialog would make
        self.editors = {side: Editor(self) for side in SIDES}
        self._rows = TokenRows(self)
        self.tokens = self._rows.areas
        self.next = {side: ChipRow(self, flow="fits") for side in SIDES}
        self.answers = AnswerRow(self)
        self.fields, self.resolved = self.answers.fields, self.answers.resolved
        self.bos, self.swap = self.answers.bos, self.answers.swap
        self.difference = self.answers.difference
        self.switch = SurprisalSwitch(self)
        self.surprisal = self.switch.button
        self.names = button(PANE_ACTIONS["swap_names"], self)
        self.replace = button(PANE_ACTIONS["replace_words"], self)
        self.remarks = MessageLine(self)
        self.column.addLayout(self._prompts(), 1)
        self.column.addWidget(self.answers)
        self.column.addWidget(self.remarks)
        self._connect()
        self._name_parts()

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return the pair, to be read; words that are sought; nothing without a clean prompt."""
        pair = document.pair
        if not pair.clean:
            return {}
        needed: dict[str, Request] = {"pair": ReadPair(document.model, pair)}
        if self._unequal is not None and self._unequal == _texts(pair):
            needed["fitting"] = FindReplacements(document.model, self._unequal)
        if self._considered:
            considered = replace(_texts(pair), corrupted=self._considered)
            needed["considered"] = ReadPair(document.model, considered)
        if self._sought is not None:
            needed["tokens"] = FindTokens(document.model, pair.clean_prompt, self._sought)
        return needed

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to get the metric and the likeliest next tokens."""
        return script.prompt(document)

    def shown(self) -> list[Shown]:
        """Return what comes next after both prompts, and how surprising their tokens are."""
        reading = self.reading
        if reading is None or not reading.complete:
            return []
        return panels.shown(reading, self.next["clean"], self._rows, is_stale=self.is_stale("pair"))

    def show_document(self, document: Document) -> None:
        """Show the prompts and answers as they are now."""
        self._document = document
        pair = document.pair
        self.editors["clean"].show_text(pair.clean)
        self.editors["corrupted"].show_text(pair.corrupted)
        self.answers.show_pair(pair)
        self._rows.show_pins(document.marked)
        is_shown = document.views.prompt.shows_surprisal
        self.switch.show_on(is_on=is_shown)
        self._rows.show_surprisal(is_shown=is_shown)
        self.names.setEnabled(swapped(pair) is not None)
        self.replace.setEnabled(bool(pair.clean))
        self._warn()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected position in both prompts."""
        self._layer = cursor.layer
        self._rows.show_position(cursor.position)

    def draw_reply(self, name: str) -> None:
        """Show tokens at once, and what comes next when it is known."""
        match name:
            case "model":
                card = self.known(name, ModelCard)
                if card is not None:
                    self.answers.show_card(card)  # which control tokens it begins with
            case "pair":
                reading = self.answer(name, PairReading)
                if reading is not self.reading:
                    self._show_reading(reading)
                self._dim(is_stale=self.is_stale(name))
            case "fitting":
                self.remarks.show_fitting(self._fitting)
            case "tokens":
                self._show_matches()
            case "considered" if self._dialog is not None:
                self._dialog.show_reading(
                    self.known(name, PairReading), is_over=self.has_failed(name)
                )
        self.remarks.setHidden(any(self.messages.values()))  # what failed is said in its place
        self.summarised.emit(self._summary)

    def draw_anew(self) -> None:
        """Write all that is known again."""
        self.reading = None
        super().draw_anew()

    def _prompts(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 3)
        grid.setColumnStretch(2, 2)
        top = Qt.AlignmentFlag.AlignTop
        for index, side in enumerate(SIDES):
            label = caption(side.capitalize(), self)
            label.setBuddy(self.editors[side])
            label.setContentsMargins(0, 5, 0, 0)
            grid.addWidget(label, 2 * index, 0, top)
            grid.addWidget(self.editors[side], 2 * index, 1)
            grid.addWidget(self.next[side], 2 * index, 2, top)
            grid.addWidget(self.tokens[side], 2 * index + 1, 1, 1, 2)
            grid.setRowStretch(2 * index, 1)
        grid.addWidget(self.switch, 0, 3, 2, 1, top)
        for row, part in ((2, self.names), (3, self.replace)):
            grid.addWidget(part, row, 3, top)
        return grid

    def _connect(self) -> None:
        for side in SIDES:
            self.editors[side].typed.connect(getattr(self, f"_edit_{side}"))
            self.next[side].hovered.connect(self.hovered)
            self.next[side].clicked.connect(getattr(self, f"_answer_{side}"))
            self.next[side].menu_requested.connect(partial(self._offer_token, side))
        self.answers.edited.connect(self._edit)
        self.answers.sought.connect(self._seek)
        self._rows.picked.connect(self.picked)
        self._rows.hovered.connect(self.hovered)
        self.switch.chosen.connect(self._colour)
        self.names.clicked.connect(self._swap_names)
        self.replace.clicked.connect(self._ask_what_to_replace)
        self.remarks.fitted.connect(self._fit)
        self.remarks.alone.connect(self._show_clean_only)
        self.remarks.likely_requested.connect(self._offer_likely)
        self.remarks.hovered.connect(self.hovered)

    def _name_parts(self) -> None:
        tips = {
            "clean": "The prompt whose answer is right.",
            "corrupted": "The same prompt with the decisive words replaced: as many tokens, "
            "another answer.",
        }
        for side in SIDES:
            self.editors[side].setAccessibleName(f"{side.capitalize()} prompt")
            self.editors[side].setToolTip(plain_tip(tips[side]))
            title = f"Likeliest next tokens of the {side} prompt"
            dress(self.next[side], PANE_ACTIONS["likely_token"], title=title)
            self.editors[side].setPlaceholderText(f"Type the {side} prompt")

    def _show_reading(self, reading: PairReading | None) -> None:
        self.reading = reading
        self._rows.show_reading(reading)
        if reading is None or reading.complete:  # else the last answer stays until this is known
            for side in SIDES:
                prompt: PromptReading | None = getattr(reading, side, None)
                self.next[side].show_chips(next_chips(prompt.top if prompt else ()))
            self.answers.show_reading(reading)
        self.remarks.show_lengths(reading)
        self._offer()
        self._warn()
        pair = self._document.pair if self._document else None
        has_other = reading is not None and reading.is_unequal
        unequal = _texts(pair) if pair is not None and has_other else None
        if unequal != self._unequal:
            self._unequal = unequal
            self.altered.emit()

    def _offer(self) -> None:
        """Offer the likely tokens as answers, where those that were typed are none."""
        pair = self._document.pair if self._document is not None else None
        is_typed = pair is not None and bool(pair.answer or pair.distractor)
        if self.reading is not None and self.reading.complete:
            likely = likely_answers(self.reading) if is_typed else None
            self.remarks.show_likely(*(likely or ("", "")))

    def _dim(self, *, is_stale: bool) -> None:
        """Dim what answers an older question, each part as long as it does."""
        is_known = self.reading is None or self.reading.complete
        for side in SIDES:
            self.tokens[side].row.show_stale(is_stale)
            self.next[side].show_stale(is_stale or not is_known)
        self.answers.show_stale(is_stale or not is_known)

    @property
    def _summary(self) -> str:
        """What is seen of folded prompts: what went wrong, else them if they are read already."""
        wrong = next(filter(None, self.messages.values()), "")
        if wrong or self.is_stale("pair"):
            return wrong or READING
        is_known = self.reading is not None and self.reading.complete
        under = _count(self._document.pair) if self._document is not None else ""
        known = (self.difference.text() if is_known else "", under)
        return summary(self.reading, " · ".join(filter(None, known)))

    @property
    def _fitting(self) -> tuple[Replacement, ...]:
        found = self.known("fitting", Replacements)
        return found.found if found is not None else ()

    def _warn(self) -> None:
        """List what is wrong or surprising."""
        found, document = [], self._document
        if document is not None and document.is_average:
            count = len(document.rows)
            found.append(f"Panes average over {count} pairs of the table; this is one pair alone.")
        if document is not None:
            found += filter(None, (_under(document.pair), about_pair(document.pair)))
        self.remarks.show_sentences(self.reading.warnings if self.reading else (), found)

    @Slot(str)
    def _edit_clean(self, text: str) -> None:
        self.edited.emit({"clean": text})

    @Slot(str)
    def _edit_corrupted(self, text: str) -> None:
        self.edited.emit({"corrupted": text})

    @Slot(object)
    def _edit(self, changes: dict[str, Any]) -> None:
        """Tell what changed; the table's pairs are read as this one is."""
        document = self._document
        if document is not None and document.table and {"metric", "bos"} & changes.keys():
            table = like(document.table, document.having(**changes).pair)
            changes = {**changes, "table": table}
        self.edited.emit(changes)

    @Slot(bool)
    def _colour(self, is_on: bool) -> None:
        self.set_view({"shows_surprisal": is_on})

    @Slot(object)
    def _seek(self, text: str | None) -> None:
        if text is not None and text == self._sought:
            self._show_matches()
            return
        self._sought = text
        self.altered.emit()

    def _show_matches(self) -> None:
        field = next((field for field in self.fields.values() if field.hasFocus()), None)
        matches = self.known("tokens", TokenMatches)
        if field is not None and matches is not None:
            field.show_matches(matches)

    @Slot(int)
    def _answer_clean(self, index: int) -> None:
        self._answer("clean", index)

    @Slot(int)
    def _answer_corrupted(self, index: int) -> None:
        self._answer("corrupted", index)

    def _answer(self, side: Side, index: int) -> None:
        """Ask for a likely token: as the answer, or with Shift as the distractor."""
        token = self._likely_token(side, index)
        is_shifted = QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier
        if token is not None:
            self._edit({"distractor" if is_shifted else "answer": token.text})

    def _likely_token(self, side: Side, index: int) -> Token | None:
        prompt: PromptReading | None = getattr(self.reading, side, None)
        is_known = prompt is not None and not self.next[side].is_stale
        return prompt.top[index].token if prompt and is_known and index < len(prompt.top) else None

    def _offer_token(self, side: Side, index: int, where: QPoint) -> None:
        """Show what can be done with a likely token."""
        if token := self._likely_token(side, index):
            menus.show_menu(self, verbs.of_token(self, token, self._layer), where)

    @Slot()
    def _offer_likely(self) -> None:
        likely = likely_answers(self.reading)
        if likely is not None and not self.is_stale("pair"):
            self._edit(dict(zip(("answer", "distractor"), likely, strict=True)))

    @Slot()
    def _show_clean_only(self) -> None:
        self.edited.emit({"corrupted": ""})

    @Slot()
    def _swap_names(self) -> None:
        text = swapped(self._document.pair) if self._document is not None else None
        if text is not None:
            self.edited.emit({"corrupted": text})

    @Slot()
    def _ask_what_to_replace(self) -> None:
        if self._document is not None:
            chosen = self.editors["clean"].textCursor().selectedText()
            dialog = self._dialog = ReplaceDialog(self._document.pair.clean, chosen, self)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.made.connect(self._edit)
            dialog.considered.connect(self._consider)
            dialog.finished.connect(self._close_dialog)
            dialog.show_result()
            dialog.open()

    @Slot(str)
    def _consider(self, corrupted: str) -> None:
        """Ask what the dialog's prompt is."""
        if corrupted != self._considered:
            self._considered = corrupted
            self.altered.emit()

    @Slot()
    def _close_dialog(self) -> None:
        self._dialog = None
        self._consider("")

    @Slot(int)
    def _fit(self, index: int) -> None:
        self.edited.emit({"corrupted": self._fitting[index].corrupted})


def _texts(pair: PromptPair) -> PromptPair:
    """Return a pair without what is asked of it."""
    return PromptPair(pair.clean, pair.corrupted, bos=pair.bos)


def _count(pair: PromptPair) -> str:
    """Return how many interventions a model is under; "" for none."""
    count = sum(one.is_on for one in pair.interventions)
    return f"under {count} intervention{'s' * (count != 1)}" * bool(count)


def _under(pair: PromptPair) -> str:
    """Return what is done to the model, as a sentence; "" for nothing."""
    acting = "; ".join(words(one) for one in pair.interventions if one.is_on)
    return f"{_count(pair).capitalize()}: {acting}." if acting else ""
