"""What an intervention does by how strong it is, beside random directions and other tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.interventions.doses import stream_at_site
from lensgui.analysis.interventions.edits import unit_strength
from lensgui.analysis.interventions.listed import Interventions, kept_vector
from lensgui.analysis.interventions.strength import (
    StrengthCurve,
    control_tokens,
    placebo_vectors,
    placebos,
    strength_curve,
)
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.pairs.answers import Answers, required_metric
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.interventions import Followed, Part, StrengthReading
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.in_words import known_metric, likeliest, metric_of, token_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.questions.intervention_requests import AskStrength
from lensgui.terms.interventions import ALONG, Intervention
from lensgui.terms.metric import Metric
from lensgui.transformer.model import HookedTransformer

LIKELY, CONTROLS = 5, 5  # tokens that are followed beside answer and distractor


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What a curve is asked of: the clean prompt's plain run, and what is done to it.

    Attributes:
        clean: The run.
        corrupted: The other prompt's; None without one.
        given: The pair's interventions that can be done.
        which: The number among them of the one whose strength changes.
        metric: What is read.
        strengths: How strong, in the op's own number, in order.
    """

    clean: Run
    corrupted: Run | None
    given: Interventions
    which: int
    metric: Metric
    strengths: tuple[float, ...]

    @property
    def one(self) -> Intervention:
        return self.given.listed[self.which]

    def curve(self, given: Interventions, tokens: Sequence[int] = ()) -> Iterator[StrengthCurve]:
        strengths, corrupted = self.strengths, self.corrupted
        return strength_curve(
            self.clean, given, self.which, self.metric, tokens, strengths, corrupted
        )


def ask_strength(loaded: Loaded, request: AskStrength) -> Iterator[Answer | None]:
    """Yield ever more of the curve, nearest to 0 first; then that of each random direction."""
    model, pair = loaded.use(request.model), request.pair
    yield from loaded.before(model, pair)
    clean = loaded.run(model, pair.plain.clean_prompt)
    found = loaded.answers(pair, clean)
    asked, unit = _asked(loaded, model, request, required_metric(found))
    followed = _followed(clean, found, request.controls)
    reading = StrengthReading(
        asked.strengths,
        None if unit is None else tuple(strength / unit for strength in asked.strengths),
        found.name,
        _without(asked, found),
        tuple(Followed(token_of(model, token), part) for token, part in followed.items()),
        metric=_nothing(len(asked.strengths)),
        divergence=_nothing(len(asked.strengths)),
        probabilities=_nothing(len(asked.strengths), len(followed)),
        placebos=_nothing(_count(asked, request), len(asked.strengths)),
    )
    for curve in _growing(asked.curve(asked.given, [*followed])):
        if curve is None:
            yield None
            continue
        reading = replace(
            reading,
            metric=_array(curve.metric),
            divergence=_array(curve.divergence),
            probabilities=_array(curve.probabilities),
        )
        yield reading
    yield from _beside(asked, request, reading)


def _asked(
    loaded: Loaded, model: HookedTransformer, request: AskStrength, metric: Metric
) -> tuple[_Asked, float | None]:
    """Return what is asked, and which strength amounts to one median norm.

    Raises:
        ValueError: If there is no such intervention, or it can't be done.
    """
    pair, which = request.pair, request.which
    if not 0 <= which < len(pair.interventions):
        raise ValueError(f"There is no intervention {which}: there are {len(pair.interventions)}.")
    faults, plain = loaded.faults(model, pair), pair.plain
    if fault := faults[pair.interventions[which]]:
        raise ValueError(fault)
    clean = loaded.run(model, plain.clean_prompt)
    corrupted = loaded.run(model, plain.corrupted_prompt) if plain.corrupted else None
    unit = unit_strength(clean, pair.interventions[which])
    strengths = tuple(sorted(share * (unit or 1.0) for share in {*request.strengths}))
    before = sum(not faults[one] for one in pair.interventions[:which])
    given = loaded.given(model, pair)
    return _Asked(clean, corrupted, given, before, metric, strengths), unit


def _followed(clean: Run, found: Answers, controls: tuple[int, ...]) -> dict[int, Part]:
    """Return the tokens whose probabilities are wanted, and why each is."""
    likely = likeliest(clean, LIKELY)
    known = [*found.answer, *found.distractor, *likely]
    if not controls and found.answer:
        controls = tuple(control_tokens(clean, found.answer[0], CONTROLS, known))
    parts: dict[int, Part] = {}
    named: list[tuple[Part, Sequence[int]]] = [
        ("answer", found.answer),
        ("distractor", found.distractor),
        ("likely", likely),
        ("control", controls),
    ]
    for part, tokens in named:
        for token in tokens:
            parts.setdefault(token, part)
    return parts


@torch.no_grad()
def _without(asked: _Asked, found: Answers) -> float:
    """Return the metric of the clean prompt without the intervention, the others as they are."""
    metric = known_metric(found, asked.clean)
    assert metric is not None
    listed = asked.given.listed
    rest = (*listed[: asked.which], asked.one.on(False), *listed[asked.which + 1 :])
    given = replace(asked.given, listed=rest)
    run = intervened_runs(asked.clean, given, asked.corrupted)[0].complete()
    return metric_of(run, metric)


def _count(asked: _Asked, request: AskStrength) -> int:
    """Return how many random directions there are to be: none where no vector is named."""
    return request.placebos if asked.one.op in ALONG else 0


def _beside(
    asked: _Asked, request: AskStrength, reading: StrengthReading
) -> Iterator[StrengthReading | None]:
    """Yield the reading with ever more of random directions as long as the vector."""
    count = len(reading.placebos)
    if not count:
        return
    assert asked.one.vector is not None
    known = reading.placebos.copy()
    stream = stream_at_site(asked.clean, asked.one.site) if request.are_like_stream else None
    drawn = placebo_vectors(kept_vector(asked.one.vector), stream, count)
    for number, given in enumerate(placebos(asked.given, asked.which, drawn)):
        metric = torch.full((len(asked.strengths),), torch.nan)
        for curve in asked.curve(given):
            metric = curve.metric
            yield None
        known[number] = _array(metric)
        yield replace(reading, placebos=_read_only(known.copy()))


def _growing(curves: Iterator[StrengthCurve]) -> Iterator[StrengthCurve | None]:
    """Yield a curve whenever more of it is known; None else."""
    known = 0
    for curve in curves:
        count = int(curve.metric.isfinite().sum())
        yield curve if count > known else None
        known = count


def _nothing(*shape: int) -> NDArray[np.float32]:
    return _read_only(np.full(shape, np.nan, np.float32))


def _array(numbers: Tensor) -> NDArray[np.float32]:
    return _read_only(numbers.detach().cpu().numpy().astype(np.float32))


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    array.flags.writeable = False
    return array
