"""How the model goes on behind a prompt, without interventions and under them, in turn."""

from __future__ import annotations

from collections.abc import Iterator

from lensgui.analysis.continuation import Continuation, WrittenToken
from lensgui.analysis.pairs.answers import encode
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.generation import Continuations, Continued, Written
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.in_words import token_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.transformer.model import HookedTransformer


def generate(loaded: Loaded, request: Generate) -> Iterator[Answer | None]:
    """Yield what is written so far after each token; what was written before is not run again."""
    model = loaded.use(request.model)
    found = loaded.begun(request)
    if found is None:
        found = tuple(_begun(run, request) for run in _runs(loaded, model, request))
        loaded.begin(request, found)
    growing = [_Growing(model, one) for one in found]
    if any(one.tokens for one in found):
        yield _answer(model, growing)
    for count in range(1, request.count + 1):
        for one in found:
            if len(one.tokens) < count and not one.end:
                yield from one.steps(count)
                yield _answer(model, growing)
    yield _answer(model, growing, request.count)


def _runs(loaded: Loaded, model: HookedTransformer, request: Generate) -> list[Run]:
    """Return the prompt's run without interventions, and under them where any can be done."""
    pair, is_clean = request.pair, request.side == "clean"
    prompts = [of.clean_prompt if is_clean else of.corrupted_prompt for of in (pair.plain, pair)]
    encode(model, prompts[0])  # which says what is wrong with it
    runs = [loaded.run(model, prompt) for prompt in prompts]
    return runs[: 1 if runs[0] is runs[1] else 2]


def _begun(run: Run, request: Generate) -> Continuation:
    return Continuation(
        run,
        temperature=request.temperature,
        top_k=request.top_k or None,
        top_p=request.top_p,
        seed=request.seed,
    )


class _Growing:
    """A continuation with its tokens in words, each spelled once."""

    def __init__(self, model: HookedTransformer, of: Continuation) -> None:
        self.of = of
        self._model, self._tokens = model, list[Written]()

    def so_far(self, count: int | None) -> Continued:
        """Return what is written, or its first tokens."""
        for one in self.of.tokens[len(self._tokens) :]:
            self._tokens.append(_in_words(self._model, one))
        is_all = count is None or len(self._tokens) <= count
        return Continued(tuple(self._tokens[:count]), self.of.end if is_all else "")


def _in_words(model: HookedTransformer, one: WrittenToken) -> Written:
    top = tuple((token_of(model, token), share) for token, share in one.top)
    return Written(token_of(model, one.token), one.probability, one.rank, top)


def _answer(
    model: HookedTransformer, growing: list[_Growing], count: int | None = None
) -> Continuations:
    """Return what is known; of what was written for more tokens than are asked for, those."""
    without, *others = (one.so_far(count) for one in growing)
    under = others[0] if others else None
    return Continuations(without, under, len(growing[0].of.run.ids), model.cfg.n_ctx)
