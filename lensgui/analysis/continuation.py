"""How a model goes on behind a prompt, token by token, with and without interventions."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from inspect import GEN_CLOSED, getgeneratorstate
from typing import Literal

import torch
from torch import Tensor

from lensgui.analysis.run.predictions import read_out
from lensgui.analysis.run.recording import check_finite
from lensgui.analysis.run.run import Run
from lensgui.transformer.layers.span import KeyValues
from lensgui.transformer.text.sampling import check_sampling, sample_logits

TOP = 10  # of the likeliest tokens that are named at each step

End = Literal["", "end of sequence", "context"]


@dataclass(frozen=True, slots=True)
class WrittenToken:
    """A token that a model wrote, and what else it could have written there.

    Probabilities are the model's own, whatever temperature, top-k and top-p it was drawn with.

    Attributes:
        token: Its id.
        probability: Of it, 0 to 1.
        rank: Its place among all tokens by probability; the likeliest has 1.
        top: The likeliest tokens with their probabilities, the likeliest first.
    """

    token: int
    probability: float
    rank: int
    top: tuple[tuple[int, float], ...]


class Continuation:
    """What a model writes behind a prompt; it can go on from where it stands.

    The prompt's keys and values are its run's own, so nothing of the prompt is run again. Nothing
    is attached to the model, so continuations of several runs may take turns, and each writes what
    it would write alone.

    Behind a run of `intervened_runs` the model writes under the interventions: what was done at the
    prompt's positions lives on in its keys and values, and each new position is changed where an
    intervention says "all" or "generated". Means, noise and values of other runs are known for the
    prompt's positions alone, so that new positions are free of these.

    Attributes:
        run: The prompt's run.
        tokens: What is written so far.
        end: Why nothing more can be written: an end-of-sequence token, or a full context; "" while
            it can.
    """

    def __init__(
        self,
        run: Run,
        *,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        stop_at_eos: bool = True,
    ) -> None:
        """Write nothing yet.

        Args:
            run: The prompt's run; it is completed when the first token is asked for.
            temperature: Logits are divided by it before a token is drawn; 0 takes the likeliest.
            top_k: Draw from so many likeliest tokens only.
            top_p: Draw from the fewest likeliest tokens that have this much probability together
                (Holtzman et al. 2020).
            seed: Of what draws: with the same one, the same is drawn from the same probabilities.
            stop_at_eos: Whether it ends at the tokenizer's end-of-sequence token.

        Raises:
            ValueError: If a setting is out of its range.
        """
        check_sampling(top_k, top_p, temperature)
        self.run, self.tokens = run, list[WrittenToken]()
        self.end: End = ""
        self._temperature, self._top_k, self._top_p = temperature, top_k, top_p
        self._draw = torch.Generator().manual_seed(seed)
        eos = getattr(run.model.tokenizer, "eos_token_id", None) if stop_at_eos else None
        self._stops = () if eos is None else tuple(eos) if isinstance(eos, list) else (eos,)
        self._pieces = self._write()

    @property
    def has_failed(self) -> bool:
        """Whether an error has ended it half way, such as too little memory: it can't go on."""
        return getgeneratorstate(self._pieces) == GEN_CLOSED and not self.end

    def steps(self, count: int) -> Iterator[None]:
        """Write until there are so many tokens or it ends, yielding between layers.

        Who leaves this half way may ask again: the next one goes on at the same layer.

        Raises:
            ValueError: If what the model computes is not finite.
            RuntimeError: If an error has ended it before.
        """
        while len(self.tokens) < count and not self.end:
            if self.has_failed:
                raise RuntimeError("This continuation has failed before: begin another.")
            next(self._pieces, None)
            yield

    @torch.no_grad()
    def _write(self) -> Generator[None]:
        """Write for as long as one can, yielding between layers."""
        model, length = self.run.model, len(self.run.ids)
        yield from self.run.steps()
        check_finite(self.run)
        layers = range(model.cfg.n_layers)
        past = [KeyValues(self.run.keys[at], self.run.values[at], grows=True) for at in layers]
        last = self.run.residuals[-1][-1]  # of the stream behind all layers, [d_model]
        while True:
            stands = length + len(self.tokens)
            if stands >= model.cfg.n_ctx:
                self.end = "context"
                return
            with model.standing.at(range(stands - 1, stands)):
                logits = read_out(model, last).float().cpu()
            chosen = self._chosen(logits)
            if chosen.token in self._stops:
                self.end = "end of sequence"
            elif stands + 1 == model.cfg.n_ctx:
                self.end = "context"
            self.tokens.append(chosen)
            if self.end:
                return
            yield
            ids = torch.tensor([[chosen.token]], device=self.run.tokens.device)
            span = model.span(1, stands)
            rows = model.run_blocks(model.to_embedding(ids, span), layers, span, past)
            for stream in rows:
                last = stream[0, -1]
                yield

    def _chosen(self, logits: Tensor) -> WrittenToken:
        """Return the next token by logits, [d_vocab], in host memory."""
        if not bool(logits.isfinite().all()):
            raise ValueError(
                f"What the model computes behind {len(self.tokens)} new tokens is not finite, so "
                "nothing can be written."
            )
        drawn = sample_logits(
            logits[None],
            top_k=self._top_k,
            top_p=self._top_p,
            temperature=self._temperature,
            generator=self._draw,
        )
        chances, token = logits.softmax(-1), int(drawn)
        best = chances.topk(min(TOP, len(chances)))
        top = tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))
        rank = 1 + int((logits > logits[token]).sum())
        return WrittenToken(token, float(chances[token]), rank, top)


def run_behind(run: Run, more: Sequence[int]) -> Run:
    """Return the run of a prompt and of tokens behind it, as the model ran them when it wrote them.

    Under interventions the prompt's positions stay as they were changed for the prompt alone, and
    each new position is changed as `Continuation` says.

    Args:
        run: The prompt's run, such as one of `intervened_runs`; what it knows is taken over.
        more: Token ids.

    Raises:
        ValueError: If there are more than the model takes.
    """
    whole, most = len(run.ids) + len(more), run.model.cfg.n_ctx
    if whole > most:
        raise ValueError(
            f"The prompt and what stands behind it have {whole} tokens, and this model takes "
            f"{most}."
        )
    tokens = torch.cat([run.tokens, run.tokens.new_tensor(list(more))])
    return Run(run.model, tokens, run.names, leader=run)


def continue_prompt(
    run: Run,
    count: int = 20,
    *,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    stop_at_eos: bool = True,
) -> Iterator[WrittenToken]:
    """Yield what a model writes behind a prompt, token by token, with what else was likely there.

    Two of these may take turns, such as without interventions and under them: `Continuation` says
    what interventions do to new positions, and goes on where one has stopped.

    Args:
        run: The prompt's run, such as one of `intervened_runs`; it is completed.
        count: How many tokens at most.
        temperature: As of `Continuation`, as are the others.
        top_k: See `Continuation`.
        top_p: See `Continuation`.
        seed: See `Continuation`.
        stop_at_eos: See `Continuation`.

    Yields:
        Tokens, until there are so many, one ends the sequence, or the context is full.

    Raises:
        ValueError: If a setting is out of its range, or what the model computes is not finite.
    """
    writing = Continuation(
        run,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        stop_at_eos=stop_at_eos,
    )
    for number in range(count):
        for _ in writing.steps(number + 1):
            pass
        if len(writing.tokens) == number:
            return
        yield writing.tokens[number]
