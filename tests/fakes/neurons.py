"""Made-up neurons of a layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lensgui.jobs.answers.arrays import Axis, CellState, Slice
from lensgui.jobs.answers.neurons import (
    NeuronInWords,
    NeuronPlaces,
    NeuronProducts,
    NeuronRanking,
    NeuronWords,
)
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.questions.neuron_requests import (
    FindPlaces,
    NeuronOverPrompt,
    NeuronSlopes,
    RankNeurons,
    ReadNeurons,
)
from lensgui.prompts.sides import one_side
from tests import fakes

TOP = 3
EDGES = (-1.0, -0.5, 0.0, 0.5, 1.0)
SOME = tuple(Token(at, text, text.encode()) for at, text in enumerate((" one", ",", " two")))


def numbers() -> np.ndarray:
    """All neurons of a layer."""
    return np.arange(fakes.NEURONS, dtype=np.int32)


def ranking(request: RankNeurons) -> NeuronRanking:
    """Numbers of either sign."""
    length = len(fakes.tokens(getattr(request.pair, request.side)))
    position = length - 1 if request.position is None else request.position
    acts, effects = fakes.noise(f"neurons{request}", 2, fakes.NEURONS) - np.float32(0.5)
    return NeuronRanking(position, numbers(), 4 * acts, effects)


def products(request: NeuronSlopes) -> NeuronProducts:
    """Likewise."""
    return NeuronProducts(
        numbers(), fakes.noise(f"slopes{request}", fakes.NEURONS) - np.float32(0.5), "logits"
    )


def words(request: ReadNeurons) -> NeuronWords:
    """The same tokens for all, with numbers of their own."""

    def sized(what: str, neuron: int, sign: int) -> tuple[tuple[Token, float], ...]:
        sizes = np.sort(fakes.noise(f"{what}{request.layer}{neuron}", TOP))[::-1]
        return tuple(zip(SOME, (sign * sizes).tolist(), strict=True))

    return NeuronWords(
        tuple(
            NeuronInWords(
                neuron,
                *(
                    sized(what, neuron, sign)
                    for what in ("writes", "reads", "gates")
                    for sign in (1, -1)
                ),
            )
            for neuron in request.neurons
        )
    )


def over_prompt(request: NeuronOverPrompt) -> Slice:
    """A number for each token."""
    tokens = fakes.tokens(getattr(request.pair, one_side(request.side)))
    labels = tuple(token.label for token in tokens)
    values = 4 * fakes.noise(f"over{request}", len(labels)) - 2
    axis = Axis("position", tuple(range(len(labels))), labels)
    return Slice((axis,), values, np.full(len(labels), CellState.EXACT, np.uint8))


def places(request: FindPlaces) -> Iterator[NeuronPlaces]:
    """Of the first prompt, then of all; of a text of two prompts."""
    texts = [text for row in request.rows for text in (row.pair.clean, row.pair.corrupted) if text]
    prompts = [fakes.tokens(text) for text in texts or (" a b c d", " e f g")]
    total = sum(map(len, prompts))
    for count in dict.fromkeys((1, len(prompts))):
        some = prompts[:count]
        starts = np.cumsum([0, *map(len, some)])[:-1].astype(np.int32)
        tokens = [token for prompt in some for token in prompt]
        rng = np.random.default_rng(len(tokens))
        shape = fakes.NEURONS, TOP
        at = rng.integers(0, len(tokens), (2, *shape)).astype(np.int32)
        high, low = np.sort(fakes.noise(f"places{request.layer}{count}", 2, *shape), -1)[..., ::-1]
        bins = rng.integers(0, 50, (fakes.NEURONS, len(EDGES) + 1)).astype(np.int32)
        yield NeuronPlaces(
            high, at[0], -low, at[1], bins, EDGES,
            np.array([token.id for token in tokens], np.int32), starts,
            {token.id: token for token in tokens},
            total if request.rows else 0,
        )  # fmt: skip
