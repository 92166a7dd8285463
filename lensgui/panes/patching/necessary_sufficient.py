"""Necessary or sufficient: every head as a point, by what it restores and what it takes away."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QWidget

from lensgui.jobs.arrays import CellState, HeadEffects, Sweep
from lensgui.jobs.requests import HeadRoles, Patching, Request
from lensgui.panes import menus
from lensgui.panes.controls.controls import Lines
from lensgui.panes.menus import heads_of
from lensgui.panes.pane import MODEL, NO_MODEL, Pane
from lensgui.panes.pictures.scatter import Points, Scatter
from lensgui.panes.python import sweeps
from lensgui.panes.sweep_view import cells
from lensgui.panes.token_text import signed
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import HEADS, Direction

DIRECTIONS: tuple[tuple[str, Direction], ...] = (
    ("sufficient", "denoising"),
    ("necessary", "noising"),
)
EMPTY_STATE = (
    "Type a corrupted prompt with as many tokens as the clean one, and every head is patched both "
    "ways."
)
LEGEND = (
    "Right: enough to bring the clean answer back. Up: the clean answer needs it. "
    "Of clean − corrupted; hover for attribution and ablation."
)


LEGEND_LINES = 3


class NecessaryPane(Pane):
    """Every head on the axes of denoising and noising."""

    title: ClassVar[str] = "Necessary or sufficient"
    about: ClassVar[str] = "Every head by what it restores and by what is lost without it."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._pins: frozenset[tuple[int, int]] = frozenset()
        self._heads: list[tuple[int, int]] = []
        self.legend = Lines(LEGEND_LINES, self)
        self.scatter = Scatter(
            "Heads by denoising and noising",
            "Every head by what patching it restores and takes away; click one to select it.",
            self,
        )
        self.column.addWidget(self.legend)
        self.column.addWidget(self.scatter, 1)
        self.scatter.picked.connect(self._pick)
        self.scatter.hovered.connect(self.hovered)
        self.scatter.verb_requested.connect(self._act)
        self.scatter.menu_requested.connect(self._show_verbs)
        self._draw()

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return both directions of patching, and once they are known what else there is."""
        if not document.pair.is_complete and not document.rows:
            return {}
        model, pair, rows = document.model, document.pair, document.rows
        found: dict[str, Request] = {
            name: Patching(model, document.asked, HEADS, direction, rows, is_estimated=False)
            for name, direction in DIRECTIONS
        }
        if pair.is_complete and all(self._is_swept(name, found[name]) for name in found):
            reference = tuple(row for row in document.table if row.is_included)
            found["roles"] = HeadRoles(model, pair, reference)
        return found

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to patch every head both ways."""
        asked = Patching(document.model, document.asked, HEADS, rows=document.rows)
        return sweeps.necessary(document, asked)

    def show_document(self, document: Document) -> None:
        """Outline the pinned heads."""
        self._pins = frozenset(heads_of(document.pins))
        self._mark()

    def show_cursor(self, cursor: Cursor) -> None:
        """Mark the selected head."""
        self._cursor = cursor
        self._mark()

    def draw_reply(self, name: str) -> None:
        """Move the points to what is known now; those of two questions do not mix."""
        self._draw()
        sweeps = self.sweeps.values()
        if len(sweeps) == 2 and all(map(_is_whole, sweeps)) and self.reply("roles") is None:
            self.altered.emit()

    @property
    def sweeps(self) -> dict[str, Sweep]:
        """What there is of each direction: known of these prompts, else of those before."""
        found = {name: self.known(name, Sweep) for name, _ in DIRECTIONS}
        if not any(found.values()):
            found = {name: self.answer(name, Sweep) for name, _ in DIRECTIONS}
        return {name: sweep for name, sweep in found.items() if sweep is not None}

    def _is_swept(self, name: str, request: Request) -> bool:
        reply, sweep = self.reply(name), self.known(name, Sweep)
        is_asked = reply is not None and reply.request == request
        return is_asked and sweep is not None and _is_whole(sweep)

    def _draw(self) -> None:
        """Draw the heads of which both numbers are known."""
        sweeps = self.sweeps
        sufficient, necessary = sweeps.get("sufficient"), sweeps.get("necessary")
        is_old = any(self.is_stale(name) for name, _ in DIRECTIONS)
        self.scatter.show_stale(is_old)
        if is_old and len(sweeps) < len(DIRECTIONS) and self.scatter.points is not None:
            return  # one direction is known, the other not yet: what was known of both stays
        if sufficient is None or necessary is None:
            self._heads = []
            is_silent = sweeps or any(self.has_failed(name) for name, _ in DIRECTIONS)
            words = NO_MODEL if self.has_failed(MODEL) else EMPTY_STATE
            self.legend.setText("" if is_silent else words)
            self.scatter.show_points(None)
            return
        self.legend.setText("\n".join(filter(None, (cells.refusal(sufficient), LEGEND))))
        known = _is_known(sufficient) & _is_known(necessary)
        self._heads = [(int(layer), int(head)) for layer, head in np.argwhere(known)]
        where = tuple(np.array(self._heads, int).reshape(-1, 2).T)
        x, y = (sweep.shown[where].astype(np.float64) for sweep in (sufficient, necessary))
        unit = f", {sufficient.unit}" if sufficient.refusal else ""
        names = [f"L{layer}H{head}" for layer, head in self._heads]
        titles = f"denoising: restored{unit}", f"noising: taken away{unit}"
        self.scatter.show_points(Points(x, y, names, self._words, *titles, flips=True))
        self._mark()

    def _words(self, number: int) -> str:
        """Return what is known of a head, in words."""
        place = self._heads[number]
        parts = [
            f"{sweep.direction} {cells.cell_words(sweep, *place)}" for sweep in self.sweeps.values()
        ]
        effects = self.known("roles", HeadEffects)
        is_mean = any(sweep.spread is not None for sweep in self.sweeps.values())
        whose = "of the shown pair: " if is_mean else ""
        if effects is not None and effects.attribution is not None:
            change = signed(float(effects.attribution[place]))
            parts.append(f"{whose}direct attribution {change} logits")
        if effects is not None and np.isfinite(effects.ablation[place]):
            change = f"{signed(float(effects.ablation[place]))} {effects.unit}"
            parts.append(f"{whose}mean ablation over {effects.prompts} prompts {change}")
        return f"L{place[0]}H{place[1]}\n" + "\n".join(parts)

    def _mark(self) -> None:
        place = (self._cursor.layer, self._cursor.head)
        chosen = self._heads.index(place) if place in self._heads else None
        pinned = [at for at, head in enumerate(self._heads) if head in self._pins]
        self.scatter.show_chosen(chosen, pinned)

    @Slot(int, object)
    def _show_verbs(self, number: int, where: QPoint) -> None:
        """Show what can be done with a head."""
        place, pins = Cursor(*self._heads[number]), tuple(Cursor(*head) for head in self._pins)
        found = [*menus.of_place(self, place, pins), menus.copying(self._words(number))]
        menus.show_menu(self, found, where)

    @Slot(str, int)
    def _act(self, verb: str, number: int) -> None:
        menus.act(self, verb, Cursor(*self._heads[number]))

    @Slot(int)
    def _pick(self, number: int) -> None:
        layer, head = self._heads[number]
        self.picked.emit({"layer": layer, "head": head})


def _is_whole(sweep: Sweep) -> bool:
    return sweep.done == sweep.total


def _is_known(sweep: Sweep) -> NDArray[np.bool_]:
    """Return which heads have a number: an exact one, or the mean over the pairs so far."""
    known = [CellState.EXACT, CellState.UNCHANGED]
    if sweep.spread is not None:
        known.append(CellState.ESTIMATE)
    return np.isin(sweep.states, known)
