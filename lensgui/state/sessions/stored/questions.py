"""The questions whose answers a session file keeps, as stored: which model, is said elsewhere.

The types bear the names of the requests that they stand for.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from lensgui.state.sessions.bounds import (
    MOST_AXES,
    AxisName,
    EdgeNames,
    Followed,
    HookName,
    Index,
    LensFile,
    NodeSets,
    Number,
    Record,
    SomeHeads,
    Temperature,
    TopShare,
    WrittenCount,
)
from lensgui.state.sessions.manifest import Intervention, PromptPair, SweepKind
from lensgui.terms.circuits.graph import Ranking
from lensgui.terms.circuits.nodes import Reference
from lensgui.terms.kinds import AttentionMeasure, Averaged, Direction, HeadInput, OneSide, Side

MOST_TABLES = 1_000
TABLES = ("rows", "reference", "pairs")  # fields of requests that hold rows of a table
MOST_NEURONS = 10_000  # of one question
Neurons = Annotated[tuple[Index, ...], Meta(max_length=MOST_NEURONS)]
Table = Annotated[int, Meta(ge=0, le=MOST_TABLES)]  # its number among those of the file; 0: none


class Patching(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    kind: SweepKind
    direction: Direction
    rows: Table
    layer: Index | None
    head: Index | None
    is_estimated: bool
    is_whole: bool = False


class WhoFeeds(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    heads: SomeHeads
    input: HeadInput
    hear_each_other: bool


class PathsInto(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    heads: SomeHeads


class AttentionGrid(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    side: Side
    hide_first: bool
    rows: Table
    measure: AttentionMeasure


class AttentionHead(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    heads: SomeHeads
    side: Side
    measure: AttentionMeasure
    hide_first: bool
    rows: Table


class AttentionFrom(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    position: Index
    side: Side
    rows: Table


class ReadPair(Record, frozen=True):
    """As the request."""

    pair: PromptPair


class ReadPairs(Record, frozen=True):
    """As the request."""

    pairs: Table


class ReadEvidence(Record, frozen=True):
    """As the request."""

    pairs: Table


class HeadRoles(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    reference: Table


class ReadInterventions(Record, frozen=True):
    """As the request."""

    pair: PromptPair


class AskStrength(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    which: Index
    strengths: Annotated[tuple[Number, ...], Meta(max_length=1_000)]
    controls: Annotated[tuple[Index, ...], Meta(max_length=1_000)]
    placebos: Annotated[int, Meta(ge=0, le=1_000)]
    are_like_stream: bool = False


class AblateSet(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    members: Annotated[tuple[Intervention, ...], Meta(max_length=1_000)]
    rows: Table


class ScoreEdges(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    stand_in: Reference
    rows: Table


class CheckEdges(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    stand_in: Reference
    edges: EdgeNames
    rows: Table
    within: EdgeNames = ()


class MeasureCircuit(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    stand_in: Reference
    heads: Annotated[tuple[tuple[Index, Index], ...], Meta(max_length=10_000)]
    edges: EdgeNames
    sets: NodeSets
    draws: Index
    rows: Table
    has_parts: bool = True


class MeasureCurve(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    stand_in: Reference
    by: Ranking
    rows: Table


class ScoreHeads(Record, frozen=True):
    """As the request."""

    from_a_part: bool = False


class OutputNorms(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    side: Side
    rows: Table


class LogitLens(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    position: Index


class ReadLens(Record, frozen=True):
    """As the request about all positions, which begins anywhere."""

    pair: PromptPair
    side: OneSide
    lens: LensFile
    mid: bool = False
    tokens: Followed = ()
    token: Index | None = None


class LensMetric(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    side: OneSide
    lens: LensFile
    mid: bool = False


class AverageLens(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    rows: Table
    side: Side
    value: Averaged
    lens: LensFile
    mid: bool


class LensWorth(Record, frozen=True):
    """As the request."""

    lens: LensFile


class RankNeurons(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    side: OneSide
    layer: Index
    position: Index | None


class NeuronSlopes(RankNeurons, frozen=True):
    """As the request."""


class ReadNeurons(Record, frozen=True):
    """As the request."""

    layer: Index
    neurons: Neurons


class NeuronOverPrompt(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    side: Side
    layer: Index
    neuron: Index


class MapModel(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    layer: Index
    position: Index | None
    side: Side


class ReadActivation(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    name: HookName
    side: Side
    down: AxisName
    across: AxisName
    places: Annotated[tuple[tuple[AxisName, Index], ...], Meta(max_length=MOST_AXES)]


class AttributeMetric(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    side: Side
    rows: Table


class AttributeSources(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    layer: Index
    head: Index
    side: Side


class AttributeNeurons(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    layer: Index
    side: Side


class ReadMLP(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    layer: Index
    position: Index


class ReadHead(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    layer: Index
    head: Index
    position: Index


class ReadEdge(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    layer: Index
    head: Index
    position: Index
    source: Index


class Generate(Record, frozen=True):
    """As the request."""

    pair: PromptPair
    side: OneSide
    count: WrittenCount
    temperature: Temperature
    top_k: Index
    top_p: TopShare
    seed: Index
