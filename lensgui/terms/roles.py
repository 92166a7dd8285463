"""The parts that heads play, each proposed by a rule that can be read and whose numbers can change.

The rules are after Wang et al. 2022 (movers, negative movers, S-inhibition) and McDougall et al.
2023 (copy suppression); Olsson et al. 2022 for the rest. A rule proposes: what is so on one pair is
a candidate, and a role is confirmed by other pairs and by experiments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from lensgui.terms.kinds import Head

Numbers = NDArray[np.float32]  # [layer, head]
Mask = NDArray[np.bool_]
NO_ROLE = ""  # what a user gives a head that has none, whatever the rules say


@dataclass(frozen=True, slots=True)
class RoleBounds:
    """The numbers in the rules.

    Attributes:
        attention: The least attention from where the metric is read, 0 to 1.
        attribution: The least direct attribution, as a share of the metric.
        copying: What the copying score must exceed, 0 to 1.
        repeats: The least score on random repeated tokens, 0 to 1.
        pairs: The share of the pairs of the table on which a rule must hold for a role to be firm.
    """

    attention: float = 0.3
    attribution: float = 0.02
    copying: float = 0.5
    repeats: float = 0.4
    pairs: float = 0.75

    def __post_init__(self) -> None:
        """Refuse what no head could be compared with."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= 1:
                raise ValueError(f"{field.name} is {value}, but the rules compare with 0 to 1.")


USUAL = RoleBounds()


@dataclass(frozen=True, slots=True, eq=False)
class PairMeasures:
    """What the rules compare of one pair's clean run; numbers are [layer, head].

    Attributes:
        to_answer: Attention from where the metric is read to the answer's tokens; 0 where they
            do not occur.
        to_distractor: Likewise to the distractor's.
        to_repeat: Likewise to the distractor's last place, if it occurs before.
        share: Direct logit attribution, as a share of the size of the logit difference.
    """

    to_answer: Numbers
    to_distractor: Numbers
    to_repeat: Numbers
    share: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class ModelMeasures:
    """What the rules compare of a model alone, whatever the prompt; numbers are [layer, head].

    Attributes:
        previous: Score on random repeated tokens: attention to the token before.
        duplicate: To the same token's first copy.
        induction: To what followed that.
        copying: +1 copies, −1 lowers what it looks at; NaN while it is not known.
    """

    previous: Numbers
    duplicate: Numbers
    induction: Numbers
    copying: Numbers


Rule = Callable[[PairMeasures, ModelMeasures, RoleBounds], Mask]


@dataclass(frozen=True, slots=True)
class HeadRole:
    """A part that a head may play.

    Attributes:
        name: What it is called.
        letter: What stands for it in pictures.
        sentence: The rule, with the names of `RoleBounds` in braces.
        rule: The rule.
        of_model: Whether it is of the model alone, whatever the prompt.
        is_candidate: Whether only an experiment can confirm it.
    """

    name: str
    letter: str
    sentence: str
    rule: Rule
    of_model: bool = False
    is_candidate: bool = False

    def words(self, bounds: RoleBounds) -> str:
        """Return the rule as a sentence."""
        numbers = {field.name: getattr(bounds, field.name) for field in fields(bounds)}
        return self.sentence.format(**numbers).replace("%", " %")


def _mover(of: PairMeasures, model: ModelMeasures, least: RoleBounds) -> Mask:
    looks, copies = of.to_answer >= least.attention, model.copying > least.copying
    return looks & (of.share >= least.attribution) & copies


def _negative_mover(of: PairMeasures, model: ModelMeasures, least: RoleBounds) -> Mask:
    looks, lowers = of.to_answer >= least.attention, model.copying < -least.copying
    return looks & (of.share <= -least.attribution) & lowers


def _copy_suppression(of: PairMeasures, model: ModelMeasures, least: RoleBounds) -> Mask:
    looks, lowers = of.to_distractor >= least.attention, model.copying < -least.copying
    return looks & (of.share > 0) & lowers


def _s_inhibition(of: PairMeasures, model: ModelMeasures, least: RoleBounds) -> Mask:
    movers = _mover(of, model, least) | _negative_mover(of, model, least)
    last = int(np.flatnonzero(movers.any(1)).max(initial=-1))
    before = np.arange(len(movers))[:, None] < last
    return (of.to_repeat >= least.attention) & before


ROLES = (
    HeadRole(
        "mover",
        "M",
        "From where the metric is read, at least {attention:.2f} of its attention is on the "
        "answer; it adds at least {attribution:.0%} of the metric directly; and it copies (score "
        "above {copying:.2f}).",
        _mover,
    ),
    HeadRole(
        "negative mover",
        "N",
        "At least {attention:.2f} of its attention is on the answer, it takes away at least "
        "{attribution:.0%} of the metric directly, and it lowers what it looks at (copying below "
        "−{copying:.2f}).",
        _negative_mover,
    ),
    HeadRole(
        "copy suppression",
        "C",
        "At least {attention:.2f} of its attention is on the distractor, which it lowers (copying "
        "below −{copying:.2f}), so that it helps the answer directly.",
        _copy_suppression,
    ),
    HeadRole(
        "S-inhibition candidate",
        "S",
        "At least {attention:.2f} of its attention is on the last place of a distractor that was "
        "there before, and a mover comes after it. Only path patching into the movers’ queries can "
        "confirm it.",
        _s_inhibition,
        is_candidate=True,
    ),
    HeadRole(
        "induction",
        "I",
        "On random repeated tokens it attends at least {repeats:.2f} to what followed the token’s "
        "first copy.",
        lambda _, model, least: model.induction >= least.repeats,
        of_model=True,
    ),
    HeadRole(
        "duplicate token",
        "D",
        "On random repeated tokens it attends at least {repeats:.2f} to the token’s first copy.",
        lambda _, model, least: model.duplicate >= least.repeats,
        of_model=True,
    ),
    HeadRole(
        "previous token",
        "P",
        "On random repeated tokens it attends at least {repeats:.2f} to the token just before.",
        lambda _, model, least: model.previous >= least.repeats,
        of_model=True,
    ),
)
"""All roles; of several that a rule proposes for a head, the first is its own."""
NAMED = {role.name: role for role in ROLES}


