"""Whether a stored answer fits its question, and its arrays its axes.

Files come from others: what does not fit would break the pane that draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import pairwise
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs import requests
from lensgui.jobs.answers import (
    activations,
    arrays,
    attributions,
    circuits,
    generation,
    interventions,
    lenses,
    neurons,
    readings,
)
from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.questions.activation_requests import MapModel, ReadActivation
from lensgui.jobs.questions.attribution_requests import (
    AttributeMetric,
    AttributeNeurons,
    AttributeSources,
)
from lensgui.jobs.questions.lens_requests import AverageLens, LensMetric, LensWorth, ReadLens
from lensgui.jobs.questions.neuron_requests import (
    NeuronOverPrompt,
    NeuronSlopes,
    RankNeurons,
    ReadNeurons,
)
from lensgui.jobs.request import Request
from lensgui.state.sessions.stored import fits
from lensgui.state.sessions.stored.fits import check, check_shapes
from lensgui.terms.kinds import HeadInput
from lensgui.terms.scores import MODEL_SCORES, PROMPT_SCORES, REPEATED_SCORES

_COUNTED = ("layer", "head", "key_value_head")  # axes whose places are numbered without gaps
_LEAST_SCALE, _MOST_SCALE = 1e-3, 1e9  # of clean − corrupted, where shares of it are shown
_SETTLED = CellState.ESTIMATE, CellState.EXACT, CellState.UNCHANGED  # whose numbers are drawn

Shape = tuple[int | None, int | None]  # layers, and heads of each; None where nothing says it
UNSAID: Shape = (None, None)
OTHER = "its answers are of different models"


def check_fit(request: Request, answer: Answer) -> None:
    """Refuse an answer that is none to its question, or not whole, or does not fit itself.

    Raises:
        ValueError: If it does not fit; a phrase says what does not.
    """
    _CHECKS[type(answer)](request, answer)


def model_shape(answers: Iterable[tuple[Request, Answer]]) -> Shape:
    """Return of how many layers and of how many heads a layer some answers speak.

    Raises:
        ValueError: If they speak of different models.
    """
    return reduce(agreed, (answer for _, answer in answers), UNSAID)


def agreed(known: Shape, answer: Answer) -> Shape:
    """Return what is known of a model's layers and heads, and what an answer says of them.

    Raises:
        ValueError: If it is about another model.
    """
    pairs = list(zip(known, _shape(answer), strict=True))
    check(all(None in pair or pair[0] == pair[1] for pair in pairs), OTHER)
    layers, heads = (other if one is None else one for one, other in pairs)
    return layers, heads


def _shape(answer: Answer) -> Shape:
    if isinstance(answer, arrays.HeadEffects):
        return answer.ablation.shape[0], answer.ablation.shape[1]
    if isinstance(answer, arrays.Evidence):
        return answer.attribution.shape[0], answer.attribution.shape[1]
    if isinstance(answer, arrays.ModelScores):
        return answer.measures.copying.shape[0], answer.measures.copying.shape[1]
    if isinstance(answer, circuits.EdgeTable):
        return answer.shape.n_layers, answer.shape.n_heads
    if isinstance(answer, readings.LensReading):
        return len(answer.top) - 1, None
    if isinstance(answer, activations.ActivationSlice):
        return UNSAID
    axes: tuple[Axis, ...] = getattr(answer, "axes", ())
    sizes = {axis.name: len(axis) - axis.coordinates.count(None) for axis in axes}
    return sizes.get("layer"), sizes.get("head")


def _check_axes(axes: tuple[Axis, ...], names: tuple[str, ...], array: NDArray[Any]) -> None:
    """Refuse axes that are others than expected, or do not fit an array."""
    check(tuple(axis.name for axis in axes) == names, "an answer has other axes than its question")
    check(array.shape == tuple(map(len, axes)), "an array does not fit its axes")
    for axis in axes:
        check(len(axis.labels) == len(axis), "an axis has not as many labels as places")
        known = [at for at in axis.coordinates if at is not None]
        if axis.name in _COUNTED:
            check(known == list(range(len(known))), "an axis counts its places in an odd way")
        check(all(one < other for one, other in pairwise(known)), "an axis goes back and forth")


def _check_slice(found: arrays.Slice, names: tuple[str, ...]) -> None:
    _check_axes(found.axes, names, found.values)
    check_shapes(found.values.shape, found.states)
    check(int(found.states.max(initial=0)) <= max(CellState), "a cell has a state that none has")
    settled = found.values[np.isin(found.states, _SETTLED)]
    check(bool(np.isfinite(settled).all()), "a number that is known is not finite")


def _check_sweep(request: Any, found: arrays.Sweep) -> None:
    if isinstance(request, requests.Patching):
        check((request.layer is None) == (request.head is None), "half of a head is named")
        names = request.kind.axes if request.layer is None else request.kind.axes[2:]
        check(found.direction == request.direction, "a sweep goes the other way")
    else:
        names = ("input",)
        labels = found.axes[0].labels
        check(labels == get_args(HeadInput), "paths go into other inputs than heads have")
    _check_numbers(request, found, names)


def _check_numbers(request: Any, found: arrays.Sweep, names: tuple[str, ...]) -> None:
    _check_slice(found, names)
    check(found.metric == request.pair.metric, "a sweep is of another metric")
    is_usual = _LEAST_SCALE < abs(found.scale) < _MOST_SCALE  # others are refused, or NaN
    check(is_usual, "a sweep has shares of nothing, or of far too much")
    of, spread = found.settled, found.spread
    is_sampled = of is None or 0 < of.drawn <= of.exact < of.total
    check(is_sampled, "a sweep has settled without a sample")
    ends = () if spread is None else (spread.low, spread.high)
    check_shapes(found.values.shape, found.estimates, *ends)
    check(sum(end is None for end in ends) != 1, "an interval has one end")


def _check_feeding(request: requests.WhoFeeds, found: arrays.Feeding) -> None:
    _check_numbers(request, found, ("layer", "head"))
    check(found.heads == request.heads, "an answer is about other heads than its question")


def _check_head_slice(request: requests.AttentionHead, found: arrays.HeadSlice) -> None:
    _check_slice(found, ("position", "source"))
    check(found.measure == request.measure, "an answer has another measure than its question")


def _check_atlas(request: requests.AttentionGrid, found: arrays.Atlas) -> None:
    _check_axes(found.axes, ("layer", "head", "position", "source"), found.values)
    layers, heads, side, _ = found.values.shape
    check(found.is_whole, "not all layers of an answer are known")
    check(found.measure == request.measure, "an answer has another measure than its question")
    check(found.scores.shape == (len(PROMPT_SCORES), layers, heads), "scores have an odd shape")
    check_shapes(found.values.shape, found.broken)
    check_shapes((layers, heads, 2), found.strongest, found.ends)
    check((found.ends is None) == (found.measure == "pattern"), "numbers have no ends")
    first, second = (*found.axes[2].coordinates[:2], None, None)[:2]
    step = 1 if first is None or second is None else second - first
    is_there = (found.strongest >= -1).all() and (found.strongest < max(1, side * step)).all()
    check(bool(is_there), "the strongest attention is outside of the prompt")
    ends = () if found.ends is None else (found.ends,)
    check(all(np.isfinite(of).all() for of in (*ends, found.full)), "a scale is not finite")


def _check_rows(request: requests.AttentionFrom, found: arrays.HeadRows) -> None:
    _check_axes(found.axes, ("layer", "head", "source"), found.values)
    check(bool(np.isfinite(found.values).all()), "a number that is known is not finite")


def _check_effects(request: requests.HeadRoles, found: arrays.HeadEffects) -> None:
    check(found.ablation.ndim == 2, "an array has an odd shape")
    check_shapes(found.ablation.shape, found.attribution, found.attention)


def _check_scores(request: requests.ScoreHeads, found: arrays.ModelScores) -> None:
    of = found.measures
    check(of.copying.ndim == 2, "an array has an odd shape")
    check_shapes(of.copying.shape, of.previous, of.duplicate, of.induction)
    check(len(found.queries) == len(REPEATED_SCORES), "scores are of an odd number of queries")
    check({*found.unsettled} <= {*MODEL_SCORES}, "a score that is estimated has an odd name")
    check_shapes(of.copying.shape, found.raw_copying)
    check_shapes((2, *of.copying.shape), found.copied)


def _check_evidence(request: requests.ReadEvidence, found: arrays.Evidence) -> None:
    check(found.attribution.ndim == 2, "an array has an odd shape")
    for of in found.measures:
        each = of.to_answer, of.to_distractor, of.to_repeat, of.share
        check_shapes(found.attribution.shape, *each)
    counts = found.read, found.total
    check(counts == (len(request.pairs),) * 2, "an answer is about other pairs than its question")
    check(len(found.measures) <= found.total, "an answer is about other pairs than its question")


def _check_pair(request: requests.ReadPair, found: readings.PairReading) -> None:
    check(found.complete, "a pair has not been read to its end")
    for of in (found.clean, found.corrupted):
        if of is not None:
            is_right = len(of.surprisals) in (0, len(of.tokens))
            check(is_right, "a prompt has not as many surprisals as tokens")
    last = max(found.differing, default=-1)
    check(last < len(found.clean.tokens), "prompts differ beyond their end")
    is_pair = found.corrupted is not None and not found.is_unequal
    check(is_pair or not found.differing, "prompts of different lengths differ in places")


def _check_pairs(request: requests.ReadPairs, found: readings.PairsReading) -> None:
    counts = len(found.rows), found.total
    check(counts == (len(request.pairs),) * 2, "an answer is about other pairs than its question")


def _check_lens(request: requests.LogitLens, found: readings.LensReading) -> None:
    check(len(found.top) > 0, "a lens has no rows")
    check(len(found.metric) in (0, len(found.top)), "a lens has not as many metrics as rows")


def _check_grid(request: ReadLens, found: lenses.LensGrid) -> None:
    check(request.only is None, "an answer is of one position alone")
    _check_axes(found.axes, ("layer", "position"), found.states)
    shape, k = found.states.shape, found.tokens.shape[-1] if found.tokens.ndim else 0
    check_shapes(shape, found.entropy, found.divergence, found.surprisal)
    check_shapes((*shape, k), found.tokens, found.log_probs)
    of_chosen = found.logits, found.chosen_log_probs, found.ranks
    check_shapes((*shape, len(found.chosen)), *of_chosen)
    check(k > 0, "a lens names no tokens")
    check(int(found.states.max(initial=0)) <= max(CellState), "a cell has a state that none has")
    known = found.states == CellState.EXACT
    there = [at for at, token in enumerate(found.chosen) if token is not None]
    of_tokens = [of[..., there] for of in of_chosen]
    numbers = found.log_probs, found.entropy, found.divergence, *of_tokens
    check(all(np.isfinite(of[known]).all() for of in numbers), "a known number is not finite")
    named = set(np.unique(found.tokens[known]).tolist())
    check(named <= found.names.keys(), "a token has no name")
    rows = {at for at in range(shape[0]) if not known[at].all()}
    check(rows <= found.unread, "not all rows of an answer are known")


_AXES: dict[type[Request], tuple[str, ...]] = {
    LensMetric: ("layer", "position"),
    LensWorth: ("layer",),
    NeuronOverPrompt: ("position",),
}


def _check_plain(request: Request, found: arrays.Slice) -> None:
    _check_slice(found, _AXES.get(type(request), ("layer", "head")))


def _check_ranking(request: RankNeurons, found: neurons.NeuronRanking) -> None:
    _check_neurons(found.numbers, found.activations, found.effects)
    check(bool(np.isfinite(found.activations).all()), "a number that is known is not finite")
    check(request.position in (None, found.position), "an answer is about another position")


def _check_products(request: NeuronSlopes, found: neurons.NeuronProducts) -> None:
    _check_neurons(found.numbers, found.values)


def _check_neurons(numbers: NDArray[np.int32], *others: NDArray[Any]) -> None:
    check(numbers.ndim == 1, "an array has an odd shape")
    check_shapes(numbers.shape, *others)
    is_rising = bool((np.diff(numbers) > 0).all()) and int(numbers.min(initial=0)) >= 0
    check(is_rising, "neurons are counted in an odd way")


def _check_words(request: ReadNeurons, found: neurons.NeuronWords) -> None:
    named = tuple(one.neuron for one in found.neurons)
    check(named == request.neurons, "an answer is about other neurons than its question")


def _check_mean(request: AverageLens, found: lenses.LensMean) -> None:
    _check_slice(found, ("layer", "position"))
    check_shapes(found.values.shape, found.deviation)
    check(found.pairs == found.total <= len(request.rows), "a mean is over other pairs")


def _check_map(request: MapModel, found: activations.ModelMap) -> None:
    check(found.layer == request.layer, "a map is of another layer")
    for point in found.points:
        check(len(point.axes) == len(point.sizes), "a hook point has odd axes")
        check(point.layer in (None, found.layer), "a hook point is of another layer")


def _check_activation(request: ReadActivation, found: activations.ActivationSlice) -> None:
    check(len(found.axes) == 2, "an activation is shown in two axes")
    named = sorted((*(axis.name for axis in found.axes), *(axis.name for axis, _ in found.others)))
    check(sorted(found.order) == named, "an activation has other axes than are said")
    for axis in (*found.axes, *(axis for axis, _ in found.others)):
        check(axis.coordinates == tuple(range(len(axis))), "an axis counts in an odd way")
        check(len(axis.labels) == len(axis), "an axis has not as many labels as places")
    check(found.values.shape == tuple(map(len, found.axes)), "an array does not fit its axes")
    check_shapes(found.values.shape, found.states)
    check(int(found.states.max(initial=0)) <= max(CellState), "a cell has a state that none has")
    check(all(at < len(axis) for axis, at in found.others), "an axis stands beyond its end")
    settled = found.values[np.isin(found.states, _SETTLED)]
    check(bool(np.isfinite(settled).all()), "a number that is known is not finite")


def _check_parts(request: AttributeMetric, found: attributions.Parts) -> None:
    _check_axes(found.axes, ("layer", "head"), found.values)
    layers, heads = (len(axis) - axis.coordinates.count(None) for axis in found.axes)
    check_shapes(found.values.shape, found.deviation)
    check_shapes((layers, len(found.axes[1]) - heads), found.components)
    check_shapes(found.components.shape, found.components_deviation)
    check_shapes((2 * layers + 1,), found.cumulative, found.cumulative_deviation)
    numbers = found.values, found.components, found.cumulative
    check(all(bool(np.isfinite(of).all()) for of in numbers), "a known number is not finite")
    singles = *found.outside.values(), found.logits, found.capped, found.metric
    check(bool(np.isfinite(singles).all()), "a known number is not finite")
    count = len(request.rows) or 1
    check(found.pairs == found.total <= count, "a mean is over other pairs")


def _check_terms(request: AttributeSources | AttributeNeurons, found: attributions.Terms) -> None:
    name = "source" if isinstance(request, AttributeSources) else "neuron"
    check(found.axis.name == name, "an answer has other axes than its question")
    check(len(found.axis.labels) == len(found.axis), "an axis has not as many labels as places")
    check_shapes((len(found.axis),), found.values)
    check(len(found.notes) == len(found.axis), "not every term has its note")
    check(bool(np.isfinite(found.values).all()), "a known number is not finite")
    check(bool(np.isfinite(found.whole)), "a known number is not finite")


def _check_head(request: requests.ReadHead, found: readings.HeadReading) -> None:
    check(len(found.attention) <= len(found.tokens), "attention is beyond the prompt")
    check(request.position < len(found.tokens), "a position is beyond the prompt")


def _check_nothing(request: Request, found: Answer) -> None:
    """Accept what has no parts that could fail to fit."""


_CHECKS: dict[type, Callable[[Any, Any], None]] = {
    arrays.Sweep: _check_sweep,
    arrays.Feeding: _check_feeding,
    arrays.HeadSlice: _check_head_slice,
    arrays.Atlas: _check_atlas,
    arrays.HeadRows: _check_rows,
    arrays.HeadEffects: _check_effects,
    arrays.ModelScores: _check_scores,
    arrays.Evidence: _check_evidence,
    readings.PairReading: _check_pair,
    readings.PairsReading: _check_pairs,
    readings.LensReading: _check_lens,
    lenses.LensGrid: _check_grid,
    arrays.Slice: _check_plain,
    neurons.NeuronRanking: _check_ranking,
    neurons.NeuronProducts: _check_products,
    neurons.NeuronWords: _check_words,
    lenses.LensMean: _check_mean,
    activations.ModelMap: _check_map,
    activations.ActivationSlice: _check_activation,
    attributions.Parts: _check_parts,
    attributions.Terms: _check_terms,
    interventions.InterventionsReading: fits.check_interventions,
    interventions.StrengthReading: fits.check_strength,
    interventions.SetReading: fits.check_set,
    generation.Continuations: fits.check_continuations,
    circuits.EdgeTable: fits.check_edge_table,
    circuits.EdgeChecks: fits.check_edge_checks,
    circuits.CircuitReading: fits.check_circuit,
    circuits.CurveReading: fits.check_curve,
    readings.MLPReading: _check_nothing,
    readings.HeadReading: _check_head,
    readings.EdgeReading: _check_nothing,
}
