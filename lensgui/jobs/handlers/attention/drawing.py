"""Every head's attention as bytes; what an earlier prompt began with is not drawn again."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from itertools import islice, takewhile
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from lensgui.analysis.heads.attention import weighted_heads
from lensgui.analysis.heads.readout import hide_first_source, shrink, shrink_signed
from lensgui.analysis.heads.scores import (
    mean_scores,
    query_scores,
    strongest_query,
    strongest_sources,
    targets,
)
from lensgui.analysis.pairs.roles import at_places
from lensgui.analysis.run.leaving import Leaving, leave
from lensgui.jobs.answers.arrays import ATLAS_SIDE, Atlas, Axis
from lensgui.jobs.handlers.attention.mixtures import Mixture
from lensgui.jobs.handlers.attention.strips import Drawn, Strip, side_by_side
from lensgui.jobs.handlers.sweep_arrays import head_axis, layer_axis
from lensgui.terms.kinds import AttentionMeasure
from lensgui.terms.metrics import LogitDifference
from lensgui.terms.scores import PROMPT_SCORES

STRONGEST = PROMPT_SCORES.index("strongest edge")
Places = NDArray[np.int32]
MOST = 0.99  # of the heads have their largest number within the colours
MOST_RUNS = 2  # of a grid that leaves something to others, and whose short layers are one step
AT_ONCE = 1 << 19  # numbers of heads, in about 15 ms


class Reader:
    """Reads heads of a mixture of runs, from some query on.

    Attributes:
        mixture: The runs.
        way: What is read and how, as `Drawn` keeps it.
        is_signed: Whether numbers may lie on either side of 0.
        step: How many queries, and how many sources, are pooled into one.
        unseen: What a source that is not seen counts.
        targets: Where heads of some kinds would look in each prompt.
    """

    def __init__(
        self,
        mixture: Mixture,
        hides_first: bool,
        measure: AttentionMeasure,
        metrics: Sequence[LogitDifference | None],
    ) -> None:
        """Read nothing yet; arguments as `AtlasDrawing` takes them."""
        self.mixture, self._hides_first, self._measure = mixture, hides_first, measure
        self._metrics = tuple(metrics) or (None,) * len(mixture.terms)
        self._weights = tuple(term.weight for term in mixture.terms)
        self.is_signed = mixture.is_difference or measure == "contribution"
        self.unseen = -torch.inf if measure == "scores" and not self.is_signed else 0.0
        self.step = max(1, -(-mixture.length // ATLAS_SIDE))
        models = tuple(term.run.model for term in mixture.terms)  # one under interventions: itself
        self.way = (measure, hides_first, self.step, self._weights, self._metrics, models)
        self.targets = [targets(term.run.tokens) for term in mixture.terms]

    @torch.no_grad()
    def rows(self, layers: range, groups: range, start: int) -> Generator[None, None, Strip]:
        """Return what is known of heads that share key/value heads, yielding between pieces.

        Args:
            layers: Layers that every run knows; their heads stand one behind the other.
            groups: Key/value heads.
            start: The first query.
        """
        patterns, scores = list[Tensor](), list[Tensor]()
        for term, needed in zip(self.mixture.terms, self.targets, strict=True):
            each = [term.run.patterns(layer, groups, start) for layer in layers]
            patterns.append(each[0] if len(each) == 1 else torch.cat(each))
            yield
            scores.append(query_scores(patterns[-1], needed, start))
            yield
        shown = self._sum(self._read(patterns))
        strongest = self._strongest(shown)
        if self._measure != "pattern":
            shown = yield from self._measured(layers, groups, start)
        elif self._hides_first:
            shown = self._sum(self._read([hide_first_source(of) for of in patterns]))
        yield
        pool = shrink_signed if self.is_signed else shrink
        peak = shown[:, -1].abs().nan_to_num(0, 0).amax(-1)
        return Strip(pool(shown, ATLAS_SIDE).float(), peak, tuple(scores), strongest)

    def scores(self, rows: Strip) -> Tensor:
        """Return the scores of heads, [score, head], as `head_scores` does, of all runs."""
        each = zip(rows.scores, self.targets, strict=True)
        return self._sum([mean_scores(of, needed) for of, needed in each])

    def strongest_edges(self, rows: Strip) -> tuple[Tensor, Tensor]:
        """Return each head's largest attention and where it is, as `strongest_edges` does."""
        values, places = strongest_query(*rows.strongest)
        return values, (places - 1).clamp(min=-1) if self.mixture.roles else places

    def _strongest(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        """Return each query's; by role position 0 is like any other."""
        return strongest_sources(F.pad(shown, (1, 0, 1, 0)) if self.mixture.roles else shown)

    def _measured(self, layers: range, groups: range, start: int) -> Generator[None, None, Tensor]:
        """Return another measure than attention, yielding between runs.

        Scores are −∞ where nothing is seen, and at position 0 where that is hidden; all else is 0.
        """
        found = list[Tensor]()
        for term, metric in zip(self.mixture.terms, self._metrics, strict=True):
            asked = self._measure, metric, start
            each = [weighted_heads(term.run, layer, groups, *asked) for layer in layers]
            found.append(torch.cat(each))
            yield
        read = self._read(found)
        unseen = torch.stack([of.isneginf() for of in read]).any(0)
        if self._hides_first and not self.mixture.roles:
            unseen[..., 0] = True
        shown = self._sum([of.masked_fill(unseen, 0) for of in read])
        return shown.masked_fill(unseen, self.unseen)

    def _read(self, patterns: list[Tensor]) -> list[Tensor]:
        """Return what is read of each run's patterns."""
        terms = self.mixture.terms
        return [at_places(of, term.places) for of, term in zip(patterns, terms, strict=True)]

    def _sum(self, parts: list[Tensor]) -> Tensor:
        """Return the weighted sum of what was read of each run."""
        weights = self._weights
        result = parts[0] if weights[0] == 1 else weights[0] * parts[0]
        for weight, part in zip(weights[1:], parts[1:], strict=True):
            result = result + weight * part
        return result


def _bytes(small: Tensor) -> Tensor:
    return small.round().to(torch.uint8)


def thinned(axis: Axis, step: int) -> Axis:
    """Return an axis of which one place of some counts for all."""
    return Axis(axis.name, axis.coordinates[::step], axis.labels[::step])


class AtlasDrawing:
    """Every head's attention as bytes, drawn layer by layer."""

    def __init__(
        self,
        mixture: Mixture,
        hide_first: bool,
        measure: AttentionMeasure = "pattern",
        metrics: Sequence[LogitDifference | None] = (),
        earlier: deque[Drawn] | None = None,
    ) -> None:
        """Start with an empty picture.

        Args:
            mixture: What is read.
            hide_first: Whether position 0 is left out.
            measure: What is counted.
            metrics: What contributions are to, in each run.
            earlier: What earlier drawings of this model have left; what this one leaves is added.
        """
        self._reader = Reader(mixture, hide_first, measure, metrics)
        self._model = mixture.terms[0].run.model
        self._measure, self._hides_first = measure, hide_first
        self._is_signed = self._reader.is_signed
        self._lenders = self._among(deque[Drawn]() if earlier is None else earlier)
        cfg = self._model.cfg
        side = -(-mixture.length // self._reader.step)
        heads = cfg.n_layers * cfg.n_heads
        self._ends = np.zeros((heads, 2), np.float32)
        self._read_out = 0.0  # the largest size where the metric is read
        empty = 128 if self._is_signed else 0
        self._values = np.full((heads, side, side), empty, np.uint8)
        self._scores = np.full((len(PROMPT_SCORES), heads), np.nan, np.float32)
        self._strongest: Places = np.full((heads, 2), -1, np.int32)
        self._broken: NDArray[np.bool_] | None = None
        self._leaving = deque[tuple[slice, Tensor, Leaving]]()
        self._layers = 0
        positions = thinned(mixture.positions("position"), self._reader.step)
        both = layer_axis(self._model), head_axis(self._model)
        self._axes = (*both, positions, replace(positions, name="source"))

    def _among(self, earlier: deque[Drawn]) -> list[tuple[int, Drawn]]:
        """Return drawings that begin alike, and how many queries each has to give, most first."""
        mixture, step = self._reader.mixture, self._reader.step
        if len(mixture.terms) > MOST_RUNS or mixture.roles:
            self._drawn = None
            return []
        tokens = tuple(term.run.ids for term in mixture.terms)
        self._drawn = Drawn(self._reader.way, tokens)
        lenders = [of for of in earlier if of.way == self._drawn.way]
        earlier.append(self._drawn)
        return sorted(
            ((of.shared(tokens) // step * step, of) for of in lenders), key=lambda pair: -pair[0]
        )

    def _lent(self, layer: int) -> tuple[int, Drawn | None]:
        """Return who has most queries of a layer to give, and how many."""
        lent = (pair for pair in self._lenders if layer in pair[1].layers)
        return next(lent, (0, None))

    @property
    def takes_long(self) -> bool:
        """Whether drawing the next layer takes so long that others should go first."""
        return self._at_once() < self._model.cfg.kv_heads or len(self._reader.targets) > MOST_RUNS

    def _at_once(self) -> int:
        """Return how many groups of heads are drawn at once next: those of several layers, too."""
        length = len(self._reader.targets[0].duplicate)
        queries = length - self._lent(self._layers)[0]
        return max(1, AT_ONCE // (self._model.cfg.heads_per_group * queries * length))

    def next_layers(self, known: int) -> range:
        """Return which layers are drawn together next, of those that every run knows."""
        first = self._layers
        most = max(1, self._at_once() // self._model.cfg.kv_heads)
        same = takewhile(lambda at: self._lent(at) == self._lent(first), range(first, known))
        return range(first, first + len(list(islice(same, most))))

    def is_full(self, known: int) -> bool:
        """Return whether more known layers would not be drawn together with the next ones."""
        return len(self.next_layers(self._model.cfg.n_layers)) <= known - self._layers

    def add(self, layers: range) -> Iterator[None]:
        """Draw the heads of the next layers, yielding between pieces."""
        cfg = self._model.cfg
        size, every = cfg.heads_per_group, cfg.kv_heads
        at_once, (start, lender) = min(every, self._at_once()), self._lent(layers.start)
        parts = []
        for first in range(0, every, at_once):
            groups = range(first, min(first + at_once, every))
            heads = slice(groups.start * size, groups.stop * size)
            rows = yield from self._reader.rows(layers, groups, start)
            if lender and start:
                before = side_by_side([lender.layers[at].of(heads) for at in layers])
                rows = rows.behind(before, start, self._reader.step, self._reader.unseen)
            offset = layers.start * cfg.n_heads + heads.start
            self._enter(slice(offset, offset + len(rows.small)), rows)
            parts.append(rows)
        self._layers = layers.stop
        if self._drawn:
            whole = side_by_side(parts)
            for number, layer in enumerate(layers):
                of = slice(number * cfg.n_heads, (number + 1) * cfg.n_heads)
                self._drawn.layers[layer] = whole.of(of)

    def _enter(self, heads: slice, rows: Strip) -> None:
        """Have what is known of some heads, counted layer by layer, leave for the picture."""
        strongest, places = self._reader.strongest_edges(rows)
        small, ends = rows.small, list[Tensor]()
        if self._measure != "pattern":
            small, found = self._within_ends(small)
            ends.append(found)
        small = small * 127 + 128 if self._is_signed else small * 255
        total = small.sum(dtype=torch.float32)  # which half precision may not hold
        facts = [self._reader.scores(rows), strongest, rows.peak.max(), total, *ends]
        sent = leave(_bytes(small), places, *(of.float() for of in facts))  # numpy has no bfloat16
        self._leaving.append((heads, small, sent))
        self._take()

    def arriving(self) -> Iterator[None]:
        """Put into the picture what is on its way, yielding as long as something is."""
        self._take()
        while self._leaving:
            yield
            self._take()

    def _take(self) -> None:
        """Put into the picture what has come."""
        while self._leaving and self._leaving[0][2].is_here():
            heads, small, leaving = self._leaving.popleft()
            numbers, places, scores, strongest, peak, total, *ends = leaving.copies
            self._values[heads] = numbers.numpy()
            if not total.isfinite():  # far quicker than looking at each
                self._break(heads, small)
            self._scores[:STRONGEST, heads], self._scores[STRONGEST, heads] = scores, strongest
            self._strongest[heads] = places.numpy()
            self._read_out = max(self._read_out, float(peak))
            for found in ends:
                self._ends[heads] = found.numpy()

    def _break(self, heads: slice, small: Tensor) -> None:
        """Mark numbers of heads that are not finite, and leave them out."""
        is_bad = ~small.isfinite()
        if self._broken is None:
            self._broken = np.zeros(self._values.shape, np.bool_)
        numbers, bad = leave(_bytes(small.masked_fill(is_bad, 0)), is_bad).arrived()
        self._values[heads], self._broken[heads] = numbers.numpy(), bad.numpy()

    def _within_ends(self, small: Tensor) -> tuple[Tensor, Tensor]:
        """Return numbers as shares of their head's range, −1 to 1 if signed, and its ends."""
        unseen, is_known = small.isneginf(), small.isfinite()
        high = small.abs() if self._is_signed else small
        high = high.masked_fill(~is_known, 0).flatten(1).amax(1)
        low = torch.zeros_like(high)
        if self._measure == "scores" and not self._is_signed:
            low = small.masked_fill(~is_known, torch.inf).flatten(1).amin(1).minimum(high)
        ends = torch.stack([-high if self._is_signed else low, high], 1)
        span = (high - low).clamp(min=torch.finfo(high.dtype).tiny)
        shares = (small - low[:, None, None]) / span[:, None, None]
        return shares.masked_fill(unseen, 0), ends

    def _full(self) -> float:
        """Return what the strongest colour stands for; 1 where all is 0."""
        if self._measure == "contribution":
            return self._read_out or 1.0
        known = np.abs(self._ends[: self._layers * self._model.cfg.n_heads]).max(-1)
        return (float(np.quantile(known, MOST)) if known.size else 0.0) or 1.0

    def _by_layer(self, array: NDArray[Any], axis: int = 0) -> NDArray[Any]:
        """Return a copy of an array of heads, [..., layer, head, ...], that nobody writes to."""
        shape, cfg = array.shape, self._model.cfg
        new = (*shape[:axis], cfg.n_layers, cfg.n_heads, *shape[axis + 1 :])
        found = array.reshape(new).copy()
        found.flags.writeable = False
        return found

    def picture(self) -> Atlas:
        """Return what is drawn so far, once all of it has arrived."""
        mixture, is_plain = self._reader.mixture, self._measure == "pattern"
        return Atlas(
            self._axes,
            self._by_layer(self._values),
            self._layers,
            self._by_layer(self._scores, axis=1),
            self._by_layer(self._strongest),
            self._hides_first,
            mixture.is_difference,
            mixture.prompts,
            None if self._broken is None else self._by_layer(self._broken),
            self._measure,
            None if is_plain else self._by_layer(self._ends),
            1.0 if is_plain else self._full(),
        )
