"""Necessary or sufficient: every head as a point, by what it restores and what it breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import CellState, HeadEffects, Sweep
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.request import Request
from lensgui.jobs.requests import HeadRoles, Patching
from lensgui.panes import menus
from lensgui.panes.controls.controls import Lines
from lensgui.panes.figures.shown import Shown
from lensgui.panes.interventions import verbs
from lensgui.panes.menus import heads_of
from lensgui.panes.pane import MODEL, NO_MODEL, Pane
from lensgui.panes.patching.selected_heads import SelectedHeads
from lensgui.panes.python import sweeps
from lensgui.panes.python.figures import Code
from lensgui.panes.scatter.point_key import PointKey
from lensgui.panes.scatter.point_plot import Points
from lensgui.panes.scatter.scatter import Scatter
from lensgui.panes.sweep_view import cells, panels
from lensgui.panes.token_text import percent, plain_tip, signed
from lensgui.state.document import Document
from lensgui.state.selection import Cursor, extended, gathered
from lensgui.terms.kinds import HEADS, Direction, Head

DIRECTIONS: tuple[tuple[str, Direction], ...] = (
    ("sufficient", "denoising"),
    ("necessary", "noising"),
)
EMPTY_STATE = (
    "Type a corrupted prompt with as many tokens as the clean one, and every head is patched both "
    "ways."
)
LEGEND = "Heads to the right are enough for the clean answer, heads at the top are needed for it."
LEGEND_TIP = (
    "Breaking single heads underestimates where backup heads take over, and a corruption that "
    "flips the answer counts twice: then a share of 50 % leaves the model undecided."
)
LEGEND_LINES = 2
RESTORES = (
    "How much of clean − corrupted comes back when the head's output of the clean run is put into "
    "the corrupted run (denoising): 1 is all of it, so the head is sufficient."
)
BREAKS = (
    "How much of clean − corrupted is lost when the head's output of the corrupted run is put into "
    "the clean run (noising): 1 is all of it, so the head is necessary."
)
KEY_TIP = (
    "Heads that write towards the answer themselves are {positive}, those against it {negative} "
    "(direct logit attribution); the larger a point's area, the more the head attends from where "
    "the metric is read to the answer's token in the clean prompt."
)
HINT = (
    "Click a head to select it, Shift-click for several, drag around them with Shift held, "
    "Ctrl-click pins; arrow keys move, with Shift they add, Space adds or leaves out."
)
NOBODY = "No head is inside that loop: drag around some points."


class NecessaryPane(Pane):
    """Every head on the axes of restoring and breaking."""

    title: ClassVar[str] = "Necessary or sufficient"
    guide: ClassVar[str] = "necessary.md"
    averages: ClassVar[bool] = True
    about: ClassVar[str] = "Every head by what it restores and by what is lost without it."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._pins: tuple[Cursor, ...] = ()
        self._heads: list[Head] = []
        self._shown: dict[str, Sweep] = {}  # the sweeps that are drawn
        self._is_settled = False  # whether all heads are
        self._beside: tuple[dict[str, Sweep], HeadEffects | None] = {}, None
        self.legend = Lines(LEGEND_LINES, self)
        self.legend.setToolTip(plain_tip(LEGEND_TIP))
        self.key = PointKey("attribution (fitted)", "attention to answer", KEY_TIP, self)
        self.scatter = Scatter("Heads by what they restore and break", HINT, self)
        self.selected = SelectedHeads(self)
        self.column.addWidget(self.legend)
        self.column.addWidget(self.key)
        self.column.addWidget(self.scatter, 1)
        self.column.addWidget(self.selected)
        self._connect()
        self._draw()

    def _connect(self) -> None:
        scatter = self.scatter
        scatter.picked.connect(self._pick)
        scatter.extended.connect(self._extend)
        scatter.verb_requested.connect(self._act)
        scatter.gathered.connect(self._gather)
        scatter.menu_requested.connect(self._show_verbs)
        scatter.hovered.connect(self.hovered)
        self.selected.pane_requested.connect(self.pane_requested)
        self.selected.pins_requested.connect(self._pin_selected)
        self.selected.verbs_requested.connect(self._offer_interventions)

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

    def shown(self) -> list[Shown]:
        """Return the points."""
        points, sweep = self.scatter.points, self._shown.get("sufficient")
        if points is None or sweep is None:
            return []
        effects, key, more = self._effects, "", dict[str, NDArray[np.floating[Any]]]()
        places = tuple(np.array(self._heads).T)  # layers and heads of the points
        whose = " on the shown pair" * (sweep.spread is not None)
        if effects is not None and effects.attribution is not None and points.shades is not None:
            end = _shades(effects)[0] or 1.0
            key = f"Colour: direct logit attribution{whose}, ±{end:.3g} logits; "
            key += "a minus marks negative."
            more["direct_attribution"] = effects.attribution[places]
        if effects is not None and effects.attention is not None and points.areas is not None:
            key += f" Area: attention to the answer{whose}."
            more["attention_to_answer"] = effects.attention[places]
        counted = f"{sweep.metric}, {sweep.shown_unit}"
        says = f"Every head by what it restores and breaks: {counted}. {LEGEND}"
        panel = panels.cloud(points, key.strip(), more)
        code = Code(("[sufficient.flatten().tolist(), necessary.flatten().tolist()]",))
        return [Shown(self.scatter, "", (panel,), says, self.scatter.is_stale, code=code)]

    def show_document(self, document: Document) -> None:
        """Outline the pinned heads."""
        self._say("loop", "")
        if document.pins != self._pins:
            self._pins = document.pins
            self._mark()

    def show_cursor(self, cursor: Cursor) -> None:
        """Mark the selected heads."""
        self._cursor = cursor
        self._say("loop", "")
        self.selected.show_heads(cursor.selected)
        self._mark()

    def draw_roles(self) -> None:
        """Write the letters of roles after the names."""
        self._draw()

    def draw_reply(self, name: str) -> None:
        """Move the points to what is known now; those of two questions do not mix."""
        self._draw()
        known = [self.known(of, Sweep) for of, _ in DIRECTIONS]
        is_swept = all(sweep is not None and _is_whole(sweep) for sweep in known)
        if is_swept and self.reply("roles") is None:
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
        """Draw the heads of which both numbers are known.

        What was known of all heads stays, dimmed, until that is known anew.
        """
        replies = [reply for name, _ in DIRECTIONS if (reply := self.reply(name)) is not None]
        is_stale = any(reply.is_stale for reply in replies)
        is_coming = any(reply.is_running for reply in replies)
        if (self._is_settled and is_coming) or not _is_one(replies):
            is_new = any(reply.known is not None for reply in replies)
            self.scatter.show_stale(is_stale or is_new)
            return
        shown = self._shown = self.sweeps
        self._is_settled = len(shown) == len(DIRECTIONS) and all(map(_is_whole, shown.values()))
        self.scatter.show_stale(is_stale)
        if len(shown) < len(DIRECTIONS):
            self._heads = []
            is_silent = shown or any(self.has_failed(name) for name, _ in DIRECTIONS)
            words = NO_MODEL if self.has_failed(MODEL) else EMPTY_STATE
            self.legend.setText("" if is_silent else words)
            self.key.show_scales(None, is_sized=False)
            self.scatter.show_points(None)
            return
        refusal = cells.refusal(shown["sufficient"])
        self.legend.setText("\n".join(filter(None, (refusal, LEGEND))))
        self.scatter.show_points(self._points(shown["sufficient"], shown["necessary"]))
        self._mark()

    def _points(self, sufficient: Sweep, necessary: Sweep) -> Points:
        """Return every head of which both numbers are known; colours and sizes come later."""
        known = _is_known(sufficient) & _is_known(necessary)
        self._heads = [(int(layer), int(head)) for layer, head in np.argwhere(known)]
        where = tuple(np.array(self._heads, int).reshape(-1, 2).T)
        x, y = (sweep.shown[where].astype(np.float64) for sweep in (sufficient, necessary))
        unit = f", {sufficient.unit}" if sufficient.refusal else ""
        points = Points(
            x,
            0 - y,
            [self._name(head) for head in self._heads],
            self._words,
            f"restores{unit} →",
            f"breaks{unit} →",
            RESTORES,
            BREAKS,
        )
        effects = self._effects
        if effects is None:
            self.key.show_scales(None, is_sized=False)
            return points
        end, shades = _shades(effects)
        self.key.show_scales(end, is_sized=effects.attention is not None)
        return replace(
            points,
            shades=None if shades is None else shades[where],
            areas=None if effects.attention is None else effects.attention[where].astype(float),
        )

    def _name(self, head: Head) -> str:
        """Return what a head is called, with the letter of its role."""
        part = self.roles.get(head)
        return f"L{head[0]}H{head[1]}" + (f" {part.letter}" if part is not None else "")

    @property
    def _effects(self) -> HeadEffects | None:
        """What is known of heads beside the sweeps that are drawn, and of these prompts."""
        found = self.known("roles", HeadEffects)
        if found is not None:
            self._beside = self._shown, found
        shown, kept = self._beside
        return kept if shown == self._shown else None

    def _words(self, number: int) -> str:
        """Return what is known of a head, in words."""
        place, found = self._heads[number], list(self._shown.values())
        lines = [cells.cell_words(sweep, *place) for sweep in found]
        whose = "of the shown pair: " if any(sweep.spread for sweep in found) else ""
        effects = self._effects
        if effects is not None and effects.attribution is not None:
            change = signed(float(effects.attribution[place]))
            lines.append(f"{whose}direct attribution {change} logits")
        if effects is not None and effects.attention is not None:
            looked = percent(float(effects.attention[place]))
            lines.append(f"{whose}attention to the answer {looked}")
        if effects is not None and np.isfinite(effects.ablation[place]):
            change = f"{signed(float(effects.ablation[place]))} {effects.unit}"
            lines.append(f"{whose}mean ablation over {effects.prompts} prompts {change}")
        part = self.roles.get(place)
        lines += [part.words] if part is not None else []
        return f"L{place[0]}H{place[1]} " + "\n".join(lines)

    def _mark(self) -> None:
        number = {head: at for at, head in enumerate(self._heads)}
        chosen = number.get((self._cursor.layer or 0, self._cursor.head or 0))
        chosen = chosen if self._cursor.head is not None else None
        pinned, together = (
            [number[head] for head in heads if head in number]
            for heads in (heads_of(self._pins), self._cursor.heads)
        )
        self.scatter.show_chosen(chosen, pinned, together)

    @Slot(str, int)
    def _act(self, verb: str, number: int) -> None:
        menus.act(self, verb, Cursor(*self._heads[number]))

    @Slot(int)
    def _pick(self, number: int) -> None:
        layer, head = self._heads[number]
        self.picked.emit({"layer": layer, "head": head})

    @Slot(int)
    def _extend(self, number: int) -> None:
        """Select a head beside the others, or no longer."""
        fields = extended(self._cursor.selected, self._heads[number])
        if fields["head"] is not None:  # the last one stays
            self.picked.emit(fields)

    @Slot(object)
    def _gather(self, numbers: tuple[int, ...]) -> None:
        """Select the heads within a loop."""
        if numbers:
            self.picked.emit(gathered(self._heads[number] for number in numbers))
        self._say("loop", "" if numbers else NOBODY)

    @Slot()
    def _pin_selected(self) -> None:
        self.edited.emit({"pins": menus.with_heads(self._pins, self._cursor.selected)})

    @Slot(QPoint)
    def _offer_interventions(self, where: QPoint) -> None:
        """Show what can be done to the selected heads."""
        menus.show_menu(self, verbs.of_heads(self, self._cursor.selected).choices, where)

    @Slot(object, object)
    def _show_verbs(self, number: int | None, where: QPoint) -> None:
        """Show what can be done with a head, or with all that are selected if it is one of them."""
        heads = self._cursor.selected
        head = None if number is None else self._heads[number]
        if head is None or head in heads:
            found = menus.of_heads(self, heads, self._pins) if heads else []
        else:
            found = menus.of_place(self, Cursor(*head), self._pins)
        if number is not None:
            found.append(menus.copying(self._words(number)))
        menus.show_menu(self, found, where)


def _shades(effects: HeadEffects) -> tuple[float | None, NDArray[np.uint8] | None]:
    """Return what full colour stands for, in logits, and each head's colour, [layer, head]."""
    if effects.attribution is None or not np.isfinite(effects.attribution).all():
        return None, None
    end = float(np.abs(effects.attribution).max()) or 1.0
    return end, cells.shades(effects.attribution / np.float32(end))


def _is_one(replies: list[Reply]) -> bool:
    """Whether both directions are of the same prompts."""
    requests = [reply.request for reply in replies]
    return (
        len({replace(of, direction="noising") for of in requests if isinstance(of, Patching)}) < 2
    )


def _is_whole(sweep: Sweep) -> bool:
    return sweep.done == sweep.total


def _is_known(sweep: Sweep) -> NDArray[np.bool_]:
    """Return which heads have a number: an exact one, or the mean over the pairs so far."""
    known = [CellState.EXACT, CellState.UNCHANGED]
    if sweep.spread is not None:
        known.append(CellState.ESTIMATE)
    return np.isin(sweep.states, known)
