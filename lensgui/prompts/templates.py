"""Prompt pairs from templates, with the words that play a part. Free of torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from string import Formatter

from lensgui.prompts.pair import PairRow, PromptPair, Role

ROLES = {"io": "IO", "s": "S", "s2": "S2"}  # as Wang et al. 2022 call them

Words = Mapping[str, str]


def row_of(template: str, clean: Words, changed: Words, answer: str, distractor: str) -> PairRow:
    """Return a pair from a template.

    Args:
        template: Words to fill in stand in braces; one that occurs twice is numbered as a role.
        clean: What is filled in.
        changed: What is filled in otherwise in the corrupted prompt.
        answer: What the clean prompt calls for.
        distractor: What the corrupted prompt calls for.
    """
    text, roles = _filled(template, clean)
    corrupted, _ = _filled(template, {**clean, **changed})
    return PairRow(PromptPair(text, corrupted, answer, distractor), roles)


def _filled(template: str, fillings: Words) -> tuple[str, tuple[Role, ...]]:
    """Return a filled-in template, and where its words ended up."""
    names = [name for _, name, _, _ in Formatter().parse(template) if name]
    totals, seen = Counter(names), Counter[str]()
    text, roles = "", []
    for literal, name, _, _ in Formatter().parse(template):
        text += literal
        if name:
            text += fillings[name]
            seen[name] += 1
            number = str(seen[name]) if totals[name] > 1 or name == "s" else ""
            roles.append(Role(ROLES.get(name, name) + number, len(text)))
    return text, (*roles, Role("end", len(text)))
