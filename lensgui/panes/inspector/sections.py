"""Parts of the inspector: what a head, an edge and an MLP do where the cursor stands."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QGraphicsOpacityEffect,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from lensgui.jobs.answers.readings import EdgeReading, HeadReading, MLPReading, Token
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.controls import caption, sentence
from lensgui.panes.inspector.numbers import Number
from lensgui.panes.inspector.ranking import Ranking
from lensgui.panes.theme import STALE_OPACITY
from lensgui.panes.token_text import plain_tip, shorten, signed, spell, spelled
from lensgui.terms.scores import SCORES

MOST_TOKENS = 6
Sized = tuple[tuple[Token, float], ...]


class Section(QWidget):
    """A heading and what stands under it; hidden while there is nothing to say.

    Attributes:
        picked: (fields,) Cursor fields that a click chose.
        hovered: (words,) what is under the pointer.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, title: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.heading = caption(title, self)
        self.heading.setToolTip(plain_tip(tip))
        self.heading.setWordWrap(True)
        self.heading.setContentsMargins(0, 5, 0, 0)
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(3)
        self.column.addWidget(self.heading)
        self._dimming = QGraphicsOpacityEffect(self, opacity=STALE_OPACITY)
        self._dimming.setEnabled(False)
        self.setGraphicsEffect(self._dimming)
        self.hide()

    @property
    def is_stale(self) -> bool:
        """Whether it is dimmed, since it answers an older question."""
        return self._dimming.isEnabled()

    def show_stale(self, is_stale: bool) -> None:
        """Dim all of it if it answers an older question."""
        self._dimming.setEnabled(is_stale)

    def show_known(self, *, is_known: bool) -> None:
        """Show undimmed, if there is something to read."""
        self._dimming.setEnabled(False)
        self.setVisible(is_known)

    def add_chips(self, title: str, tip: str) -> ChipRow:
        """Return a row of tokens under a heading of its own."""
        heading = caption(title, self)
        heading.setToolTip(plain_tip(tip))
        row = ChipRow(self)
        row.setAccessibleName(f"{self.heading.text()}: {title}")
        row.setToolTip(plain_tip(tip))
        row.hovered.connect(self.hovered)
        row.picked.connect(self.picked)
        self.column.addWidget(heading)
        self.column.addWidget(row)
        return row

    def add_sentence(self) -> QLabel:
        """Return room for a sentence."""
        label = sentence(self)
        self.column.addWidget(label)
        return label


class NumbersSection(Section):
    """What every pane that has a number for this place says.

    Attributes:
        labels: One line for each number, hidden where there are fewer.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Numbers here", "What the panes have computed for this place.", parent)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self.labels: list[QLabel] = []
        self._lines: tuple[Number, ...] | None = None
        self._known: frozenset[str] = frozenset()  # the names of those that are no older ones
        self._of: object = None
        self.column.addLayout(self._grid)

    @property
    def shown(self) -> tuple[Number, ...]:
        """The numbers that are known."""
        return tuple(one for one in self._lines or () if one.name in self._known)

    @property
    def lines(self) -> tuple[Number, ...]:
        """The numbers that are written, dimmed ones too."""
        return self._lines or ()

    def show_numbers(self, found: Sequence[Number], of: object, *, is_coming: bool) -> None:
        """Write one line for each number.

        While others of the same place are coming, lines that are not known anew stay, dimmed: all
        below would move twice.

        Args:
            found: What is known.
            of: Of which place, of which model.
            is_coming: Whether more is to come.
        """
        before = self.lines if is_coming and of == self._of else ()
        known = {one.name: one for one in found}
        lines = tuple(({one.name: one for one in before} | known).values())
        self._of = of
        if (lines, frozenset(known)) == (self._lines, self._known):
            return
        self._lines, self._known = lines, frozenset(known)
        while len(self.labels) < len(lines):
            label = sentence(self)
            self.labels.append(label)
            self._grid.addWidget(label, self._grid.rowCount(), 0)
        role = QPalette.ColorRole
        for label, number in zip(self.labels, lines, strict=False):
            label.setText(f"{number.name}: {number.words}")
            label.setToolTip(plain_tip(number.tip))
            label.setAccessibleName(number.name)
            is_known = number.name in known
            label.setForegroundRole(role.WindowText if is_known else role.PlaceholderText)
        for at, label in enumerate(self.labels):
            label.setVisible(at < len(lines))
        self.setVisible(bool(lines))


class ScoresSection(Section):
    """What kind of head the selected one is, by its pattern."""

    def __init__(self, parent: QWidget | None = None) -> None:
        meanings = [
            f"{score.title}: {score.meaning}" for score in SCORES if score.origin == "prompt"
        ]
        super().__init__("Head scores", "\n".join(meanings), parent)
        self.scores = self.add_sentence()

    def show_scores(self, of: str, scores: Sequence[str]) -> None:
        """Write each score, and what they are of; none hide the section."""
        self.heading.setText(f"Head scores, {of}")
        self.scores.setText(" · ".join(scores))
        self.scores.setAccessibleName(self.heading.text())
        self.show_known(is_known=bool(scores))


class HeadSection(Section):
    """Where the selected head looks from the selected position, and what it writes there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Attention from here", "Where the head looks from this position, most first.", parent
        )
        self.attention = Ranking(self)
        self.attention.picked.connect(self.picked)
        self.attention.hovered.connect(self.hovered)
        self.column.addWidget(self.attention)
        writes = caption("What the head writes here", self)
        writes.setToolTip(
            "Direct logit attribution: the head's output at this position, read through the final "
            "norm (its scale frozen) and the unembedding, for answer − distractor."
        )
        self.column.addWidget(writes)
        self.written = self.add_sentence()
        self.promoted = self.add_chips("raises most", "Tokens whose logits the head raises most.")
        self.suppressed = self.add_chips("lowers most", "Tokens whose logits it lowers most.")
        self.sought = self.add_chips(
            "looks for",
            "QK circuit (Elhage et al. 2021): the tokens of the vocabulary that this query would "
            "match best as keys, with the score before softmax above the mean.",
        )

    def show_reading(self, reading: HeadReading | None) -> None:
        """Show another head or position."""
        self.show_known(is_known=reading is not None)
        if reading is None:
            return
        self.attention.show_attention(spelled(reading.tokens), reading.attention)
        self.written.setText(attributed(reading.attribution))
        self.promoted.show_chips(chips(reading.promoted))
        self.suppressed.show_chips(chips(reading.suppressed))
        self.sought.show_chips(chips(reading.sought))


