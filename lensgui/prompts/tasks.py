"""Tasks that prompt pairs are drawn from, each with the words that play a part. Free of torch."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from string import Formatter

from lensgui.prompts import ioi, words
from lensgui.prompts.pair import SEPARATOR, PairRow, PromptPair, Role

ROLES = {"io": "IO", "s": "S", "s2": "S2"}  # as Wang et al. 2022 call them

Words = Mapping[str, str]
DRAWN = 32  # pairs at once
ATTEMPTS = 10  # for each pair, to draw one that was not drawn before
SPARE = 8  # times as many pairs are drawn as needed, to find those of one length
DIGITS = "0123456789"


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


REPEATED, SHOWN_AGAIN, CHANGED = 7, 4, 4  # words of a repeated list; the changed one's place


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of prompt pair.

    Attributes:
        name: One or two words.
        title: What a menu says.
        about: What is asked, in one sentence.
        make: Draws one pair.
        pattern: What its clean prompts look like.
        digits: How many digits of a number must make one token; 0 for a task without numbers.
    """

    name: str
    title: str
    about: str
    make: Callable[[random.Random], PairRow]
    pattern: re.Pattern[str]
    digits: int = 0

    def draw(self, count: int, seed: int = 0) -> tuple[PairRow, ...]:
        """Draw pairs, none twice; fewer where there are no more.

        Args:
            count: How many.
            seed: Seed of the draw.
        """
        rng = random.Random(seed)
        rows: dict[PromptPair, PairRow] = {}
        for _ in range(ATTEMPTS * count):
            if len(rows) == count:
                break
            row = self.make(rng)
            rows.setdefault(row.pair, row)
        return tuple(rows.values())

    def recognises(self, pair: PromptPair) -> bool:
        """Whether a pair could be one of this task's."""
        return self.pattern.fullmatch(pair.clean) is not None


def task_of(pair: PromptPair) -> Task | None:
    """Return the task that a pair belongs to; None if it is none of these."""
    return next((task for task in TASKS if task.recognises(pair)), None)


def akin(
    task: Task,
    pair: PromptPair,
    count: int,
    seed: int = 0,
    held: Collection[PromptPair] = (),
) -> tuple[PairRow, ...]:
    """Draw pairs of a task, laid out as a pair is if there are enough of those.

    Prompts of one layout keep their positions in an average; others are matched by role.

    Args:
        task: The task.
        pair: The pair; its beginning of sequence and its metric are theirs too.
        count: How many.
        seed: Seed of the draw.
        held: Pairs that are there already, and are not drawn again.
    """
    drawn = like(task.draw(SPARE * count + len(held), seed), pair)
    drawn = tuple(row for row in drawn if row.pair not in held)
    names = [name for name in ("answer", "distractor") if getattr(pair, name)]
    layout = _layout(pair, names)
    alike = tuple(row for row in drawn if _layout(row.pair, names) == layout)
    return (alike if len(alike) >= count else drawn)[:count]


def _layout(pair: PromptPair, names: list[str]) -> tuple[object, ...]:
    """Return how many words a clean prompt has, and where those of some answers stand."""
    words = [word.strip(".,:;") for word in pair.clean.split()]
    answers = [getattr(pair, name).strip() for name in names]
    places = [tuple(at for at, word in enumerate(words) if word == one) for one in answers]
    return (len(words), *places)


def like(rows: tuple[PairRow, ...], pair: PromptPair) -> tuple[PairRow, ...]:
    """Return rows that are read as a pair is: its beginning of sequence and its metric."""
    return tuple(
        replace(row, pair=replace(row.pair, bos=pair.bos, metric=pair.metric)) for row in rows
    )


def _ioi(rng: random.Random) -> PairRow:
    io, s = rng.sample(ioi.NAMES, 2)
    template = rng.choice(ioi.TEMPLATES)
    if rng.random() < 0.5:
        template = template.replace("{io} and {s}", "{?}").replace("{s} and {io}", "{io} and {s}")
        template = template.replace("{?}", "{s} and {io}")
    head, _, tail = template.rpartition("{s}")
    place, thing = rng.choice(ioi.PLACES), rng.choice(ioi.OBJECTS)
    clean = {"io": io, "s": s, "s2": s, "place": place, "object": thing}
    return row_of(head + "{s2}" + tail, clean, {"s2": io}, " " + io, " " + s)


def _capital(rng: random.Random) -> PairRow:
    return _fact(rng, "The city of {city} is in the country of", "city", words.CAPITALS)


def _landmark(rng: random.Random) -> PairRow:
    facts = rng.choice(words.LANDMARKS)
    return _fact(rng, "The {landmark} is located in the city of", "landmark", facts)


def _fact(rng: random.Random, template: str, name: str, facts: Words) -> PairRow:
    subject = rng.choice(list(facts))
    other = rng.choice([key for key, value in facts.items() if value != facts[subject]])
    answers = " " + facts[subject], " " + facts[other]
    return row_of(template, {name: subject}, {name: other}, *answers)


def _agreement(rng: random.Random) -> PairRow:
    forms = list(rng.choice(list(words.THINGS.items())))
    answers = [" is", " are"]
    if rng.random() < 0.5:
        forms, answers = forms[::-1], answers[::-1]
    clean = {"subject": forms[0], "place": rng.choice(words.SPOTS)}
    template = "I know that the {subject} in the {place}"
    return row_of(template, clean, {"subject": forms[1]}, answers[0], answers[1])


