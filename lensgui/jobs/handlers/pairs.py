"""Answers about prompt pairs: their tokens and metrics, tables of them, and words that fit."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from lensgui.analysis.checks import unequal
from lensgui.analysis.pairs.answers import Answers, answers, encode, is_unknown
from lensgui.analysis.pairs.roles import token_ends
from lensgui.analysis.run.predictions import read_out, surprisals
from lensgui.analysis.run.recording import overflow
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.readings import (
    Likely,
    PairReading,
    PairsReading,
    Replacement,
    Replacements,
    RowReading,
    TokenMatches,
)
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers import in_words
from lensgui.jobs.handlers.in_words import (
    ending,
    known_metric,
    last_logits,
    likeliest,
    metric_of,
    pair_warnings,
    token_of,
)
from lensgui.jobs.handlers.interventions.under import RunsUnder
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.requests import FindReplacements, FindTokens, ReadPair, ReadPairs
from lensgui.prompts.diff import Span, changed_spans
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.prompts.words import LISTS
from lensgui.terms.interventions import Intervention
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text import tokens as text

MOST_MATCHES = 60
MOST_REPLACEMENTS = 8
MOST_TRIED = 400  # likely tokens, to find those that make a word of their own
MOST_READ = 4_000  # rows that are kept as they were read
SPELLED_AT_ONCE = 2000  # tokens of the vocabulary, in less than 50 ms

_SPELLED: WeakKeyDictionary[HookedTransformer, list[str]] = WeakKeyDictionary()
PACE_S = 0.25  # between two answers: each holds all rows so far
STEP_S = 0.02  # of work before the next chance to stop


def find_tokens(loaded: Loaded, request: FindTokens) -> Iterator[Answer | None]:
    """Yield which tokens of the vocabulary contain a text."""
    model = loaded.use(request.model)
    yield None
    spelled = _SPELLED.setdefault(model, [])
    while len(spelled) < model.cfg.d_vocab_out:
        start = len(spelled)
        end = min(start + SPELLED_AT_ONCE, model.cfg.d_vocab_out)
        spelled += [
            text.to_single_str_token(model, token).casefold() for token in range(start, end)
        ]
        yield None
    logits: Tensor | None = None
    if request.prompt.text:
        run = loaded.run(model, request.prompt)
        for _ in run.steps():
            yield None
        logits = last_logits(run)
    yield _matches(model, spelled, request.text, logits)


@torch.no_grad()
def _matches(
    model: HookedTransformer, spelled: list[str], typed: str, logits: Tensor | None
) -> TokenMatches:
    """Return the tokens that contain a text, those that equal it first."""
    sought = typed.casefold()
    found = [token for token, spelling in enumerate(spelled) if sought in spelling]
    if logits is None:
        logits = torch.zeros(len(spelled))
    chances, sizes = logits.softmax(-1).tolist(), logits.tolist()
    bare = sought.strip()
    found.sort(key=lambda token: (spelled[token].strip() != bare or not bare, -chances[token]))
    shown = tuple(
        Likely(token_of(model, token), chances[token], sizes[token])
        for token in found[:MOST_MATCHES]
    )
    return TokenMatches(shown, len(found), typed)


def find_replacements(loaded: Loaded, request: FindReplacements) -> Iterator[Answer | None]:
    """Replace the words in which the corrupted prompt differs by some with as many tokens."""
    model, pair = loaded.use(request.model), request.pair
    yield None
    old, needed = _differing_words(model, pair)
    run = loaded.run(model, pair.corrupted_prompt)
    for _ in run.steps():
        yield None
    length = len(loaded.run(model, pair.clean_prompt).tokens)
    words = pair.corrupted[old].strip()
    if not words or not needed.strip() or len(run.tokens) == length:
        yield Replacements(())
        return
    start = old.start + len(pair.corrupted[old]) - len(pair.corrupted[old].lstrip())
    old = slice(start, start + len(words))
    chances = _chances_before(model, run, pair, old)
    found: list[Replacement] = []
    for new, chance in _candidates(model, chances, needed.strip(), is_first=not old.start):
        corrupted = pair.corrupted[: old.start] + new + pair.corrupted[old.stop :]
        ids = text.to_tokens(model, corrupted, pair.bos, truncate=False)[0]
        if len(ids) == length and corrupted not in (pair.clean, pair.corrupted):
            found.append(Replacement(words, new, corrupted, chance))
        if len(found) == MOST_REPLACEMENTS:
            break
        yield None
    yield Replacements(tuple(found))


def _differing_words(model: HookedTransformer, pair: PromptPair) -> tuple[slice, str]:
    """Return where the corrupted prompt differs, whole words only, and what stands in the clean.

    Where it does so several times, the first place that has too many or too few tokens.
    """
    clean, corrupted = (side.split(" ") for side in (pair.clean, pair.corrupted))
    changed = changed_spans(clean, corrupted)
    if not changed or not _has_frame(clean, corrupted, changed):
        return slice(0, 0), ""

    def tokens(words: list[str]) -> int:
        return len(text.encode_continuation(model, " ".join(["", *words])))

    uneven = [
        span
        for span in changed
        if tokens(clean[span[0] : span[1]]) != tokens(corrupted[span[2] : span[3]])
    ]
    first, last, start, stop = (uneven or changed)[0]
    if first > 0 and (first == last or start == stop):  # words put in or left out: their neighbour
        first, start = first - 1, start - 1
    before = len(" ".join(corrupted[:start])) + (start > 0)
    return slice(before, before + len(" ".join(corrupted[start:stop]))), " ".join(clean[first:last])


def _has_frame(clean: list[str], corrupted: list[str], changed: list[Span]) -> bool:
    """Whether most words of both prompts agree: a word in another sentence would mean nothing."""
    differing = max(
        sum(stop - start for start, stop, _, _ in changed),
        sum(stop - start for _, _, start, stop in changed),
    )
    return 2 * differing <= min(len(clean), len(corrupted))


@torch.no_grad()
def _chances_before(
    model: HookedTransformer, run: Run, pair: PromptPair, old: slice
) -> Tensor | None:
    """Return the probabilities of what comes where the old words begin, [d_vocab]."""
    ends = token_ends(model, pair.corrupted)
    in_front = len(run.tokens) - len(ends)
    position = in_front + sum(end < old.start for end in ends) - 1
    if position < 0:
        return None
    return read_out(model, run.residuals[-1][position]).float().softmax(-1)


def _candidates(
    model: HookedTransformer, chances: Tensor | None, needed: str, *, is_first: bool
) -> Iterator[tuple[str, float]]:
    """Yield words to try: those of the lists that know the clean word, then the likeliest."""

    def tokens(word: str) -> list[int]:
        if is_first:
            return text.encode(model, word, prepend_bos=False)
        return text.encode_continuation(model, " " + word)

    size = len(tokens(needed))
    kin = [word for words in LISTS for word in words if needed in words and word != needed]
    every = kin or [word for words in LISTS for word in words if word != needed]
    first = {word: tokens(word) for word in dict.fromkeys(every)}
    rated = [
        (word, float(chances[ids[0]]) if chances is not None else 0.0)
        for word, ids in first.items()
        if len(ids) == size and not is_unknown(model, ids)
    ]
    rated.sort(key=lambda pair: -pair[1])
    yield from rated
    if size == 1 and chances is not None:
        best = chances.topk(min(MOST_TRIED, len(chances)))
        for token, chance in zip(best.indices.tolist(), best.values.tolist(), strict=True):
            spelling = text.to_single_str_token(model, token)
            if spelling.startswith(" ") and spelling[1:].isalpha() and spelling[1:] not in first:
                yield spelling[1:], chance


def read_pairs(loaded: Loaded, request: ReadPairs) -> Iterator[Answer | None]:
    """Yield ever more rows of a table."""
    model, total = loaded.use(request.model), len(request.pairs)
    known = loaded.readings
    rows: list[RowReading] = []
    yielded = monotonic()
    for pair in request.pairs:
        if pair not in known:
            for reading in _read(loaded, model, pair):
                if reading is not None:
                    known[pair] = reading
                yield None
            while len(known) > max(MOST_READ, total):
                del known[next(iter(known))]
        rows.append(known[pair])
        if monotonic() - yielded > PACE_S:
            yield PairsReading(tuple(rows), total)
            yielded = monotonic()
    yield PairsReading(tuple(rows), total)


def _read(
    loaded: Loaded, model: HookedTransformer, pair: PromptPair
) -> Iterator[RowReading | None]:
    """Yield None while a pair's prompts run, and at last what they give."""
    plain, warning = pair.plain, ""
    try:
        runs = [Run(model, encode(model, plain.clean_prompt))]
        if pair.corrupted:
            runs.append(Run(model, encode(model, plain.corrupted_prompt), leader=runs[0]))
    except ValueError as error:
        yield RowReading(warning=str(error))
        return
    for run in runs:
        yield from _paced(run.steps())
    found = answers(model, plain, likeliest(runs[0], 2))
    if pair.interventions:
        under = loaded.under_beside(runs[0], runs[1] if len(runs) > 1 else None)
        yield from _paced(under.before(model, pair))
        some = zip(_prompts(pair), runs, strict=True)
        runs = [_run_of(under, model, prompt, run) for prompt, run in some]
        warning = " ".join(_left_out(under.faults(model, pair)))
        for run in runs:
            yield from _paced(run.steps())
    try:
        ends = [ending(run, found) for run in runs]
    except ValueError as error:
        yield RowReading(warning=str(error))
        return
    for end in ends:
        yield from _paced(end.steps())
    reading = _reading(runs, ends, found)
    yield replace(reading, warning=warning or reading.warning)


