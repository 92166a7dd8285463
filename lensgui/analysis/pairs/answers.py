"""A prompt pair as somebody typed it → token ids, and what its metric compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.prompts.pair import SEPARATOR, Prompt, PromptPair
from lensgui.terms.metric import Metric, MetricName, as_tokens
from lensgui.terms.metrics import METRICS, ContinuationLogProbability, LogitDifference
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text import tokens as text

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a pair compares, and how.

    Attributes:
        answer: Token ids that count as one answer; () where it isn't known.
        distractor: Those it is compared with, likewise.
        continuation: Token ids of an answer of several tokens, in order; () if it is one.
        name: What is read.
        warnings: What is wrong or surprising, a sentence each.
    """

    answer: Tokens
    distractor: Tokens
    continuation: Tokens = ()
    name: MetricName = "logit difference"
    warnings: tuple[str, ...] = ()

    @property
    def difference(self) -> LogitDifference | None:
        """The logit difference, whatever the metric is: attribution is of logits.

        None while an answer is missing or both are the same.
        """
        if not self.answer or not self.distractor or set(self.answer) & set(self.distractor):
            return None
        return LogitDifference(self.answer, self.distractor)

    @property
    def metric(self) -> Metric | None:
        """The metric; None while what it needs is missing."""
        if self.continuation:
            return ContinuationLogProbability(self.continuation)
        kind = METRICS[self.name]
        if "distractor" in kind.needs and self.difference is None:
            return None
        tokens = [getattr(self, role) for role in kind.needs]
        return kind.make(*tokens) if all(tokens) else None

    def ending(self, tokens: Tensor) -> Tensor:
        """Return the prompt that the metric is read from, given one [..., position].

        It is longer where the answer is several tokens.
        """
        return continued(tokens, self.continuation) if self.continuation else tokens


@torch.no_grad()
def answers(
    model: HookedTransformer, pair: PromptPair, likeliest: Sequence[int] | None = None
) -> Answers:
    """Return a pair's answers, the likeliest tokens standing in for what was not typed.

    Args:
        model: The model.
        pair: The pair.
        likeliest: The likeliest next tokens of the clean prompt, likeliest first; None to run it
            where an answer was not typed.
    """
    if likeliest is None:
        is_typed = bool(pair.answer and pair.distractor)
        likeliest = () if is_typed else _likeliest(model, pair)
    warnings: list[str] = []
    continuation = _continuation(model, pair)
    answer = () if continuation else _typed(model, "answer", pair.answer, warnings)
    distractor = _typed(model, "distractor", pair.distractor, warnings)
    if not pair.answer:
        answer = _first_but(likeliest, distractor)
    if not pair.distractor:
        distractor = _first_but(likeliest, answer)
    if set(answer) & set(distractor):
        warnings.append(
            "Answer and distractor are the same token: the logit difference is always 0."
            if answer == distractor
            else "Answer and distractor share a token: leave it out of one of them."
        )
    if likeliest and not warnings and not (answer or continuation) and not distractor:
        warnings.append("The likeliest tokens are all spoken for: type answer and distractor.")
    return Answers(answer, distractor, continuation, pair.metric, tuple(warnings))


def _likeliest(model: HookedTransformer, pair: PromptPair) -> list[int]:
    """Return the two likeliest next tokens of a pair's clean prompt as it was typed."""
    logits: Tensor = model(encode(model, pair.typed.clean_prompt))[0, -1]
    return logits.topk(2).indices.tolist()


def required_metric(found: Answers) -> Metric:
    """Return the metric of a sweep.

    Raises:
        ValueError: If there is none, or the answer is several tokens; the sentence says why.
    """
    if found.metric is None:
        reason = found.warnings[0] if found.warnings else "Choose an answer and a distractor."
        raise ValueError(reason)
    if found.continuation:
        raise ValueError(
            f"The answer is {len(found.continuation)} tokens, which can be read but not patched: "
            "choose one that is a single token."
        )
    return found.metric


