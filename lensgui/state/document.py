"""What the user works on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, get_args

from lensgui.jobs.requests import Patching
from lensgui.prompts.pair import PairRow, Prompt, PromptPair
from lensgui.state.layout import Layout
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, VIEW_FIELDS, Views
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.interventions import HAVE_STRENGTH, Intervention
from lensgui.terms.kinds import RESID_PRE, Direction, HeadInput, SweepKind
from lensgui.terms.model_key import ModelKey
from lensgui.terms.roles import USUAL, GivenRole, RoleBounds

HEAD_INPUTS: tuple[HeadInput, ...] = get_args(HeadInput)
MOST_MARKED = 200  # pins: a file may hold thousands, and each is drawn anew at each key
MOST_REFERENCE = 64  # pairs whose prompts a mean is over
PAIR_FIELDS = frozenset(field.name for field in fields(PromptPair))


@lru_cache(maxsize=4)
def _prompts_of(rows: tuple[PairRow, ...]) -> tuple[Prompt, ...]:
    """Return the prompts of some rows, each once, with the words that roles name in them."""
    laid_out = [replace(row.pair, word_roles=row.roles).laid_out for row in rows]
    found = dict[tuple[str, bool | str], Prompt]()
    for prompt in chain(*laid_out):
        key = prompt.text, prompt.bos
        if key not in found or not found[key].word_roles:
            found[key] = prompt
    cleans = (prompts[0] for prompts in reversed(laid_out) if prompts)  # named by hand: they count
    found |= {(of.text, of.bos): of for of in cleans if of.word_roles}
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class SweepChoice:
    """A sweep of whatever prompts there are.

    Attributes:
        kind: What a cell of the sweep replaces.
        direction: "denoising" patches clean into corrupted, "noising" corrupted into clean.
    """

    kind: SweepKind = RESID_PRE
    direction: Direction = "denoising"


@dataclass(frozen=True, slots=True)
class Note:
    """What the user wrote about a place."""

    place: Cursor
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A state of the window that a talk comes to.

    Attributes:
        name: What it is called.
        document: What is worked on there, as `of` leaves it.
        cursor: What is selected.
        layout: Where panes stand.
        caption: What is said about it, in a sentence or two.
        thumb: A small picture of it, as a PNG file; b"" for none.
        notes: What only the speaker sees.
        pictures: Which pictures an audience sees where these are not panes' main ones, such as
            "Attention: all heads".
        reveal: How they are shown bit by bit: "layers" from the first on, "largest" first; "" for
            all at once.
    """

    name: str
    document: Document
    cursor: Cursor
    layout: Layout
    caption: str = ""
    thumb: bytes = b""
    notes: str = ""
    pictures: tuple[str, ...] = ()
    reveal: Literal["", "layers", "largest"] = ""

    @classmethod
    def of(
        cls, name: str, document: Document, cursor: Cursor, layout: Layout, thumb: bytes = b""
    ) -> Scene:
        """Return a scene of what is there, without what belongs to the session as a whole."""
        own = replace(document, scenes=(), notes=(), roles=(), bounds=USUAL)
        return cls(name, own, cursor, layout, thumb=thumb)

    def after(self, document: Document) -> Document:
        """Return what is worked on once this is shown.

        The model, the notes, the roles and the scenes stay what they are.
        """
        own, kept = self.document, self.document.kept
        if kept is not None and kept.model == own.model:
            kept = replace(kept, model=document.model)
        whole = ("model", "notes", "roles", "bounds", "scenes")
        return replace(own, kept=kept, **{name: getattr(document, name) for name in whole})


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that decides what is computed, and what the user keeps.

    Attributes:
        model: The model in question.
        pair: The prompts and answers.
        table: Many pairs, to average over; () if there are none.
        is_average: Whether panes average over the included pairs of the table.
        kind: What a cell of the sweep that is looked at replaces.
        direction: Which way every pane patches: "denoising" puts clean into corrupted, "noising"
            corrupted into clean.
        kept: A sweep kept for comparison, as it was asked; None if nothing is compared.
        against: What is compared with instead of the kept one; None for that.
        pins: Heads, cells and positions to keep an eye on: outlined in every pane.
        notes: What the user wrote, at most one note for a place.
        roles: Roles that the user gave heads, at most one for a head.
        bounds: The numbers in the rules by which roles are proposed.
        circuit: A circuit that was found or read from a file; None for none.
        views: How each pane is set.
        scenes: What a talk comes to, in order.
    """

    model: ModelKey
    pair: PromptPair
    table: tuple[PairRow, ...] = ()
    is_average: bool = False
    kind: SweepKind = RESID_PRE
    direction: Direction = "denoising"
    kept: Patching | None = None
    against: SweepChoice | None = None
    pins: tuple[Cursor, ...] = ()
    notes: tuple[Note, ...] = ()
    roles: tuple[GivenRole, ...] = ()
    bounds: RoleBounds = USUAL
    circuit: KeptCircuit | None = None
    views: Views = AT_FIRST
    scenes: tuple[Scene, ...] = ()

    @property
    def rows(self) -> tuple[PairRow, ...]:
        """The pairs that are averaged over; () while panes show the one pair."""
        if not self.is_average:
            return ()
        return self._under(row for row in self.table if row.is_included)

    @property
    def whole_table(self) -> tuple[PairRow, ...]:
        """All pairs of the table, whether they count or not, as they are run: under the same."""
        return self._under(self.table)

    def _under(self, rows: Iterable[PairRow]) -> tuple[PairRow, ...]:
        """Return pairs of the table as they are run: under the interventions of the one pair."""
        listed, reference = self.pair.interventions, self.pair.reference
        return tuple(row.under(listed, reference) for row in rows) if listed else tuple(rows)

    @property
    def marked(self) -> tuple[Cursor, ...]:
        """The pins that panes frame and list: all, or as many as came last."""
        return self.pins[-MOST_MARKED:]

    @property
    def asked(self) -> PromptPair:
        """The pair that questions are about: while averaging, no more of it than its metric."""
        if not self.rows:
            return self.pair
        pair = replace(self.pair, clean="", corrupted="", answer="", distractor="", bos=False)
        return replace(pair, word_roles=())

    @property
    def reference(self) -> tuple[Prompt, ...]:
        """The prompts that means are over: those of the included pairs of the table, each once."""
        included = [row for row in self.table if row.is_included]
        return _prompts_of(tuple(included[:MOST_REFERENCE]))

    def with_means(self, pair: PromptPair, listed: Iterable[Intervention]) -> PromptPair:
        """Return a pair with the prompts that means are over, if any of some interventions is one.

        And with the words that the table names in its clean prompt.
        """
        if not any(one.op == "mean" for one in listed):
            return replace(pair, reference=(), word_roles=())
        named = (row.roles for row in self.table if row.roles and row.pair.clean == pair.clean)
        return replace(pair, reference=self.reference, word_roles=next(named, ()))

    @property
    def shown(self) -> Document:
        """The same as panes ask about it: without interventions that are off, with means' prompts.

        So what is switched off asks what was asked before it was added.
        """
        pair = self.with_means(self.pair, self.pair.interventions).acting
        return self if pair == self.pair else replace(self, pair=pair)

    @property
    def before(self) -> Document:
        """The same without interventions."""
        return replace(self, pair=self.pair.plain)

    def patching(
        self, kind: SweepKind | None = None, direction: Direction | None = None
    ) -> Patching:
        """Return what is asked to sweep a kind one way; those that are looked at by default."""
        kind, direction = kind or self.kind, direction or self.direction
        return Patching(self.model, self.asked, kind, direction, self.rows)

    @property
    def compared(self) -> Patching | None:
        """What is asked for comparison, A; None if nothing of this model is compared."""
        if self.kept is not None and self.against is not None:
            return self.patching(self.against.kind, self.against.direction)
        return self.kept if self.kept is not None and self.kept.model == self.model else None

    def on(self, device: str) -> Document:
        """Return the same with its models on a device, which no file says and no step is about."""
        kept = self.kept and replace(self.kept, model=self.kept.model.on(device))
        return replace(self, model=self.model.on(device), kept=kept)

    def _following(self, views: Views, after: PromptPair) -> Views:
        """Return views that look at the strength of the same intervention in another list."""
        before, now, at = self.pair.interventions, after.interventions, views.strength.which
        is_other = len(before) != len(now) or Counter(before) == Counter(now)
        one = before[at] if 0 <= at < len(before) else None
        is_there = one is not None and one.op in HAVE_STRENGTH and one in now
        if one is None or not (is_other and is_there) or now[at : at + 1] == (one,):
            return views
        return replace(views, strength=replace(views.strength, which=now.index(one)))

    def having(self, **changes: Any) -> Document:
        """Return a copy with changes to its own fields, to those of the pair, or to panes' views.

        Who turns to a kind of sweep that is an input of heads asks about that input who feeds them.

        Raises:
            TypeError: If no such field exists.
        """
        of_pair = {name: value for name, value in changes.items() if name in PAIR_FIELDS}
        of_views = {name: value for name, value in changes.items() if name in VIEW_FIELDS}
        parts = of_pair.keys() | of_views.keys()
        own = {name: value for name, value in changes.items() if name not in parts}
        if of_pair:
            own["pair"] = replace(own.get("pair", self.pair), **of_pair)
        if of_views:
            own["views"] = replace(own.get("views", self.views), **of_views)
        if "interventions" in of_pair and "strength" not in of_views:
            own["views"] = self._following(own.get("views", self.views), own["pair"])
        after = replace(self, **own)
        turned = next((name for name in HEAD_INPUTS if name == after.kind.activation), None)
        if after.kind == self.kind or turned is None or "feeders" in parts:
            return after
        feeders = replace(after.views.feeders, input=turned)
        return replace(after, views=replace(after.views, feeders=feeders))
