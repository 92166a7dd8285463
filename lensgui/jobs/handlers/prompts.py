"""Tokens as the window shows them, and what to warn about in a prompt pair."""

from __future__ import annotations

from lensgui.analysis.checks import unequal
from lensgui.jobs.results import Token
from lensgui.prompts.pair import PromptPair
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text import tokens as text


def token_of(model: HookedTransformer, token: int) -> Token:
    """Return a token as the window shows it."""
    return Token(
        token,
        text.to_single_str_token(model, token),
        text.token_bytes(model, token),
        token in model.tokenizer.all_special_ids,
    )


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
    if reason := unequal(len(clean), len(corrupted)):
        found.append(reason)
    elif clean == corrupted:
        found.append("The prompts are identical: patching one into the other changes nothing.")
    elif not skip and clean[0] != corrupted[0]:
        found.append(
            "The prompts differ at position 0, an attention sink: what stands there is hardly "
            "represented. "
            "Put a beginning-of-sequence token in front."
        )
    return found
