"""Answers about attention: every head at a glance, one head exactly."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from lensgui.analysis.heads.attention import weighted_attention, weighted_heads
from lensgui.analysis.heads.readout import first_share, hide_first_source, shrink, shrink_signed
from lensgui.analysis.heads.scores import head_scores, strongest_edges, targets
from lensgui.analysis.pairs.roles import at_places
from lensgui.analysis.run.run import Run
from lensgui.jobs.arrays import ATLAS_SIDE, Atlas, Axis, CellState, HeadRows, HeadSlice
from lensgui.jobs.handlers import in_words
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.mixtures import Mixture, differences, mixture
from lensgui.jobs.handlers.sweep_arrays import head_axis, host, layer_axis
from lensgui.jobs.requests import AttentionFrom, AttentionGrid, AttentionHead
from lensgui.jobs.results import Answer
from lensgui.terms.kinds import AttentionMeasure
from lensgui.terms.metrics import LogitDifference
from lensgui.terms.scores import PROMPT_SCORES

STRONGEST = PROMPT_SCORES.index("strongest edge")
Places = NDArray[np.int32]
MOST = 0.99  # of the heads have their largest number within the colours
FEW = 2  # short prompts: their layers are drawn in one step
SOON_S = 0.12  # a grid that is whole by then is not shown in parts: painting them takes its time


class AtlasDrawing:
    """Every head's attention as bytes, drawn layer by layer."""

    def __init__(
        self,
        mixture: Mixture,
        hide_first: bool,
        measure: AttentionMeasure = "pattern",
        metrics: Sequence[LogitDifference | None] = (),
    ) -> None:
        """Start with an empty picture.

        Args:
            mixture: What is read.
            hide_first: Whether position 0 is left out.
            measure: What is counted.
            metrics: What contributions are to, in each run.
        """
        model = mixture.terms[0].run.model
        cfg = model.cfg
        self._mixture, self._hides_first = mixture, hide_first
        self._measure, self._metrics = measure, metrics or [None] * len(mixture.terms)
        self._is_signed = mixture.is_difference or measure == "contribution"
        self._targets = [targets(term.run.tokens) for term in mixture.terms]
        self._step = max(1, -(-mixture.length // ATLAS_SIDE))
        side = -(-mixture.length // self._step)
        of_heads = (cfg.n_layers, cfg.n_heads)
        empty = 128 if self._is_signed else 0
        self._ends = np.zeros((*of_heads, 2), np.float32)
        self._read_out = 0.0  # the largest size where the metric is read
        self._values = np.full((*of_heads, side, side), empty, np.uint8)
        self._scores = np.full((len(PROMPT_SCORES), *of_heads), np.nan, np.float32)
        self._strongest: Places = np.full((*of_heads, 2), -1, np.int32)
        self._broken: NDArray[np.bool_] | None = None
        self._layers = 0
        self._axes = (layer_axis(model), head_axis(model), *map(self._axis, ("position", "source")))

    def _axis(self, name: str) -> Axis:
        whole = self._mixture.positions(name)
        return Axis(name, whole.coordinates[:: self._step], whole.labels[:: self._step])

    @torch.no_grad()
    def add(self, layer: int, groups: range) -> Iterator[None]:
        """Draw the heads of a layer that share some key/value heads, yielding between pieces."""
        weights = [term.weight for term in self._mixture.terms]
        patterns, scores = list[Tensor](), list[Tensor]()
        for term, needed in zip(self._mixture.terms, self._targets, strict=True):
            patterns.append(term.run.patterns(layer, groups))
            yield
            scores.append(head_scores(patterns[-1], needed))
            yield
        size = len(patterns[0]) // len(groups)
        heads = slice(groups.start * size, groups.stop * size)
        shown = _sum(weights, self._read(patterns))
        strongest, places = self._strongest_of(shown)
        self._scores[:STRONGEST, layer, heads] = host(_sum(weights, scores))
        self._scores[STRONGEST, layer, heads] = host(strongest)
        self._strongest[layer, heads] = places.cpu().numpy()
        if self._measure != "pattern":
            shown = yield from self._measured(layer, groups, weights)
        elif self._hides_first:
            hidden = [hide_first_source(pattern) for pattern in patterns]
            shown = _sum(weights, self._read(hidden))
        yield
        self._values[layer, heads] = self._bytes(shown, layer, heads)
        self._layers = layer + 1

    def _measured(
        self, layer: int, groups: range, weights: list[float]
    ) -> Generator[None, None, Tensor]:
        """Return another measure than attention, yielding between runs.

        Scores are −∞ where nothing is seen, and at position 0 where that is hidden; all else is 0.
        """
        found = list[Tensor]()
        for term, metric in zip(self._mixture.terms, self._metrics, strict=True):
            found.append(weighted_heads(term.run, layer, groups, self._measure, metric))
            yield
        read = self._read(found)
        unseen = torch.stack([of.isneginf() for of in read]).any(0)
        if self._hides_first and not self._mixture.roles:
            unseen[..., 0] = True
        shown = _sum(weights, [of.masked_fill(unseen, 0) for of in read])
        is_scored = self._measure == "scores" and not self._is_signed
        return shown.masked_fill(unseen, -torch.inf) if is_scored else shown

    def _read(self, patterns: list[Tensor]) -> list[Tensor]:
        """Return what is read of each run's patterns."""
        terms = self._mixture.terms
        return [at_places(of, term.places) for of, term in zip(patterns, terms, strict=True)]

    def _strongest_of(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        """Return the largest attention and where it is; by role position 0 is like any other."""
        if not self._mixture.roles:
            return strongest_edges(shown)
        values, places = strongest_edges(F.pad(shown, (1, 0, 1, 0)))
        return values, (places - 1).clamp(min=-1)

    def _bytes(self, shown: Tensor, layer: int, heads: slice) -> NDArray[np.uint8]:
        """Return patterns [head, position, source] as bytes, pooled to what the grid can show."""
        pool = shrink_signed if self._is_signed else shrink
        small = pool(shown, ATLAS_SIDE).float()
        if self._measure != "pattern":
            read_out = shown[:, -1].abs().nan_to_num(0, 0)
            self._read_out = max(self._read_out, float(read_out.max()))
            small = self._within_ends(small, layer, heads)
        small = small * 127 + 128 if self._is_signed else small * 255
        is_bad = ~small.isfinite()
        if is_bad.any():
            if self._broken is None:
                self._broken = np.zeros(self._values.shape, np.bool_)
            self._broken[layer, heads] = is_bad.cpu().numpy()
            small = small.masked_fill(is_bad, 0)
        return small.round().to("cpu", torch.uint8).numpy()

    def _within_ends(self, small: Tensor, layer: int, heads: slice) -> Tensor:
        """Return numbers as shares of their head's range, −1 to 1 where they are signed."""
        unseen, is_known = small.isneginf(), small.isfinite()
        high = small.abs() if self._is_signed else small
        high = high.masked_fill(~is_known, 0).flatten(1).amax(1)
        low = torch.zeros_like(high)
        if self._measure == "scores" and not self._is_signed:
            low = small.masked_fill(~is_known, torch.inf).flatten(1).amin(1).minimum(high)
        ends = torch.stack([-high if self._is_signed else low, high], 1)
        self._ends[layer, heads] = ends.cpu().numpy()
        span = (high - low).clamp(min=torch.finfo(high.dtype).tiny)
        shares = (small - low[:, None, None]) / span[:, None, None]
        return shares.masked_fill(unseen, 0)

    def _full(self) -> float:
        """Return what the strongest colour stands for."""
        if self._measure == "contribution":
            return self._read_out
        known = np.abs(self._ends[: self._layers]).max(-1)
        return float(np.quantile(known, MOST)) if known.size else 1.0

    def picture(self) -> Atlas:
        """Return what is drawn so far."""
        arrays = self._values.copy(), self._scores.copy(), self._strongest.copy()
        for array in arrays:
            array.flags.writeable = False
        values, scores, strongest = arrays
        broken = None if self._broken is None else self._broken.copy()
        if broken is not None:
            broken.flags.writeable = False
        return Atlas(
            self._axes,
            values,
            self._layers,
            scores,
            strongest,
            self._hides_first,
            self._mixture.is_difference,
            self._mixture.prompts,
            broken,
            self._measure,
            None if self._measure == "pattern" else self._ends.copy(),
            1.0 if self._measure == "pattern" else self._full(),
        )


def _sum(weights: list[float], parts: list[Tensor]) -> Tensor:
    """Return a weighted sum."""
    result = parts[0] if weights[0] == 1 else weights[0] * parts[0]
    for weight, part in zip(weights[1:], parts[1:], strict=True):
        result = result + weight * part
    return result


@dataclass(frozen=True, slots=True)
class HeadSum:
    """What was added up over the heads and runs of a question.

    Attributes:
        values: [position, source]; 0 where nothing is seen.
        unseen: Where some head sees nothing, later tokens apart, such as beyond its window.
        share: Mean attention to position 0, for queries after it.
    """

    values: Tensor
    unseen: Tensor
    share: float

    def at(self, places: tuple[int, ...]) -> HeadSum:
        """Return what is read at some places, unseen where the source comes later; () for all."""
        if not places:
            return self
        order = torch.tensor(places, device=self.values.device)
        unseen = at_places(self.unseen, places) | (order[:, None] < order)
        values = at_places(self.values, places).masked_fill(unseen, 0.0)
        return HeadSum(values, unseen, self.share)

    def plus(self, other: HeadSum) -> HeadSum:
        """Return both together."""
        return HeadSum(
            self.values + other.values, self.unseen | other.unseen, self.share + other.share
        )


@torch.no_grad()
def summand(
    run: Run, place: tuple[int, int], request: AttentionHead, metric: LogitDifference | None
) -> Generator[None, None, HeadSum]:
    """Return what a question wants of one head (layer, head) in one run, yielding between pieces.

    Args:
        run: The run.
        place: Layer and head.
        request: The question.
        metric: What contributions are to.
    """
    pattern = weighted_attention(run, *place)
    yield
    if request.measure == "pattern":
        values = hide_first_source(pattern) if request.hide_first else pattern
    else:
        values = weighted_attention(run, *place, request.measure, metric)
    unseen = values.isneginf()
    share = float(first_share(pattern)) if len(pattern) > 1 else float("nan")
    return HeadSum(values.masked_fill(unseen, 0.0), unseen, share)


def scaled(part: HeadSum, weight: float) -> HeadSum:
    """Return a sum times a number."""
    return HeadSum(part.values * weight, part.unseen, part.share * weight)


def head_slice(mixture: Mixture, found: HeadSum, request: AttentionHead) -> HeadSlice:
    """Return numbers of one head, or of several; what a causal model can't see is masked."""
    shown = host(found.values)
    states = np.full(shown.shape, CellState.EXACT, np.uint8)
    states[~np.isfinite(shown)] = CellState.NOT_FINITE
    states[found.unseen.cpu().numpy()] = CellState.MASKED
    if not mixture.roles:
        states[np.triu_indices(len(shown), 1)] = CellState.MASKED
    if request.hide_first and not mixture.roles:
        states[:, 0] = CellState.MASKED
    states.flags.writeable = False
    axes = (mixture.positions("position"), mixture.positions("source"))
    return HeadSlice(
        axes,
        shown,
        states,
        request.measure,
        mixture.is_difference,
        found.share,
        mixture.prompts,
    )


def attention_grid(loaded: Loaded, request: AttentionGrid) -> Iterator[Answer | None]:
    """Yield every head's attention, ever more layers of it."""
    model = loaded.use(request.model)
    found = yield from mixture(loaded, model, request)
    metrics: Sequence[LogitDifference | None] = ()
    if request.measure == "contribution":
        metrics = yield from differences(loaded, found)
        yield from found.steps()
    drawing = AtlasDrawing(found, request.hide_first, request.measure, metrics)
    groups = model.cfg.kv_heads
    is_long = found.length > ATLAS_SIDE or len(found.terms) > FEW
    at_once = 1 if is_long else groups
    begun = monotonic()
    for layer in range(model.cfg.n_layers):
        for _ in found.steps(layer + 1):
            yield None
        for first in range(0, groups, at_once):
            pieces = drawing.add(layer, range(first, first + at_once))
            if is_long:
                yield from pieces
            else:
                deque(pieces, maxlen=0)
        is_whole = layer == model.cfg.n_layers - 1
        yield drawing.picture() if is_whole or monotonic() - begun > SOON_S else None


def attention_head(loaded: Loaded, request: AttentionHead) -> Iterator[Answer | None]:
    """Yield what one head takes from where, or the mean of several."""
    model = loaded.use(request.model)
    found = yield from mixture(loaded, model, request)
    for layer, head in request.heads:
        in_words.check_head(model, layer, head)
    metrics: Sequence[LogitDifference | None] = [None] * len(found.terms)
    if request.measure == "contribution":
        metrics = yield from differences(loaded, found)
        yield from found.steps()
    yield from found.steps(max(layer for layer, _ in request.heads) + 1)
    total: HeadSum | None = None
    for place in request.heads:
        for term, metric in zip(found.terms, metrics, strict=True):
            part = yield from summand(term.run, place, request, metric)
            part = scaled(part.at(term.places), term.weight / len(request.heads))
            total = part if total is None else total.plus(part)
            yield None
    if total is not None:
        yield head_slice(found, total, request)


@torch.no_grad()
def attention_rows(loaded: Loaded, request: AttentionFrom) -> Iterator[Answer | None]:
    """Yield what every head attends to from one position, once it is known."""
    model = loaded.use(request.model)
    found = yield from mixture(loaded, model, request)
    if request.position >= found.length:
        raise ValueError(
            f"There is no position {request.position}: there are {found.length} to look from."
        )
    total: Tensor | None = None
    for term in found.terms:
        places = term.places or tuple(range(found.length))
        rows = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, len(term.run.tokens))
        for layer in range(model.cfg.n_layers):
            for _ in term.run.steps(layer + 1):
                yield None
            seen = term.run.attention_from(layer, places[request.position])
            rows[layer, :, : seen.shape[-1]] = seen.cpu()
        part = term.weight * rows[..., list(places)]
        total = part if total is None else total + part
        yield None
    assert total is not None
    axes = layer_axis(model), head_axis(model), found.positions("source")
    yield HeadRows(axes, host(total), found.is_difference, found.prompts)
