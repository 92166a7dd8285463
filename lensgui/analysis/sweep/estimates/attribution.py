"""Attribution patching: a first-order estimate of every cell of every sweep.

From two runs and a gradient.

A cell's estimate is (source activation − base activation) · ∂metric/∂activation on the base run
(Nanda 2023; Syed et al. 2023). It can be far off where the metric saturates, and for queries and
keys, whose softmax it takes for linear; the QK fix (Kramár et al. 2024) works attention out again
there. Where a direct effect and one by way of later layers cancel it is near 0 although neither
is: GradDrop is for that. Both together are the AtP* of Kramár et al.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lensgui.analysis.checks import check_model, check_one_length, check_unhooked
from lensgui.analysis.interventions.under import Given, pair_under
from lensgui.analysis.run.predictions import compared
from lensgui.analysis.run.recording import Recording
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.estimates.gradients import LayerGraph, gradient_at_the_end
from lensgui.analysis.sweep.kinds import (
    FIX_READS,
    FIX_READS_OF_BASE,
    WAYS,
    Both,
    check_kind,
    estimated,
    value_of,
)
from lensgui.terms.kinds import Direction, SweepKind
from lensgui.terms.metric import Agreement, Metric
from lensgui.transformer.model import HookedTransformer


def attribution_patch(
    model: HookedTransformer,
    clean: Tensor | Run,
    corrupted: Tensor | Run,
    metric: Metric,
    kinds: Sequence[SweepKind],
    direction: Direction = "denoising",
    qk_fix: bool = False,
    grad_drop: bool = False,
    interventions: Given = (),
) -> tuple[Tensor, ...]:
    """Estimate every cell of some kinds of sweep at once; see `attribution_steps`.

    Returns:
        For each kind the estimated change of the metric, in the shape of its map, in float64.
    """
    estimates: tuple[Tensor, ...] = ()
    for step in attribution_steps(
        model, clean, corrupted, metric, kinds, direction, qk_fix, grad_drop, interventions
    ):
        estimates = step or ()
    return estimates


@torch.no_grad()
def attribution_steps(
    model: HookedTransformer,
    clean: Tensor | Run,
    corrupted: Tensor | Run,
    metric: Metric,
    kinds: Sequence[SweepKind],
    direction: Direction = "denoising",
    qk_fix: bool = False,
    grad_drop: bool = False,
    interventions: Given = (),
) -> Iterator[tuple[Tensor, ...] | None]:
    """Estimate every cell of some kinds of sweep at once, a piece of a layer at a time.

    Of two complete runs it takes a forward and a backward pass of the base run, and a forward pass
    of the source unless that kept what is needed.

    GradDrop (Kramár et al. 2024) takes the gradient once for each layer, as if what attention and
    MLP of that layer add were constant, and averages sizes: Σ |estimate| / (layers − 1), since
    dropping a layer leaves its own parts an estimate of 0. It costs another backward pass for
    every two layers.

    Args:
        model: The model.
        clean: Token ids of the clean prompt, [position] or [1, position]; or its run, if there is
            one already.
        corrupted: The corrupted prompt, with as many tokens.
        metric: What is read; it must have a gradient.
        kinds: What cells replace.
        direction: "denoising" or "noising", as in `sweep`.
        qk_fix: Whether the estimates of q and k go through the softmax exactly.
        grad_drop: Whether to give GradDrop's sizes, which are never negative, not the changes.
        interventions: As in `sweep`; gradients go through them, so that they are 0 behind what sets
            an activation.

    Yields:
        None wherever one may stop; at last, for each kind, the estimated change of the metric, in
        the shape of its map, in float64.

    Raises:
        ValueError: If the metric has no gradient, the prompts have different lengths, hooks are
            attached, the model has no such activation, or GradDrop has but one layer to drop.
    """
    _check(model, metric, kinds, grad_drop)
    names, watched = _names(kinds, qk_fix)
    given = _runs(clean, corrupted, model, names, direction)
    clean_run, corrupted_run = runs = yield from pair_under(*given, interventions)
    metric = compared(clean_run.model, metric, clean_run.residuals[-1])
    source, base = runs if direction == "denoising" else (corrupted_run, clean_run)
    flows = [gradient_at_the_end(base, metric)]
    estimates = _Estimates(source, base, tuple(kinds), names, watched, qk_fix, grad_drop, flows)
    for layer in reversed(range(model.cfg.n_layers)):
        yield from estimates.steps(layer)
    yield estimates.maps()


def _check(
    model: HookedTransformer, metric: Metric, kinds: Sequence[SweepKind], grad_drop: bool
) -> None:
    """Refuse what has no estimate."""
    name = model.cfg.model_name
    if not metric.is_smooth:
        raise ValueError(f"{type(metric).__name__} has no gradient, so it has no estimate.")
    check_unhooked(model)
    for kind in kinds:
        check_kind(kind, model.cfg)
    if grad_drop and model.cfg.n_layers < 2:
        raise ValueError(f"{name} has one layer; GradDrop needs two or more.")


def _names(kinds: Sequence[SweepKind], qk_fix: bool) -> tuple[frozenset[str], frozenset[str]]:
    """Return the activations that estimates read of the source run, and of the base run."""
    ways = [WAYS[kind.activation] for kind in kinds]
    names = frozenset[str]().union(*(way.reads for way in ways))
    if not (qk_fix and any(way.fixed for way in ways)):
        return names, names
    return names | FIX_READS, names | FIX_READS | FIX_READS_OF_BASE


def _runs(
    clean: Tensor | Run,
    corrupted: Tensor | Run,
    model: HookedTransformer,
    names: frozenset[str],
    direction: Direction,
) -> tuple[Run, Run]:
    """Return the runs of two prompts, perhaps not yet complete, of which the source keeps names."""
    kept = (names, frozenset[str]()) if direction == "denoising" else (frozenset[str](), names)
    runs = [
        prompt if isinstance(prompt, Run) else Run(model, prompt, keeps)
        for prompt, keeps in zip((clean, corrupted), kept, strict=True)
    ]
    check_one_length(*(len(run.tokens) for run in runs))
    check_model(model, *runs)
    return runs[0], runs[1]


@dataclass(slots=True)
class _Estimates:
    """The estimates of every layer, from the last to the first.

    Attributes:
        names: The activations that are read of the source run.
        watched: Those that are read of the base run.
        flows: Gradients in the stream before the layers done so far, [position, d_model]: the whole
            one; and with GradDrop, that without each of those layers.
        rows: The estimates of each layer done so far, those of each kind.
    """

    source: Run
    base: Run
    kinds: tuple[SweepKind, ...]
    names: frozenset[str]
    watched: frozenset[str]
    qk_fix: bool
    grad_drop: bool
    flows: list[Tensor]
    rows: list[list[Tensor]] = field(default_factory=list)

    def steps(self, layer: int) -> Iterator[None]:
        """Estimate the cells of the next layer, yielding between pieces."""
        source = self._of_source(layer)
        yield
        graph = LayerGraph(self.base, layer, self.watched)
        yield from graph.forward()
        both = Both(self.base.model, layer, source, graph.activations())
        after, found = self.flows[0], list[list[Tensor]]()
        for at, flow in enumerate(self.flows):
            gradients = yield from graph.backward(flow)
            self.flows[at] = gradients["resid_pre"]
            found.append(self._rows(both, gradients))
            yield
        if self.grad_drop:
            around = graph.around(after)
            self.flows.append(after)
            found.append(self._rows(both, around))
            found = [[self._averaged(layer, passes) for passes in zip(*found, strict=True)]]
        self.rows.insert(0, found[0])

    def _of_source(self, layer: int) -> dict[str, Tensor]:
        """Return what the base run's layer is compared with."""
        recording = Recording(self.source, self.names)
        found = {kind.activation: value_of(kind, recording, layer) for kind in self.kinds}
        return found | {name: recording(name, layer) for name in self.names}

    def _rows(self, both: Both, gradients: dict[str, Tensor]) -> list[Tensor]:
        return [estimated(kind, both, gradients, self.qk_fix) for kind in self.kinds]

    def _averaged(self, layer: int, passes: tuple[Tensor, ...]) -> Tensor:
        """Return the mean size over dropped layers.

        Args:
            layer: Where the cells are; dropping one of the layers before it changes nothing.
            passes: The whole estimate, that without each later layer, and that without this one.
        """
        whole, *dropped = (each.abs() for each in passes)
        total: Tensor = layer * whole + torch.stack(dropped).sum(0)
        return total / (self.base.model.cfg.n_layers - 1)

    def maps(self) -> tuple[Tensor, ...]:
        """Return the estimates of each kind in the shape of its map."""
        return tuple(torch.stack(rows).cpu() for rows in zip(*self.rows, strict=True))


def agreement(estimate: Tensor, exact: Tensor, unchanged: Tensor) -> Agreement:
    """Compare an estimate with exact values of the same pair.

    Args:
        estimate: Any shape.
        exact: The same shape; NaN where not yet known, which does not count.
        unchanged: Cells that are 0 by causality, which do not count.
    """
    live = ~unchanged & exact.isfinite()
    a, b = estimate[live].double(), exact[live].double()
    return Agreement(_pearson(a, b), _pearson(_ranks(a.abs()), _ranks(b.abs())), int(live.sum()))


def _pearson(a: Tensor, b: Tensor) -> float:
    if len(a) < 2:
        return float("nan")
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def _ranks(values: Tensor) -> Tensor:
    """Return where each value stands in their order; equal values share their mean rank."""
    _, places, counts = torch.unique(values, return_inverse=True, return_counts=True)
    ends = counts.cumsum(0).double()
    ranks: Tensor = (ends - (counts - 1) / 2)[places]
    return ranks
