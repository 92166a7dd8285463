"""The answers that a session file keeps, as stored, and which kinds of questions they answer.

The types bear the names of the answers that they stand for; their arrays are named by their hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lensgui.jobs import lens_requests, requests
from lensgui.jobs.answers import arrays, lenses, readings
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.request import Request
from lensgui.state.sessions import questions
from lensgui.state.sessions.array_files import NAME
from lensgui.state.sessions.manifest import MANY, Index, Name, Number, Record, Rows, SomeHeads
from lensgui.terms.kinds import AttentionMeasure, Direction
from lensgui.terms.metric import MetricName

MOST_ANSWERS = 1_000
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


class Token(Record, frozen=True):
    """As of answers."""

    id: Index
    text: Name
    raw: Annotated[bytes, Meta(max_length=10_000)]
    special: bool


class Likely(Record, frozen=True):
    """As of answers."""

    token: Token
    probability: AnyNumber
    logit: AnyNumber


Likeliest = Annotated[tuple[Likely, ...], Meta(max_length=10_000)]
Effects = Annotated[tuple[tuple[Token, AnyNumber], ...], Meta(max_length=10_000)]


class PromptReading(Record, frozen=True):
    """As of a pair's reading."""

    tokens: Annotated[tuple[Token, ...], Meta(max_length=MANY)]
    has_bos: bool
    top: Likeliest
    metric: AnyNumber | None
    surprisals: Annotated[tuple[AnyNumber | None, ...], Meta(max_length=MANY)]


class PairReading(Record, frozen=True):
    """As the answer."""

    clean: PromptReading
    corrupted: PromptReading | None
    differing: Annotated[tuple[Index, ...], Meta(max_length=MANY)]
    answer: Token | None
    distractor: Token | None
    warnings: Annotated[tuple[Sentence, ...], Meta(max_length=100)]
    complete: bool


class RowReading(Record, frozen=True):
    """As of a table's reading."""

    clean: AnyNumber | None
    corrupted: AnyNumber | None
    lengths: tuple[Index, Index]
    is_right: bool | None
    warning: Sentence


class PairsReading(Record, frozen=True):
    """As the answer."""

    rows: Annotated[tuple[RowReading, ...], Meta(max_length=MANY)]
    total: Index


class LensReading(Record, frozen=True):
    """As the answer."""

    top: Likeliest
    metric: Annotated[tuple[AnyNumber, ...], Meta(max_length=10_000)]


class LensGrid(Record, frozen=True):
    """As the answer."""

    axes: Axes
    states: Array
    tokens: Array
    log_probs: Array
    entropy: Array
    divergence: Array
    surprisal: Array
    chosen: Annotated[tuple[Token, ...], Meta(max_length=100)]
    logits: Array
    chosen_log_probs: Array
    ranks: Array
    names: Annotated[dict[int, Token], Meta(max_length=MANY)]
    through: Sentence
    unread: Annotated[tuple[Index, ...], Meta(max_length=10_000)]
    remark: Sentence


class Slice(Record, frozen=True):
    """As the answer."""

    axes: Axes
    values: Array
    states: Array


class Neuron(Record, frozen=True):
    """As of an MLP's reading."""

    index: Index
    activation: AnyNumber
    attribution: AnyNumber | None


class MLPReading(Record, frozen=True):
    """As the answer."""

    attribution: AnyNumber | None
    promoted: Effects
    suppressed: Effects
    neurons: Annotated[tuple[Neuron, ...], Meta(max_length=1_000)]


class HeadReading(Record, frozen=True):
    """As the answer."""

    tokens: Annotated[tuple[Token, ...], Meta(max_length=MANY)]
    attention: Annotated[tuple[AnyNumber, ...], Meta(max_length=MANY)]
    attribution: AnyNumber | None
    promoted: Effects
    suppressed: Effects
    sought: Effects


class EdgeReading(Record, frozen=True):
    """As the answer."""

    attention: AnyNumber
    contribution: AnyNumber | None
    promoted: Effects
    suppressed: Effects


class Kept(Record, frozen=True):
    """A question with its answer, each of the types that its kind has in `KINDS`."""

    question: Name
    asked: msgspec.Raw
    answer: msgspec.Raw


class Answers(Record, frozen=True):
    """The section of answers.

    Attributes:
        tables: Rows that questions are about; the first has number 1.
        kept: The questions with their answers.
    """

    tables: Annotated[tuple[Rows, ...], Meta(max_length=questions.MOST_TABLES)] = ()
    kept: Annotated[tuple[Kept, ...], Meta(max_length=MOST_ANSWERS)] = ()


@dataclass(frozen=True, slots=True)
class StoredKind:
    """A kind of question whose answers a session file can keep: a row of `KINDS`.

    Attributes:
        request: The app's question.
        asked: The same in a file.
        answer: The app's answer.
        answered: The same in a file.
    """

    request: type[Request]
    asked: type[Record]
    answer: type[Answer]
    answered: type[Record]


KINDS = {
    "patching": StoredKind(requests.Patching, questions.Patching, arrays.Sweep, Sweep),
    "who feeds": StoredKind(requests.WhoFeeds, questions.WhoFeeds, arrays.Feeding, Feeding),
    "paths into": StoredKind(requests.PathsInto, questions.PathsInto, arrays.Sweep, Sweep),
    "attention grid": StoredKind(
        requests.AttentionGrid, questions.AttentionGrid, arrays.Atlas, Atlas
    ),
    "attention head": StoredKind(
        requests.AttentionHead, questions.AttentionHead, arrays.HeadSlice, HeadSlice
    ),
    "attention from": StoredKind(
        requests.AttentionFrom, questions.AttentionFrom, arrays.HeadRows, HeadRows
    ),
    "pair": StoredKind(requests.ReadPair, questions.ReadPair, readings.PairReading, PairReading),
    "pairs": StoredKind(
        requests.ReadPairs, questions.ReadPairs, readings.PairsReading, PairsReading
    ),
    "head roles": StoredKind(
        requests.HeadRoles, questions.HeadRoles, arrays.HeadEffects, HeadEffects
    ),
    "head scores": StoredKind(
        requests.ScoreHeads, questions.ScoreHeads, arrays.ModelScores, ModelScores
    ),
    "evidence": StoredKind(
        requests.ReadEvidence, questions.ReadEvidence, arrays.Evidence, Evidence
    ),
    "lens": StoredKind(requests.LogitLens, questions.LogitLens, readings.LensReading, LensReading),
    "lens grid": StoredKind(lens_requests.ReadLens, questions.ReadLens, lenses.LensGrid, LensGrid),
    "lens metric": StoredKind(lens_requests.LensMetric, questions.LensMetric, arrays.Slice, Slice),
    "MLP": StoredKind(requests.ReadMLP, questions.ReadMLP, readings.MLPReading, MLPReading),
    "head": StoredKind(requests.ReadHead, questions.ReadHead, readings.HeadReading, HeadReading),
    "edge": StoredKind(requests.ReadEdge, questions.ReadEdge, readings.EdgeReading, EdgeReading),
}
"""Every kind of question whose answers a file keeps, by its name there."""
