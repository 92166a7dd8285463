"""Which runs attention is read from, and with what weight: one, a difference, or a mean of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lensgui.analysis.pairs.cases import name_of
from lensgui.analysis.pairs.roles import matching, row_places
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.handlers import sweep_arrays
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.questions.lens_requests import AverageLens
from lensgui.jobs.requests import AttentionFrom, AttentionGrid, AttentionHead, OutputNorms
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.prompts.sides import is_difference, summands, unchanged
from lensgui.terms.kinds import Side
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer

Averaging = AttentionGrid | AttentionHead | AttentionFrom | OutputNorms | AverageLens
MOST_BYTES = 2 << 30  # of all runs together


@dataclass(frozen=True, slots=True)
class Term:
    """One run of a mixture.

    Attributes:
        run: The run, perhaps not yet complete.
        weight: What its numbers are multiplied by.
        pair: The pair it belongs to.
        places: The positions that are read of it; none for all.
    """

    run: Run
    weight: float
    pair: PromptPair
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Mixture:
    """A weighted sum of runs, of as many tokens or read at as many places.

    Attributes:
        terms: The runs.
        is_difference: Whether it is the difference of two runs.
        prompts: How many prompts of one side there are.
        roles: What stands at the places; () where positions are matched by number.
        named: Where named words stand, if that is the same in all prompts.
    """

    terms: tuple[Term, ...]
    is_difference: bool
    prompts: int
    roles: tuple[str, ...] = ()
    named: Mapping[str, int] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many positions are read of each prompt."""
        return len(self.roles) or len(self.terms[0].run.tokens)

    def steps(self, layers: int | None = None) -> Iterator[None]:
        """Run until some layers of every run are known, yielding between pieces."""
        for term in self.terms:
            yield from term.run.steps(layers)

    def positions(self, name: str) -> Axis:
        """Return an axis of tokens: by number where the prompts have different ones.

        A difference takes the tokens of the clean side; places are named by their roles.
        """
        if self.roles:
            return Axis(name, (None,) * len(self.roles), self.roles)
        prompts = [term.run.tokens for term in self.terms if term.weight > 0]
        model = self.terms[0].run.model
        axis = sweep_arrays.mean_positions(model, prompts, (), self.named)
        return Axis(name, axis.coordinates, axis.labels)


def mixture(
    loaded: Loaded, model: HookedTransformer, request: Averaging
) -> Generator[None, None, Mixture]:
    """Return the runs that a question about attention reads, yielding between pairs.

    Raises:
        ValueError: If there is no corrupted prompt, prompts have different lengths, or the runs
            would not fit into memory.
    """
    rows = yield from _readable(loaded, model, request)
    pairs = [row.pair for row in rows] or [request.pair]
    roles, places, named = yield from _matched(model, rows)
    terms: list[Term] = []
    for pair, at in zip(pairs, places or [()], strict=True):
        for sign, prompt in summands(pair, request.side):
            terms.append(Term(loaded.run(model, prompt), sign / len(pairs), pair, at))
        yield
    if not roles:
        _check_lengths(terms, rows)
    size = sum(term.run.nbytes for term in terms)
    if len(pairs) > 1 and size > MOST_BYTES:
        raise ValueError(
            f"An average over {len(pairs)} prompts as long as these takes {size / 1e9:.1f} GB: "
            "exclude some rows of the table."
        )
    return Mixture(tuple(terms), is_difference(request.side), len(pairs), roles, named)


def _readable(
    loaded: Loaded, model: HookedTransformer, request: Averaging
) -> Generator[None, None, tuple[PairRow, ...]]:
    """Return the rows that can be read, of a length that most have where no words are named.

    One bad pair never blocks the rest.

    Raises:
        ValueError: If the one pair, or every row, can't be read.
    """
    pairs = [row.pair for row in request.rows] or [request.pair]
    found, faults = list[PairRow](), list[str]()
    lengths = Counter[int]()
    for row in request.rows or (PairRow(request.pair),):
        try:
            _check(row.pair, request.side)
            chosen = summands(row.pair, request.side)
            sizes = [len(loaded.run(model, prompt).tokens) for _, prompt in chosen]
        except ValueError as error:
            faults.append(str(error))
            continue
        found.append(row)
        lengths[sizes[0]] += 1
        yield
    if not found:
        raise ValueError(faults[0])
    if not request.rows:
        return ()
    usual, count = lengths.most_common(1)[0]
    if any(row.roles for row in found) or 2 * count <= len(pairs):
        return tuple(found)
    firsts = [summands(row.pair, request.side)[0][1] for row in found]
    sizes = [len(loaded.run(model, prompt).tokens) for prompt in firsts]
    return tuple(row for row, size in zip(found, sizes, strict=True) if size == usual)


def _matched(
    model: HookedTransformer, rows: Sequence[PairRow]
) -> Generator[None, None, tuple[tuple[str, ...], list[tuple[int, ...]], Mapping[str, int]]]:
    """Return the roles by which rows are matched, and where they stand; yields between rows.

    Where numbers will do, where named words stand in all rows.
    """
    lengths, places = list[int](), list[dict[str, int]]()
    for row in rows:
        length, of_row = row_places(model, row)
        lengths.append(length)
        places.append(of_row)
        yield
    roles = matching(lengths, places) if rows else ()
    at = [tuple(of[role] for role in roles) for of in places]
    return roles, at, {} if roles else sweep_arrays.same_places(places)


def differences(
    loaded: Loaded, found: Mixture
) -> Generator[None, None, tuple[LogitDifference, ...]]:
    """Return the logit difference that belongs to each term, yielding between pieces.

    Raises:
        ValueError: If a pair has no answer and distractor.
    """
    result = []
    for term in found.terms:
        clean = loaded.run(term.run.model, term.pair.clean_prompt)
        yield from clean.steps()
        difference = loaded.answers(term.pair, clean).difference
        if difference is None:
            raise ValueError(
                f"Pair “{name_of(term.pair)}”: a contribution is to a logit difference, so it "
                "needs an answer and another token as distractor."
            )
        result.append(difference)
    return tuple(result)


def _check(pair: PromptPair, side: Side) -> None:
    """Refuse a pair that lacks a prompt, or interventions whose effect is sought."""
    if not all(prompt.text for _, prompt in summands(pair, side)):
        raise ValueError(
            f"Pair “{name_of(pair)}” has no {'clean' if not pair.clean else 'corrupted'} "
            "prompt: type one, or look at the other side."
        )
    if reason := unchanged(pair, side):
        raise ValueError(reason)


def _check_lengths(terms: Sequence[Term], rows: tuple[PairRow, ...]) -> None:
    """Refuse prompts whose positions can't be matched."""
    lengths = sorted({len(term.run.tokens) for term in terms})
    if len(lengths) == 1:
        return
    if rows:
        raise ValueError(
            f"A mean by position is over prompts of one length, and these have {lengths[0]} to "
            f"{lengths[-1]} tokens: exclude some rows, or switch the average off."
        )
    raise ValueError(
        "A difference of attention needs prompts of one length, and these have "
        f"{lengths[0]} and {lengths[-1]} tokens: change a word."
    )
