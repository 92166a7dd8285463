"""What the user has set once for every window: a table of settings, and what may stand in each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import Any, Literal, TypeVar

from lensgui.terms.model_key import BEST_DEVICE, NUMBER_FORMATS

Value = str | int | float | bool
Section = Literal["Model", "Speed and memory", "Looks", "Pictures", "Files"]
FILE = "settings.ini"
MIB = 1 << 20
LONGEST = 40  # letters of a value that is quoted
YES, NO = "true", "false"
T = TypeVar("T", bound=Value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words.

    Attributes:
        options: What is kept, and what the user reads.
    """

    options: tuple[tuple[str, str], ...]

    def read(self, text: str) -> str:
        """Return the value that a file's text stands for.

        Raises:
            ValueError: If it stands for none; the message goes on after the text.
        """
        known = [value for value, _ in self.options]
        if text not in known:
            raise ValueError(f"is none of {', '.join(known)}")
        return text

    def words(self, value: Any) -> str:
        """Return what the user reads."""
        return dict(self.options).get(value, str(value))


@dataclass(frozen=True, slots=True)
class Number:
    """A number between two ends, whole if these are.

    Attributes:
        least: The smallest that may stand here.
        most: The largest.
        step: From one to the next.
        unit: What the user reads after it.
        one: How much of the value one of the unit is.
        zero: What the user reads for 0; "" for the number.
    """

    least: float
    most: float
    step: float = 1
    unit: str = ""
    one: float = 1
    zero: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it has no fraction."""
        return isinstance(self.least, int)

    def read(self, text: str) -> float:
        """As of `Choice`."""
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not isfinite(number):
            raise ValueError("is no number")
        if self.is_whole and number != int(number):
            raise ValueError("is no whole number")
        if not self.least <= number <= self.most:
            raise ValueError(f"is not from {self._count(self.least)} to {self._count(self.most)}")
        return int(number) if self.is_whole else number

    def fitted(self, number: float) -> float:
        """Return the nearest number that may stand here."""
        bounded = min(self.most, max(self.least, number))
        return round(bounded) if self.is_whole else bounded

    def words(self, value: Any) -> str:
        """Return what the user reads."""
        return self.zero if self.zero and not value else self._count(value)

    def _count(self, value: float) -> str:
        return f"{value / self.one:.10g} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    def read(self, text: str) -> bool:
        """As of `Choice`."""
        if text.lower() not in (YES, NO):
            raise ValueError(f"is neither {YES} nor {NO}")
        return text.lower() == YES

    def words(self, value: Any) -> str:
        """Return what the user reads."""
        return YES if value else NO


@dataclass(frozen=True, slots=True)
class Family:
    """The name of a family of fonts; "" for the one that travels with lensgui.

    Attributes:
        bundled: The name of that one.
        is_fixed: Whether all its letters are as wide as each other.
    """

    bundled: str
    is_fixed: bool = False

    def read(self, text: str) -> str:
        """Return the name: a family that is not there is written in the bundled one."""
        return text

    def words(self, value: Any) -> str:
        """Return what the user reads."""
        return str(value) or self.bundled


@dataclass(frozen=True, slots=True)
class Folder:
    """The path of a folder; "" for none in particular."""

    def read(self, text: str) -> str:
        """As of `Choice`: a folder may be on a disk that is not there at present."""
        if text and not os.path.isabs(text):
            raise ValueError("is no whole path")
        return text

    def words(self, value: Any) -> str:
        """Return what the user reads."""
        return str(value) or "none"


Kind = Choice | Number | Flag | Family | Folder


def row(default: T, section: Section, title: str, sentence: str, kind: Kind) -> T:
    """Return a field of `Settings`, with what the user reads of it.

    Args:
        default: What it is at first.
        section: Where it is listed.
        title: What it is called.
        sentence: What it does.
        kind: What may stand in it.
    """
    return field(
        default=default,
        metadata={"section": section, "title": title, "sentence": sentence, "kind": kind},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is set: each field is a row of the table, in the order of the list."""

    device: str = row(
        BEST_DEVICE,
        "Model",
        "Device",
        "Where models run that are opened from now on, and the one that is open.",
        Choice(
            (
                (BEST_DEVICE, "the best there is"),
                ("cpu", "processor (cpu)"),
                ("cuda", "NVIDIA graphics card (cuda)"),
                ("mps", "Apple graphics (mps)"),
            )
        ),
    )
    dtype: str = row(
        NUMBER_FORMATS[0],
        "Model",
        "Number format",
        "In which format such models compute: float32 is exact enough for every number shown, "
        "bfloat16 and float16 halve the memory.",
        Choice(tuple((name, name) for name in NUMBER_FORMATS)),
    )
    threads: int = row(
        0,
        "Speed and memory",
        "Threads",
        "How many threads compute on the processor: as is sensible, all cores but the one that "
        "the window needs.",
        Number(0, os.cpu_count() or 1, zero="as is sensible"),
    )
    kept_bytes: int = row(
        256 * MIB,
        "Speed and memory",
        "Memory for answers",
        "How much is kept of what was computed, so that undo, tabs and examples show it at once; "
        "with less, the oldest is forgotten now.",
        Number(0, 65536 * MIB, 64 * MIB, "MiB", MIB),
    )
    runs_bytes: int = row(
        1024 * MIB,
        "Speed and memory",
        "Memory for activations",
        "How much is kept of the activations of the last prompts, so that the next question about "
        "them need not run the model again; the last two prompts always are.",
        Number(0, 65536 * MIB, 256 * MIB, "MiB", MIB),
    )
    look: str = row(
        "system",
        "Looks",
        "Theme",
        "The colours of the window.",
        Choice(
            (
                ("system", "as the system"),
                ("light", "light"),
                ("dark", "dark"),
                ("high contrast", "high contrast"),
            )
        ),
    )
    zoom: float = row(
        1.0,
        "Looks",
        "Size of text",
        "How large every text, label and thumbnail is (Ctrl + and Ctrl −).",
        Number(0.75, 2.0, 0.05, "%", 0.01),
    )
    text_family: str = row(
        "", "Looks", "Font of text", "The letters of sentences and labels.", Family("Inter")
    )
    mono_family: str = row(
        "",
        "Looks",
        "Font of tokens",
        "The letters of tokens and numbers, all as wide as each other.",
        Family("JetBrains Mono", is_fixed=True),
    )
    motion: bool = row(
        True,
        "Looks",
        "Motion",
        "Whether the text cursor blinks, panes slide while they are dragged, and menus and "
        "tooltips fade in; pictures and progress bars that fill up are news, and always shown.",
        Flag(),
    )
    diverging: str = row(
        "blue-red",
        "Pictures",
        "Colours of signed numbers",
        "Positive and negative numbers: patching, attributions, differences. Red and green are "
        "never opposites, and all but blue and red are told apart by everyone.",
        Choice(
            (
                ("blue-red", "blue is positive, red negative"),
                ("blue-orange", "blue is positive, orange negative"),
                ("purple-green", "purple is positive, green negative"),
            )
        ),
    )
    sequential: str = row(
        "blue",
        "Pictures",
        "Colours of amounts",
        "Attention, probabilities and scores: from nothing, which has the colour of the ground, "
        "in equal steps to the strongest.",
        Choice(
            (("blue", "blue"), ("violet", "violet"), ("green", "green")),
        ),
    )
    layers: str = row(
        "down",
        "Pictures",
        "Layer 0",
        "Which end of every picture of layers the first one is at; arrow keys go where they point.",
        Choice((("down", "at the top"), ("up", "at the bottom"))),
    )
    spaces: str = row(
        "·",
        "Pictures",
        "Spaces in tokens",
        "What a space looks like; what is copied as Python or as pairs has the space itself.",
        Choice((("·", "as a dot: ·John"), ("␣", "as a box: ␣John"), ("plain", "as it is:  John"))),
    )
    files_folder: str = row(
        "",
        "Files",
        "Folder for files",
        "Where dialogs begin that open or save files; none: your home folder.",
        Folder(),
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table; see `row`."""

    name: str
    default: Value
    section: Section
    title: str
    sentence: str
    kind: Kind


TABLE = {
    one.name: Setting(one.name, getattr(Settings(), one.name), **one.metadata)
    for one in fields(Settings)
}
SECTIONS: tuple[Section, ...] = tuple(dict.fromkeys(one.section for one in TABLE.values()))


def values(setting: Setting) -> tuple[tuple[Value, str], ...]:
    """Return the values that a setting can be chosen from, each with its title; () for others."""
    if isinstance(setting.kind, Choice):
        return setting.kind.options
    return ((True, "on"), (False, "off")) if isinstance(setting.kind, Flag) else ()


def having(settings: Settings, values: Mapping[str, Value]) -> Settings:
    """Return settings with other values; numbers are brought between their ends.

    Raises:
        KeyError: If there is no setting of a name.
    """
    kinds = {name: TABLE[name].kind for name in values}
    fitted: dict[str, Any] = {
        name: kind.fitted(float(values[name])) if isinstance(kind, Number) else values[name]
        for name, kind in kinds.items()
    }
    return replace(settings, **fitted)


def written(name: str, value: Value) -> str:
    """Return a value as the file has it."""
    return TABLE[name].kind.words(value) if isinstance(value, bool) else str(value)


def read(said: Mapping[str, str]) -> tuple[Settings, str]:
    """Return the settings that a file's texts stand for, by name, and what of it is not used.

    Args:
        said: What the file says; names that are no settings are somebody else's.

    Returns:
        The settings; what can't be read is as at first. Then one sentence that says so, "" if all
        can be read.
    """
    found: dict[str, Value] = {}
    faults = []
    for name, setting in TABLE.items():
        if name not in said:
            continue
        try:
            found[name] = setting.kind.read(said[name])
        except ValueError as error:
            text = said[name] if len(said[name]) <= LONGEST else f"{said[name][:LONGEST]}…"
            used = setting.kind.words(setting.default)
            faults.append(f"{name} ‘{text}’ {error}: {used} is used")
    return having(Settings(), found), f"{FILE}: {'; '.join(faults)}." if faults else ""
