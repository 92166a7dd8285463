"""Made-up answers about lenses: a grid that fills from the position that is read first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lensgui.jobs.answers.arrays import Axis, CellState, Slice
from lensgui.jobs.answers.lenses import LensGrid
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.lens_requests import LensMetric, ReadLens
from tests import fakes

K = 3
WORDS = tuple(Token(at, text, text.encode()) for at, text in enumerate((" word", ",", " other")))


def axes(request: ReadLens | LensMetric) -> tuple[Axis, Axis]:
    """Rows with an end, and the prompt's tokens."""
    tokens = fakes.tokens(getattr(request.pair, request.side))
    labels = tuple(token.text for token in tokens)
    rows = Axis(
        "layer", (*range(fakes.LAYERS), None), (*(f"L{at}" for at in range(fakes.LAYERS)), "end")
    )
    return rows, Axis("position", tuple(range(len(labels))), labels)


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
        yield LensGrid(
            both, states, tokens, np.log(chances),
            entropy=9 * made_up("entropy"), divergence=made_up("divergence"), surprisal=surprisal,
            chosen=WORDS[:2], logits=made_up("logits", 2) - np.float32(0.5),
            chosen_log_probs=np.log(made_up("chosen", 2)),
            ranks=np.floor(99 * made_up("ranks", 2)),
            names=dict(enumerate(WORDS)),
        )  # fmt: skip


def metric(request: LensMetric) -> Slice:
    """The metric at every row and position."""
    both = axes(request)
    shape = len(both[0]), len(both[1])
    values = fakes.noise(f"metric{request}", *shape) - 0.5
    return Slice(both, values, np.full(shape, CellState.EXACT, np.uint8))
