"""Answers about patching: the mean over pairs, one pair, and single cells the slow way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from lensgui.analysis.pairs.answers import required_metric
from lensgui.analysis.pairs.averages import (
    Average,
    Case,
    StagedAverage,
    matched_roles,
    sweep_by_strength,
    sweep_cases,
)
from lensgui.analysis.pairs.cases import case_of
from lensgui.jobs.answers.arrays import Axis, Check, Sweep, Verification
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers import one_pair, sweep_arrays
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.one_pair import slowly
from lensgui.jobs.requests import Patching, VerifyCell
from lensgui.prompts.pair import PairRow
from lensgui.terms.kinds import SweepKind
from lensgui.transformer.model import HookedTransformer

Index = tuple[int, ...]


def average(loaded: Loaded, request: Patching) -> Iterator[Sweep | None]:
    """Yield the mean of a sweep over pairs, ever more of it.

    Raises:
        ValueError: If no pair can be swept, or positions can't be matched.
    """
    if request.kind.extent == "edge":
        raise ValueError(
            "Single edges are swept for one pair only: switch the average off, or choose another "
            "kind of sweep."
        )
    model = loaded.use(request.model)
    table = yield from _table(loaded, request)
    average = _left(loaded, request)
    drawn: Sweep | None = None
    if average is not None:
        drawn = table.picture(model, request, average, None)
        yield drawn
    try:
        for found in _means(loaded, model, table.cases, request, average):
            if found is not None:
                average, drawn = found, table.picture(model, request, found, drawn)
            yield None if found is None else drawn
    finally:
        if average is not None and (drawn is None or drawn.done < drawn.total):
            loaded.keep(request, average)
    if average is not None and drawn is not None:
        yield from _checked_mean(drawn, request, average, table.cases, model)


@dataclass(frozen=True, slots=True)
class Table:
    """The pairs that are averaged over.

    Attributes:
        cases: Those that can be swept together.
        positions: What the mean's positions are called.
        left_out: Why the others can't, a sentence each.
    """

    cases: list[Case]
    positions: Axis
    left_out: list[str]

    def picture(
        self, model: HookedTransformer, request: Patching, average: Average, before: Sweep | None
    ) -> Sweep:
        """Return a mean as far as it is known; arguments as of `mean_picture`."""
        drawn = sweep_arrays.mean_picture(model, request, average, self.positions, before)
        if not self.left_out or drawn.spread is None:
            return drawn
        left_out = len(self.left_out), self.left_out[0]
        return replace(drawn, spread=replace(drawn.spread, left_out=left_out))


def _table(loaded: Loaded, request: Patching) -> Generator[None, None, Table]:
    """Return the pairs that can be swept together, yielding between them.

    Raises:
        ValueError: If none can, or positions can't be matched.
    """
    cases, left_out = list[Case](), list[str]()
    for row in request.rows:
        try:
            cases.append(_case(loaded, request, row))
        except ValueError as error:  # one bad pair never blocks the rest
            left_out.append(str(error))
        yield None
    if not cases:
        raise ValueError(left_out[0])
    cases, roles = _matched(cases, request.kind, left_out)
    named = sweep_arrays.same_places([case.roles for case in cases])
    prompts = [case.corrupted for case in cases]
    model = loaded.use(request.model)
    return Table(cases, sweep_arrays.mean_positions(model, prompts, roles, named), left_out)


def _matched(
    cases: list[Case], kind: SweepKind, left_out: list[str]
) -> tuple[list[Case], tuple[str, ...]]:
    """Return the pairs whose positions can be matched, and the roles by which they are.

    Without roles, those of another length than most are left out.
    """
    if "position" not in kind.axes or all(case.roles for case in cases):
        return cases, matched_roles(cases, kind)
    lengths = Counter(len(case.clean.flatten()) for case in cases)
    usual, count = lengths.most_common(1)[0]
    if len(lengths) == 1 or 2 * count <= len(cases):
        return cases, matched_roles(cases, kind)
    left_out += [
        f"A pair has {length} tokens and most have {usual}, and no words of it are named: name its "
        "roles, or leave it out."
        for length in lengths.elements()
        if length != usual
    ]
    kept = [case for case in cases if len(case.clean.flatten()) == usual]
    return kept, matched_roles(kept, kind)


def _means(
    loaded: Loaded,
    model: HookedTransformer,
    cases: Sequence[Case],
    request: Patching,
    known: Average | None,
) -> Iterator[Average | None]:
    """Yield the mean: estimates first where there are any, else pair by pair."""
    asked = request.kind, request.direction
    if request.is_estimated and all(case.metric.is_smooth for case in cases):
        staged = known if isinstance(known, StagedAverage) else None
        return sweep_by_strength(
            model, cases, *asked, staged, runs=lambda tokens: loaded.run_of(model, tokens)
        )
    return sweep_cases(model, cases, *asked, known)


def _left(loaded: Loaded, request: Patching) -> Average | None:
    """Return the mean over the pairs that an earlier start of the same question came to."""
    left = loaded.left(request)
    return left if isinstance(left, Average) else None


def _checked_mean(
    drawn: Sweep,
    request: Patching,
    average: Average,
    cases: Sequence[Case],
    model: HookedTransformer,
) -> Iterator[Sweep | None]:
    """Yield the mean once more when a few cells of single pairs have been worked out slowly."""
    chosen, rng = sweep_arrays.drawn_cells(drawn, request), sweep_arrays.rng(request)
    differences: list[float] = []
    for index in chosen:
        at = rng.randrange(len(cases))
        case = cases[at]
        place = _place(request.kind, index, case, average.roles)
        for value in slowly(request, case, [place], model):
            if value is not None:
                differences.append(abs(value - float(average.changes[(at, *index)])))
            yield None
    if differences:
        yield replace(drawn, check=Check(len(differences), max(differences)))


def verify(loaded: Loaded, request: Patching, index: Index) -> Iterator[Verification | None]:
    """Yield the mean over pairs of one cell, each worked out by plain forward passes."""
    model = loaded.use(request.model)
    cases, roles = _matched(_good_cases(loaded, request), request.kind, [])
    found: list[float] = []
    for case in cases:
        place = _place(request.kind, index, case, roles)
        for value in slowly(request, case, [place], model):
            found += [] if value is None else [value]
            yield None
    yield Verification(index, sum(found) / len(found))


def _case(loaded: Loaded, request: Patching, row: PairRow) -> Case:
    """Return a pair, read with the metric of the pair that is shown, under what can be done there.

    Raises:
        ValueError: If it can't be swept.
    """
    model, pair = loaded.use(request.model), replace(row.pair, metric=request.pair.metric)
    case = case_of(model, replace(row, pair=pair.plain))
    return replace(case, interventions=loaded.given(model, pair))


def _good_cases(loaded: Loaded, request: Patching) -> list[Case]:
    """Return the pairs that can be swept."""
    found = []
    for row in request.rows:
        with suppress(ValueError):
            found.append(_case(loaded, request, row))
    return found


def _place(kind: SweepKind, index: Index, case: Case, roles: tuple[str, ...]) -> Index:
    """Return where a cell of the mean stands in one pair."""
    if not roles:
        return index
    at = kind.axes.index("position")
    return (*index[:at], case.roles[roles[index[at]]], *index[at + 1 :])


def patching(loaded: Loaded, request: Patching) -> Iterator[Answer | None]:
    """Yield ever more of a sweep: of one pair, or the mean over several."""
    return average(loaded, request) if request.rows else one_pair.patching(loaded, request)


def verify_cell(loaded: Loaded, request: VerifyCell) -> Iterator[Answer | None]:
    """Yield one cell of a sweep by plain forward passes; of a mean, each pair's cell."""
    patching, index = request.patching, request.index
    if patching.rows:
        yield from verify(loaded, patching, index)
        return
    clean, corrupted = one_pair.runs_of(loaded, patching)
    for _ in clean.steps():
        yield None
    metric = required_metric(loaded.answers(patching.pair, clean))
    case = one_pair.asked_case(loaded, patching, (clean, corrupted), metric)
    for value in slowly(patching, case, [index], clean.model):
        yield None if value is None else Verification(index, value)
