"""What the pane shows at the moment, of which everything that is drawn or said is made."""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.jobs.answers.arrays import Axis, Slice
from lensgui.jobs.answers.lenses import LensGrid, LensMean
from lensgui.jobs.answers.readings import PairReading
from lensgui.panes.lens import lens_values
from lensgui.panes.lens.lens_controls import GIVEN
from lensgui.panes.lens.lens_values import Read
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.token_text import names
from lensgui.prompts.sides import one_side, reads_both
from lensgui.state.document import Document
from lensgui.state.views import AT_FIRST, LensView
from lensgui.terms.kinds import Averaged, OneSide


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """All that is known of what is asked.

    Attributes:
        document: The document; None before there is one.
        found: What the numbers are read from, of a difference the first run's; of a mean, that.
        other: Of a difference, the run that is taken away; None for nothing.
        grid: What is known of the run, or of the first, cell by cell.
        other_grid: Likewise of the one that is taken away.
        plain: Beside a fitted lens, what the logit lens reads.
        held_out: What a fitted lens and the logit lens are worth on a text held out.
        pair: The tokens.
        read: What is drawn; None where nothing can be.
        columns: What the columns are called.
    """

    document: Document | None = None
    found: LensGrid | Slice | None = None
    other: LensGrid | Slice | None = None
    grid: LensGrid | None = None
    other_grid: LensGrid | None = None
    plain: LensGrid | None = None
    held_out: tuple[Slice, Slice] | None = None
    pair: PairReading | None = None
    read: Read | None = None
    columns: tuple[str, ...] = ()

    @property
    def view(self) -> LensView:
        """How the pane is set."""
        return (self.document.views if self.document is not None else AT_FIRST).lens

    @property
    def side(self) -> OneSide:
        """Which prompt is read, or taken from."""
        return one_side(self.view.side)

    @property
    def is_mean(self) -> bool:
        """Whether it is a mean over pairs."""
        return self.document is not None and averaged(self.document) is not None

    @property
    def mean(self) -> LensMean | None:
        """What is known of a mean."""
        return self.found if isinstance(self.found, LensMean) else None

    def picture(self) -> Picture | None:
        """Return the grid that is drawn."""
        found, read, pair = self.found, self.read, self.pair
        if found is None or read is None:
            return None
        rows, columns = found.axes
        reading = None if pair is None or self.is_mean else getattr(pair, self.side)
        is_known = reading is not None and len(reading.tokens) == len(columns)
        middle = (read.low + read.high) / 2
        return Picture(
            rows=rows,
            columns=columns,
            shades=read.shades,
            states=read.states,
            row_names=list(rows.labels),
            column_names=list(self.columns),
            marked=frozenset(pair.differing if pair is not None and is_known else ()),
            overflow=read.overflow,
            values=read.values,
            texts=self.text,
            scale=tuple(map(lens_values.end_text, (read.high, middle, read.low))),
        )

    def text(self, row: int, column: int) -> str:
        """Return what is written into a cell."""
        view, grid, read = self.view, self.grid, self.read
        if view.value == "token":
            if grid is None:
                return ""
            return lens_values.cell_text(grid, row, column, words_only=view.words_only)
        if read is None:
            return ""
        number = float(read.values[row, column])
        return lens_values.number_text(view.value, number, is_signed=read.is_signed)


@dataclass(slots=True)
class ColumnNames:
    """What columns are called, worked out once while more and more of their cells become known."""

    _of: tuple[object, ...] = ()
    _names: tuple[str, ...] = ()

    def of(self, columns: Axis, pair: PairReading | None, view: LensView) -> tuple[str, ...]:
        """Return the names of columns.

        Args:
            columns: The columns.
            pair: The tokens; None if they are none, as of a mean.
            view: Which prompt is read.
        """
        asked = columns, pair, view.side
        if len(self._of) != len(asked) or any(
            one is not other for one, other in zip(self._of, asked, strict=True)
        ):
            reading = None if pair is None else getattr(pair, one_side(view.side))
            both = pair if reads_both(view.side) else None
            self._of, self._names = asked, tuple(names(columns, reading, both))
        return self._names


def averaged(document: Document) -> Averaged | None:
    """Return what is averaged over the pairs; None where only one pair is shown."""
    view = document.views.lens
    if not document.rows:
        return None
    if view.value == "metric":
        return "metric"
    is_given = view.value == "probability" and view.token < len(GIVEN)
    return GIVEN[view.token] if is_given else None
