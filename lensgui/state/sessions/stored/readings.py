"""Answers in words and single numbers, as a session file keeps them.

The types bear the names of the answers that they stand for.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from lensgui.jobs.answers.generation import End
from lensgui.state.sessions.bounds import (
    MANY,
    MOST_AXES,
    MOST_FOLLOWED,
    MOST_WRITTEN,
    AxisName,
    EdgeNames,
    HookName,
    Index,
    Name,
    NodeName,
    NodeSets,
    Record,
    Share,
)
from lensgui.state.sessions.stored.arrays import AnyNumber, Array, Axes, Sentence
from lensgui.terms.metric import MetricName


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
    before: AnyNumber | None = None


Likeliest = Annotated[tuple[Likely, ...], Meta(max_length=10_000)]
Effects = Annotated[tuple[tuple[Token, AnyNumber], ...], Meta(max_length=10_000)]


class PromptReading(Record, frozen=True):
    """As of a pair's reading."""

    tokens: Annotated[tuple[Token, ...], Meta(max_length=MANY)]
    has_bos: bool
    top: Likeliest
    metric: AnyNumber | None
    surprisals: Annotated[tuple[AnyNumber | None, ...], Meta(max_length=MANY)]
    metric_before: AnyNumber | None = None


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


class InterventionReading(Record, frozen=True):
    """As of interventions."""

    fault: Sentence
    unit: AnyNumber | None
    prompts: Index
    roles: Annotated[tuple[Name, ...], Meta(max_length=1_000)] = ()


class InterventionsReading(Record, frozen=True):
    """As the answer."""

    of: Annotated[tuple[InterventionReading, ...], Meta(max_length=1_000)]


class Followed(Record, frozen=True):
    """As of a strength reading."""

    token: Token
    part: Literal["answer", "distractor", "likely", "control"]


class StrengthReading(Record, frozen=True):
    """As the answer."""

    strengths: Annotated[tuple[AnyNumber, ...], Meta(max_length=1_000)]
    shares: Annotated[tuple[AnyNumber, ...], Meta(max_length=1_000)] | None
    metric_name: MetricName
    without: AnyNumber
    followed: Annotated[tuple[Followed, ...], Meta(max_length=1_000)]
    metric: Array
    divergence: Array
    probabilities: Array
    placebos: Array


class SetReading(Record, frozen=True):
    """As the answer."""

    pairs: Annotated[tuple[Sentence, ...], Meta(max_length=MANY)]
    metric_name: MetricName
    before: Array
    after: Array
    last: Array
    first: Array
    change_ends: Array
    last_ends: Array
    faults: Annotated[tuple[Sentence, ...], Meta(max_length=MANY)]


class Shape(Record, frozen=True):
    """As of an `EdgeTable`."""

    n_layers: Annotated[int, Meta(ge=1, le=1_000)]
    n_heads: Annotated[int, Meta(ge=1, le=1_000)]
    kv_heads: Annotated[int, Meta(ge=1, le=1_000)]
    attn_only: bool
    parallel_attn_mlp: bool
    model_name: Name


class EdgeTable(Record, frozen=True):
    """As the answer."""

    shape: Shape
    pairs: Annotated[tuple[Sentence, ...], Meta(max_length=MANY)]
    total: Index
    metric_name: MetricName
    reference: Sentence
    scores: Array
    sizes: Array
    places: Array
    labels: Annotated[tuple[Name, ...], Meta(max_length=MANY)]
    whole: AnyNumber
    empty: AnyNumber
    is_swap: bool
    faults: Annotated[tuple[Sentence, ...], Meta(max_length=MANY)]


class EdgeChecks(Record, frozen=True):
    """As the answer."""

    edges: EdgeNames
    changes: Array
    ends: Array
    before: AnyNumber
    within: Index


class CircuitReading(Record, frozen=True):
    """As the answer."""

    caption: Sentence
    metric_name: MetricName
    model: AnyNumber
    empty: AnyNumber
    circuit: AnyNumber
    faithfulness: AnyNumber
    ends: tuple[AnyNumber, AnyNumber]
    pairs: Index
    total_pairs: Index
    parts: Annotated[tuple[NodeName, ...], Meta(max_length=10_000)]
    minimality: Array
    knockouts: NodeSets
    completeness: Array


class CurveReading(Record, frozen=True):
    """As the answer."""

    caption: Sentence
    shares: Annotated[tuple[AnyNumber, ...], Meta(max_length=1_000)]
    counts: Annotated[tuple[Index, ...], Meta(max_length=1_000)]
    faithfulness: Array
    ends: Array
    drawn: Array


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
    chosen: Annotated[tuple[Token | None, ...], Meta(max_length=MOST_FOLLOWED + 3)]
    logits: Array
    chosen_log_probs: Array
    ranks: Array
    names: Annotated[dict[int, Token], Meta(max_length=MANY)]
    through: Sentence
    unread: Annotated[tuple[Index, ...], Meta(max_length=10_000)]
    remark: Sentence


class Neuron(Record, frozen=True):
    """As of an MLP's reading."""

    index: Index
    activation: AnyNumber
    attribution: AnyNumber | None


class UsedExpert(Record, frozen=True):
    """As of a ranking of neurons."""

    expert: Index | None
    weight: AnyNumber
    start: Index
    width: Index
    effect: AnyNumber | None


class NeuronRanking(Record, frozen=True):
    """As the answer."""

    position: Index
    numbers: Array
    activations: Array
    effects: Array
    experts: Annotated[tuple[UsedExpert, ...], Meta(max_length=10_000)]
    remark: Sentence


class NeuronProducts(Record, frozen=True):
    """As the answer."""

    numbers: Array
    values: Array
    unit: Name


class NeuronInWords(Record, frozen=True):
    """As of neurons in words."""

    neuron: Index
    raises: Effects
    lowers: Effects
    reads: Effects
    avoids: Effects
    opens: Effects
    closes: Effects


class NeuronWords(Record, frozen=True):
    """As the answer."""

    neurons: Annotated[tuple[NeuronInWords, ...], Meta(max_length=10_000)]


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


class MappedPoint(Record, frozen=True):
    """As of a model's map."""

    name: HookName
    short: HookName
    layer: Index | None
    axes: Annotated[tuple[AxisName, ...], Meta(max_length=MOST_AXES)]
    sizes: Annotated[tuple[Index, ...], Meta(max_length=MOST_AXES)]
    formula: Sentence
    about: Sentence
    norm: AnyNumber | None


class ModelMap(Record, frozen=True):
    """As the answer."""

    points: Annotated[tuple[MappedPoint, ...], Meta(max_length=1_000)]
    layer: Index
    position: Index


class Written(Record, frozen=True):
    """As of what is written behind a prompt."""

    token: Token
    probability: Share
    rank: Index
    top: Annotated[tuple[tuple[Token, Share], ...], Meta(max_length=100)]


class Continued(Record, frozen=True):
    """As of what is written behind a prompt."""

    tokens: Annotated[tuple[Written, ...], Meta(max_length=MOST_WRITTEN)]
    end: End


class Continuations(Record, frozen=True):
    """As the answer."""

    without: Continued
    under: Continued | None
    prompt: Index
    context: Index
