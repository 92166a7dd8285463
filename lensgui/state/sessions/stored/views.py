"""How every pane is set, as a session file keeps it.

The types bear the names of the app's values that they stand for.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from lensgui.state import views
from lensgui.state.sessions.bounds import (
    MOST_AXES,
    MOST_FOLLOWED,
    AxisName,
    Band,
    Cursor,
    EdgeCount,
    Followed,
    Heads,
    HookName,
    Index,
    LensFile,
    Name,
    NodeSets,
    Number,
    Record,
    Score,
    Share,
    SomeHeads,
    Temperature,
    Text,
    TopShare,
    WrittenCount,
)
from lensgui.terms.circuits.graph import Ranking
from lensgui.terms.circuits.nodes import Reference
from lensgui.terms.kinds import AttentionMeasure, HeadInput, OneSide, Side
from lensgui.terms.scores import TABLE_SCORES


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


class StrengthView(Record, frozen=True):
    """As the app's `StrengthView`."""

    which: Index = 0
    is_wide: bool = False
    has_random: bool = False
    is_like_stream: bool = False


class GenerationView(Record, frozen=True):
    """As the app's `GenerationView`."""

    side: OneSide = "clean"
    count: WrittenCount = 20
    temperature: Temperature = 0.0
    top_k: Index = 0
    top_p: TopShare = 1.0
    seed: Index = 0


class AblationView(Record, frozen=True):
    """As the app's `AblationView`."""

    of: views.SetOf = "heads"
    heads: Heads = ()
    op: views.AblationOp = "resample"


class BoardView(Record, frozen=True):
    """As the app's `BoardView`."""

    reference: Reference = "corrupted"
    nodes: views.BoardNodes = "strongest"
    by: Ranking = "size"
    most: EdgeCount = 40
    is_exact: bool = False
    fades: bool = False
    is_free: bool = False
    places: Annotated[tuple[tuple[Name, Share], ...], Meta(max_length=10_000)] = ()
    groups: NodeSets = ()
    measured: views.Measured = ""
    beside: views.Beside = "minimality"
    band: Band = 0.1


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
    strength: StrengthView = StrengthView()
    generation: GenerationView = GenerationView()
    ablation: AblationView = AblationView()
    board: BoardView = BoardView()
