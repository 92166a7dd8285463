"""Made-up words behind a prompt; under interventions others from the third on."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lensgui.jobs.answers.generation import Continuations, Continued, Written
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.questions.generation_requests import Generate
from tests import fakes

WORDS = ["", "the", "store", "and", "gave", "a", "drink", "to", "them", "all", ","][1:]
PARTS_AT = 2
CONTEXT = 512


def written(request: Generate) -> Iterator[Continuations]:
    """Ever more tokens on both sides, as many as are asked for, or as the context has room for."""
    length = len(fakes.tokens(request.text))
    is_under = any(one.acts_on(request.side) for one in request.pair.interventions)
    most = min(request.count, CONTEXT - length)
    for count in range(1, most + 1):
        sides = [_continued(request, count, at, count == CONTEXT - length) for at in range(2)]
        yield Continuations(sides[0], sides[1] if is_under else None, length, CONTEXT)
    if most < 1:
        nothing = Continued((), "context")
        yield Continuations(nothing, nothing if is_under else None, length, CONTEXT)


def _continued(request: Generate, count: int, side: int, is_full: bool) -> Continued:
    tokens = tuple(_written(request, at, side) for at in range(count))
    return Continued(tokens, "context" if is_full else "")


def _written(request: Generate, at: int, side: int) -> Written:
    shift = 1 if side and at >= PARTS_AT else 0
    seed = f"{request.text}{request.seed}{request.temperature}"
    start = zlib.crc32(seed.encode("utf-8", "replace"))
    order = [
        Token(
            (start + at + shift + more) % len(WORDS),
            " " + WORDS[(start + at + shift + more) % len(WORDS)],
        )
        for more in range(4)
    ]
    first = 0.25 + 0.5 * float(fakes.noise(f"{seed}{at}{side}", 1)[0])
    shares = (first, *((1 - first) / 2**more for more in (1, 2, 3)))
    return Written(order[0], first, 1, tuple(zip(order, shares, strict=True)))
