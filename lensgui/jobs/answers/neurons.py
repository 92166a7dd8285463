"""What neurons of a layer do: at a position, in the vocabulary, and where most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.readings import Token

Sized = tuple[tuple[Token, float], ...]


@dataclass(frozen=True, slots=True)
class UsedExpert:
    """An expert that a position uses.

    Attributes:
        expert: Which one; None for the expert that every token uses.
        weight: What its output was multiplied by.
        start: The number of its first neuron in the layer.
        width: How many neurons it has.
        effect: What it adds to the answer directly, in logits, its bias too; None without one.
    """

    expert: int | None
    weight: float
    start: int
    width: int
    effect: float | None


@dataclass(frozen=True, slots=True, eq=False)
class NeuronRanking:
    """The neurons of a layer that a position uses: all, or those of the experts that were chosen.

    Attributes:
        position: Where they are read.
        numbers: Their numbers in the layer, [row].
        activations: What each puts out, before any expert's weight, [row].
        effects: What each adds to the answer directly, in logits, the metric read at this position,
            [row]; NaN without an answer.
        experts: Which experts were used, the strongest first; () where there are none.
        remark: What has to be known, as sentences; "" if nothing.
    """

    position: int
    numbers: NDArray[np.int32]
    activations: NDArray[np.float32]
    effects: NDArray[np.float32]
    experts: tuple[UsedExpert, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class NeuronProducts:
    """Activation × gradient of the same neurons.

    Attributes:
        numbers: As of `NeuronRanking`.
        values: In the metric's unit, [row].
        unit: That unit.
    """

    numbers: NDArray[np.int32]
    values: NDArray[np.float32]
    unit: str


@dataclass(frozen=True, slots=True)
class NeuronInWords:
    """What a neuron writes and reads, as tokens with their sizes, largest first.

    Attributes:
        neuron: Its number in the layer.
        raises: Whose logits its output raises most.
        lowers: Whose logits it lowers most.
        reads: Whose embeddings match W_in best.
        avoids: Whose embeddings match it worst.
        opens: Whose embeddings match W_gate best; () of an MLP without a gate.
        closes: Whose embeddings match that worst.
    """

    neuron: int
    raises: Sized
    lowers: Sized
    reads: Sized
    avoids: Sized
    opens: Sized = ()
    closes: Sized = ()


@dataclass(frozen=True, slots=True)
class NeuronWords:
    """Some neurons in words.

    Attributes:
        neurons: One for each that was asked about, in that order.
    """

    neurons: tuple[NeuronInWords, ...]


@dataclass(frozen=True, slots=True, eq=False)
class NeuronPlaces:
    """Where all neurons of a layer are on most, as far as was read; nobody writes to it.

    Attributes:
        highest: The largest activations above 0, largest first, [neuron, place]; −inf where there
            are fewer.
        highest_at: Where, by the number of the token, likewise; −1 where there are fewer.
        lowest: The smallest below 0, smallest first; inf where there are fewer.
        lowest_at: Where.
        histogram: How many activations lie in each bin, [neuron, bin].
        edges: Where one bin ends and the next begins, rising.
        tokens: The ids of all that was read, [token].
        starts: The numbers of the tokens that prompts, or pieces of the text, begin with.
        names: The tokens of ids.
        total: How many tokens will be read; 0 where that is not known.
        is_cut: Whether the text goes on after the last token that is read.
    """

    highest: NDArray[np.float32]
    highest_at: NDArray[np.int32]
    lowest: NDArray[np.float32]
    lowest_at: NDArray[np.int32]
    histogram: NDArray[np.int32]
    edges: tuple[float, ...]
    tokens: NDArray[np.int32]
    starts: NDArray[np.int32]
    names: Mapping[int, Token] = field(default_factory=dict)
    total: int = 0
    is_cut: bool = False
