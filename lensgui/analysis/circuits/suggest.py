"""Suggesting a circuit: found on some prompts, pruned exactly, and measured on others.

Edges are ranked by attribution and circuits of the best measured exactly, size by size, until one
stands for the model; then edges are taken out in groups, weakest first, as long as it goes on to
(Conmy et al. 2023 test edges one by one, Hanna et al. 2024 rank them). What was found on prompts is
fitted to them, so what it is worth is what it scores on others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.circuits.curve import SHARES
from lensgui.analysis.circuits.edges import edge_attribution_steps
from lensgui.analysis.circuits.faithfulness import ratio_interval, share_of
from lensgui.analysis.circuits.groups import Cut
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.terms.circuits.graph import Graph, Mask, Ranking

Prompt = TypeVar("Prompt")
Stage = Literal["scoring", "sizes", "pruning", "one by one", "done"]
BAND = 0.1
_TRIED_AT_ONCE = 8


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A circuit beside the whole model, on some prompts.

    Attributes:
        circuits: Its metric, [pair].
        models: The whole model's, [pair].
        empties: That of the circuit of nothing, [pair].
    """

    circuits: Tensor
    models: Tensor
    empties: Tensor

    @property
    def faithfulness(self) -> float:
        """(m(C) − m(∅)) / (m(M) − m(∅)), means over prompts first.

        Raises:
            ValueError: If the model and the empty circuit score the same.
        """
        ends = (self.circuits, self.empties, self.models)
        return share_of(*(float(each.mean()) for each in ends))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where it lies in most resamples of the prompts; None for one prompt."""
        return ratio_interval(self.circuits - self.empties, self.models - self.empties)


@dataclass(frozen=True, slots=True, eq=False)
class Suggestion:
    """A circuit that stands for the model, as far as it has been found.

    Attributes:
        stage: What is being done.
        scored: The graph with its scores; None while these are worked out.
        circuit: The circuit so far; None until a size stands for the model.
        sizes: The faithfulness of each size that was tried on the prompts it is found on, with how
            many edges it has, smallest first.
        found: The circuit on the prompts that it is found on.
        measured: The same on the others; None where there are none.
        tried: How many circuits have been run.
        flattered_by: By how much its faithfulness on the prompts it is found on is likely to be too
            good, since groups of edges were chosen by it; see `flattering`.
        effects: What each edge of the circuit matters within it, the metric without − with,
            [sender, receiver]; NaN where it has not been run without.
    """

    stage: Stage
    scored: Graph | None = None
    circuit: Graph | None = None
    sizes: tuple[tuple[int, float], ...] = ()
    found: Fit | None = None
    measured: Fit | None = None
    tried: int = 0
    flattered_by: float = 0.0
    effects: Tensor | None = None

    @property
    def expected(self) -> float:
        """The faithfulness to be expected on prompts that the circuit is not found on."""
        return float("nan") if self.found is None else self.found.faithfulness - self.flattered_by

    @property
    def caption(self) -> str:
        """What every number of it must be shown with."""
        if self.found is None or self.circuit is None:
            return ""
        named = f"{self.circuit.count:,} of {self.circuit.total:,} edges"
        count = len(self.found.models)
        if self.measured is None:
            where = "found and measured on this prompt" if count == 1 else "on its own prompts"
            return f"{named}: {'this prompt’s circuit, ' * (count == 1)}{where}"
        return f"{named}, found on {count}, measured on {len(self.measured.models)}"


def suggest_circuit(
    find: CircuitRuns,
    measure: CircuitRuns | None = None,
    band: float = BAND,
    by: Ranking = "size",
    steps: int = 5,
    scored: Graph | None = None,
) -> Iterator[Suggestion | None]:
    """Find a small circuit that stands for the model; stop at any time.

    Args:
        find: The prompts that it is found on.
        measure: Others, that say what it is worth; None for none.
        band: How far its faithfulness may be from 1, either way: a circuit that scores more than
            the model leaves out what works against the answer. Where there are others to measure
            it on, half of that is left for what prompts differ in.
        by: Whether edges are ranked by the size of their scores, or by sign, which leaves that out.
        steps: Of the attribution that ranks the edges.
        scored: A graph with scores, instead of that.

    Yields:
        What is known so far; None where only time has passed. Each circuit that is yielded stays
        within the band on the prompts that it is found on.

    Raises:
        ValueError: If the band is not between 0 and 1, the metric has no gradient, the scores are
            another model's, or the model scores as the reference does.
    """
    search = _Search(find, measure, band)
    yield Suggestion("scoring")
    if scored is None:
        for found in edge_attribution_steps(find, steps):
            scored = found.graph if found is not None else scored
            yield None
    else:
        for _ in find.prepare():
            yield None
    assert scored is not None
    so_far = Suggestion("sizes", scored)
    for step in search.sizes(so_far, by):
        so_far = so_far if step is None else step
        yield step
    for step in search.prune(so_far):
        so_far = so_far if step is None else step
        yield step
    for step in search.one_by_one(so_far):
        so_far = so_far if step is None else step
        yield step
    yield replace(so_far, stage="done")


class _Search:
    """Circuits that are tried on the prompts that one is found on."""

    def __init__(self, find: CircuitRuns, measure: CircuitRuns | None, band: float) -> None:
        if not 0 < band < 1:
            raise ValueError(f"The band must be between 0 and 1, not {band:g}.")
        self._find, self._measure = find, measure
        self._band = band
        self._off = band if measure is None else band / 2  # the rest is for what prompts differ in

    def _fits(self, fit: Fit) -> bool:
        return abs(1 - fit.faithfulness) <= self._off

    def _on(self, runs: CircuitRuns, circuit: Graph) -> Generator[None, None, Fit]:
        """Return what a circuit scores; yield None meanwhile."""
        found = torch.empty(0)
        for values in runs.values([Cut(circuit.kept)]):
            found = found if values is None else values[0]
            yield
        models, empties = runs.ends()
        return Fit(found.clone(), models, empties)

    def _with_measure(self, so_far: Suggestion) -> Generator[None, None, Suggestion]:
        """Return a suggestion with what its circuit scores on the other prompts."""
        if self._measure is None or so_far.circuit is None:
            return so_far
        measured = yield from self._on(self._measure, so_far.circuit)
        return replace(so_far, measured=measured)

    def sizes(self, so_far: Suggestion, by: Ranking) -> Iterator[Suggestion | None]:
        """Try circuits of the best edges, smallest first, until one stands for the model."""
        scored = so_far.scored
        assert scored is not None
        scored.check(self._find.model.cfg)
        for share in SHARES:
            count = max(1, round(share * scored.total))
            circuit = scored.largest(count, by).pruned()
            fit = yield from self._on(self._find, circuit)
            sizes = (*so_far.sizes, (count, fit.faithfulness))
            so_far = replace(so_far, sizes=sizes, tried=so_far.tried + 1)
            if self._fits(fit):
                so_far = replace(so_far, circuit=circuit, found=fit)
                so_far = yield from self._with_measure(so_far)
                yield so_far
                return
            yield so_far

    def prune(self, so_far: Suggestion) -> Iterator[Suggestion | None]:
        """Take out groups of the weakest edges, half as many each time, as long as it fits."""
        scored, circuit = so_far.scored, so_far.circuit
        if scored is None or scored.scores is None or circuit is None:
            return
        so_far = replace(so_far, stage="pruning")
        worth = scored.worth
        size = circuit.count // 2
        while size >= 1:
            tried = np.zeros_like(circuit.kept)
            while True:
                assert so_far.circuit is not None
                groups = _weakest(so_far.circuit.kept & ~tried, worth, size)
                if not groups:
                    break
                for step in self._try(so_far, groups, tried):
                    so_far = so_far if step is None else step
                    yield step
            size //= 2

    def _try(
        self, so_far: Suggestion, groups: list[Mask], tried: Mask
    ) -> Iterator[Suggestion | None]:
        """Run the circuit without each of some groups; take out as many as can go together."""
        circuit, fit = so_far.circuit, so_far.found
        assert circuit is not None
        assert fit is not None
        smaller = [_without(circuit, [group]) for group in groups]
        values = torch.empty(0)
        cuts = [Cut(each.kept) for each in smaller]
        for found in self._find.values(cuts, near=Cut(circuit.kept)):
            values = values if found is None else found
            yield None
        so_far = replace(so_far, tried=so_far.tried + len(groups))
        models, empties = self._find.ends()
        whole = float((models - empties).mean())
        flattery = flattering((values - fit.circuits) / whole)
        for group in groups:
            tried |= group
        able = [
            at
            for at, value in enumerate(values)
            if self._goes_on(so_far, Fit(value, models, empties), float(flattery[at]))
            and smaller[at].count
        ]
        while able:
            together = _without(circuit, [groups[at] for at in able])
            after, by = Fit(values[able[0]].clone(), models, empties), float(flattery[able].sum())
            if len(able) > 1:
                after = yield from self._on(self._find, together)
                so_far = replace(so_far, tried=so_far.tried + 1)
            if self._goes_on(so_far, after, by) and together.count:
                by += so_far.flattered_by
                so_far = replace(so_far, circuit=together, found=after, flattered_by=by)
                so_far = yield from self._with_measure(so_far)
                break
            able = able[: len(able) // 2]
        yield so_far

    def _goes_on(self, so_far: Suggestion, after: Fit, flattered_by: float) -> bool:
        """Whether a smaller circuit is expected to stand for the model as well, on any prompts."""
        found = after.faithfulness
        expected = found - so_far.flattered_by - flattered_by
        return abs(1 - found) <= self._band and abs(1 - expected) <= self._off

    def one_by_one(self, so_far: Suggestion) -> Iterator[Suggestion | None]:
        """Run the circuit without each of its edges, which says what each matters within it."""
        circuit, fit = so_far.circuit, so_far.found
        if circuit is None or fit is None:
            return
        places = np.argwhere(circuit.kept)
        effects = torch.full(circuit.kept.shape, torch.nan, dtype=torch.float64)
        so_far = replace(so_far, stage="one by one", effects=effects)
        before = float(fit.circuits.mean())
        cuts = []
        for row, column in places:
            kept = circuit.kept.copy()
            kept[row, column] = False
            cuts.append(Cut(kept))
        for found in self._find.values(cuts, near=Cut(circuit.kept)):
            if found is None:
                yield None
                continue
            for (row, column), change in zip(places, found.mean(1) - before, strict=True):
                effects[row, column] = change
            yield replace(so_far, effects=effects.clone())


def halves(
    prompts: Sequence[Prompt], seed: int = 0, key: Callable[[Prompt], Hashable] = id
) -> tuple[list[Prompt], list[Prompt]]:
    """Part prompts at random: those that a circuit is found on, and those it is measured on.

    Args:
        prompts: The prompts, or what stands for each.
        seed: Of the draw.
        key: What is equal of prompts that must not be parted, such as their text.

    Returns:
        Both, in their order; the first has one key more where the number of keys is odd.
    """
    keys = [key(prompt) for prompt in prompts]
    each = list(dict.fromkeys(keys))
    drawn = np.random.default_rng(seed).permutation(len(each))
    first = {each[at] for at in drawn[: (len(each) + 1) // 2].tolist()}
    parted = list(zip(prompts, keys, strict=True))
    return (
        [prompt for prompt, of in parted if of in first],
        [prompt for prompt, of in parted if of not in first],
    )


def flattering(changes: Tensor) -> Tensor:
    """Return by how much the mean changes of groups are likely to be further from usual by chance.

    Who takes out what changes least on a few prompts takes out what changes least by chance too.
    The mean of a group is drawn towards that of all groups that were tried with it, the more the
    less they differ for what prompts differ in (Efron & Morris 1973).

    Args:
        changes: What taking out each changes, [group, pair].

    Returns:
        The mean change less what is expected on other prompts, [group]; 0 for one prompt.
    """
    count, pairs = changes.shape
    if pairs < 2 or count < 2:
        return changes.new_zeros(count)
    means, noise = changes.mean(1), changes.var(1) / pairs
    spread = (means.var() - noise.mean()).clamp(min=0.0)
    share = noise / (noise + spread).clamp(min=torch.finfo(noise.dtype).tiny)
    return share * (means - means.mean())


def _without(circuit: Graph, groups: list[Mask]) -> Graph:
    """Return a circuit less some groups of its edges, and those that are then on no path."""
    return replace(circuit, kept=circuit.kept & ~np.any(groups, axis=0)).pruned()


def _weakest(left: Mask, worth: np.ndarray, size: int) -> list[Mask]:
    """Return a few groups of the weakest edges that are left, weakest first."""
    places = np.flatnonzero(left)
    ordered = places[np.argsort(worth.ravel()[places], kind="stable")]
    groups = []
    for at in range(0, min(len(ordered), _TRIED_AT_ONCE * size), size):
        group = np.zeros(left.size, dtype=bool)
        group[ordered[at : at + size]] = True
        groups.append(group.reshape(left.shape))
    return groups
