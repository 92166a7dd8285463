"""Answers that are pictures, as a session file keeps them; their arrays are named by their hash.

The types bear the names of the answers that they stand for.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from lensgui.state.sessions.array_files import NAME
from lensgui.state.sessions.bounds import MANY, Index, Name, Number, Record, SomeHeads
from lensgui.terms.kinds import AttentionMeasure, Direction
from lensgui.terms.metric import MetricName

MOST_OUTSIDE = 16  # parts that stand outside layers, or steps from logits to the metric
MOST_OF_PAIRS = 16  # pairs whose evidence is kept: each brings several arrays

NotFinite = Literal["NaN", "Infinity", "-Infinity"]
AnyNumber = Number | NotFinite
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Array = Annotated[str, Meta(pattern=NAME)]
Sentence = Annotated[str, Meta(max_length=10_000)]


class Axis(Record, frozen=True):
    """As of answers."""

    name: Name
    coordinates: Annotated[tuple[Index | None, ...], Meta(max_length=MANY)]
    labels: Annotated[tuple[Name, ...], Meta(max_length=MANY)]


Axes = Annotated[tuple[Axis, ...], Meta(min_length=1, max_length=4)]


class Agreement(Record, frozen=True):
    """As of sweeps."""

    pearson: AnyNumber
    rank: AnyNumber
    cells: Count


class Check(Record, frozen=True):
    """As of sweeps."""

    cells: Count
    worst: AnyNumber


class Spread(Record, frozen=True):
    """As of sweeps."""

    pairs: Index
    total: Index
    wrong: Index
    low: Array | None
    high: Array | None
    left_out: tuple[Index, Sentence]
    work: tuple[Count, Count] | None


class Settled(Record, frozen=True):
    """As of sweeps."""

    exact: Count
    total: Count
    drawn: Count
    largest: AnyNumber


class Sweep(Record, frozen=True, kw_only=True):
    """As the answer."""

    axes: Axes
    values: Array
    states: Array
    clean: AnyNumber
    corrupted: AnyNumber
    refusal: Sentence
    direction: Direction
    metric: MetricName
    unit: Name
    estimates: Array | None
    agreement: Agreement | None
    check: Check | None
    spread: Spread | None
    of_head: Name
    settled: Settled | None = None
    more_s: AnyNumber = 0.0


class Feeding(Sweep, frozen=True, kw_only=True):
    """As the answer."""

    heads: SomeHeads
    receiver: Name
    embedding: AnyNumber


class HeadSlice(Record, frozen=True):
    """As the answer."""

    axes: Axes
    values: Array
    states: Array
    measure: AttentionMeasure
    is_difference: bool
    first_share: AnyNumber
    prompts: Index


class Atlas(Record, frozen=True):
    """As the answer."""

    axes: Axes
    values: Array
    layers: Index
    scores: Array
    strongest: Array
    hides_first: bool
    is_difference: bool
    prompts: Index
    broken: Array | None
    measure: AttentionMeasure
    ends: Array | None
    full: AnyNumber


class HeadRows(Record, frozen=True):
    """As the answer."""

    axes: Axes
    values: Array
    is_difference: bool
    prompts: Index


class HeadEffects(Record, frozen=True):
    """As the answer."""

    attribution: Array | None
    ablation: Array
    prompts: Index
    unit: Name
    attention: Array | None


class ModelMeasures(Record, frozen=True):
    """As of heads whatever the prompt."""

    previous: Array
    duplicate: Array
    induction: Array
    copying: Array


class ModelScores(Record, frozen=True):
    """As the answer."""

    measures: ModelMeasures
    queries: Annotated[tuple[Index, ...], Meta(max_length=100)]
    prompts: Index
    raw_copying: Array | None = None
    copied: Array | None = None
    tokens: Index = 0
    vocabulary: Index = 0
    unsettled: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()


class PairMeasures(Record, frozen=True):
    """As of heads on one pair."""

    to_answer: Array
    to_distractor: Array
    to_repeat: Array
    share: Array


class Evidence(Record, frozen=True):
    """As the answer."""

    measures: Annotated[tuple[PairMeasures, ...], Meta(max_length=MOST_OF_PAIRS)]
    attribution: Array
    read: Index
    total: Annotated[int, Meta(ge=0, le=MOST_OF_PAIRS)]


class Slice(Record, frozen=True):
    """As the answer."""

    axes: Axes
    values: Array
    states: Array


class LensMean(Slice, frozen=True):
    """As the answer."""

    deviation: Array
    pairs: Index
    total: Index


class Parts(Record, frozen=True):
    """As the answer."""

    axes: Axes
    values: Array
    deviation: Array
    components: Array
    components_deviation: Array
    outside: Annotated[dict[Name, AnyNumber], Meta(max_length=MOST_OUTSIDE)]
    cumulative: Array
    cumulative_deviation: Array
    logits: AnyNumber
    capped: AnyNumber
    metric: AnyNumber
    metric_name: MetricName
    between: Annotated[tuple[Name, ...], Meta(max_length=MOST_OUTSIDE)]
    pairs: Index
    total: Index


class Terms(Record, frozen=True):
    """As the answer."""

    axis: Axis
    values: Array
    notes: Annotated[tuple[Sentence, ...], Meta(max_length=MANY)]
    whole: AnyNumber
    remark: Sentence


class ActivationSlice(Slice, frozen=True):
    """As the answer."""

    order: Annotated[tuple[Name, ...], Meta(max_length=MOST_OUTSIDE)]
    others: Annotated[tuple[tuple[Axis, Index], ...], Meta(max_length=MOST_OUTSIDE)]
    mean: AnyNumber
    norm: AnyNumber
    largest: Annotated[tuple[tuple[Sentence, AnyNumber], ...], Meta(max_length=100)]
