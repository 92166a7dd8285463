"""What can be asked about what each part of the model adds to the metric directly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.kinds import Side
from lensgui.terms.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class AttributeMetric(Request):
    """The metric's logits by embedding, head, MLP and bias: a `Parts`.

    Attributes:
        side: Of which prompt, or which difference, each part by itself.
        rows: Pairs to average over instead of `pair`; () for the one pair.
    """

    doing: ClassVar[str] = "what each part adds to the metric"
    of_its_kind: ClassVar[Urgency] = Urgency.VIEW

    model: ModelKey
    pair: PromptPair
    side: Side = "clean"
    rows: tuple[PairRow, ...] = ()

    @property
    def needs_equal_lengths(self) -> bool:
        """Never: only the position that the metric reads counts."""
        return False


@dataclass(frozen=True, slots=True)
class AttributeSources(Request):
    """What a head adds to the metric, by source token: `Terms`."""

    doing: ClassVar[str] = "what a head adds from each source"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    layer: int
    head: int
    side: Side = "clean"


@dataclass(frozen=True, slots=True)
class AttributeNeurons(Request):
    """What an MLP adds to the metric, by neuron, the strongest first: `Terms`."""

    doing: ClassVar[str] = "what each neuron adds"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    layer: int
    side: Side = "clean"

    @property
    def needs_equal_lengths(self) -> bool:
        """Never: only the position that the metric reads counts."""
        return False
