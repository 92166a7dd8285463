"""Made-up answers about lenses: a grid that fills from the position that is read first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lensgui.jobs.answers.arrays import Axis, CellState, Slice
from lensgui.jobs.answers.lenses import LensGrid, LensMean
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.questions.lens_requests import AverageLens, LensMetric, LensWorth, ReadLens
from lensgui.prompts.sides import summands
from tests import fakes

K = 3
WORDS = tuple(Token(at, text, text.encode()) for at, text in enumerate((" word", ",", " other")))


def rows(*, mid: bool = False) -> Axis:
    """Rows with an end, and perhaps those between attention and MLP."""
    layers: list[tuple[int | None, str]] = [(at, f"L{at}") for at in range(fakes.LAYERS)]
    if mid:
        layers = [one for at, name in layers for one in ((at, name), (None, f"{name} mid"))]
    places, labels = zip(*layers, (None, "end"), strict=True)
    return Axis("layer", places, labels)


def axes(request: ReadLens | LensMetric | AverageLens) -> tuple[Axis, Axis]:
    """Rows with an end, and the prompt's tokens."""
    tokens = fakes.tokens_of(summands(request.pair, request.side)[0][1])
    labels = tuple(token.text for token in tokens)
    return rows(mid=request.mid), Axis("position", tuple(range(len(labels))), labels)


def grid(request: ReadLens) -> Iterator[LensGrid]:
    """The position that is read first, then all."""
    both = axes(request)
    shape = len(both[0]), len(both[1])

    def made_up(name: str, *more: int) -> np.ndarray:
        return fakes.noise(f"{name}{request.side}{request.lens}{request.pair}", *shape, *more)

    chances = np.sort(made_up("chances", K), axis=-1)[..., ::-1] / K
    tokens = np.argsort(made_up("tokens", K), axis=-1).astype(np.int32)
    surprisal = 9 * made_up("surprisal")
    surprisal[:, -1] = np.nan
    states = np.full(shape, CellState.UNKNOWN, np.uint8)
    first = request.start if request.only is None else request.only
    start = first if -shape[1] <= first < shape[1] else -1
    here = slice(start, start + 1) if start >= 0 else slice(start, None)
    for known in (here,) if request.only is not None else (here, slice(None)):
        states = states.copy()
        states[:, known] = CellState.EXACT
        count = 2 + len(request.tokens) + (request.token is not None)
        yield LensGrid(
            both, states, tokens, np.log(chances),
            entropy=9 * made_up("entropy"), divergence=made_up("divergence"), surprisal=surprisal,
            chosen=tuple(WORDS[at % K] for at in range(count)),
            logits=made_up("logits", count) - np.float32(0.5),
            chosen_log_probs=np.log(made_up("chosen", count)),
            ranks=np.floor(99 * made_up("ranks", count)),
            names=dict(enumerate(WORDS)),
        )  # fmt: skip


def metric(request: LensMetric) -> Slice:
    """The metric at every row and position."""
    both = axes(request)
    shape = len(both[0]), len(both[1])
    values = fakes.noise(f"metric{request}", *shape) - 0.5
    return Slice(both, values, np.full(shape, CellState.EXACT, np.uint8))


def mean(request: AverageLens) -> Iterator[LensMean]:
    """The mean over the first pair, and over all."""
    both = axes(request)
    shape = len(both[0]), len(both[1])
    states = np.full(shape, CellState.EXACT, np.uint8)
    total = len(request.rows)
    for pairs in dict.fromkeys((1, total)):
        values = fakes.noise(f"mean{request}{pairs}", *shape) - 0.5
        deviation = fakes.noise(f"deviation{request}", *shape) / (np.nan if pairs == 1 else 4)
        yield LensMean(both, values, states, deviation.astype(np.float32), pairs, total)


def worth(request: LensWorth) -> Slice:
    """Nats by row, none at the end."""
    values = 9 * fakes.noise(f"worth{request.lens}", fakes.LAYERS + 1)
    values[-1] = 0
    return Slice((rows(),), values, np.full(len(values), CellState.EXACT, np.uint8))
