"""Which interventions share a line, what each overrides, and what lines say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lensgui.jobs.answers.interventions import InterventionReading
from lensgui.terms.interventions import ALONG, SETTING, Intervention, Site

LEAST_ALIKE = 3  # that share a line
MOST_UNFOLDED = 64  # lines of those that are alike
SHORT_OPS = {
    "zero": "→ 0",
    "mean": "→ mean",
    "resample": "→ other prompt",
    "noise": "+ noise",
    "scale": "×",
    "add": "+",
    "add_median": "+",
    "add_norm": "+",
    "remove": "without",
    "cap": "capped along",
    "set": "set along",
    "move": "moved from",
    "exchange": "exchanged",
    "knock_out": "not to",
    "freeze": "frozen",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tray.

    Attributes:
        numbers: Which interventions it is of, counted from 0 in the list's order.
        is_group: Whether it stands for several that are alike.
        is_inside: Whether it is one of those.
        left_out: How many more there are than lines are shown for.
    """

    numbers: tuple[int, ...]
    is_group: bool = False
    is_inside: bool = False
    left_out: int = 0


def alike(one: Intervention) -> Intervention:
    """Return an intervention as those that do the same elsewhere in the model look too."""
    return replace(one, site=Site(one.site.name, _layer(one)), is_on=True)


def _layer(one: Intervention) -> int | None:
    return None if one.site.layer is None else 0


def lines(listed: Sequence[Intervention], unfolded: Iterable[Intervention] = ()) -> list[Line]:
    """Return the lines of a list, in its order: those next to each other that are alike share one.

    Args:
        listed: The interventions.
        unfolded: Of what is alike, as `alike` says, what has a line for each as well.
    """
    opened = set(unfolded)
    found = list[Line]()
    first = 0
    while first < len(listed):
        kind, end = alike(listed[first]), first + 1
        while end < len(listed) and alike(listed[end]) == kind:
            end += 1
        numbers = tuple(range(first, end))
        if len(numbers) < LEAST_ALIKE:
            found += [Line((number,)) for number in numbers]
        else:
            found.append(Line(numbers, is_group=True))
            shown = numbers[:MOST_UNFOLDED] if kind in opened else ()
            found += [Line((number,), is_inside=True) for number in shown]
            if shown and len(shown) < len(numbers):
                rest = len(numbers) - len(shown)
                found[-1] = replace(found[-1], left_out=rest)
        first = end
    return found


def overridden(listed: Sequence[Intervention]) -> list[tuple[int, ...]]:
    """Return of each intervention which of those before it have no effect for it, from 0 on."""
    return [
        tuple(at for at, before in enumerate(listed[:number]) if _overrides(one, before))
        for number, one in enumerate(listed)
    ]


def _overrides(later: Intervention, earlier: Intervention) -> bool:
    """Whether nothing of an intervention is left once a later one has been done."""
    if not (later.is_on and earlier.is_on and later.op in SETTING):
        return False
    site, of = later.site, earlier.site
    if (site.name, site.layer) != (of.name, of.layer):
        return False
    is_there = site.head in (None, of.head) and site.neuron in (None, of.neuron)
    is_then = later.runs in ("both", earlier.runs) and _covers(later, earlier)
    return is_there and is_then and later.sources in ((), earlier.sources)


def _covers(later: Intervention, earlier: Intervention) -> bool:
    """Whether an intervention is at all positions of another."""
    wide, narrow = later.where, earlier.where
    if wide == narrow:
        return True
    if wide == "all":
        return later.op == "zero" or narrow != "generated"
    return isinstance(wide, tuple) and isinstance(narrow, tuple) and set(narrow) <= set(wide)


def place(listed: Sequence[Intervention], line: Line) -> str:
    """Return what a line is of: L23H3.z, or 12 heads."""
    found = [listed[number] for number in line.numbers]
    if not line.is_group:
        return str(found[0].site)
    site = found[0].site
    what = "neurons" if site.neuron is not None else "heads" if site.head is not None else "places"
    return f"{len(found)} {what} · {site.name}"


def told(listed: Sequence[Intervention], line: Line) -> str:
    """Return what is done on a line and to what, shortly: #2 L23H3.z → 0, #3 + “·Paris” · L12."""
    one, of = listed[line.numbers[0]], place(listed, line)
    said = f"{done(one)} · {of}" if one.op in ALONG else f"{of} {done(one)}"
    return f"#{line.numbers[0] + 1} {said}"


def done(one: Intervention) -> str:
    """Return what is done, shortly: → 0, + “·Paris”, not to 3."""
    named = [f"“{of.name}”" for of in (one.vector, one.target) if of is not None]
    to = [", ".join(map(str, one.sources)) or "any"] if one.op == "knock_out" else []
    bounds = [f"{one.bounds[0]:g} … {one.bounds[1]:g}"] if one.bounds is not None else []
    share = ["of each norm"] if one.op == "add_norm" else []
    return " ".join([SHORT_OPS[one.op], *to, *bounds, *named, *share])


def where(one: Intervention) -> str:
    """Return where it is done, shortly, and to which prompt; "" for everywhere in both."""
    at = one.where
    listed = ", ".join(map(str, at)) if isinstance(at, tuple) else at
    prompt = {"both": "", "clean": "clean", "corrupted": "corr."}[one.runs]
    there = f"at {listed}" if isinstance(at, tuple) else listed.replace("all", "")
    return " · ".join(filter(None, [there, prompt]))


def remark(
    numbers: Sequence[int],
    overrides: Sequence[tuple[int, ...]],
    readings: Sequence[InterventionReading],
) -> str:
    """Return what is to be known of a line's interventions: why not, what over, how many prompts.

    Args:
        numbers: Which they are.
        overrides: What each of all overrides.
        readings: What is known of each; () while nothing is.
    """
    known = [readings[number] for number in numbers] if readings else []
    faults = list(dict.fromkeys(reading.fault for reading in known if reading.fault))
    if faults:
        return faults[0] + f" (and {len(faults) - 1} more)" * (len(faults) > 1)
    over = dict.fromkeys(at for number in numbers for at in overrides[number] if at not in numbers)
    said = [f"overrides {', '.join(f'#{at + 1}' for at in over)}"] if over else []
    prompts = {reading.prompts for reading in known} - {0}
    by_role = " by role" * any(reading.roles for reading in known)
    said += [f"mean of {min(prompts)} prompts{by_role}"] if prompts else []
    return " · ".join(said)


def matched(numbers: Sequence[int], readings: Sequence[InterventionReading]) -> str:
    """Return how means are taken over prompts laid out differently; "" where there are none."""
    known = [readings[number] for number in numbers] if readings else []
    roles = list(dict.fromkeys(role for reading in known for role in reading.roles))
    if not roles:
        return ""
    return (
        f"The prompts are laid out differently, so its mean is by role: at {', '.join(roles)} over "
        "the same words of the others, at the first token over their first, elsewhere over all "
        "their tokens after it."
    )
