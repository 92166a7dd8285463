"""What a lens reads of every row and position, the selected position first."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from lensgui.analysis.lenses.files import load_lens
from lensgui.analysis.lenses.lens import Lens, LogitLens, check_lens
from lensgui.analysis.lenses.reading import LensCells, lens_metric, read_lens, readable_rows
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.arrays import Axis, CellState, Slice
from lensgui.jobs.answers.lenses import LensGrid
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.in_words import token_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import host, position_axis
from lensgui.jobs.lens_requests import LensMetric, ReadLens
from lensgui.models import lenses
from lensgui.transformer.model import HookedTransformer

TOP = 10  # likeliest tokens of each cell
PAUSE = 0.1  # seconds between two answers that grow
END = "end"  # what the row after the last layer is called
OF_SEVERAL = (
    "The metric reads an answer of several tokens at once, and a lens one position: choose another "
    "metric."
)


def read_lens_grid(loaded: Loaded, request: ReadLens) -> Iterator[Answer | None]:
    """Yield what is known of the cells, ever more of them."""
    run, clean = yield from _complete(loaded, request)
    found = loaded.answers(request.pair, clean)
    chosen = tuple(ids[0] for ids in (found.answer, found.distractor) if len(ids) == 1)
    lens, remark = _lens(run.model, request.lens)
    growing = _Growing(run, chosen, lens, remark)
    length = len(run.tokens)
    start = request.start if request.only is None else request.only
    start = start if -length <= start < length else -1
    last = time.monotonic()
    for cells in read_lens(run, lens, chosen, start, TOP):
        growing.take(cells)
        if request.only is not None and growing.has(start):
            break
        is_first, now = not growing.shown, time.monotonic()
        if is_first or now - last >= PAUSE:
            last = now
            yield growing.grid()
        else:
            yield None
    yield growing.grid()


def read_lens_metric(loaded: Loaded, request: LensMetric) -> Iterator[Answer | None]:
    """Yield the metric at every row and position."""
    run, clean = yield from _complete(loaded, request)
    metric = loaded.answers(request.pair, clean).metric
    if metric is None:
        raise ValueError("There is no answer to read a metric of: type one.")
    if metric.reads != 1:
        raise ValueError(OF_SEVERAL)
    lens, _ = _lens(run.model, request.lens)
    unread = _unread(run.model, lens)
    for values in lens_metric(run, lens, metric):
        if values is None:
            yield None
            continue
        states = np.where(values.isfinite().numpy(), CellState.EXACT, CellState.NOT_FINITE)
        states[sorted(unread)] = CellState.UNKNOWN
        axes = row_axis(run.model), position_axis(run)
        yield Slice(axes, host(values), states.astype(np.uint8))


def _complete(
    loaded: Loaded, request: ReadLens | LensMetric
) -> Generator[None, None, tuple[Run, Run]]:
    """Run the prompts to the end; return the run that is read, and the clean one."""
    model, pair = loaded.use(request.model), request.pair
    clean = loaded.run(model, pair.clean_prompt)
    run = clean if request.side == "clean" else loaded.run(model, pair.corrupted_prompt)
    for one in (clean, run):
        for _ in one.steps():
            yield None
    return run, clean


def _lens(model: HookedTransformer, name: str) -> tuple[Lens, str]:
    """Return the lens of a name, and what has to be known of it.

    Raises:
        ModelError: If it is not here.
        ValueError: If it is not one of the model.
    """
    lens = LogitLens() if not name else _loaded(name, _written(name))
    return lens, check_lens(model, lens)


def _written(name: str) -> int:
    """Return when the file of a lens was written; 0 where there is none."""
    try:
        return lenses.find(name).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _loaded(name: str, written: int) -> Lens:
    """Return the lens of a name; the one that was read last is kept."""
    return load_lens(name)


def _unread(model: HookedTransformer, lens: Lens) -> frozenset[int]:
    """Return the rows that a lens has nothing for."""
    return frozenset(range(model.cfg.n_layers + 1)) - {*readable_rows(model, lens)}


def row_axis(model: HookedTransformer) -> Axis:
    """Return the axis of rows: the layer that each enters, and the end, which selects none."""
    layers = range(model.cfg.n_layers)
    return Axis("layer", (*layers, None), (*(f"L{layer}" for layer in layers), END))


class _Growing:
    """Arrays that fill, and what is shown of them.

    Attributes:
        shown: How many answers there were.
    """

    def __init__(self, run: Run, chosen: tuple[int, ...], lens: Lens, remark: str) -> None:
        self.shown = 0
        self._unread, self._remark = _unread(run.model, lens), remark
        facts = lens.name, lens.fit.model and f"of {lens.fit.model}", lens.fit.size
        self._through = ", ".join(filter(None, facts))
        self._run, self._names = run, dict[int, Token]()
        self._axes = row_axis(run.model), position_axis(run)
        self._chosen = tuple(token_of(run.model, token) for token in chosen)
        shape, k = (len(self._axes[0]), len(self._axes[1])), min(TOP, run.model.cfg.d_vocab_out)
        self._states = np.full(shape, CellState.UNKNOWN, np.uint8)
        of_cells = dict.fromkeys(("entropy", "divergence", "surprisal"), shape)
        of_chosen = {name: (*shape, len(chosen)) for name in _OF_CHOSEN}
        sizes = {**of_cells, **of_chosen, "log_probs": (*shape, k)}
        self._arrays: dict[str, np.ndarray[Any, Any]] = {
            name: np.full(size, np.nan, np.float32) for name, size in sizes.items()
        }
        self._arrays["tokens"] = np.zeros((*shape, k), np.int32)

    def take(self, cells: LensCells) -> None:
        """Fill in some cells."""
        at = cells.rows.numpy(), cells.positions.numpy()
        for name, array in self._arrays.items():
            source: torch.Tensor = getattr(cells, _OF_CHOSEN.get(name, name))
            array[at] = source.numpy()
        is_finite = cells.entropy.isfinite().numpy()
        self._states[at] = np.where(is_finite, CellState.EXACT, CellState.NOT_FINITE)
        for token in np.unique(cells.tokens.numpy()).tolist():
            if token not in self._names:
                self._names[token] = token_of(self._run.model, token)

    def has(self, position: int) -> bool:
        """Whether all rows are known at a position."""
        known = self._states[:, position] != CellState.UNKNOWN
        return set(np.flatnonzero(~known).tolist()) <= self._unread

    def grid(self) -> LensGrid:
        """Return what is known, which nobody writes to."""
        self.shown += 1
        arrays = {name: array.copy() for name, array in self._arrays.items()}
        for array in arrays.values():
            array.flags.writeable = False
        return LensGrid(
            self._axes,
            self._states.copy(),
            chosen=self._chosen,
            names=dict(self._names),
            through=self._through,
            unread=self._unread,
            remark=self._remark,
            **arrays,
        )


_OF_CHOSEN = {  # the grid's arrays of chosen tokens, and what they are called where they are read
    "logits": "chosen",
    "chosen_log_probs": "chosen_log_probs",
    "ranks": "chosen_ranks",
}
