"""What a model needs, how fast it arrives and how far it is verified, in words."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from math import ceil
from typing import Any

from lensgui.jobs.downloads import Fetched
from lensgui.models import speeds
from lensgui.models.speeds import Guess
from lensgui.models.store import in_words
from lensgui.terms.model_key import BEST_DEVICE, NUMBER_BYTES, ModelKey

Facts = Mapping[str, Any]  # what `lensgui models info --json` prints
SPAN_S = 8.0  # over which a rate is measured
LEAST_S = 1.0  # before one is said
IN_BYTES = 1e6  # a step of fewer counts parts, not bytes
NOT_VERIFIED = "not verified"


def needs(facts: Facts, key: ModelKey) -> str:
    """Return what a model needs, a line for each kind of it.

    Args:
        facts: What was found.
        key: How it would be opened.
    """
    return "\n".join(_needs(facts, key))


def _needs(facts: Facts, key: ModelKey) -> Iterator[str]:
    yield f"{facts['source']} · licence: {facts['licence']}"
    if facts["is_here"]:
        yield "To download: nothing, it is on this machine."
    else:
        arrived = f", {in_words(facts['arrived'])} of it are here" if facts["arrived"] else ""
        yield f"To download: {in_words(facts['download'])}{arrived}."
    if facts["disk"]:
        yield f"On the disk: {in_words(facts['disk'])}; {in_words(facts['free_disk'])} are free."
    device, needed, free = memory(facts, key)
    if needed:
        weights = "folded" if key.folded else "raw"
        yield (
            f"In memory: {in_words(needed)} for {weights} weights in {key.dtype}; "
            f"{in_words(free)} of {device} memory are free."
        )
    else:
        yield f"In memory: not known before it is here; {in_words(free)} of {device} are free."
    if guess := speeds.scaled(facts["parameters"], facts["layers"], key.dtype):
        yield speed(guess)
    if facts["is_pickled"]:
        yield (
            "Its weights are pickled, which can run code: a limited process reads their tensors, "
            "once, and keeps them as safetensors."
        )


def memory(facts: Facts, key: ModelKey) -> tuple[str, int, int]:
    """Return where a model would run, how many bytes its weights take there, and how many are free.

    The second is 0 where it is not known.
    """
    free = facts["free_memory"]
    device = next(iter(free)) if key.device == BEST_DEVICE or key.device not in free else key.device
    count = facts["parameters_folded" if key.folded else "parameters"]
    return device, count * NUMBER_BYTES[key.dtype], free[device]


def warning(facts: Facts, key: ModelKey) -> str:
    """Return why a model can't be opened, or should not be; "" if nothing is in the way."""
    return " ".join(_warnings(facts, key))


def _warnings(facts: Facts, key: ModelKey) -> Iterator[str]:
    if facts["is_gated"] and not facts["is_accepted"]:
        yield (
            f"The hub asks to accept its terms: do that on https://huggingface.co/{facts['source']}"
            ", set a token (HF_TOKEN, or `hf auth login`), and look it up again."
        )
    missing = facts["disk"] - facts["free_disk"]
    if missing > 0:
        yield f"It does not fit on the disk: {in_words(missing)} more would have to be free."
    device, needed, free = memory(facts, key)
    if needed > free:
        halved = needed * NUMBER_BYTES["bfloat16"] // NUMBER_BYTES[key.dtype]
        advice = "choose a smaller model, or close other programs"
        if halved < needed and halved <= free:
            advice = "they would in bfloat16"
        yield f"Its weights do not fit into {device} memory: {advice}."


def can_be_had(facts: Facts) -> bool:
    """Whether nothing stands in the way but memory, of which more may be free by then."""
    is_refused = facts["is_gated"] and not facts["is_accepted"]
    return not is_refused and facts["disk"] <= facts["free_disk"]


def verb(facts: Facts) -> str:
    """Return what the button says that opens a model."""
    if facts["is_pickled"]:
        return "Import and open"
    return "Open" if facts["is_here"] else "Get and open"


class Pace:
    """How fast something arrives, from how far it was each time that it said so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._what = ""
        self._seen: deque[tuple[float, int]] = deque()

    def words(self, fetched: Fetched) -> str:
        """Take how far it is, and return that with the rate and the time that is left."""
        now = self._clock()
        if fetched.what != self._what or (self._seen and fetched.done < self._seen[-1][1]):
            self._what = fetched.what
            self._seen.clear()
        self._seen.append((now, fetched.done))
        while now - self._seen[0][0] > SPAN_S and len(self._seen) > 2:
            self._seen.popleft()
        if fetched.total < IN_BYTES:
            return f"{fetched.what} …"
        said = f"{fetched.what}: {in_words(fetched.done)} of {in_words(fetched.total)}"
        then, before = self._seen[0]
        passed = now - then
        rate = (fetched.done - before) / passed if passed >= LEAST_S else 0.0
        if rate <= 0:
            return said
        left = ceil((fetched.total - fetched.done) / rate)
        return f"{said} · {in_words(int(rate))}/s · {_duration(left)} left"


def _duration(seconds: int) -> str:
    if seconds < 100:
        return f"{seconds} s"
    minutes = ceil(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def verified(figure: float | None) -> str:
    """Return how far a model is from the Hugging Face forward."""
    return NOT_VERIFIED if figure is None else f"max |Δ| {figure:.1e}".replace("e-0", "e−")


def speed(guess: Guess) -> str:
    """Return how long a sweep is likely to take."""
    said = f"A residual sweep of {guess.tokens} tokens takes about {_about(guess.seconds)} here"
    return f"{said}, scaled from {guess.like}." if guess.like else f"{said}."


def _about(seconds: float) -> str:
    """Return a time with two digits at most."""
    if seconds < 10:
        return f"{seconds:.1g} s"
    return _duration(round(seconds) if seconds < 100 else ceil(seconds))


def last_use(when: float | None) -> str:
    """Return when a model was opened last."""
    return "" if when is None else f"{datetime.fromtimestamp(when):%Y-%m-%d %H:%M}"
