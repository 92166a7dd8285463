"""The two prompts, their tokens, and what the model would say next."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QPushButton, QWidget

from lensgui.jobs.answering import Answer
from lensgui.jobs.reports import Likely, ModelCard, PairReading, PromptReading, Token
from lensgui.jobs.requests import ReadPair, Request
from lensgui.panes import snippets
from lensgui.panes.chips import Chip, ChipRow
from lensgui.panes.pane import Pane
from lensgui.panes.parts import ChipArea, Editor, TokenField, caption, sentence
from lensgui.panes.spelling import bytes_of, percent, shorten, signed, spell, visible
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

SIDES = ("clean", "corrupted")
MOST_NEXT = 5
NO_BOS = "none"


class PromptPane(Pane):
    """Where prompts are typed, and their tokens, answers and metric are seen."""

    title: ClassVar[str] = "Prompt"
    about: ClassVar[str] = "The clean and the corrupted prompt, their tokens and what comes next."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reading: PairReading | None = None
        self._document: Document | None = None
        self.editors = {side: Editor(self) for side in SIDES}
        self.tokens = {side: ChipArea(self) for side in SIDES}
        self.next = {side: ChipRow(self) for side in SIDES}
        self.fields = {name: TokenField(self) for name in ("answer", "distractor")}
        self.resolved = {name: ChipRow(self, wraps=False) for name in self.fields}
        self.bos = QComboBox(self)
        self.swap = QPushButton("Swap", self)
        self.difference = sentence(self)
        self.warnings = sentence(self)
        self.warnings.setForegroundRole(QPalette.ColorRole.BrightText)
        self.warnings.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.column.addLayout(self._prompts())
        self.column.addLayout(self._answers())
        self.column.addWidget(self.warnings)
        self._connect()
        self._name_parts()

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return the pair, to be read; nothing while there is no clean prompt."""
        return {"pair": ReadPair(document.model, document.pair)} if document.pair.clean else {}

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to get the metric and the likeliest next tokens."""
        return snippets.prompt(document)

    def show_card(self, card: ModelCard) -> None:
        """Offer the model's control tokens to begin with."""
        self.bos.blockSignals(True)
        self.bos.clear()
        self.bos.addItem(NO_BOS, False)
        if card.bos:
            self.bos.addItem(f"{card.bos} (the tokenizer's)", True)
        for choice in card.bos_choices:
            if choice != card.bos:
                self.bos.addItem(choice, choice)
        self.bos.blockSignals(False)
        if self._document is not None:
            self._show_bos(self._document.pair.bos)

    def show_document(self, document: Document) -> None:
        """Show the prompts and answers as they are now."""
        self._document = document
        pair = document.pair
        self.editors["clean"].show_text(pair.clean)
        self.editors["corrupted"].show_text(pair.corrupted)
        self.fields["answer"].show_text(pair.answer)
        self.fields["distractor"].show_text(pair.distractor)
        self._show_bos(pair.bos)

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected position in both prompts."""
        for area in self.tokens.values():
            area.show_chosen(cursor.position)

    def show_answer(self, name: str, answer: Answer) -> None:
        """Show tokens at once, and what comes next when it is known."""
        super().show_answer(name, answer)
        if isinstance(answer, PairReading):
            self._show_reading(answer)

    def clear(self, name: str) -> None:
        """Show no tokens: there is no prompt."""
        super().clear(name)
        self._show_reading(None)

    def event(self, event: QEvent) -> bool:
        """Be just as tall as the prompts need: what is below has better use for the rest."""
        is_handled = super().event(event)
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            least = self.warnings.fontMetrics().lineSpacing() + 2
            self.warnings.setMinimumHeight(least)  # so that one warning moves nothing
            self.setFixedHeight(self.column.totalHeightForWidth(self.width()))
        return is_handled

    def _prompts(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 5)
        grid.setColumnStretch(2, 2)
        top = Qt.AlignmentFlag.AlignTop
        for index, side in enumerate(SIDES):
            label = caption(side.capitalize(), self)
            label.setBuddy(self.editors[side])
            label.setContentsMargins(0, 5, 0, 0)
            grid.addWidget(label, 2 * index, 0, top)
            grid.addWidget(self.editors[side], 2 * index, 1, top)
            grid.addWidget(self.tokens[side], 2 * index + 1, 1, top)
            grid.addWidget(self.next[side], 2 * index, 2, 2, 1)
        return grid

    def _answers(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        for name, field in self.fields.items():
            row.addWidget(caption(name.capitalize(), self))
            row.addWidget(field)
            row.addWidget(self.resolved[name], 0, Qt.AlignmentFlag.AlignVCenter)
            row.addSpacing(6)
        row.addWidget(caption("BOS", self))
        row.addWidget(self.bos)
        row.addWidget(self.swap)
        row.addSpacing(8)
        row.addWidget(self.difference, 1)
        return row

    def _connect(self) -> None:
        for side in SIDES:
            self.editors[side].typed.connect(getattr(self, f"_edit_{side}"))
            self.tokens[side].row.clicked.connect(self._pick)
            self.tokens[side].row.hovered.connect(self.hovered)
            self.next[side].hovered.connect(self.hovered)
        self.fields["answer"].typed.connect(self._edit_answer)
        self.fields["distractor"].typed.connect(self._edit_distractor)
        self.bos.activated.connect(self._edit_bos)
        self.swap.clicked.connect(self._swap)

    def _name_parts(self) -> None:
        tips: dict[QWidget, tuple[str, str]] = {
            self.editors["clean"]: ("Clean prompt", "The prompt whose answer is right."),
            self.editors["corrupted"]: (
                "Corrupted prompt",
                "The same prompt with the decisive words replaced: as many tokens, another answer.",
            ),
            self.fields["answer"]: (
                "Answer token",
                "The token the clean prompt calls for, its leading space included; "
                "empty for the likeliest.",
            ),
            self.fields["distractor"]: (
                "Distractor token",
                "The token the answer is compared with; empty for the second likeliest.",
            ),
            self.bos: (
                "Beginning-of-sequence token",
                "What is put in front of both prompts; it changes every number.",
            ),
            self.swap: (
                "Swap clean and corrupted",
                "Swap the prompts, and answer with distractor.",
            ),
            self.difference: (
                "Metric",
                "logit(answer) − logit(distractor) at the last position of each prompt.",
            ),
        }
        for widget, (name, tip) in tips.items():
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
        for side in SIDES:
            self.tokens[side].row.setAccessibleName(f"Tokens of the {side} prompt")
            self.next[side].setAccessibleName(f"Likeliest next tokens of the {side} prompt")
            self.editors[side].setPlaceholderText(f"Type the {side} prompt")

    def _show_reading(self, reading: PairReading | None) -> None:
        self.reading = reading
        differing = frozenset(reading.differing if reading else ())
        for side in SIDES:
            prompt: PromptReading | None = getattr(reading, side, None)
            self.tokens[side].show_chips(_token_chips(prompt, differing))
            self.next[side].show_chips(_next_chips(prompt.top if prompt else ()))
        answers = {
            "answer": reading.answer if reading else None,
            "distractor": reading.distractor if reading else None,
        }
        for (name, token), rank in zip(answers.items(), ("likeliest", "second"), strict=True):
            self.resolved[name].show_chips([Chip(shorten(spell(token), 9))] if token else [])
            self.fields[name].setPlaceholderText(f"{rank}: {spell(token)}" if token else rank)
        self.difference.setText(_metric(reading))
        self.warnings.setText("\n".join(reading.warnings) if reading else "")

    def _show_bos(self, bos: bool | str) -> None:
        index = next((at for at in range(self.bos.count()) if self.bos.itemData(at) == bos), None)
        if index is None:
            names = {False: NO_BOS, True: "the tokenizer's"}
            self.bos.addItem(bos if isinstance(bos, str) else names[bos], bos)
            index = self.bos.count() - 1
        self.bos.setCurrentIndex(index)

    @Slot(str)
    def _edit_clean(self, text: str) -> None:
        self.edited.emit({"clean": text})

    @Slot(str)
    def _edit_corrupted(self, text: str) -> None:
        self.edited.emit({"corrupted": text})

    @Slot(str)
    def _edit_answer(self, text: str) -> None:
        self.edited.emit({"answer": text})

    @Slot(str)
    def _edit_distractor(self, text: str) -> None:
        self.edited.emit({"distractor": text})

    @Slot()
    def _edit_bos(self) -> None:
        self.edited.emit({"bos": self.bos.currentData()})

    @Slot()
    def _swap(self) -> None:
        if self._document is not None:
            pair = self._document.pair
            self.edited.emit(
                {
                    "clean": pair.corrupted,
                    "corrupted": pair.clean,
                    "answer": pair.distractor,
                    "distractor": pair.answer,
                }
            )

    @Slot(int)
    def _pick(self, position: int) -> None:
        self.picked.emit({"position": position})


def _token_chips(prompt: PromptReading | None, differing: frozenset[int]) -> list[Chip]:
    if prompt is None:
        return []
    return [
        Chip(
            text=spell(token),
            hover=_words(token, position),
            is_marked=position in differing,
            is_control=token.special,
        )
        for position, token in enumerate(prompt.tokens)
    ]


def _words(token: Token, position: int) -> str:
    return (
        f"position {position} · ‘{visible(token.text)}’ · id {token.id} · bytes {bytes_of(token)}"
    )


def _next_chips(top: tuple[Likely, ...]) -> list[Chip]:
    return [
        Chip(
            text=shorten(spell(likely.token), 12),
            note=percent(likely.probability),
            hover=f"‘{spell(likely.token)}’ comes next with probability {likely.probability:.4f}; "
            f"logit {signed(likely.logit)}; id {likely.token.id}",
            share=likely.probability,
        )
        for likely in top[:MOST_NEXT]
    ]


def _metric(reading: PairReading | None) -> str:
    if reading is None:
        return ""
    sides = ((side, getattr(reading, side)) for side in SIDES)
    parts = [
        f"{side} {signed(prompt.metric)}"
        for side, prompt in sides
        if prompt is not None and prompt.metric is not None
    ]
    return "logit difference: " + ", ".join(parts) if parts else ""
