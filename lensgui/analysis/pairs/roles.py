"""Where named words stand in prompts, by which positions of different prompts are matched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import torch
from torch import Tensor

from lensgui.analysis.pairs.answers import encode
from lensgui.prompts.pair import PairRow, Prompt, Role
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text import tokens as text

Ids = tuple[int, ...]
END = "end"  # what the last token of a prompt is called, where it has no other of that name


def role_places(model: HookedTransformer, row: PairRow, clean: Tensor) -> dict[str, int]:
    """Return the position of each named word's last token in a row's clean prompt.

    Args:
        model: The model.
        row: The row.
        clean: Token ids of its clean prompt, [position].
    """
    return _places(model, row.pair.clean, row.roles, len(clean))


def _places(
    model: HookedTransformer, typed: str, roles: Sequence[Role], length: int
) -> dict[str, int]:
    """Return the position of each named word's last token in a text of so many tokens."""
    if not roles:
        return {}
    ends = token_ends(model, typed)
    in_front = length - len(ends)
    return {
        role.name: in_front + next(at for at, end in enumerate(ends) if end >= role.end)
        for role in roles
        if ends and 0 < role.end <= ends[-1]
    }


def places_of(model: HookedTransformer, prompts: Iterable[Prompt]) -> dict[Ids, dict[str, int]]:
    """Return where named words stand in each of some prompts, and where these end, by token ids.

    Prompts that can't be read are left out.
    """
    found = dict[Ids, dict[str, int]]()
    for prompt in prompts:
        with suppress(ValueError):  # a text that is too long for the model is no reason for none
            ids = tuple(encode(model, prompt).tolist())
            named = _places(model, prompt.text, prompt.word_roles, len(ids))
            found[ids] = named | {END: named.get(END, len(ids) - 1)}
    return found


def token_ends(model: HookedTransformer, typed: str) -> list[int]:
    """Return where each token of a text ends, in characters, [token]."""
    tokenizer = model.tokenizer
    if getattr(tokenizer, "is_fast", False):
        encoded = tokenizer(typed, add_special_tokens=False, return_offsets_mapping=True)
        return [end for _, end in encoded["offset_mapping"]]
    ids = text.encode(model, typed, prepend_bos=False)
    return [len(str(text.to_string(model, ids[: at + 1]))) for at in range(len(ids))]


def matching(lengths: Sequence[int], places: Sequence[Mapping[str, int]]) -> tuple[str, ...]:
    """Return the roles by which positions of prompts are matched; () where numbers will do.

    Numbers do where all prompts have one length, and every role stands at one place.

    Args:
        lengths: How many tokens each prompt has.
        places: The position of each role in each prompt; {} where that is not known.

    Raises:
        ValueError: If the lengths differ and the prompts share no role.
    """
    layouts = {(length, *sorted(of.items())) for length, of in zip(lengths, places, strict=True)}
    if len(layouts if all(places) else set(lengths)) == 1:
        return ()
    shared = [role for role in places[0] if all(role in of for of in places)]
    if not shared:
        raise ValueError(
            f"The prompts have {min(lengths)} to {max(lengths)} tokens and share no named role, so "
            "their positions can't be matched: use prompts of one length, or name roles."
        )
    return tuple(shared)


def row_places(model: HookedTransformer, row: PairRow) -> tuple[int, dict[str, int]]:
    """Return how many tokens a row's clean prompt has, and where its roles stand in both prompts.

    Nowhere, if the corrupted prompt has another length.
    """
    clean, corrupted = (
        encode(model, prompt) for prompt in (row.pair.clean_prompt, row.pair.corrupted_prompt)
    )
    alike = len(clean) == len(corrupted)
    return len(clean), role_places(model, row, clean) if alike else {}


def matched_rows(
    model: HookedTransformer, rows: Sequence[PairRow]
) -> tuple[tuple[str, ...], list[tuple[int, ...]]]:
    """Return the roles by which rows are matched, and where these stand in each row's prompts.

    Args:
        model: The model.
        rows: The rows.

    Returns:
        Both empty where positions are matched by number.

    Raises:
        ValueError: As `matching`.
    """
    lengths, places = zip(*(row_places(model, row) for row in rows), strict=True)
    roles = matching(lengths, places)
    return roles, [tuple(of[role] for role in roles) for of in places]


def at_places(values: Tensor, places: Sequence[int]) -> Tensor:
    """Return what stands at some destinations and sources.

    Args:
        values: [..., position, source].
        places: Positions, of roles say; none for all.

    Returns:
        [..., place, place].
    """
    if not places:
        return values
    at = torch.tensor(tuple(places), device=values.device)
    return values.index_select(-2, at).index_select(-1, at)
