"""Where the maps of all kinds of sweeps stand: in rows that share an axis of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from PySide6.QtCore import QRect

GAP = 8  # pixels between maps
RIGHT = 7  # pixels to the right of each row, which the last name may stand out into
LEAST_HEIGHT = 84  # pixels of a map


@dataclass(frozen=True, slots=True)
class Family:
    """Maps with the same columns.

    Attributes:
        numbers: Which maps.
        least: Pixels across that one of them needs at least.
        flat_from: Pixels across from which the names of its columns are written flat.
        flat: Pixels below it for these.
        upright: Pixels below it for names that are written upright.
    """

    numbers: Sequence[int]
    least: int
    flat_from: int
    flat: int
    upright: int

    def below(self, wide: int) -> int:
        """Return the pixels below maps that are so wide."""
        return self.flat if wide >= self.flat_from else self.upright


@dataclass(frozen=True, slots=True)
class Row:
    """Maps beside each other.

    Attributes:
        numbers: Which maps, from the left.
        wide: Pixels across that each of them has; the last row of a family may hold fewer.
        below: Pixels below them for the names of their columns.
    """

    numbers: Sequence[int]
    wide: int
    below: int


@dataclass(frozen=True, slots=True)
class TileLayout:
    """Maps in rows, each under its title, the names of layers to the left of each row.

    Attributes:
        families: What there is to be placed, from the top.
        left: Pixels to the left of each row.
        title: Pixels above each map.
    """

    families: Sequence[Family]
    left: int
    title: int

    def rows(self, width: int, height: int) -> list[Row]:
        """Return the rows that fit: all in one where there is much width and little height."""
        numbers = [number for family in self.families for number in family.numbers]
        widest = max(family.least for family in self.families)
        folded = [row for family in self.families for row in self._folded(family, width)]
        is_low = self._height(folded) > height
        if is_low and self._fitting(widest, width) >= len(numbers):
            wide = self._wide(len(numbers), width)
            return [Row(numbers, wide, max(family.below(wide) for family in self.families))]
        return folded

    def least_height(self, width: int) -> int:
        """Return the height that the maps need in such a width."""
        return self._height(self.rows(width, 0))

    def places(self, width: int, height: int) -> dict[int, QRect]:
        """Return where each map is, all as tall as each other."""
        rows = self.rows(width, height)
        tall = max(LEAST_HEIGHT, LEAST_HEIGHT + (height - self._height(rows)) // len(rows))
        found, top = {}, 0
        for row in rows:
            for at, number in enumerate(row.numbers):
                left = self.left + at * (row.wide + GAP)
                found[number] = QRect(left, top + self.title, row.wide, tall)
            top += self.title + tall + row.below + GAP
        return found

    def _height(self, rows: Sequence[Row]) -> int:
        around = sum(self.title + row.below for row in rows)
        return around + LEAST_HEIGHT * len(rows) + GAP * (len(rows) - 1)

    def _wide(self, across: int, width: int) -> int:
        """Return how wide so many maps beside each other are."""
        return max(1, (width - self.left - RIGHT - (across - 1) * GAP) // across)

    def _fitting(self, least: int, width: int) -> int:
        return max(1, (width - self.left - RIGHT + GAP) // (least + GAP))

    def _folded(self, family: Family, width: int) -> list[Row]:
        """Return a family in as few rows as there is room for, these about equally full."""
        count = len(family.numbers)
        rows = ceil(count / self._fitting(family.least, width))
        across = ceil(count / rows)
        wide = self._wide(across, width)
        return [
            Row(family.numbers[start : start + across], wide, family.below(wide))
            for start in range(0, count, across)
        ]
