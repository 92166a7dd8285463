"""What is known of one neuron: over the prompt, in words, and where it is on most."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from lensgui.jobs.answers.neurons import NeuronInWords, Sized
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.coloured_tokens import ScrolledTokens
from lensgui.panes.controls.controls import Lines, caption, headline, keep_room
from lensgui.panes.neurons.neuron_histogram import NeuronHistogram
from lensgui.panes.neurons.neuron_places import PlaceRows, strongest
from lensgui.panes.neurons.neuron_seen import Seen
from lensgui.panes.neurons.neuron_text import NeuronText
from lensgui.panes.token_text import names, plain_tip, shorten, signed, spell
from lensgui.prompts.sides import CAPTIONS, reads_both
from lensgui.state.selection import Cursor

TEXT_LINES = 3  # of the prompt, before it scrolls
AT_1 = "in logits as the neuron puts out 1, at a final scale of 1, centred over the vocabulary"
MATCH = (
    "by the product with the token's embedding as this MLP would read it if it were all of the "
    "stream (through the norm before the MLP, weights and all), centred over the vocabulary"
)
WORDS = {  # each row of chips: a field of the words, its caption, what it says
    "raises": ("raises ▲", f"Tokens whose logits its output direction raises most, {AT_1}."),
    "lowers": ("lowers ▼", f"Tokens whose logits its output direction lowers most, {AT_1}."),
    "reads": ("reads", f"Tokens that W_in matches best, {MATCH} (a key; Geva et al. 2021)."),
    "avoids": ("reads least", f"Tokens that W_in matches worst, {MATCH}."),
    "opens": ("gate", f"Tokens that W_gate matches best, which open the gate, {MATCH}."),
    "closes": ("gate least", f"Tokens that W_gate matches worst, {MATCH}."),
}
NO_PLACES = "Add pairs to the table, or drop a text file here, to see where it is on most."
NO_TEXT = "Drop a text file here, or choose one, to see where it is on most."
NEVER = {1: "nowhere positive", -1: "nowhere negative"}


class NeuronCard(QScrollArea):
    """All that is known of a neuron.

    Attributes:
        picked: (fields,) Cursor fields that a click chose.
        hovered: (words,) what is under the pointer.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget(self)
        self.title, self.facts = headline("", inside), Lines(1, inside)
        self.text = NeuronText(inside)
        self.scrolled = ScrolledTokens(self.text, inside)
        lines = TEXT_LINES * (QFontMetricsF(self.text.font()).height() + 8) + 30
        self.scrolled.setFixedHeight(round(lines))
        self.read = Lines(1, inside)
        self.high, self.low = PlaceRows(1, inside), PlaceRows(-1, inside)
        self.histogram = NeuronHistogram(inside)
        self.chips = {name: ChipRow(inside, flow="fits") for name in WORDS}
        self._lay_out(inside)
        self.setWidget(inside)
        for picture in (self.text, self.histogram):
            picture.hovered.connect(self.hovered)
        for rows in (self.high, self.low):
            rows.hovered.connect(self.hovered)
        for row in self.chips.values():
            row.hovered.connect(self.hovered)
            row.picked.connect(self.picked)
        self.text.picked.connect(self.picked)

    def _lay_out(self, inside: QWidget) -> None:
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        ends = QHBoxLayout()
        ends.setSpacing(8)
        ends.addWidget(self.high, 1)
        ends.addWidget(self.low, 1)
        words = QGridLayout()
        words.setSpacing(3)
        for at, (name, (title, tip)) in enumerate(WORDS.items()):
            label, row = caption(title, inside), self.chips[name]
            of_words: tuple[QWidget, ...] = label, row
            for part in of_words:
                part.setToolTip(plain_tip(tip))
                keep_room(part)
            row.setAccessibleName(f"Neuron: {title}")
            words.addWidget(label, at, 0)
            words.addWidget(row, at, 1)
        words.setColumnStretch(1, 1)
        for above in (self.title, self.facts, self.scrolled):
            column.addWidget(above)
        column.addLayout(words)
        column.addWidget(self.read)
        column.addLayout(ends)
        column.addWidget(self.histogram)
        column.addStretch(1)

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected position."""
        self.text.show_cursor(cursor)

    def show_seen(self, seen: Seen, source: str, stale: frozenset[str]) -> None:
        """Show what is known.

        Args:
            seen: All that is known.
            source: What is said of where strongest places are sought.
            stale: Which of the pane's questions have an older answer.
        """
        name = card_name(seen)
        self.title.setText(name)
        self.facts.setText(facts(seen))
        whose = CAPTIONS[seen.view.side]
        labels: tuple[str, ...] = ()
        if seen.over is not None:
            reading = None if seen.pair is None else getattr(seen.pair, seen.side)
            both = seen.pair if reads_both(seen.view.side) else None
            labels = tuple(names(seen.over.axes[0], reading, both))
        self.text.show_activations(f"{name}, {whose}", seen.over, labels)
        self.text.show_stale("over" in stale)
        self._show_words(seen.words.get(-1 if seen.neuron is None else seen.neuron))
        self._show_places(seen, source, is_stale="places" in stale)

    def _show_words(self, words: NeuronInWords | None) -> None:
        for name, row in self.chips.items():
            row.show_chips(_chips(getattr(words, name)) if words is not None else [])

    def _show_places(self, seen: Seen, source: str, *, is_stale: bool) -> None:
        found, neuron = seen.places, seen.neuron
        self.read.setText(source)
        for sign, rows in ((1, self.high), (-1, self.low)):
            some = () if found is None or neuron is None else strongest(found, neuron, sign)
            rows.empty = NEVER[sign] if found is not None else ""
            rows.show_places(some, is_stale=is_stale)
        is_there = found is not None and neuron is not None and neuron < len(found.histogram)
        if found is not None and neuron is not None and is_there:
            self.histogram.show_counts(found.histogram[neuron], found.edges)
        else:
            self.histogram.show_counts((), ())
        self.histogram.show_stale(is_stale)


def card_name(seen: Seen) -> str:
    """Return what the card's neuron is called, and which of which expert it is."""
    if seen.layer is None or seen.neuron is None:
        return ""
    own = seen.name(seen.neuron)
    name = f"L{seen.layer}N{seen.neuron}"
    if own == f"N{seen.neuron}":
        return name
    expert, _, number = own.partition("N")
    of = "the shared expert" if expert == "S" else f"expert {expert[1:]}"
    return f"{name} ({of}, neuron {number})"


def facts(seen: Seen) -> str:
    """Say what the card's neuron does at the position."""
    row = seen.chosen
    if row is None or seen.ranking is None:
        return ""
    said = [f"puts out {signed(row.activation)} at position {seen.ranking.position}"]
    if row.effect == row.effect:
        said.append(f"direct effect {signed(row.effect)} logits")
    if row.product == row.product:
        unit = "" if seen.products is None else seen.products.unit
        said.append(f"act × gradient {signed(row.product)} {unit}".rstrip())
    return ", ".join(said)


def _chips(sized: Sized) -> list[Chip]:
    return [
        Chip(
            text=shorten(spell(token), 12),
            detail=signed(size, 1),
            hover=f"‘{spell(token)}’ {signed(size)}; id {token.id} · click: select it",
            token=token.id,
        )
        for token, size in sized
    ]
