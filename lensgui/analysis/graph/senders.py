"""Path patching of every sender into the queries, keys or values of a set of heads, fast.

What `path_patch` works out with whole runs (Wang et al. 2022) is here a sweep: the edge from a
sender to a receiver is the residual stream alone, so what a receiver reads is the corrupted stream
with the sender's change added. All senders at once make that the clean stream: the totals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.checks import check_one_length, check_runs
from lensgui.analysis.graph.measured_pair import Measure
from lensgui.analysis.graph.path_patching import PathScores, Runs, path_patch
from lensgui.analysis.graph.receiving import INPUTS, FedPatch, ReceivingPatch, TotalPatch
from lensgui.analysis.interventions.under import Given
from lensgui.analysis.run.predictions import compared, read_metric
from lensgui.analysis.run.run import Run
from lensgui.analysis.shares import Shares
from lensgui.analysis.sweep.batches import measured
from lensgui.analysis.sweep.grouping import group
from lensgui.terms.circuits.nodes import (
    Node,
    check_nodes,
    inputs_of,
    read_at,
    senders,
    written_at,
)
from lensgui.terms.kinds import HeadInput
from lensgui.terms.metric import Metric, MetricName, read_positions
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer


@torch.no_grad()
def path_patch_into(
    clean: Run,
    corrupted: Run,
    metric: Metric,
    receivers: Node | Iterable[Node],
    hear_each_other: bool = False,
) -> Iterator[PathScores | None]:
    """Patch the edges from every sender into a set of heads, and yield what is known by then.

    All receivers get the sender's change at once, each if the sender comes before it: a sender
    between two of them reaches the later one only. The numbers are those of
    `path_patch_into_slowly`, with frozen MLPs.

    Runs may be those of `intervened_runs`: interventions on the stream act on what a sender changes
    of it as it passes them.

    Args:
        clean: The clean run; it is completed.
        corrupted: The corrupted run, of as many tokens; it is completed.
        metric: What is read.
        receivers: Heads' "q", "k" or "v": `inputs_of` names those of a set of heads.
        hear_each_other: Whether later receivers also receive what the earlier ones changed. Else
            each is recorded while all else is as in the corrupted run (Wang et al. 2022). Receivers
            of one layer can't hear each other.

    Yields:
        The result so far, or None where only time has passed.

    Raises:
        ValueError: If there is no such receiver, the prompts differ in length, or receivers can't
            hear each other past an intervention.
    """
    nodes = _as_nodes(receivers, corrupted.model.cfg)
    end = _check(clean, corrupted, metric)
    metric = compared(corrupted.model, metric, clean.residuals[-1])
    patch = FedPatch(nodes, clean, corrupted, hear_each_other)
    for _ in patch.prepare():
        yield None
    ends = read_metric(clean, metric), read_metric(corrupted, metric)
    importance = patch.importance()
    known: dict[Node, float] = {}
    for found in _measured(patch, importance.isfinite(), importance, metric, end):
        for (number,), value in found or ():
            known[patch.senders[number]] = value - ends[1]
        yield _scores(nodes, known, corrupted.model.cfg, ends, metric.name) if found else None


@torch.no_grad()
def path_patch_into_slowly(
    model: HookedTransformer,
    clean: Tensor,
    corrupted: Tensor,
    metric: Measure,
    receivers: Node | Iterable[Node],
    hear_each_other: bool = False,
    interventions: Given = (),
) -> PathScores:
    """Patch the edges from every sender into a set of receivers by `path_patch`, one by one.

    It uses nothing of the sweep engine, so that it can check `path_patch_into`.
    """
    nodes = (receivers,) if isinstance(receivers, Node) else tuple(receivers)
    last = max(read_at(node, model.cfg) for node in nodes)
    known = {
        node: path_patch(
            model,
            clean,
            corrupted,
            metric,
            [node],
            nodes,
            hear_each_other=hear_each_other,
            interventions=interventions,
        )
        for node in senders(model.cfg)
        if written_at(node) < last
    }
    runs = Runs.of(model, clean, corrupted, metric, interventions)
    return _scores(nodes, known, model.cfg, (runs.at_clean, runs.at_corrupted), None)


@dataclass(frozen=True, slots=True, eq=False)
class PathTotals(Shares):
    """What all paths into a set of heads carry together, through each of their inputs.

    Totals do not add up: patterns are queries and keys at once, and what patterns and values do
    depends on each other.

    Attributes:
        values: Patched − corrupted by input: "q", "k", "v", and "pattern" for queries and keys.
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        metric: What is read.
    """

    values: dict[HeadInput, float]
    clean: float
    corrupted: float
    metric: MetricName | None = None

    @property
    def shown(self) -> dict[HeadInput, float]:
        """The same as shares of clean − corrupted, or raw where these are refused."""
        return {name: value / self.scale for name, value in self.values.items()}


@torch.no_grad()
def path_totals(
    clean: Run, corrupted: Run, metric: Metric, heads: Iterable[tuple[int, int]]
) -> Iterator[PathTotals | None]:
    """Patch all edges into a set of heads at once, through each of their inputs.

    Whether receivers hear each other makes no difference: what all senders write in the clean run
    is the clean stream.

    Args:
        clean: The clean run; it is completed.
        corrupted: The corrupted run, of as many tokens; it is completed.
        metric: What is read.
        heads: Layer and head of each.

    Yields:
        None where only time has passed, and the result at last.

    Raises:
        ValueError: If there is no such head, or the prompts differ in length.
    """
    places = list(heads)
    inputs_of(corrupted.model.cfg, places, "q")
    end = _check(clean, corrupted, metric)
    metric = compared(corrupted.model, metric, clean.residuals[-1])
    patch = TotalPatch(places, clean, corrupted)
    needed = torch.zeros(corrupted.model.cfg.n_layers, len(INPUTS), dtype=torch.bool)
    needed[patch.first] = True
    ends = read_metric(clean, metric), read_metric(corrupted, metric)
    values: dict[int, float] = {}
    for found in _measured(patch, needed, needed.double(), metric, end):
        values |= {number: value - ends[1] for (number,), value in found or ()}
        yield None
    by_input = {name: values[at] for at, name in enumerate(INPUTS)}
    yield PathTotals(by_input, *ends, metric.name)


def _as_nodes(receivers: Node | Iterable[Node], cfg: HookedTransformerConfig) -> tuple[Node, ...]:
    nodes = (receivers,) if isinstance(receivers, Node) else tuple(receivers)
    if not nodes:
        raise ValueError("Name at least one receiver.")
    check_nodes(nodes, cfg, "receiver")
    for node in nodes:
        if node.kind not in ("q", "k", "v"):
            raise ValueError(f"{node} is no head's q, k or v.")
    return nodes


def _check(clean: Run, corrupted: Run, metric: Metric) -> int:
    """Complete two runs that can be compared; return the position after the last that is read."""
    check_one_length(len(clean.tokens), len(corrupted.tokens))
    check_runs(corrupted.model, clean, corrupted)
    read = read_positions(metric, len(corrupted.tokens))
    return int(read.stop)


def _measured(
    patch: ReceivingPatch, needed: Tensor, importance: Tensor, metric: Metric, end: int
) -> Iterator[list[tuple[tuple[int, ...], float]] | None]:
    """Yield some cells at a time with their metric, the most important first; None between."""
    for cells in group([patch], [needed], patch.run, end, None, [importance]):
        for found in measured([patch], patch.run, cells, end, metric):
            if found is None:
                yield None
            else:
                indices = [cell.index for cell in found[0]]
                yield list(zip(indices, found[1].tolist(), strict=True))


def _scores(
    receivers: tuple[Node, ...],
    known: dict[Node, float],
    cfg: HookedTransformerConfig,
    read: tuple[float, float],
    metric: MetricName | None,
) -> PathScores:
    """Return what is known as maps."""
    heads = torch.full((cfg.n_layers, cfg.n_heads), torch.nan, dtype=torch.float64)
    mlps = torch.full((cfg.n_layers,), torch.nan, dtype=torch.float64)
    for node, value in known.items():
        if node.kind == "mlp":
            mlps[node.layer] = value
        elif node.kind == "head":
            heads[node.layer, node.head] = value
    embed = known.get(Node("embed"), torch.nan)
    return PathScores(receivers, heads, mlps, embed, *read, metric)