@dataclass(frozen=True, slots=True)
class GivenRole:
    """A role that the user gave a head, over whatever the rules say.

    Attributes:
        layer: The head's layer.
        head: The head.
        name: Of one of `ROLES`, or `NO_ROLE`.
    """

    layer: int
    head: int
    name: str

    def __post_init__(self) -> None:
        """Refuse a role that nobody knows."""
        if self.name != NO_ROLE and self.name not in NAMED:
            raise ValueError(f"There is no role {self.name!r}; there are {', '.join(NAMED)}.")


@dataclass(frozen=True, slots=True)
class Part:
    """The role of one head, and how well it is founded.

    Attributes:
        role: The role.
        others: Other roles whose rule holds on the shown pair.
        pairs: On how many pairs of the table its rule holds; of how many is `total`.
        total: How many pairs there are; 0 for a role that is of the model alone.
        is_firm: Whether it is drawn filled: it is of the model alone, or its rule holds on enough
            pairs of a table that has enough.
        is_given: Whether the user gave it.
        is_of_names: Whether the answer is a name.
        rule: The rule as a sentence, with its numbers.
    """

    role: HeadRole
    others: tuple[HeadRole, ...] = ()
    pairs: int = 0
    total: int = 0
    is_firm: bool = False
    is_given: bool = False
    is_of_names: bool = False
    rule: str = ""

    @property
    def letter(self) -> str:
        """What stands for it in pictures."""
        return self.role.letter

    @property
    def name(self) -> str:
        """What it is called: a mover of names is a name mover."""
        is_mover = self.is_of_names and self.role.name.endswith("mover")
        return self.role.name.replace("mover", "name mover") if is_mover else self.role.name

    @property
    def words(self) -> str:
        """Its name, and how well it is founded."""
        if self.is_given:
            return f"{self.name}, as you named it"
        if self.total:
            return f"{self.name}, on {self.pairs} of {self.total} pairs"
        return self.name if self.role.of_model else f"{self.name}, on this pair"


ENOUGH_PAIRS = 16


def find_roles(
    shown: PairMeasures | None,
    model: ModelMeasures,
    table: Sequence[PairMeasures] = (),
    bounds: RoleBounds = USUAL,
    given: Sequence[GivenRole] = (),
    *,
    is_of_names: bool = False,
) -> dict[Head, Part]:
    """Return the role of every head that has one.

    Args:
        shown: What is known of the pair at hand; None without answers.
        model: What is known of the model.
        table: Likewise of the pairs of a table, which say how general a role is.
        bounds: The numbers in the rules.
        given: What the user says instead; the last word on a head counts.
        is_of_names: Whether the answer is a name.
    """
    nothing = np.zeros(model.induction.shape, np.float32)
    nobody = PairMeasures(nothing, nothing, nothing, nothing)
    masks, counts = {}, {}
    for role in ROLES:
        of_pair = shown if shown is not None else nobody
        masks[role.name] = role.rule(of_pair, model, bounds)
        if not role.of_model:
            counts[role.name] = sum(
                (role.rule(pair, model, bounds).astype(int) for pair in table),
                np.zeros(nothing.shape, int),
            )
    found = _overruled(dict(_proposed(masks, counts, len(table), bounds)), given)
    rules = {role: role.words(bounds) for role in ROLES}
    return {
        head: replace(part, is_of_names=is_of_names, rule=rules[part.role])
        for head, part in found.items()
    }


def _proposed(
    masks: Mapping[str, Mask],
    counts: Mapping[str, NDArray[np.int_]],
    total: int,
    bounds: RoleBounds,
) -> Iterator[tuple[Head, Part]]:
    """Yield the heads for which a rule holds on the shown pair, or on enough of the table's."""
    least = bounds.pairs * total
    holds = {name: mask.copy() for name, mask in masks.items()}
    if total >= ENOUGH_PAIRS:
        for name, count in counts.items():
            holds[name] |= count >= least
    for layer, head in np.argwhere(np.any([*holds.values()], axis=0)).tolist():
        at = layer, head
        role, *others = (role for role in ROLES if holds[role.name][at])
        pairs = 0 if role.of_model else int(counts[role.name][at])
        is_general = total >= ENOUGH_PAIRS and pairs >= least
        yield (
            at,
            Part(
                role,
                tuple(others),
                pairs,
                0 if role.of_model else total,
                is_firm=role.of_model or (is_general and not role.is_candidate),
            ),
        )


def _overruled(found: dict[Head, Part], given: Sequence[GivenRole]) -> dict[Head, Part]:
    for one in given:
        before = found.pop((one.layer, one.head), None)
        if one.name != NO_ROLE:
            rest = () if before is None else (before.role, *before.others)
            others = tuple(role for role in rest if role.name != one.name)
            part = Part(NAMED[one.name], others, is_firm=True, is_given=True)
            found[one.layer, one.head] = part
    return found
