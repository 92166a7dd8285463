"""What the pane shows at the moment, of which everything that is drawn or said is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Slice
from lensgui.jobs.answers.neurons import (
    NeuronInWords,
    NeuronPlaces,
    NeuronProducts,
    NeuronRanking,
    Sized,
    UsedExpert,
)
from lensgui.jobs.answers.readings import PairReading
from lensgui.panes.token_text import shorten, signed, spell
from lensgui.prompts.sides import one_side
from lensgui.state.views import AT_FIRST, NeuronOrder, NeuronsView
from lensgui.terms.kinds import OneSide

LONGEST = 12  # letters of a token in a row
NAMES: Mapping[NeuronOrder, str] = {
    "effect": "direct effect",
    "gradient": "activation × gradient",
    "activation": "activation",
}
NOTHING = "Type a prompt to see what the neurons of a layer do."
NO_CORRUPTED = "Type a corrupted prompt to see what the neurons do there."
ATTENTION_ONLY = "This model has attention only: it has no neurons."


@dataclass(frozen=True, slots=True)
class Row:
    """A neuron of the ranking.

    Attributes:
        neuron: Its number in the layer.
        name: What it is called: N123; of an expert E3N12, of the one that all tokens use SN12.
        activation: What it puts out.
        effect: What it adds to the answer directly, in logits; NaN without an answer.
        product: Activation × gradient, in the metric's unit; NaN while that is not known.
        value: What it is ranked by.
        words: What it writes and reads; None while that is not known.
    """

    neuron: int
    name: str
    activation: float
    effect: float
    product: float
    value: float
    words: NeuronInWords | None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """All that is known of what is asked.

    Attributes:
        view: How the pane is set.
        layer: Which layer; None while none can be chosen.
        neuron: Which neuron the card is about; None while there is none.
        ranking: The neurons at the position.
        products: Activation × gradient of the same, where they are asked for.
        words: What neurons write and read, by their numbers.
        over: How far the card's neuron is on over the prompt.
        pair: The tokens.
        places: Where all neurons of the layer are on most.
        rows: The neurons that are listed.
        total: How many there are.
        is_selected: Whether the card's neuron is the selected one, not just the first.
    """

    view: NeuronsView = AT_FIRST.neurons
    layer: int | None = None
    neuron: int | None = None
    ranking: NeuronRanking | None = None
    products: NeuronProducts | None = None
    words: Mapping[int, NeuronInWords] = field(default_factory=dict)
    over: Slice | None = None
    pair: PairReading | None = None
    places: NeuronPlaces | None = None
    rows: tuple[Row, ...] = ()
    total: int = 0
    is_selected: bool = False

    @property
    def side(self) -> OneSide:
        """Which prompt is ranked."""
        return one_side(self.view.side)

    @property
    def unit(self) -> str:
        """What the ranking counts."""
        if self.view.order == "effect":
            return "logits"
        return (
            "" if self.products is None or self.view.order == "activation" else self.products.unit
        )

    @property
    def chosen(self) -> Row | None:
        """The card's neuron in the ranking."""
        return next((row for row in self.rows if row.neuron == self.neuron), None)

    def name(self, neuron: int) -> str:
        """Return what a neuron is called in its layer."""
        return neuron_name(neuron, () if self.ranking is None else self.ranking.experts)


def neuron_name(neuron: int, experts: Sequence[UsedExpert]) -> str:
    """Return what a neuron is called: N123, E3N12, or SN12 of the expert that all tokens use."""
    for one in experts:
        if one.start <= neuron < one.start + one.width:
            of = "S" if one.expert is None else f"E{one.expert}"
            return f"{of}N{neuron - one.start}"
    return f"N{neuron}"


def values(
    order: NeuronOrder, ranking: NeuronRanking, products: NeuronProducts | None
) -> NDArray[np.float32]:
    """Return what neurons are ranked by, [row]; NaN where it is not known."""
    if order == "effect":
        return ranking.effects
    if order == "activation":
        return ranking.activations
    if products is None or not np.array_equal(products.numbers, ranking.numbers):
        return np.full(len(ranking.numbers), np.nan, np.float32)
    return products.values


def ranked(
    view: NeuronsView,
    ranking: NeuronRanking | None,
    products: NeuronProducts | None,
    words: Mapping[int, NeuronInWords],
) -> tuple[Row, ...]:
    """Return the neurons that are listed: the largest numbers of either sign first.

    While what they are ranked by is not known, nothing is listed.
    """
    if ranking is None:
        return ()
    numbers = values(view.order, ranking, products)
    known = np.flatnonzero(np.isfinite(numbers))
    order = known[np.argsort(-np.abs(numbers[known]), kind="stable")][: view.count]
    fits = products is not None and np.array_equal(products.numbers, ranking.numbers)
    found = []
    for at in order.tolist():
        neuron = int(ranking.numbers[at])
        found.append(
            Row(
                neuron,
                neuron_name(neuron, ranking.experts),
                float(ranking.activations[at]),
                float(ranking.effects[at]),
                float(products.values[at]) if fits and products is not None else np.nan,
                float(numbers[at]),
                words.get(neuron),
            )
        )
    return tuple(found)


def tokens_text(sized: Sized, most: int = 3) -> str:
    """Return the first tokens of some, as they are written into a row."""
    return " ".join(shorten(spell(token), LONGEST) for token, _ in sized[:most])


def tokens_words(sized: Sized, most: int = 6) -> str:
    """Return the first tokens of some with their sizes."""
    return ", ".join(f"‘{spell(token)}’ {signed(size, 2)}" for token, size in sized[:most])
