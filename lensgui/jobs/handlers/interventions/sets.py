"""What a set of interventions does together, and which of it matter most."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.interventions.sets import SetEffects, SetPair, mean_interval, set_effects
from lensgui.analysis.pairs.answers import required_metric
from lensgui.analysis.pairs.cases import name_of
from lensgui.jobs.answers.interventions import SetReading
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.questions.intervention_requests import AblateSet
from lensgui.prompts.pair import PromptPair
from lensgui.terms.metric import MetricName
from lensgui.transformer.model import HookedTransformer

PAUSE = 0.1  # seconds between two answers that grow


def ablate_set(loaded: Loaded, request: AblateSet) -> Iterator[Answer | None]:
    """Yield ever more of what the set does: all of it first, then what each of it does."""
    model = loaded.use(request.model)
    pairs = [row.pair for row in request.rows] or [request.pair]
    names, found, faults = list[str](), list[SetPair](), list[str]()
    metric_name: MetricName = pairs[0].metric
    for pair in pairs:
        try:
            found.append((yield from _read(loaded, model, pair, request)))
            names.append(name_of(pair))
        except ValueError as error:
            if not request.rows:
                raise
            faults.append(f"Pair “{name_of(pair)}”: {error}")
    if not found:
        raise ValueError(faults[0])
    known, said_at = 0, 0.0
    effects: SetEffects | None = None
    for effects in set_effects(found, request.members):
        count = _known(effects)
        if count > known and time.monotonic() - said_at >= PAUSE:
            known, said_at = count, time.monotonic()
            yield _reading(effects, names, metric_name, faults)
        else:
            yield None
    assert effects is not None
    yield _reading(effects, names, metric_name, faults)


def _read(
    loaded: Loaded, model: HookedTransformer, pair: PromptPair, request: AblateSet
) -> Generator[None, None, SetPair]:
    """Return a pair as its set is run, yielding while its prompts run.

    Raises:
        ValueError: If it can't be read, has no metric, or a member can't be done.
    """
    members = tuple(one.on() for one in request.members)
    others = pair.acting.interventions
    whole = replace(pair, interventions=(*others, *members))
    yield from loaded.before(model, whole)
    faults = loaded.faults(model, whole)
    if fault := next((faults[one] for one in members if faults[one]), ""):
        raise ValueError(fault)
    clean = loaded.run(model, pair.plain.clean_prompt)
    yield from clean.steps()
    corrupted = loaded.run(model, pair.plain.corrupted_prompt) if pair.corrupted else None
    given = loaded.given(model, whole)
    beside = given.listed[: len(given.listed) - len(members)]
    metric = required_metric(loaded.answers(pair, clean))
    return SetPair(clean, corrupted, metric, replace(given, listed=beside))


def _known(effects: SetEffects) -> int:
    parts = effects.before, effects.after, effects.but_one, effects.alone
    return int(sum(int(part.isfinite().sum()) for part in parts))


def _reading(
    effects: SetEffects, names: list[str], metric: MetricName, faults: list[str]
) -> SetReading:
    """Return what is known by now; intervals of a member once all pairs are known of it."""
    return SetReading(
        tuple(names),
        metric,
        _array(effects.before),
        _array(effects.after),
        _array(effects.last),
        _array(effects.first),
        _array(torch.stack(mean_interval(effects.change))),
        _array(torch.stack([torch.stack(mean_interval(row)) for row in effects.last], 1)),
        tuple(faults),
    )


def _array(numbers: Tensor) -> NDArray[np.float32]:
    array = numbers.detach().cpu().numpy().astype(np.float32)
    array.flags.writeable = False
    return array