def _prompts(pair: PromptPair) -> list[Prompt]:
    """Return the prompts that a pair has."""
    return [pair.clean_prompt, *([pair.corrupted_prompt] if pair.corrupted else [])]


def _run_of(under: RunsUnder, model: HookedTransformer, prompt: Prompt, plain: Run) -> Run:
    """Return a prompt's run under interventions, or that without where none acts on it."""
    return plain if prompt.under is None else under.run(model, prompt.under)


def _paced(pieces: Iterator[None]) -> Iterator[None]:
    """Yield after several short pieces: a job that yields too often waits for others too often."""
    began = monotonic()
    for _ in pieces:
        if monotonic() - began > STEP_S:
            yield
            began = monotonic()


def _reading(runs: list[Run], ends: list[Run], found: Answers) -> RowReading:
    """Return a row's numbers from its complete runs, the clean one first."""
    lengths = (len(runs[0].tokens), len(runs[1].tokens) if len(runs) > 1 else 0)
    metric = known_metric(found, runs[0])
    if metric is None:
        words = found.warnings[0] if found.warnings else "The row has no answer: type one."
        return RowReading(lengths=lengths, warning=words)
    values = [metric_of(end, metric) for end in ends]
    difference = found.difference
    is_right: bool | None = None
    if difference is not None:
        preference = [metric_of(run, difference) for run in runs]
        is_right = preference[0] > 0 and all(other < preference[0] for other in preference[1:])
    return RowReading(
        values[0],
        values[1] if len(values) > 1 else None,
        lengths,
        is_right,
        _lengths_warning(lengths),
    )


