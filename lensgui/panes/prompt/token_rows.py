"""The tokens of both prompts, one row below the other: what is selected, pinned and surprising."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.readings import Likely, PairReading, PromptReading, Token
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.strip import ChipStrip
from lensgui.panes.token_text import bytes_of, percent, shorten, signed, spell, spelled, visible
from lensgui.prompts.diff import Span, changed_spans
from lensgui.state.selection import Cursor

MOST_NEXT = 5
MOST_CHANGES = 3  # that are told of folded prompts
MOST_SUMMARY = 60  # letters of one
MOST_BITS = 16.0  # of surprisal have the strongest colour; that is a probability of 0.000 015
ONLY_HERE = {"clean": "−", "corrupted": "+"}  # taken away, put in

Side = Literal["clean", "corrupted"]
SIDES: tuple[Side, ...] = ("clean", "corrupted")


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked of a prompt's tokens.

    Attributes:
        differing: The positions that differ, each with a sign where the other prompt has none.
        gaps: The positions before which the other prompt has tokens that this one lacks, and how
            many; as many as there are tokens for the end.
        pinned: The positions that the user keeps an eye on.
    """

    differing: Mapping[int, str] = field(default_factory=dict)
    gaps: Mapping[int, int] = field(default_factory=dict)
    pinned: frozenset[int] = frozenset()


def marks(reading: PairReading | None, pinned: Iterable[int]) -> dict[Side, Marks]:
    """Return what is marked of both prompts.

    Args:
        reading: The prompts; None for none.
        pinned: Positions that are pinned, of either.
    """
    pins = [chosen(reading, None, position) for position in pinned]
    found = {}
    for side in SIDES:
        differing, gaps = _differences(reading, side)
        places = (pin[side] for pin in pins)
        found[side] = Marks(differing, gaps, frozenset(at for at in places if at is not None))
    return found


def counterpart(reading: PairReading, side: Side, position: int) -> int | None:
    """Return the position in the other prompt that stands for one of this; None if none does."""
    shift = 0
    for first, end, other_first, other_end in _spans(reading, side):
        if position < first:
            break
        if position < end:
            other = other_first + position - first
            return other if other < other_end else None
        shift = other_end - end
    return position + shift if position < len(_ids(reading, side)) else None


def chosen(
    reading: PairReading | None, origin: Side | None, position: int | None
) -> dict[Side, int | None]:
    """Return which token of each prompt a position selects: the one it was read from, the other's.

    Args:
        reading: The prompts; None while they are not known.
        origin: Whose position it is; None for the clean prompt's, if that is so long.
        position: The position.
    """
    if reading is None or reading.corrupted is None or position is None:
        return dict.fromkeys(SIDES, position)
    if origin is None:
        origin = "clean" if position < len(reading.clean.tokens) else "corrupted"
    other: Side = "corrupted" if origin == "clean" else "clean"
    return {origin: position, other: counterpart(reading, origin, position)}


def token_chips(prompt: PromptReading | None, marked: Marks, *, by_surprisal: bool) -> list[Chip]:
    """Return a chip for each token of a prompt.

    Args:
        prompt: The prompt; None for no chips.
        marked: What is marked of it.
        by_surprisal: Whether chips have the colour of −log2 p.
    """
    if prompt is None:
        return []
    count = len(prompt.tokens)
    bits = prompt.surprisals or (None,) * count
    said = spelled(prompt.tokens)
    return [
        Chip(
            text=said[position],
            hover=_words(token, position, bits[position]) + _gap_words(marked, position, count),
            detail=marked.differing.get(position, ""),
            is_marked=position in marked.differing,
            is_control=token.special,
            tint=_share(bits[position]) if by_surprisal else None,
            is_pinned=position in marked.pinned,
            gap_before=position in marked.gaps,
            gap_after=position == count - 1 and count in marked.gaps,
        )
        for position, token in enumerate(prompt.tokens)
    ]


def next_chips(top: tuple[Likely, ...]) -> list[Chip]:
    """Return a chip for each of the likeliest next tokens, none where they can't be said."""
    return [
        Chip(
            text=shorten(spell(likely.token), 12),
            detail=percent(likely.probability) + _points(likely),
            hover=f"‘{spell(likely.token)}’ comes next with probability "
            f"{likely.probability:.4f}{_without(likely)}; logit {signed(likely.logit)}; id "
            f"{likely.token.id} · click: answer, Shift-click: distractor",
            share=likely.probability,
        )
        for likely in top[:MOST_NEXT]
        if isfinite(likely.probability)  # else any token might stand here
    ]


def _points(likely: Likely) -> str:
    """Return by how many percentage points interventions change a probability; "" without any."""
    if likely.before is None or not isfinite(likely.before):
        return ""
    points = round(100 * (likely.probability - likely.before))
    return f" ({signed(points, 0) if points else '±0'})"


def _without(likely: Likely) -> str:
    """Return what a probability is without interventions, within a sentence; "" without any."""
    if likely.before is None or not isfinite(likely.before):
        return ""
    chances = percent(likely.probability), percent(likely.before)
    return f" ({chances[0]} under interventions; {chances[1]} without)"


def likely_answers(reading: PairReading | None) -> tuple[str, str] | None:
    """Return an answer and a distractor that are likely; None where one of those asked for is.

    None too where the model predicts no numbers.

    They are what comes next of the clean prompt and of the corrupted one, if these differ; else
    the two likeliest of the clean prompt.
    """
    if reading is None or reading.answer is None or len(reading.clean.top) < 2:
        return None
    tops = [prompt.top for prompt in (reading.clean, reading.corrupted) if prompt is not None]
    if not all(isfinite(likely.probability) for top in tops for likely in top):
        return None
    shown = {likely.token.id for top in tops for likely in top[:MOST_NEXT]}
    if shown & {token.id for token in (reading.answer, reading.distractor) if token is not None}:
        return None
    first, second = (likely.token.text for likely in reading.clean.top[:2])
    others = [likely.token.text for likely in tops[-1]]
    return first, next((text for text in others if text != first), second)