def encode(model: HookedTransformer, prompt: Prompt) -> Tensor:
    """Return a prompt's token ids, [position], those behind its text included.

    Raises:
        ValueError: If its text has none, or there are more than the model takes.
    """
    ids = text.to_tokens(model, prompt.text, prompt.bos, truncate=False)[0]
    if not len(ids):
        raise ValueError("The prompt is empty: type at least one token.")
    if prompt.more:
        ids = torch.cat([ids, ids.new_tensor(prompt.more)])
    if len(ids) > model.cfg.n_ctx:
        raise ValueError(
            f"The prompt has {len(ids)} tokens and this model takes {model.cfg.n_ctx}: shorten it."
        )
    return ids


def _continuation(model: HookedTransformer, pair: PromptPair) -> Tokens:
    """Return the tokens of an answer that is read as a whole; () if it is not."""
    if pair.metric != "log-probability" or SEPARATOR in pair.answer:
        return ()
    ids = text.encode_continuation(model, pair.answer)
    return tuple(ids) if len(ids) > 1 else ()


def _first_but(likeliest: Sequence[int], others: Tokens) -> Tokens:
    """Return the likeliest token that is none of the others; () if there is none."""
    return tuple(token for token in likeliest if token not in others)[:1]


def _typed(model: HookedTransformer, role: str, typed: str, warnings: list[str]) -> Tokens:
    """Return the token a user typed, or the set of them; warn of what is not a token."""
    if not typed:
        return ()
    whole = text.encode_continuation(model, typed)
    if len(whole) == 1 or SEPARATOR not in typed:
        return _single(model, role, typed, warnings)
    parts = [_single(model, role, part, warnings) for part in typed.split(SEPARATOR) if part]
    return tuple(dict.fromkeys(token for part in parts for token in part)) if all(parts) else ()


def _single(model: HookedTransformer, role: str, typed: str, warnings: list[str]) -> Tokens:
    """Return what a user typed, if it is one token; else warn."""
    ids = text.encode_continuation(model, typed)
    if len(ids) != 1:
        pieces = " ".join(f"“{piece}”" for piece in text.to_str_tokens(model, ids))
        advice = ", or the metric log-probability, which reads it whole" * (role == "answer")
        warnings.append(
            f"The {role} “{typed}” is {len(ids)} tokens ({pieces}): choose one that is a single "
            f"token{advice}."
        )
        return ()
    if is_unknown(model, ids):
        warnings.append(f"The {role} “{typed}” is not in the model's vocabulary: choose another.")
        return ()
    if not 0 <= ids[0] < model.cfg.d_vocab_out:
        warnings.append(
            f"The {role} “{typed}” is token {ids[0]}, which this model has no logit for: choose "
            "another."
        )
        return ()
    if typed[0].isalpha() and len(text.encode_continuation(model, " " + typed)) == 1:
        warnings.append(
            f"The {role} “{typed}” has no leading space; “ {typed}” is another token and usually "
            "the one meant."
        )
    return tuple(ids)


def is_unknown(model: HookedTransformer, ids: list[int]) -> bool:
    """Whether a word has a token that only says that it is not in the vocabulary."""
    tokenizer = model.tokenizer
    unknown = tokenizer.unk_token_id
    return unknown is not None and unknown != tokenizer.eos_token_id and unknown in ids


def continued(tokens: Tensor, continuation: int | Sequence[int]) -> Tensor:
    """Return the prompt that a `ContinuationLogProbability` reads: all but its last token follow.

    Clean and corrupted prompt get the same continuation, so that both stay equally long.

    Args:
        tokens: Token ids of a prompt, [..., position].
        continuation: Token ids.

    Returns:
        [..., position + tokens of the continuation − 1].

    Raises:
        ValueError: If the continuation is empty.
    """
    continuation = as_tokens(continuation)
    if not continuation:
        raise ValueError("The continuation has no tokens.")
    more = tokens.new_tensor(list(continuation[:-1])).expand(*tokens.shape[:-1], -1)
    return torch.cat([tokens, more], dim=-1)
