"""What a session file says in words: every type with its bounds.

The types bear the names of the app's values that they stand for, but are the file's own: it stays
readable when the app's values change.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lensgui.state import views
from lensgui.state.sessions.array_files import NAME
from lensgui.state.sessions.bounds import (
    MANY,
    MOST_AXES,
    MOST_FOLLOWED,
    AxisName,
    Followed,
    Heads,
    HookName,
    Index,
    LensFile,
    Name,
    Names,
    Number,
    NumberFormat,
    Record,
    Score,
    Share,
    SomeHeads,
    Temperature,
    Text,
    TopShare,
    WrittenCount,
)
from lensgui.state.sessions.saved import NO_PATH
from lensgui.terms.interventions import Op, Runs
from lensgui.terms.kinds import AttentionMeasure, Direction, Extent, HeadInput, OneSide, Side
from lensgui.terms.metric import MetricName
from lensgui.terms.scores import TABLE_SCORES

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


class Cursor(Record, frozen=True):
    """As the app's `Cursor`."""

    layer: Index | None = None
    head: Index | None = None
    position: Index | None = None
    source: Index | None = None
    heads: Heads = ()
    neuron: Index | None = None
    token: Index | None = None


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


class Prompt(Record, frozen=True):
    """As the app's `Prompt`, one that means are over."""

    text: Text
    bos: bool | Name = False


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


class Role(Record, frozen=True):
    """As the app's `Role`."""

    name: Name
    end: Index


class PairRow(Record, frozen=True):
    """As the app's `PairRow`."""

    pair: PromptPair
    roles: Annotated[tuple[Role, ...], Meta(max_length=1_000)] = ()
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


class PromptView(Record, frozen=True):
    """As the app's `PromptView`."""

    shows_surprisal: bool = False


class AttentionView(Record, frozen=True):
    """As the app's `AttentionView`."""

    side: Side = "clean"
    hides_first: bool = True
    score: Name = "attribution"
    arrangement: views.Arrangement = "layers"
    least_score: Score = 0.0
    measure: AttentionMeasure = "pattern"
    drawing: views.Drawing = "map"
    head_hides_first: bool = False
    is_from: bool = True
    least_line: Share = 0.1


class Range(Record, frozen=True):
    """As the app's `Range`."""

    end: Number
    counted: Text


class PatchingView(Record, frozen=True):
    """As the app's `PatchingView`."""

    side: views.Compared = "B"
    shows_table: bool = False
    shows_estimates: bool = False
    shows_intervals: bool = False
    place: Index | None = None
    range: Range | None = None


class AllKindsView(Record, frozen=True):
    """As the app's `AllKindsView`."""

    stream: views.Stream = "resid_pre"
    enlarged: Annotated[int, Meta(ge=0, le=100)] | None = None
    range: Range | None = None


class Link(Record, frozen=True):
    """As the app's `Link`."""

    heads: SomeHeads
    input: HeadInput


class FeedersView(Record, frozen=True):
    """As the app's `FeedersView`."""

    input: HeadInput = "q"
    hear_each_other: bool = False
    held: Heads = ()
    sender: Cursor | None = None
    before: Annotated[tuple[Link, ...], Meta(max_length=1_000)] = ()
    range: Range | None = None


class LensView(Record, frozen=True):
    """As the app's `LensView`."""

    value: views.LensValue = "token"
    side: Side = "clean"
    token: Annotated[int, Meta(ge=0, le=MOST_FOLLOWED + 1)] = 0
    words_only: bool = False
    lens: LensFile = ""
    mid: bool = False
    shows_curves: bool = True
    followed: Followed = ()


class NeuronsView(Record, frozen=True):
    """As the app's `NeuronsView`."""

    order: views.NeuronOrder = "effect"
    side: Side = "clean"
    count: Annotated[int, Meta(ge=1, le=1_000)] = 20
    places: views.PlacesOf = "pairs"


class AttributionView(Record, frozen=True):
    """As the app's `AttributionView`."""

    by: views.AttributedBy = "head"
    side: Side = "clean"
    shows_curve: bool = True


class HeadsView(Record, frozen=True):
    """As the app's `HeadsView`."""

    columns: Annotated[tuple[Name, ...], Meta(max_length=100)] = TABLE_SCORES
    sort: Name = ""
    is_descending: bool = True
    filter: Name = ""


class ActivationView(Record, frozen=True):
    """As the app's `ActivationView`."""

    name: HookName = "hook_resid_pre"
    side: Side = "clean"
    down: AxisName = ""
    across: AxisName = ""
    places: Annotated[tuple[tuple[AxisName, Index], ...], Meta(max_length=MOST_AXES)] = ()


class GenerationView(Record, frozen=True):
    """As the app's `GenerationView`."""

    side: OneSide = "clean"
    count: WrittenCount = 20
    temperature: Temperature = 0.0
    top_k: Index = 0
    top_p: TopShare = 1.0
    seed: Index = 0


class Views(Record, frozen=True):
    """As the app's `Views`."""

    prompt: PromptView = PromptView()
    attention: AttentionView = AttentionView()
    patching: PatchingView = PatchingView()
    all_kinds: AllKindsView = AllKindsView()
    feeders: FeedersView = FeedersView()
    lens: LensView = LensView()
    neurons: NeuronsView = NeuronsView()
    attribution: AttributionView = AttributionView()
    heads: HeadsView = HeadsView()
    activation: ActivationView = ActivationView()
    generation: GenerationView = GenerationView()


class Document(Record, frozen=True):
    """As the app's `Document`, but for its model, which is said once."""

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
    views: Views = Views()
