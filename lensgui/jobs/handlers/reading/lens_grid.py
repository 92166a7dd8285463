"""What a lens reads of every row and position, the selected position first."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lensgui.analysis.lenses.cells import LensCells, lens_rows, readable_rows
from lensgui.analysis.lenses.files import load_lens
from lensgui.analysis.lenses.lens import Lens, LogitLens, check_lens
from lensgui.analysis.lenses.reading import lens_metric, read_lens
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.arrays import Axis, CellState, Slice
from lensgui.jobs.answers.lenses import LensGrid
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.in_words import token_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import host, position_axis
from lensgui.jobs.questions.lens_requests import LensMetric, ReadLens
from lensgui.models import lenses
from lensgui.transformer.model import HookedTransformer

TOP = 10  # likeliest tokens of each cell
PAUSE = 0.1  # seconds between two answers that grow
END, MID = "end", " mid"  # what the row after the last layer is called, and those within layers
NO_MIDDLE = "This model's attention and MLP stand side by side: there is no stream between them."
OF_SEVERAL = (
    "The metric reads an answer of several tokens at once, and a lens one position: choose another "
    "metric."
)


def read_lens_grid(loaded: Loaded, request: ReadLens) -> Iterator[Answer | None]:
    """Yield what is known of the cells, ever more of them."""
    run, clean = yield from _complete(loaded, request)
    found = loaded.answers(request.pair, clean)
    chosen, remarks = _chosen(run.model, (found.answer, found.distractor), request.tokens)
    if request.token is not None and request.token < run.model.cfg.d_vocab_out:
        chosen.append(request.token)
    lens, remark = lens_of(run.model, request.lens)
    mid = request.mid and run.model.cfg.has_middle
    if request.mid and not mid:
        remarks.append(NO_MIDDLE)
    remark = " ".join(filter(None, (remark, *remarks)))
    growing = _Growing(run, chosen, lens, remark, mid=mid)
    length = len(run.tokens)
    start = request.start if request.only is None else request.only
    start = start if -length <= start < length else -1
    last = time.monotonic()
    for cells in read_lens(run, lens, growing.tokens, start, TOP, mid=mid):
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
    lens, _ = lens_of(run.model, request.lens)
    mid = request.mid and run.model.cfg.has_middle
    for values in lens_metric(run, lens, metric, mid=mid):
        if values is None:
            yield None
            continue
        axes = row_axis(run.model, mid=mid), position_axis(run)
        yield Slice(axes, host(values), states_of(values, run.model, lens, mid=mid))


def states_of(
    values: torch.Tensor, model: HookedTransformer, lens: Lens, *, mid: bool
) -> NDArray[np.uint8]:
    """Return what is known of the cells of a whole answer, whose first axis are rows."""
    states = np.where(values.isfinite().numpy(), CellState.EXACT, CellState.NOT_FINITE)
    states[sorted(_unread(model, lens, mid=mid))] = CellState.UNKNOWN
    return states.astype(np.uint8)


def _chosen(
    model: HookedTransformer, given: Sequence[Sequence[int]], followed: Sequence[str]
) -> tuple[list[int | None], list[str]]:
    """Return the tokens that are followed, None for what is not one, and sentences about these."""
    chosen = [ids[0] if len(ids) == 1 else None for ids in given]
    remarks = []
    for typed in followed:
        ids = model.to_tokens(typed, prepend_bos=False)[0].tolist()
        chosen.append(ids[0] if len(ids) == 1 else None)
        if len(ids) != 1:
            remarks.append(f"‘{typed}’ is {len(ids)} tokens, and one at a time is followed.")
    return chosen, remarks


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


def lens_of(model: HookedTransformer, name: str) -> tuple[Lens, str]:
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


def _unread(model: HookedTransformer, lens: Lens, *, mid: bool) -> frozenset[int]:
    """Return the rows that a lens has nothing for."""
    every, read = lens_rows(model, mid=mid), readable_rows(model, lens, mid=mid)
    return frozenset(row.number for row in every) - {row.number for row in read}


def row_axis(model: HookedTransformer, *, mid: bool = False) -> Axis:
    """Return the axis of rows: the layer that each enters; others, and the end, select none."""
    *rows, _ = lens_rows(model, mid=mid)
    return Axis(
        "layer",
        (*(None if row.is_mid else row.layer for row in rows), None),
        (*(f"L{row.layer}{MID * row.is_mid}" for row in rows), END),
    )


class _Growing:
    """Arrays that fill, and what is shown of them.

    Attributes:
        shown: How many answers there were.
        tokens: Those that are followed.
    """

    def __init__(
        self, run: Run, chosen: list[int | None], lens: Lens, remark: str, *, mid: bool
    ) -> None:
        self.shown = 0
        self.tokens = tuple(token for token in chosen if token is not None)
        self._places = [at for at, token in enumerate(chosen) if token is not None]
        self._unread, self._remark = _unread(run.model, lens, mid=mid), remark
        facts = lens.name, lens.fit.model and f"of {lens.fit.model}", lens.fit.size
        self._through = ", ".join(filter(None, facts))
        self._run, self._names = run, dict[int, Token]()
        self._axes = row_axis(run.model, mid=mid), position_axis(run)
        self._chosen = tuple(
            None if token is None else token_of(run.model, token) for token in chosen
        )
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
            if name in _OF_CHOSEN:
                rows, columns = (index[:, None] for index in at)
                array[rows, columns, self._places] = source.numpy()
            else:
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
