"""The prompts that means are over: run in batches, of which only what means need is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import torch
from torch import Tensor

from lensgui.analysis.activations.hook_points import within_layer
from lensgui.analysis.activations.reading import read_activation, read_activations
from lensgui.analysis.run.passes import rows_at_once
from lensgui.analysis.run.run import Run
from lensgui.analysis.run.together import run_together
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer

LEAST_PROMPTS = 8
MOST_RUNS = 1 << 28
"""Bytes of runs that are kept unless less is said; the rest is run again for other activations."""
MOST_SUMS = 1 << 27
"""Bytes of sums that are kept beside those that are asked for."""

Ids = tuple[int, ...]
Named = Mapping[str, int]
Places = Mapping[Ids, Named]
"""Where named tokens stand in prompts, by their token ids."""
NOWHERE: Places = {}
NOTHING_AFTER = "its mean is over positions after 0, and the other prompts have none."


@dataclass(slots=True)
class _Sum:
    """What the prompts of some first batches have at a hook point, summed up.

    Attributes:
        batches: How many batches.
        by_position: Of prompts of one length, the sum at each position, [position, ...]; None where
            lengths differ.
        over: The sum of each prompt's mean over positions after 0; None while no prompt has any.
        first: The sum at position 0.
        named: The sum at each token that has a name, over the prompts that have it.
    """

    batches: int = 0
    by_position: Tensor | None = None
    over: Tensor | None = None
    first: Tensor | None = None
    named: dict[str, Tensor] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        every = (self.by_position, self.over, self.first, *self.named.values())
        return sum(of.nbytes for of in every if of is not None)

    def add(self, batch: _Sum) -> None:
        """Add what another batch has."""
        self.batches += 1
        self.by_position = _plus(self.by_position, batch.by_position)
        self.over = _plus(self.over, batch.over)
        self.first = _plus(self.first, batch.first)
        for name, total in batch.named.items():
            self.named[name] = self.named[name] + total if name in self.named else total


class Reference:
    """The prompts that means are over, without interventions, and what was read of them.

    What a mean needs is the sum over all prompts, less that of the prompt at hand. So runs are made
    a batch at a time, as far as a layer is asked for, and none has to be kept.

    Attributes:
        model: The model that runs them.
        ids: Each prompt's token ids.
        places: Where named tokens stand in them.
        most_runs: Bytes of runs that are kept, for other activations of theirs.
    """

    def __init__(
        self,
        model: HookedTransformer,
        prompts: Iterable[Tensor | Run],
        places: Places = NOWHERE,
    ) -> None:
        """Run nothing yet.

        Args:
            model: The model.
            prompts: Token ids, [position], or runs that there are.
            places: Where named tokens stand in them.

        Raises:
            ValueError: If a named token is beyond its prompt.
        """
        self.model, self.most_runs = model, MOST_RUNS
        self.places = {ids: _fitting(ids, named) for ids, named in places.items()}
        self._given = [of if isinstance(of, Run) else of.flatten() for of in prompts]
        self.ids = tuple(
            of.ids if isinstance(of, Run) else tuple(of.tolist()) for of in self._given
        )
        order = sorted(range(len(self.ids)), key=lambda at: len(self.ids[at]))
        alike = groupby(order, key=lambda at: len(self.ids[at]))
        self._batches = [some for length, found in alike for some in self._cut([*found], length)]
        self._runs: dict[int, list[Run]] = {}
        self._sums: dict[str, _Sum] = {}

    def _cut(self, alike: list[int], length: int) -> Iterator[list[int]]:
        """Yield the numbers of prompts of one length, as many as run at once."""
        most = max(1, rows_at_once(self.model, 0) // max(1, length))
        for first in range(0, len(alike), most):
            yield alike[first : first + most]

    @property
    def counted(self) -> Reference:
        """The same for whoever asks whether there is a mean, not which: nothing is run for it."""
        return _Counted(self)

    def steps(self, names: Iterable[str]) -> Iterator[None]:
        """Read what means of some hook points need, yielding between pieces of about 50 ms.

        Several may do so in turn: each batch is run once.

        Args:
            names: The hook points, in full.
        """
        wanted = dict.fromkeys(names)
        self._forget(wanted)
        for number in range(len(self._batches)):
            lacking = [name for name in wanted if self._sum(name).batches <= number]
            if not lacking:
                continue
            runs = self._runs_of(number)
            layers = max(within_layer(name)[0] or 0 for name in lacking)
            for run in runs:
                yield from run.steps(layers)
            found = {name: _Sum() for name in lacking}
            for run in runs:
                for name, activation in read_activations(run, lacking).items():
                    found[name].add(self._part(run.ids, activation))
                yield
            for name, some in found.items():
                if self._sum(name).batches == number:  # nobody else has read it meanwhile
                    some.batches = 0
                    self._sum(name).add(some)
            self._release(number)

    def mean(self, run: Run, name: str, places: Named | None = None) -> Tensor:
        """Return the mean of an activation over the prompts but that at hand, [position, ...].

        At each position where the others are laid out as it is. Else at each named token over that
        token in the others, at the first position over the first, and elsewhere one over all
        positions after 0; where no names are shared, everywhere this one.

        Args:
            run: The run of the prompt at hand.
            name: The hook point, in full.
            places: Where named tokens stand in it; None for what is known of the prompt here.

        Raises:
            ValueError: If the others are too few, or of another model.
        """
        roles = self.roles(run, places)
        own = read_activation(run, name)
        for _ in self.steps([name]):
            pass
        known, itself = self._sums[name], self._part(run.ids, own)
        others = self._others(run)
        again = len(self.ids) - len(others)
        if roles is None:
            return _without(known.by_position, itself.by_position, again, len(others)).to(own.dtype)
        longer = sum(len(ids) > 1 for ids in others)
        elsewhere = _without(known.over, itself.over, again, longer)
        mean = elsewhere.to(own.dtype).expand(len(run.ids), *elsewhere.shape)
        if not roles:
            return mean
        mean = mean.clone()
        mean[0] = _without(known.first, itself.first, again, len(others))
        for role, at in roles.items():
            count = sum(role in self.places.get(ids, {}) for ids in others)
            mean[at] = _without(known.named[role], itself.named.get(role), again, count)
        return mean

    def roles(self, run: Run, places: Named | None = None) -> Named | None:
        """Return the named tokens by which a prompt is matched with the others, and where they are.

        None where positions are matched by number: the others have its length, and each of its
        named tokens stands at the same place in them.

        Args:
            run: The run of the prompt at hand.
            places: As of `mean`.

        Raises:
            ValueError: If the others are too few, or of another model.
        """
        others, own = self._others(run), self.named(run, places)
        named = [self.places.get(ids, {}) for ids in others]
        if {len(ids) for ids in others} == {len(run.ids)} and all(
            of.get(role, at) == at for of in named for role, at in own.items()
        ):
            return None
        counts = Counter(role for of in named for role in of)
        return {role: at for role, at in own.items() if counts[role] >= LEAST_PROMPTS}

    def named(self, run: Run, places: Named | None = None) -> Named:
        """Return where named tokens stand in a prompt; arguments as of `mean`."""
        return self.places.get(run.ids, {}) if places is None else _fitting(run.ids, places)

    def _others(self, run: Run) -> list[Ids]:
        """Return all prompts but that of a run.

        Raises:
            ValueError: If they are too few, or of another model.
        """
        others = [ids for ids in self.ids if ids != run.ids]
        if len(others) < LEAST_PROMPTS:
            raise ValueError(
                f"its mean is over {LEAST_PROMPTS} other prompts at least, for the mean of one "
                f"prompt is the prompt, and there are {len(others)}: include more pairs of the "
                "table."
            )
        models = {id(of.model) for of in self._given if isinstance(of, Run)} | {id(self.model)}
        if models != {id(run.model)}:
            raise ValueError("the prompts of the mean are run by another model.")
        return others

    def count_for(self, run: Run) -> int:
        """Return how many prompts the mean of a prompt is over, itself left out."""
        return sum(ids != run.ids for ids in self.ids)

    def forget_runs(self) -> None:
        """Keep what was read alone: other activations need these prompts to be run again."""
        self._runs.clear()

    def _part(self, ids: Ids, activation: Tensor) -> _Sum:
        """Return what one prompt adds to sums."""
        wide = exact(activation)
        is_one_length = len({len(ids) for ids in self.ids}) == 1
        over = wide[1:].mean(0) if len(wide) > 1 else None
        named = {role: wide[at] for role, at in self.places.get(ids, {}).items()}
        return _Sum(1, wide if is_one_length else None, over, wide[0], named)

    def _sum(self, name: str) -> _Sum:
        return self._sums.setdefault(name, _Sum())

    def _runs_of(self, number: int) -> list[Run]:
        """Return the runs of a batch, perhaps not yet complete."""
        kept = self._runs.get(number)
        if kept is not None and not any(run.has_failed for run in kept):
            return kept
        given = [self._given[at] for at in self._batches[number]]
        runs = [of if isinstance(of, Run) else Run(self.model, of) for of in given]
        if not any(isinstance(of, Run) for of in given):
            run_together(runs)
        self._runs[number] = runs
        return runs

    def _release(self, number: int) -> None:
        """Forget the runs of a batch that has been read, if there is no room for them."""
        if sum(run.nbytes for runs in self._runs.values() for run in runs) > self.most_runs:
            self._runs.pop(number, None)

    def _forget(self, wanted: Iterable[str]) -> None:
        """Forget what nobody has asked for for longest, if there is no room for it."""
        for name in wanted:
            if name in self._sums:
                self._sums[name] = self._sums.pop(name)
        while sum(of.nbytes for of in self._sums.values()) > MOST_SUMS:
            oldest = next(iter(self._sums))
            if oldest in wanted:
                break
            del self._sums[oldest]


class _Counted(Reference):
    """Prompts of which it is only asked whether there is a mean over them."""

    def __init__(self, of: Reference) -> None:
        self.model, self.ids, self._given, self.places = of.model, of.ids, of._given, of.places

    def mean(self, run: Run, name: str, places: Named | None = None) -> Tensor:
        """Refuse what `Reference.mean` refuses, and return zeros."""
        roles = self.roles(run, places)
        own = read_activation(run, name)
        if roles is not None and max(map(len, self._others(run))) < 2:
            raise ValueError(NOTHING_AFTER)
        return torch.zeros_like(own)


def reference_of(
    given: Reference | Sequence[Run], model: HookedTransformer, places: Places
) -> Reference:
    """Return the prompts that means are over, of runs that there are."""
    return given if isinstance(given, Reference) else Reference(model, given, places)


def _fitting(ids: Ids, named: Named) -> Named:
    """Return where named tokens stand.

    Raises:
        ValueError: If one is beyond the prompt.
    """
    for role, at in named.items():
        if not 0 <= at < len(ids):
            count = f"{len(ids)} token{'s' * (len(ids) != 1)}"
            raise ValueError(f"“{role}” stands at {at}, beyond its prompt, which has {count}.")
    return named


def _without(total: Tensor | None, itself: Tensor | None, again: int, count: int) -> Tensor:
    """Return the mean over the others: their sum, over their number.

    Args:
        total: The sum over all.
        itself: What the prompt at hand adds to it each time.
        again: How often it is among them.
        count: How many others there are.
    """
    if total is None or not count:
        raise ValueError(NOTHING_AFTER)
    return (total if itself is None or not again else total - again * itself) / count


def _plus(some: Tensor | None, other: Tensor | None) -> Tensor | None:
    if some is None or other is None:
        return other if some is None else some
    return some + other
