"""How long sweeps took on this machine, and how long one is likely to take."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from statistics import median

from lensgui.models import store
from lensgui.terms.errors import ModelError

FILE = "sweeps.json"
MOST = 100  # sweeps that are remembered, the latest first
LIKELY = 5  # of them that a guess looks at


@dataclass(frozen=True, slots=True)
class Swept:
    """A whole sweep of the residual stream, all layers and positions.

    Attributes:
        source: How the model was asked for.
        parameters: How many numbers its weights are, a tied embedding counted once.
        layers: How many it has.
        tokens: How long the prompts were.
        device: Where it ran.
        dtype: Its number format.
        threads: How many computed.
        seconds: How long it took, nothing else counted.
        work: How many FLOP that was, about; 0 where nobody counted.
    """

    source: str
    parameters: int
    layers: int
    tokens: int
    device: str
    dtype: str
    threads: int
    seconds: float
    work: float = 0.0


@dataclass(frozen=True, slots=True)
class Guess:
    """How long a sweep of a model is likely to take.

    Attributes:
        seconds: That.
        tokens: Of prompts as long.
        like: The model that it is scaled from; "" where this one was swept itself.
    """

    seconds: float
    tokens: int
    like: str = ""


def note(swept: Swept) -> None:
    """Remember a sweep; a home that can't be written to remembers nothing."""
    rows = [asdict(one) for one in (swept, *read())[:MOST]]
    try:
        store.write_text(store.home() / FILE, json.dumps(rows, indent=1) + "\n")
    except ModelError:
        return


def read() -> tuple[Swept, ...]:
    """Return the sweeps that are remembered, the latest first; none where that can't be read."""
    try:
        written = json.loads((store.home() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ()
    rows = written if isinstance(written, list) else []
    return tuple(Swept(**row) for row in rows[:MOST] if _is_row(row))


def _is_row(row: object) -> bool:
    kinds = {"str": str, "int": int, "float": int | float}
    names = {field.name for field in fields(Swept)}
    if not isinstance(row, dict) or {*row, "work"} != names:
        return False
    row = {"work": 0.0} | row
    right = all(isinstance(row[field.name], kinds[str(field.type)]) for field in fields(Swept))
    numbers = (row[name] for name in ("parameters", "layers", "tokens", "seconds"))
    return right and all(number > 0 for number in numbers)


def of_model(names: Iterable[str], dtype: str) -> Guess | None:
    """Return how long a sweep of a model takes that was swept here; None if it never was.

    Args:
        names: All that it may be asked for by.
        dtype: Its number format.
    """
    known = set(names)
    rows = [one for one in read() if one.source in known and one.dtype == dtype]
    alike = [one for one in rows if (one.tokens, one.device) == (rows[0].tokens, rows[0].device)]
    if not alike:
        return None
    return Guess(median(one.seconds for one in alike[:LIKELY]), alike[0].tokens)


def rate(device: str, dtype: str, threads: int) -> float | None:
    """Return how many FLOP a second the latest sweeps did here; None if there were none like it.

    Args:
        device: Where they run.
        dtype: The number format.
        threads: How many compute.
    """
    found = [
        one.work / one.seconds
        for one in read()
        if (one.device, one.dtype, one.threads) == (device, dtype, threads) and one.work > 0
    ]
    return median(found[:LIKELY]) if found else None


def scaled(parameters: int, layers: int, dtype: str) -> Guess | None:
    """Return how long a sweep of another model may take, from the most similar one swept here.

    A residual sweep runs a prompt once for each layer and position, through half of the layers.

    Args:
        parameters: How many numbers its weights are; 0 if that is not known.
        layers: How many it has; likewise.
        dtype: Its number format.
    """
    rows = [one for one in read() if one.dtype == dtype]
    if not (rows and parameters and layers):
        return None

    def difference(one: Swept) -> float:
        return max(one.parameters / parameters, parameters / one.parameters)

    like = min(rows, key=difference)
    known = of_model((like.source,), dtype)
    work = parameters * layers / (like.parameters * like.layers)
    return known and Guess(known.seconds * work, known.tokens, like.source)