def _share(bits: float | None) -> float | None:
    """Return a surprisal's place on the scale; None where it is unknown or not a number."""
    return min(1.0, bits / MOST_BITS) if bits is not None and bits == bits else None


def _ids(reading: PairReading, side: Side) -> list[int]:
    prompt = reading.clean if side == "clean" else reading.corrupted
    return [token.id for token in prompt.tokens] if prompt is not None else []


def _spans(reading: PairReading, side: Side) -> list[Span]:
    """Return what has to be replaced in one prompt to get the other; its own places first."""
    clean, corrupted = _ids(reading, "clean"), _ids(reading, "corrupted")
    if len(clean) == len(corrupted):  # then each position stands for itself, as patching has it
        return [(at, at + 1, at, at + 1) for at in reading.differing]
    spans = changed_spans(clean, corrupted)
    return spans if side == "clean" else [(*span[2:], *span[:2]) for span in spans]


def _differences(reading: PairReading | None, side: Side) -> tuple[dict[int, str], dict[int, int]]:
    """Return the positions of a prompt that differ, with their signs, and its gaps."""
    differing: dict[int, str] = {}
    gaps: dict[int, int] = {}
    if reading is not None and reading.corrupted is not None:
        for first, end, other_first, other_end in _spans(reading, side):
            shared = min(end - first, other_end - other_first)
            for position in range(first, end):
                differing[position] = ONLY_HERE[side] if position - first >= shared else ""
            if other_end - other_first > shared:
                gaps[end] = other_end - other_first - shared
    return differing, gaps


def _gap_words(marked: Marks, position: int, count: int) -> str:
    """Return what the other prompt has beside a token that this one lacks."""
    words = ""
    for where, at in (("before", position), ("after", count)):
        if at in marked.gaps and (where == "before" or position == count - 1):
            number = marked.gaps[at]
            tokens = f"{number} more token{'s' * (number > 1)}"
            words += f" · {where} it the other prompt has {tokens}"
    return words


def _words(token: Token, position: int, bits: float | None) -> str:
    words = (
        f"position {position} · ‘{visible(token.label)}’ · id {token.id} · bytes {bytes_of(token)}"
    )
    if bits is None:
        return words
    if bits != bits:  # NaN, which equals nothing
        return f"{words} · surprisal not a number"
    return f"{words} · probability {2**-bits:.3g} · surprisal {bits:.2f} bits"


class TokenRows(QObject):
    """Keeps two rows of chips; whoever owns it lays them out.

    Attributes:
        areas: The row of each prompt.
        picked: (fields,) the position that was clicked.
        hovered: (words,) of the chip that is pointed at.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.areas = {side: ChipStrip(parent) for side in SIDES}
        self._reading: PairReading | None = None
        self._pinned: tuple[int, ...] = ()
        self._position: int | None = None
        self._clicked: tuple[Side, int] | None = None
        self._by_surprisal = False
        for side, area in self.areas.items():
            area.row.setAccessibleName(f"Tokens of the {side} prompt")
            area.row.clicked.connect(self._pick)
            area.row.hovered.connect(self.hovered)

    def show_reading(self, reading: PairReading | None) -> None:
        """Draw other tokens."""
        self._reading = reading
        self._draw()
        self._outline()

    def show_pins(self, pins: tuple[Cursor, ...]) -> None:
        """Frame the positions of what is pinned."""
        pinned = tuple(pin.position for pin in pins if pin.position is not None)
        if pinned != self._pinned:
            self._pinned = pinned
            self._draw()

    def show_position(self, position: int | None) -> None:
        """Outline a position, and the token that stands for it in the other prompt."""
        self._position = position
        if self._clicked is not None and self._clicked[1] != position:
            self._clicked = None
        self._outline()

    def show_surprisal(self, *, is_shown: bool) -> None:
        """Give chips the colour of their surprisal, or of no number."""
        if is_shown != self._by_surprisal:
            self._by_surprisal = is_shown
            self._draw()

    def _draw(self) -> None:
        marked = marks(self._reading, self._pinned)
        for side, area in self.areas.items():
            prompt: PromptReading | None = getattr(self._reading, side, None)
            area.show_chips(token_chips(prompt, marked[side], by_surprisal=self._by_surprisal))

    def _outline(self) -> None:
        origin = self._clicked[0] if self._clicked else None
        for side, index in chosen(self._reading, origin, self._position).items():
            self.areas[side].show_chosen(index)

    @Slot(int)
    def _pick(self, position: int) -> None:
        """Select a position; it is one of the prompt that was clicked, whatever the other has."""
        row = self.sender()
        side = next(side for side, area in self.areas.items() if area.row is row)
        self._clicked = side, position
        self.picked.emit({"position": position})
        self._outline()


def summary(reading: PairReading | None, difference: str) -> str:
    """Return two prompts and their metric in one line."""
    if reading is None or not reading.clean.tokens:
        return ""
    clean, other = reading.clean.tokens, reading.corrupted
    pairs = dict(enumerate(zip(clean, other.tokens if other else (), strict=False)))
    changed = [" → ".join(map(spell, pairs[at])) for at in reading.differing if at in pairs]
    differing = ", ".join(changed[:MOST_CHANGES]) + " …" * (len(changed) > MOST_CHANGES)
    text = differing or shorten("".join(token.text for token in clean), MOST_SUMMARY)
    return f"{text} · {difference}" if difference else text
