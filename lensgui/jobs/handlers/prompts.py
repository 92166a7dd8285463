"""A prompt pair as the user typed it → tokens, answers, and what to warn about."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lensgui.circuits.metrics import LogitDifference
from lensgui.circuits.questions import Prompt, PromptPair
from lensgui.engine import tokens as text
from lensgui.engine.model import HookedTransformer
from lensgui.jobs.reports import Token


def encode(model: HookedTransformer, prompt: Prompt) -> Tensor:
    """Return a prompt's token ids, [position].

    Raises:
        ValueError: If there are none, or more than the model takes.
    """
    ids = text.to_tokens(model, prompt.text, prompt.bos, truncate=False)[0]
    if not len(ids):
        raise ValueError("The prompt is empty: type at least one token.")
    if len(ids) > model.cfg.n_ctx:
        raise ValueError(
            f"The prompt has {len(ids)} tokens and this model takes {model.cfg.n_ctx}: shorten it."
        )
    return ids


def token_of(model: HookedTransformer, token: int) -> Token:
    """Return a token as the window shows it."""
    return Token(
        token,
        text.to_single_str_token(model, token),
        text.token_bytes(model, token),
        token in model.tokenizer.all_special_ids,
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """Answer and distractor, where they are one token each, and what to warn about."""

    answer: int | None
    distractor: int | None
    warnings: tuple[str, ...] = ()

    @property
    def metric(self) -> LogitDifference | None:
        """The logit difference; None while an answer is missing or both are the same."""
        if self.answer is None or self.distractor is None or self.answer == self.distractor:
            return None
        return LogitDifference((self.answer,), (self.distractor,))


def answers(model: HookedTransformer, pair: PromptPair, likeliest: list[int]) -> Answers:
    """Return a pair's answers, the likeliest tokens standing in for what was not typed.

    Args:
        model: The model.
        pair: The pair.
        likeliest: The two likeliest next tokens of the clean prompt, likeliest first.
    """
    warnings: list[str] = []
    answer = _typed(model, "answer", pair.answer, warnings)
    distractor = _typed(model, "distractor", pair.distractor, warnings)
    if not pair.answer:
        answer = next(token for token in likeliest if token != distractor)
    if not pair.distractor:
        distractor = next(token for token in likeliest if token != answer)
    if answer is not None and answer == distractor:
        warnings.append(
            "Answer and distractor are the same token: the logit difference is always 0."
        )
    return Answers(answer, distractor, tuple(warnings))


def _typed(model: HookedTransformer, role: str, typed: str, warnings: list[str]) -> int | None:
    """Return the token a user typed, if it is one; else warn."""
    if not typed:
        return None
    ids = text.encode(model, typed, prepend_bos=False)
    if len(ids) != 1:
        pieces = " ".join(
            f"“{piece}”" for piece in text.to_str_tokens(model, typed, prepend_bos=False)
        )
        warnings.append(
            f"The {role} “{typed}” is {len(ids)} tokens ({pieces}): choose one that is a single "
            "token."
        )
        return None
    if typed[0].isalpha() and len(text.encode(model, " " + typed, prepend_bos=False)) == 1:
        warnings.append(
            f"The {role} “{typed}” has no leading space; “ {typed}” is another token and usually "
            "the one meant."
        )
    return ids[0]


def pair_warnings(pair: PromptPair, clean: list[int], corrupted: list[int], skip: int) -> list[str]:
    """Return what is wrong or surprising about a pair of prompts.

    Args:
        pair: The pair as typed.
        clean: Its token ids.
        corrupted: Likewise; empty while there is only one prompt.
        skip: How many tokens in front nobody typed.
    """
    named = {"clean": pair.clean, "corrupted": pair.corrupted}
    found = [
        f"The {name} prompt ends in a space; most tokens bring their own, so the model rarely "
        "sees one there."
        for name, typed in named.items()
        if typed.endswith(" ")
    ]
    if not corrupted:
        return found
    if len(clean) != len(corrupted):
        found.append(
            f"The clean prompt has {len(clean)} tokens and the corrupted one {len(corrupted)}: "
            "patching needs as many in both, so change a word."
        )
    elif clean == corrupted:
        found.append("The prompts are identical: patching one into the other changes nothing.")
    elif not skip and clean[0] != corrupted[0]:
        found.append(
            "The prompts differ at position 0, an attention sink: what stands there is hardly "
            "represented. "
            "Put a beginning-of-sequence token in front."
        )
    return found
