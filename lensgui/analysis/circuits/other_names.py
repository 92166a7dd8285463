"""Prompts whose names are others, each of them once: what stands in when that is to say nothing.

A corrupted prompt that exchanges two names says the opposite, so whatever is cut counts twice. With
three names that have nothing to do with each other, "When Alice and Ben went to the store, Carl
gave a drink to", the answer is open (ABC in Wang et al. 2022).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lensgui.prompts.ioi import NAMES
from lensgui.prompts.words import MEN, WOMEN
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.tokens import encode, to_str_tokens

KNOWN = tuple(dict.fromkeys((*NAMES, *MEN, *WOMEN)))


def other_names(model: HookedTransformer, tokens: Tensor, seed: int = 0) -> Tensor:
    """Return a prompt in which every occurrence of a name is another name, none of them twice.

    Args:
        model: Whose tokenizer says what tokens a name has.
        tokens: Token ids, [position].
        seed: Of the draw.

    Returns:
        As many token ids.

    Raises:
        ValueError: If the prompt has no names that are known here, or too many of them.
    """
    ids: list[int] = tokens.tolist()
    texts = to_str_tokens(model, ids)
    there = list(_names(texts))
    if not there:
        raise ValueError(
            "This prompt has no names that could be others: choose what else stands in, such as "
            "the corrupted prompt."
        )
    drawn = random.Random(f"{seed} {ids}")  # of its own for each prompt
    free = [name for name in KNOWN if all(name != _word(texts[span]) for span in there)]
    drawn.shuffle(free)
    for span in there:
        new = next((some for some in _fitting(model, free, texts[span])), None)
        if new is None:
            name = _word(texts[span])
            raise ValueError(
                f"No other name has as many tokens as “{name}”: choose what else stands in."
            )
        free.remove(new[0])
        ids[span] = new[1]
    return torch.tensor(ids, dtype=tokens.dtype, device=tokens.device)


def _names(texts: Sequence[str]) -> Iterator[slice]:
    """Yield where names are: from a token that begins a word to where the name is complete."""
    for first, text in enumerate(texts):
        if first and not text.startswith((" ", "\n", "“", '"')):
            continue
        for stop in range(first + 1, min(first + 5, len(texts) + 1)):
            is_end = stop == len(texts) or not texts[stop][:1].isalpha()
            if is_end and _word(texts[first:stop]) in KNOWN:
                yield slice(first, stop)
                break


def _word(texts: Sequence[str]) -> str:
    return "".join(texts).strip(' \n“"')


def _fitting(
    model: HookedTransformer, names: Sequence[str], texts: Sequence[str]
) -> Iterator[tuple[str, list[int]]]:
    """Yield names that have as many tokens in the place of another, with these."""
    whole = "".join(texts)
    for name in names:
        text = whole.replace(_word(texts), name)
        new = encode(model, text, prepend_bos=False)
        if len(new) == len(texts) and "".join(to_str_tokens(model, new)) == text:
            yield name, new