class EdgeSection(Section):
    """What the selected head takes from the selected source."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "From the selected source",
            "The edge from the selected source to the selected position.",
            parent,
        )
        self.amounts = self.add_sentence()
        self.promoted = self.add_chips(
            "would raise most",
            "OV circuit (Elhage et al. 2021): what the head would raise most if it looked at this "
            "source alone.",
        )
        self.suppressed = self.add_chips(
            "would lower most", "What it would lower most if it looked at this source alone."
        )

    def show_reading(self, reading: EdgeReading | None) -> None:
        """Show another edge."""
        self.show_known(is_known=reading is not None)
        if reading is None:
            return
        words = f"attention {reading.attention:.3f}"
        if reading.contribution is not None:
            words += f", which brings {attributed(reading.contribution)}"
        self.amounts.setText(words)
        self.promoted.show_chips(chips(reading.promoted))
        self.suppressed.show_chips(chips(reading.suppressed))


class MLPSection(Section):
    """What the selected layer's MLP writes at the selected position."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "What the MLP writes here",
            "Direct logit attribution of the layer's MLP at this position, for answer − "
            "distractor.",
            parent,
        )
        self.written = self.add_sentence()
        self.promoted = self.add_chips("raises most", "Tokens whose logits the MLP raises most.")
        self.suppressed = self.add_chips("lowers most", "Tokens whose logits it lowers most.")
        self.neurons = self.add_chips(
            "neurons",
            "The neurons with the largest part of that, with their part in logits: click one, or "
            "go to it with ← and → and press Enter, to select it.",
        )
        self._neurons: tuple[int, ...] = ()
        self.neurons.clicked.connect(self._pick_neuron)

    def show_reading(self, reading: MLPReading | None) -> None:
        """Show another layer or position."""
        self.show_known(is_known=reading is not None)
        if reading is None:
            return
        self.written.setText(attributed(reading.attribution))
        self.promoted.show_chips(chips(reading.promoted))
        self.suppressed.show_chips(chips(reading.suppressed))
        self._neurons = tuple(neuron.index for neuron in reading.neurons)
        self.neurons.show_chips(
            [
                Chip(
                    text=f"N{neuron.index}",
                    detail=signed(
                        neuron.activation if neuron.attribution is None else neuron.attribution, 2
                    ),
                    hover=f"neuron {neuron.index} puts out {signed(neuron.activation)}"
                    + ("" if neuron.attribution is None else f"; {attributed(neuron.attribution)}"),
                )
                for neuron in reading.neurons
            ]
        )

    @Slot(int)
    def _pick_neuron(self, index: int) -> None:
        if not self.is_stale:  # else it may be another layer's
            self.picked.emit({"neuron": self._neurons[index]})


def attributed(size: float | None) -> str:
    """Return a direct attribution in words."""
    if size is None:
        return "No answer and distractor to attribute to."
    return f"{signed(size)} logits to answer − distractor, directly"


def chips(tokens: Sized) -> list[Chip]:
    """Return tokens with their sizes as chips."""
    return [
        Chip(
            text=shorten(spell(token), 12),
            detail=signed(size, 1),
            hover=f"‘{spell(token)}’ {signed(size)} logits; id {token.id} · click: select it",
            token=token.id,
        )
        for token, size in tokens[:MOST_TOKENS]
    ]
