"""What a session file says in words: every type with its bounds.

The types bear the names of the app's values that they stand for, but are the file's own: it stays
readable when the app's values change.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lensgui.state.sessions.array_files import NAME
from lensgui.state.sessions.bounds import (
    MANY,
    Cursor,
    EdgeNames,
    Index,
    Name,
    Names,
    Number,
    NumberFormat,
    Record,
    Share,
    Text,
)
from lensgui.state.sessions.saved import NO_PATH
from lensgui.state.sessions.stored.views import Views
from lensgui.terms.circuits.kept import MOST_KEPT
from lensgui.terms.interventions import Op, Runs
from lensgui.terms.kinds import Direction, Extent
from lensgui.terms.metric import MetricName

Indices = Annotated[tuple[Index, ...], Meta(max_length=10_000)]
FORMAT: Literal["lensgui-session"] = "lensgui-session"
MAJOR, MINOR = 0, 1


class Header(msgspec.Struct, frozen=True):
    """What is said of the file itself; its other sections are looked at later."""

    format: Literal["lensgui-session"]
    major: Index
    minor: Index = 0
    lensgui: Name = ""


class Model(Record, frozen=True):
    """As `ModelReference`."""

    name: Annotated[str, Meta(max_length=1_000, pattern=NO_PATH)]
    content_id: Name = ""
    folded: bool = False
    dtype: NumberFormat = "float32"


class Area(Record, frozen=True):
    """As the app's `Area`."""

    panes: Names
    front: Name
    left: Share
    top: Share
    width: Share
    height: Share
    is_floating: bool = False


class Layout(Record, frozen=True):
    """As the app's `Layout`."""

    areas: Annotated[tuple[Area, ...], Meta(max_length=1_000)] = ()
    hidden: Names = ()
    folded: Names = ()
    solo: Name = ""


class Vector(Record, frozen=True):
    """As the app's `Vector`."""

    name: Name
    content: Name


class KeptVector(Record, frozen=True):
    """A vector that interventions name, and the array that it is."""

    content: Name
    array: Annotated[str, Meta(pattern=NAME)]


class Vectors(Record, frozen=True):
    """All vectors that a document names."""

    kept: Annotated[tuple[KeptVector, ...], Meta(max_length=1_000)] = ()


class Site(Record, frozen=True):
    """As the app's `Site`."""

    name: Name
    layer: Index | None = None
    head: Index | None = None
    neuron: Index | None = None


class Intervention(Record, frozen=True):
    """As the app's `Intervention`."""

    site: Site
    op: Op
    where: Literal["all", "last", "generated"] | Indices = "all"
    strength: Number = 1.0
    vector: Vector | None = None
    target: Vector | None = None
    bounds: tuple[Number, Number] | None = None
    sources: Indices = ()
    runs: Runs = "both"
    is_on: bool = True
    seed: Index = 0
    skips_special: bool = True


class Role(Record, frozen=True):
    """As the app's `Role`."""

    name: Name
    end: Index


Roles = Annotated[tuple[Role, ...], Meta(max_length=1_000)]


class Prompt(Record, frozen=True):
    """As the app's `Prompt`, one that means are over."""

    text: Text
    bos: bool | Name = False
    word_roles: Roles = ()


class PromptPair(Record, frozen=True):
    """As the app's `PromptPair`.

    Attributes:
        reference: Likewise; in a table None for those of the row before, as they mostly are.
    """

    clean: Text
    corrupted: Text = ""
    answer: Text = ""
    distractor: Text = ""
    bos: bool | Name = False
    metric: MetricName = "logit difference"
    interventions: Annotated[tuple[Intervention, ...], Meta(max_length=1_000)] = ()
    reference: Annotated[tuple[Prompt, ...], Meta(max_length=1_000)] | None = ()
    more: Indices = ()
    more_behind: Literal["clean", "corrupted"] = "clean"
    word_roles: Roles = ()


class PairRow(Record, frozen=True):
    """As the app's `PairRow`."""

    pair: PromptPair
    roles: Roles = ()
    is_included: bool = True


Records = tuple[PairRow, ...]
Rows = Annotated[Records, Meta(max_length=MANY)]


class SweepKind(Record, frozen=True):
    """As the app's `SweepKind`."""

    activation: Name
    extent: Extent = "position"


class SweepChoice(Record, frozen=True):
    """As the app's `SweepChoice`."""

    kind: SweepKind
    direction: Direction


class Patching(Record, frozen=True):
    """As the request; the model is the session's if none is named."""

    pair: PromptPair
    kind: SweepKind
    direction: Direction
    rows: Rows = ()
    layer: Index | None = None
    head: Index | None = None
    is_estimated: bool = True
    is_whole: bool = False
    model: Model | None = None


class Note(Record, frozen=True):
    """As the app's `Note`."""

    place: Cursor
    text: Text


class GivenRole(Record, frozen=True):
    """As the app's `GivenRole`."""

    layer: Index
    head: Index
    name: Name


class RoleBounds(Record, frozen=True):
    """As the app's `RoleBounds`."""

    attention: Share
    attribution: Share
    copying: Share
    repeats: Share
    pairs: Share


class KeptCircuit(Record, frozen=True):
    """As the app's `KeptCircuit`."""

    edges: EdgeNames
    said: Text
    found_on: Annotated[tuple[Text, ...], Meta(max_length=MANY)] = ()
    scores: Annotated[tuple[Number, ...], Meta(max_length=MOST_KEPT)] = ()


class Worked(Record, frozen=True):
    """What is worked on, of the app's `Document`: all but its model, which is said once."""

    pair: PromptPair
    table: Rows = ()
    is_average: bool = False
    kind: SweepKind = SweepKind("resid_pre")
    direction: Direction = "denoising"
    kept: Patching | None = None
    against: SweepChoice | None = None
    pins: Annotated[tuple[Cursor, ...], Meta(max_length=MANY)] = ()
    notes: Annotated[tuple[Note, ...], Meta(max_length=MANY)] = ()
    roles: Annotated[tuple[GivenRole, ...], Meta(max_length=MANY)] = ()
    bounds: RoleBounds = RoleBounds(0.3, 0.02, 0.5, 0.4, 0.75)
    circuit: KeptCircuit | None = None
    views: Views = Views()


class Scene(Record, frozen=True):
    """As the app's `Scene`.

    Attributes:
        thumb: Which of the file's small pictures it has.
    """

    name: Name
    document: Worked
    cursor: Cursor = Cursor()
    layout: Layout = Layout()
    caption: Text = ""
    thumb: Index | None = None
    notes: Text = ""
    pictures: Names = ()
    reveal: Literal["", "layers", "largest"] = ""


class Document(Worked, frozen=True):
    """As the app's `Document`, but for its model."""

    scenes: Annotated[tuple[Scene, ...], Meta(max_length=1_000)] = ()
