"""What a lens reads of many prompts: means over pairs, and what a lens is worth on a text."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator

import torch

from lensgui.analysis.lenses.held_out import held_out_worth
from lensgui.analysis.lenses.lens import Lens
from lensgui.analysis.lenses.reading import lens_metric
from lensgui.analysis.pairs.lens_readings import averaged_metric
from lensgui.jobs.answers.arrays import Slice
from lensgui.jobs.answers.lenses import LensMean
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.attention.mixtures import Term, mixture
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.reading.lens_grid import lens_of, row_axis, states_of
from lensgui.jobs.handlers.sweep_arrays import host
from lensgui.jobs.questions.lens_requests import AverageLens, LensWorth
from lensgui.prompts.sides import SUMMANDS

PAUSE = 0.1  # seconds between two answers that grow


def average_lens(loaded: Loaded, request: AverageLens) -> Iterator[Answer | None]:
    """Yield the mean over ever more pairs, and how far these are from it."""
    model = loaded.use(request.model)
    found = yield from mixture(loaded, model, request)
    lens, _ = lens_of(model, request.lens)
    mid = request.mid and model.cfg.has_middle
    axes = row_axis(model, mid=mid), found.positions("position")
    signs = [one.sign for one in SUMMANDS[request.side]]
    read: list[torch.Tensor] = []
    last = time.monotonic()
    for first in range(0, len(found.terms), len(signs)):
        total = torch.zeros(len(axes[0]), len(axes[1]), dtype=torch.float64)
        for sign, term in zip(signs, found.terms[first : first + len(signs)], strict=True):
            total += sign * (yield from _read(loaded, request, term, lens, mid=mid))
        read.append(total)
        if len(read) == found.prompts or time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            every = torch.stack(read)
            mean, spread = every.mean(0), every.std(0) if len(read) > 1 else total * torch.nan
            yield LensMean(
                axes, host(mean), states_of(mean, model, lens, mid=mid),
                host(spread), len(read), found.prompts,
            )  # fmt: skip


def _read(
    loaded: Loaded, request: AverageLens, term: Term, lens: Lens, *, mid: bool
) -> Generator[None, None, torch.Tensor]:
    """Return what is read of one prompt, [row, place], yielding between pieces."""
    model = term.run.model
    clean = loaded.run(model, term.pair.clean_prompt)
    for run in (clean, term.run):
        yield from run.steps()
    metric = averaged_metric(loaded.answers(term.pair, clean), term.pair, request.value)
    values: torch.Tensor | None = None
    for found in lens_metric(term.run, lens, metric, mid=mid):
        values = found
        yield None
    assert values is not None
    return values[:, list(term.places)] if term.places else values


def read_worth(loaded: Loaded, request: LensWorth) -> Iterator[Answer | None]:
    """Yield what a lens is worth on the text that none was fitted on, ever more exactly."""
    model = loaded.use(request.model)
    lens, _ = lens_of(model, request.lens)
    axes = (row_axis(model),)
    for worth in held_out_worth(model, lens):
        if worth is None:
            yield None
        else:
            yield Slice(axes, host(worth), states_of(worth, model, lens, mid=False))
