"""What can be asked of the neurons of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.kinds import OneSide, Side
from lensgui.terms.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class RankNeurons(Request):
    """How far a layer's neurons are on at a position, and their direct effects: a `NeuronRanking`.

    Attributes:
        side: Which prompt is read.
        layer: The layer.
        position: Where; None for the last position.
    """

    doing: ClassVar[str] = "neurons of a layer"
    of_its_kind: ClassVar[Urgency] = Urgency.VIEW

    model: ModelKey
    pair: PromptPair
    side: OneSide
    layer: int
    position: int | None = None


@dataclass(frozen=True, slots=True)
class NeuronSlopes(Request):
    """Activation × gradient of the metric of the same neurons: a `NeuronProducts`.

    Attributes:
        side: As of `RankNeurons`.
        layer: Likewise.
        position: Likewise.
    """

    doing: ClassVar[str] = "gradients of neurons"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    side: OneSide
    layer: int
    position: int | None = None


@dataclass(frozen=True, slots=True)
class ReadNeurons(Request):
    """What neurons write and read in the vocabulary: a `NeuronWords`.

    Attributes:
        layer: Their layer.
        neurons: Their numbers in it.
    """

    doing: ClassVar[str] = "tokens of neurons"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    layer: int
    neurons: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NeuronOverPrompt(Request):
    """How far one neuron is on at each position: a `Slice` of positions.

    Attributes:
        side: Of which prompt, or which difference.
        layer: Its layer.
        neuron: Its number in it.
    """

    doing: ClassVar[str] = "a neuron over the prompt"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    side: Side
    layer: int
    neuron: int


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file as it was when it was chosen.

    Attributes:
        path: Where it is.
        size: In bytes.
        modified_ns: When it was written.
    """

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class FindPlaces(Request):
    """Where all neurons of a layer are on most: a `NeuronPlaces`, of ever more tokens.

    Attributes:
        layer: The layer.
        rows: Pairs whose prompts are read.
        text: A text that is read instead; None for none.
    """

    doing: ClassVar[str] = "strongest places of neurons"
    of_its_kind: ClassVar[Urgency] = Urgency.SWEEP

    model: ModelKey
    layer: int
    rows: tuple[PairRow, ...] = ()
    text: TextFile | None = None
