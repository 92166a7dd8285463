"""Prompts that circuits are measured on: what stands in for what is cut, and the metric of each.

Whatever is asked of the same prompts shares the plain runs and the reference's, and a circuit that
was measured is not run again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from lensgui.analysis.checks import check_one_length, check_unhooked
from lensgui.analysis.circuits.groups import Cut, Group, groups_of
from lensgui.analysis.circuits.other_names import other_names
from lensgui.analysis.circuits.stand_ins import Ablation, Method
from lensgui.analysis.graph.measured_pair import Measure
from lensgui.analysis.pairs.averages import Case
from lensgui.terms.circuits.nodes import Reference
from lensgui.terms.metric import Metric
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import refuse_padding

_KEPT = 4096  # circuits whose numbers are kept
_FLIPPED = 0.5  # how much of the metric, the other way round, makes a reference prompt a swap
_METHODS: dict[Reference, Method] = {
    "corrupted": "resample",
    "names": "resample",
    "mean": "mean",
    "zero": "zero",
}
_NAMES = {
    "corrupted": "resample ablation from each pair's corrupted prompt",
    "names": "resample ablation from each pair's clean prompt with other names (ABC)",
    "mean": "mean ablation, per position over the pairs' prompts of as many tokens",
    "zero": "zero ablation (off-distribution)",
}


class CircuitRuns:
    """Prompts that circuits are measured on, with what stands in for what is cut.

    Attributes:
        model: What runs.
        count: How many numbers a circuit has: one for each prompt, or one for all where the metric
            is a function of all logits.
        reference: What stands in, as captions name it.
    """

    def __init__(
        self,
        model: HookedTransformer,
        tokens: Tensor,
        metric: Measure | Sequence[Metric],
        ablation: Ablation,
    ) -> None:
        """Take prompts of one length.

        Args:
            model: The model; hooks attached to it must not be.
            tokens: Token ids, [position] or [batch, position].
            metric: A metric, or one for each prompt; or any function of logits [batch, position,
                d_vocab], which is given all prompts at once.
            ablation: What stands in.

        Raises:
            ValueError: If the reference does not fit the prompts, or some are padded.
        """
        tokens = torch.atleast_2d(tokens).cpu()
        _check_reference(tokens, ablation)
        refuse_padding(model, tokens)
        if ablation.prompts is not None:
            refuse_padding(model, torch.atleast_2d(ablation.prompts))
        if isinstance(metric, Sequence) and len(metric) != len(tokens):
            raise ValueError(f"There are {len(tokens)} prompts and {len(metric)} metrics.")
        groups = groups_of(model, tokens, metric, ablation)
        self._take(model, groups, str(ablation), ablation.method)

    def _take(
        self, model: HookedTransformer, groups: list[Group], reference: str, method: str
    ) -> None:
        check_unhooked(model)
        self.model, self.reference, self.method = model, reference, method
        self._groups = groups
        self.count = sum(group.count for group in groups)
        self._known: dict[bytes, Tensor] = {}

    @classmethod
    def of_cases(
        cls, model: HookedTransformer, cases: Sequence[Case], reference: Reference = "corrupted"
    ) -> CircuitRuns:
        """Take the clean prompts of pairs, each with a metric of its own.

        Args:
            model: The model; hooks attached to it must not be.
            cases: The pairs, of any lengths.
            reference: What stands in: what the pair's corrupted prompt writes; what its clean one
                with other names does, see `other_names`; the mean over the clean and the corrupted
                prompts of as many tokens; or nothing.

        Raises:
            ValueError: If there are no pairs, prompts of one differ in length, or have no names
                where these are to be others.
        """
        if not cases:
            raise ValueError("There are no pairs.")
        if reference == "names":
            cases = [replace(case, corrupted=other_names(model, case.clean)) for case in cases]
        by_length: dict[int, list[int]] = {}
        for at, case in enumerate(cases):
            check_one_length(len(case.clean), len(case.corrupted))
            by_length.setdefault(len(case.clean), []).append(at)
        groups: list[Group] = []
        for places in by_length.values():
            tokens, others = (
                torch.stack([getattr(cases[at], side).cpu() for at in places])
                for side in ("clean", "corrupted")
            )
            reference_set = torch.cat([tokens, others]) if reference == "mean" else others
            metrics = [cases[at].metric for at in places]
            method = _METHODS[reference]
            ablation = Ablation(method, None if method == "zero" else reference_set)
            for prompts in (tokens, others):
                refuse_padding(model, prompts)
            groups += groups_of(model, tokens, metrics, ablation, places)
        made = cls.__new__(cls)
        made._take(model, groups, _NAMES[reference], _METHODS[reference])
        return made

    @property
    def length(self) -> int | None:
        """How many tokens each prompt has; None where they differ in that."""
        lengths = {group.tokens.shape[1] for group in self._groups}
        return lengths.pop() if len(lengths) == 1 else None

    def prepare(self) -> Iterator[None]:
        """Run all prompts plainly, and their references; yield between."""
        for group in self._groups:
            yield from group.prepare()

    def ends(self) -> tuple[Tensor, Tensor]:
        """Return the metric of the plain runs and of the reference's, [pair]; NaN where unknown."""
        whole = torch.full((self.count,), torch.nan, dtype=torch.float64)
        reference = whole.clone()
        for group in self._groups:
            if group.is_ready:
                whole[group.places] = group.whole
                reference[group.places] = group.of_reference
        return whole, reference

    @property
    def is_swap(self) -> bool:
        """Whether what stands in says the opposite, rather than nothing: it counts twice."""
        if self.method != "resample" or not all(group.is_declared for group in self._groups):
            return False
        whole, reference = (float(each.nanmean()) for each in self.ends())
        return reference * whole < 0 and abs(reference) >= _FLIPPED * abs(whole)

    @property
    def caption(self) -> str:
        """What stands in, as every number must be shown with it, once the prompts have run."""
        swap = "; swap: its prompts flip the answer, so what is taken out counts twice"
        return self.reference + swap * self.is_swap

    def swapped(self) -> CircuitRuns:
        """Return the same with references and prompts the other way round.

        What is lost there without a part is what the part restores here.

        Raises:
            ValueError: If what stands in is not written on one prompt for each.
        """
        made = CircuitRuns.__new__(CircuitRuns)
        groups = [group.swapped() for group in self._groups]
        made._take(self.model, groups, f"{self.reference}, the other way round", self.method)
        return made

    def groups(self) -> list[Group]:
        """Return the prompts that run together."""
        return self._groups

    def values(
        self, cuts: Sequence[Cut], near: Cut | None = None
    ) -> Generator[Tensor | None, None, Tensor]:
        """Measure runs in which something is cut.

        Args:
            cuts: What each cuts; all of edges, or all of whole parts.
            near: What all resemble: its run is made first, and each is run from the first layer on
                in which it differs.

        Yields:
            The metric, [cut, pair], NaN where it is not yet known; None where only time has passed.

        Returns:
            All of it.
        """
        unknown = torch.full((self.count,), torch.nan, dtype=torch.float64)
        if not cuts:
            return unknown[None][:0]
        found = torch.stack([self._known.get(cut.key, unknown) for cut in cuts])
        missing = [at for at, cut in enumerate(cuts) if cut.key not in self._known]
        for group in self._groups if missing else ():
            yield from group.prepare()
            for some in group.measured([cuts[at] for at in missing], near):
                if some is not None:
                    numbers, values = some
                    places = torch.tensor([missing[at] for at in numbers])
                    found[places[:, None], torch.tensor(group.places)] = values
                yield None if some is None else found
        self._keep([cuts[at] for at in missing], found[missing])
        yield found
        return found

    def _keep(self, cuts: Sequence[Cut], values: Tensor) -> None:
        """Keep numbers of circuits, and forget the oldest where there are too many."""
        self._known |= {cut.key: each for cut, each in zip(cuts, values, strict=True)}
        for oldest in list(self._known)[: max(0, len(self._known) - _KEPT)]:
            del self._known[oldest]


def _check_reference(tokens: Tensor, ablation: Ablation) -> None:
    """Refuse a reference that does not fit prompts [batch, position].

    Raises:
        ValueError: If it has other lengths, or there are too few or too many prompts.
    """
    if ablation.prompts is None:
        return
    prompts = torch.atleast_2d(ablation.prompts)
    if prompts.shape[1] != tokens.shape[1]:
        raise ValueError(
            f"The reference prompts have {prompts.shape[1]} tokens and the prompts that are run "
            f"{tokens.shape[1]}; ablation goes position by position."
        )
    if ablation.method == "resample" and len(prompts) not in (1, len(tokens)):
        raise ValueError(
            f"There are {len(prompts)} prompts to resample from and {len(tokens)} to run: give one "
            "for each, or one for all."
        )