def _gender(rng: random.Random) -> PairRow:
    names = [rng.choice(words.MEN), rng.choice(words.WOMEN)]
    answers = [" he", " she"]
    if rng.random() < 0.5:
        names, answers = names[::-1], answers[::-1]
    clean = {"name": names[0], "trait": rng.choice(words.TRAITS)}
    template = "So {name} is a really {trait} friend, isn't"
    return row_of(template, clean, {"name": names[1]}, answers[0], answers[1])


def _greater_digit(rng: random.Random) -> PairRow:
    last, other = rng.randint(5, 8), rng.randint(1, 3)
    clean = {
        "event": rng.choice(words.EVENTS),
        "century": str(rng.randint(11, 18)),
        "decade": str(rng.randint(1, 8)),
        "year": str(last),
    }
    template = "The {event} lasted from the year {century}{decade}{year} to the year "
    template += "{century}{decade}"
    answers = SEPARATOR.join(DIGITS[last + 1 :]), SEPARATOR.join(DIGITS[: last + 1])
    return row_of(template, clean, {"year": str(other)}, *answers)


def _greater_year(rng: random.Random) -> PairRow:
    year = rng.randint(10, 90)
    clean = {
        "event": rng.choice(words.EVENTS),
        "century": str(rng.randint(11, 18)),
        "year": str(year),
    }
    template = "The {event} lasted from the year {century}{year} to the year {century}"
    years = [f"{number:02d}" for number in range(100)]
    answers = SEPARATOR.join(years[year + 1 :]), SEPARATOR.join(years[: year + 1])
    return row_of(template, clean, {"year": "01"}, *answers)


def _docstring(rng: random.Random) -> PairRow:
    first, second, third, other = rng.sample(words.ARGUMENTS, 4)
    one, two = rng.sample(words.NOUNS, 2)
    template = (
        "def f(self, {A}, {B}, {C}):\n"
        '    """doc\n\n    :param {A}: {word}\n    :param {B}: {other}\n    :param'
    )
    clean = {"A": first, "B": second, "C": third, "word": one, "other": two}
    return row_of(template, clean, {"C": other}, " " + third, " " + other)


def _days(rng: random.Random) -> PairRow:
    start, other = rng.sample(range(7), 2)
    four, others = (
        [words.DAYS[(first + step) % 7] for step in range(4)] for first in (start, other)
    )
    places = ("first", "second", "third")
    clean, changed = (dict(zip(places, days, strict=False)) for days in (four, others))
    template = "We met on {first}, {second}, {third},"
    return row_of(template, clean, changed, " " + four[3], " " + others[3])


def _repeated(rng: random.Random) -> PairRow:
    *listed, other = rng.sample(words.NOUNS, REPEATED + 1)
    names = list("ABCDEFG"[:REPEATED])
    order = [*names, *names[:SHOWN_AGAIN]]
    template = "".join(f" {{{name}}}" for name in order)
    clean = dict(zip(names, listed, strict=True))
    answer = clean[names[CHANGED]]
    return row_of(template, clean, {names[CHANGED]: other}, " " + answer, " " + other)


def _task(
    name: str,
    title: str,
    about: str,
    make: Callable[[random.Random], PairRow],
    pattern: str,
    digits: int = 0,
) -> Task:
    return Task(name, title, about, make, re.compile(pattern, re.DOTALL), digits)


TASKS: tuple[Task, ...] = (
    _task(
        "ioi",
        "Indirect object",
        "Two people are named, one of them twice: the other is given something.",
        _ioi,
        r".*\b([A-Z]\w+) and ([A-Z]\w+)\b.*\b(\1|\2) \w+ an? \w+ to",
    ),
    _task(
        "capital",
        "City and country",
        "A city is named, and its country is asked for.",
        _capital,
        r"The city of [\w ]+ is in the country of",
    ),
    _task(
        "landmark",
        "Landmark and city",
        "A landmark is named, and its city is asked for.",
        _landmark,
        r"The [\w ]+ is located in the city of",
    ),
    _task(
        "agreement",
        "Is or are",
        "The verb must agree with the subject, not with the nearer noun.",
        _agreement,
        r"I know that the \w+ in the \w+",
    ),
    _task(
        "gender",
        "He or she",
        "The pronoun must suit the name.",
        _gender,
        r"So \w+ is a really \w+ friend, isn't",
    ),
    _task(
        "greater digit",
        "Greater than, by the last digit",
        "An end can't come before its beginning; for models that read years digit by digit.",
        _greater_digit,
        r"The \w+ lasted from the year (\d\d\d)\d to the year \1",
        1,
    ),
    _task(
        "greater year",
        "Greater than, by two digits",
        "An end can't come before its beginning; for models that read years in two halves.",
        _greater_year,
        r"The \w+ lasted from the year (\d\d)\d\d to the year \1",
        2,
    ),
    _task(
        "docstring",
        "Docstring",
        "A docstring lists a function's arguments in order: the third must come now.",
        _docstring,
        r"def \w+\(self(, \w+)+\):\n.*:param",
    ),
    _task(
        "days",
        "Days in order",
        "Three days of the week in order call for the fourth.",
        _days,
        r"We met on \w+day, \w+day, \w+day,",
    ),
    _task(
        "repeated words",
        "Repeated random words",
        "A list of words begins again, and calls for the word that followed last time.",
        _repeated,
        r"( ?\w+)( \w+){3,}\1( \w+)*",
    ),
)