def _lengths_warning(lengths: tuple[int, int]) -> str:
    """Return why a row can't be swept, though both its prompts can be read."""
    if lengths[0] and not lengths[1]:
        return "There is no corrupted prompt, so there is nothing to patch from: type one."
    return unequal(*lengths)


def read_pair(loaded: Loaded, request: ReadPair) -> Iterator[Answer | None]:
    """Yield tokens, then what comes next, then how surprising each token is."""
    model, pair = loaded.use(request.model), request.pair
    if not pair.clean:
        yield PairReading(
            in_words.no_prompt(), warnings=("Type a clean prompt to begin.",), complete=True
        )
        return
    clean, corrupted = _runs(loaded, model, pair.plain)
    ids = [[] if run is None else list(run.ids) for run in (clean, corrupted)]
    skip = in_words.has_bos(model, pair.clean_prompt, clean.tokens)
    warnings = pair_warnings(pair, ids[0], ids[1], skip)
    reading = in_words.pair_reading(model, pair, clean, corrupted, warnings)
    yield reading
    clean, corrupted = _runs(loaded, model, pair)
    runs = [run for run in (clean, corrupted) if run is not None]
    yield from _steps(runs)
    sentences = _faults(loaded, pair, runs)
    reading = replace(reading, warnings=reading.warnings + sentences)
    if pair.acting.interventions:
        in_words.read_last(runs)
    found = loaded.answers(pair, clean)
    ends = [in_words.ending(run, found) for run in runs]
    yield from _steps(ends)
    reading = in_words.finished_reading(reading, found, clean, corrupted, ends)
    if pair.acting.interventions:
        reading = yield from _compared(loaded, pair, found, reading)
    yield reading
    for side, run in zip(("clean", "corrupted"), runs, strict=False):
        bits: list[float] = []
        for some in surprisals(run):
            bits += some
            yield None
        known = replace(getattr(reading, side), surprisals=(None, *bits))
        reading = replace(reading, **{side: known})
    yield reading


def _faults(loaded: Loaded, pair: PromptPair, runs: Sequence[Run]) -> tuple[str, ...]:
    """Return why interventions are left out, and which runs are not finite, as sentences."""
    assert loaded.model is not None
    left_out = _left_out(loaded.faults(loaded.model, pair))
    return tuple(dict.fromkeys(filter(None, [*left_out, *map(overflow, runs)])))


def _left_out(faults: Mapping[Intervention, str]) -> list[str]:
    """Return a sentence for each intervention that can't be done."""
    return [f"Intervention left out: {fault}" for fault in faults.values() if fault]


def _runs(loaded: Loaded, model: HookedTransformer, pair: PromptPair) -> tuple[Run, Run | None]:
    """Return the runs of a pair's prompts, the corrupted one's where there are two."""
    corrupted = loaded.run(model, pair.corrupted_prompt) if pair.is_complete else None
    return loaded.run(model, pair.clean_prompt), corrupted


def _compared(
    loaded: Loaded, pair: PromptPair, found: Answers, reading: PairReading
) -> Generator[None, None, PairReading]:
    """Return a pair's reading with what it is without interventions."""
    model, plain = loaded.model, pair.plain
    assert model is not None
    prompts = [plain.clean_prompt, *([plain.corrupted_prompt] if plain.is_complete else [])]
    runs = [loaded.run(model, prompt) for prompt in prompts]
    ends = [in_words.ending(run, found) for run in runs]
    yield from _steps([*runs, *ends])
    return in_words.compared_reading(reading, pair, found, runs, ends)


def _steps(runs: Iterable[Run]) -> Iterator[None]:
    """Run what is not yet known of some prompts, a piece at a time."""
    for run in runs:
        yield from run.steps()
