"""Answers about words: tokens that contain a text, and words that would fit a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from lensgui.analysis.pairs.answers import is_unknown
from lensgui.analysis.pairs.roles import token_ends
from lensgui.analysis.run.predictions import read_out
from lensgui.analysis.run.run import Run
from lensgui.jobs.answering import Answer
from lensgui.jobs.handlers.in_words import last_logits
from lensgui.jobs.handlers.loaded import Desk
from lensgui.jobs.handlers.prompts import token_of
from lensgui.jobs.pairreports import Replacement, Replacements, TokenMatches
from lensgui.jobs.requests import FindReplacements, FindTokens
from lensgui.jobs.results import Likely
from lensgui.prompts.diff import changed_spans
from lensgui.prompts.pair import PromptPair
from lensgui.prompts.words import LISTS
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text import tokens as text

MOST_MATCHES = 60
MOST_REPLACEMENTS = 8
MOST_TRIED = 400  # likely tokens, to find those that make a word of their own
SPELLED_AT_ONCE = 2000  # tokens of the vocabulary, in less than 50 ms

_SPELLED: WeakKeyDictionary[HookedTransformer, list[str]] = WeakKeyDictionary()


def answer(desk: Desk, request: FindTokens | FindReplacements) -> Iterator[Answer | None]:
    """Yield the answer to a question about words."""
    model = desk.use(request.model)
    yield None
    if isinstance(request, FindTokens):
        yield from _find_tokens(desk, model, request)
    else:
        yield from _find_replacements(desk, model, request.pair)


def _find_tokens(
    desk: Desk, model: HookedTransformer, request: FindTokens
) -> Iterator[Answer | None]:
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
        run = desk.run(model, request.prompt)
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


def _find_replacements(
    desk: Desk, model: HookedTransformer, pair: PromptPair
) -> Iterator[Answer | None]:
    """Replace the words in which the corrupted prompt differs by some with as many tokens."""
    old, wanted = _differing_words(model, pair)
    run = desk.run(model, pair.corrupted_prompt)
    for _ in run.steps():
        yield None
    length = len(desk.run(model, pair.clean_prompt).tokens)
    words = pair.corrupted[old].strip()
    if not words or not wanted.strip() or len(run.tokens) == length:
        yield Replacements(())
        return
    start = old.start + len(pair.corrupted[old]) - len(pair.corrupted[old].lstrip())
    old = slice(start, start + len(words))
    chances = _chances_before(model, run, pair, old)
    found: list[Replacement] = []
    for new, chance in _candidates(model, chances, wanted.strip(), is_first=not old.start):
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
    if not changed:
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
    model: HookedTransformer, chances: Tensor | None, wanted: str, *, is_first: bool
) -> Iterator[tuple[str, float]]:
    """Yield words to try: those of the lists that know the clean word, then the likeliest."""

    def tokens(word: str) -> list[int]:
        if is_first:
            return text.encode(model, word, prepend_bos=False)
        return text.encode_continuation(model, " " + word)

    size = len(tokens(wanted))
    kin = [word for words in LISTS for word in words if wanted in words and word != wanted]
    every = kin or [word for words in LISTS for word in words if word != wanted]
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
