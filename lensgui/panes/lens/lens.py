"""Lens: what each layer and position would predict, read as if it were the last."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from lensgui.jobs.answers.arrays import CellState, Slice
from lensgui.jobs.answers.lenses import LensGrid, LensMean
from lensgui.jobs.answers.readings import PairReading, Token
from lensgui.jobs.questions.lens_requests import AverageLens, LensMetric, LensWorth, ReadLens
from lensgui.jobs.request import Request
from lensgui.jobs.requests import ReadPair
from lensgui.panes import menus, theme
from lensgui.panes.controls.controls import Lines
from lensgui.panes.figures.figure import Cells, Scale, data_of
from lensgui.panes.figures.shown import Shown
from lensgui.panes.lens import lens_curves, lens_values, lens_words
from lensgui.panes.lens.lens_choice import dropped
from lensgui.panes.lens.lens_controls import LensControls, following
from lensgui.panes.lens.lens_seen import ColumnNames, Seen, averaged
from lensgui.panes.lens.lens_values import OF_VALUE
from lensgui.panes.lens.lens_words import NOTHING
from lensgui.panes.pane import Pane
from lensgui.panes.pictures.curves import Curves
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.python import script
from lensgui.panes.python.figures import Code
from lensgui.panes.theme import Table, Theme
from lensgui.panes.token_text import plain_tip, spell
from lensgui.panes.verb import Verb
from lensgui.prompts.sides import SUMMANDS, is_difference, lacking, unchanged
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, LensView

SELECTED = "selected"  # the pane's name for the question about the selected position
RUNS = tuple(dict.fromkeys(one.name for of in SUMMANDS.values() for one in of))  # likewise of each
MEAN, WORTH, PLAIN_WORTH = "mean", "worth", "logit lens's worth"  # likewise for others
TIP = "Hover for the ten likeliest tokens; click, or move with the arrow keys, to select a place."
CURVES_TIP = "A line for each token that is followed, at the selected position; else at the last."


class LensPane(Pane):
    """A grid of layers and positions, each read as if it were the end of the model.

    Attributes:
        import_requested: (path,) a lens is to be imported from a file.
    """

    import_requested = Signal(str)

    title: ClassVar[str] = "Lens"
    guide: ClassVar[str] = "lens.md"
    view_name: ClassVar[str] = "lens"
    follows_written: ClassVar[bool] = True
    about: ClassVar[str] = "What each layer and position would predict, if it were the last."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seen, self._columns = Seen(), ColumnNames()
        self.controls = LensControls(self)
        self.legend = Lines(2, self)
        self.heatmap = Heatmap(self._table, self._words, parent=self)
        self.heatmap.setAccessibleName("Layers and positions")
        self.heatmap.setToolTip(plain_tip(TIP))
        self.curves = Curves(self.heatmap.plot, self._curve_words, self)
        self.curves.setAccessibleName("Trajectories by layer")
        self.curves.setToolTip(plain_tip(CURVES_TIP))
        self.reading = Lines(4, self)
        self.reading.setAccessibleName("What the cell reads that is pointed at, or selected")
        self._empty_states = {self.heatmap: NOTHING}
        self._lay_out()
        self._connect()
        self._draw()

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        pictures = QGridLayout()  # the curves have their key beside what is said of a cell
        pictures.setSpacing(2)
        pictures.addWidget(self.heatmap, 0, 0)
        pictures.addWidget(self.reading, 1, 0)
        pictures.addWidget(self.curves, 0, 1, 2, 1)
        pictures.setRowStretch(0, 1)
        pictures.setColumnStretch(0, 4)
        pictures.setColumnStretch(1, 1)
        self.column.addWidget(self.controls)
        self.column.addWidget(self.legend)
        self.column.addLayout(pictures, 1)

    def _connect(self) -> None:
        self.controls.chosen.connect(self.set_view)
        self.controls.import_requested.connect(self.import_requested)
        for part in (self.heatmap, self.curves):
            part.picked.connect(self.picked)
            part.hovered.connect(self.hovered)
            part.hovered.connect(self._say_cell)
        self.heatmap.menu_requested.connect(self._show_verbs)
        self.heatmap.verb_requested.connect(self._act)

    @property
    def _view(self) -> LensView:
        views = self._document.views if self._document is not None else AT_FIRST
        return views.lens

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return the metric at once, and all the rest: of one prompt, of both, or of all pairs."""
        view, pair, model = document.views.lens, document.pair, document.model
        mid = view.mid and not view.lens
        asked: dict[str, Request] = {"pair": ReadPair(model, pair)}
        value = averaged(document)
        if unchanged(pair, view.side) or (not value and lacking(pair, view.side)):
            return {}
        if value:
            of = view.side, value, view.lens, mid, document.rows
            return asked | {MEAN: AverageLens(model, pair, *of)}
        runs = SUMMANDS[view.side]
        start = -1 if cursor.position is None else cursor.position
        for run in runs:
            own, side = run.pair_of(pair), run.prompt
            if view.value == "metric":
                asked[f"metric {run.name}"] = LensMetric(model, own, side, view.lens, mid)
            more = view.followed, cursor.token, start
            grid = ReadLens(model, own, side, view.lens, None, mid, *more)
            asked[run.name] = grid
            if len(runs) == 1 and cursor.position is not None:
                asked[SELECTED] = replace(grid, only=cursor.position, start=-1)
        if view.lens and len(runs) == 1:
            asked["logit lens"] = ReadLens(model, pair, runs[0].prompt, start=start)
            asked[WORTH] = LensWorth(model, view.lens)
            asked[PLAIN_WORTH] = LensWorth(model)
        return asked

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to read what is shown."""
        value = averaged(document)
        if value:
            return script.lens_of_pairs(document, value)
        return script.lens(document, OF_VALUE[document.views.lens.value].python)

    def show_mode(self, document: Document) -> None:
        """Say whether means are shown: of the metric and of probabilities."""
        count = len(document.rows) if averaged(document) else 0
        self.moded.emit(f"mean of {count} pair{'s' * (count != 1)}" if count else "")
        self.say_continued(document)

    def shown(self) -> list[Shown]:
        """Return the grid."""
        picture, seen, found = self.heatmap.picture, self._seen, self._seen.read
        if picture is None or found is None or picture.values is None:
            return []
        kind = OF_VALUE[self._view.value]
        counted = ", ".join(filter(None, (kind.option.name, kind.unit)))
        scale = Scale(found.low, found.high, counted, is_signed=found.is_signed)
        data = data_of(picture, picture.values, "value")
        if self._view.value == "token" and seen.grid is not None:
            texts = [seen.text(*at) for at in np.ndindex(picture.shades.shape)]
            data = replace(data, words={**data.words, "token": texts})
        if seen.mean is not None:
            data = replace(data, columns={**data.columns, lens_curves.SPREAD: seen.mean.deviation})
        panel = Cells("", picture, scale, data)
        says, how = f"{lens_words.counted(seen)}. ", f"{lens_words.how(seen)}."
        is_stale = self.heatmap.is_stale
        grid = Shown(self.heatmap, "", (panel,), says + how, is_stale, code=Code(("shown",)))
        plot = self.curves.shown
        if plot is None:
            return [grid]
        what, where = lens_curves.counted(seen, self._column, picture)
        drawn, code = lens_curves.panel(plot, what), lens_curves.code(seen, self._column)
        says = f"{what}, {where}. {how}"
        return [grid, Shown(self.curves, "trajectories", (drawn,), says, is_stale, code=code)]

    def show_document(self, document: Document) -> None:
        """Show what is asked, and what can be chosen."""
        self._document = document
        self.controls.show_view(document.views.lens)
        self.curves.setVisible(document.views.lens.shows_curves)
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected layer and position."""
        for part in (self.heatmap, self.curves):
            part.show_cursor(cursor)
        self._draw_curves()
        self._say_cell("")

    def draw_reply(self, name: str) -> None:
        """Fill in what is known."""
        self._draw()

    def _now(self) -> Seen:
        """Return all that is known of what is asked."""
        view = self._view
        first, *others = (run.name for run in SUMMANDS[view.side])
        grid = self.answer(first, LensGrid)
        if not others:  # the selected position before others
            grid = lens_values.joined(grid, self.known(SELECTED, LensGrid))
        other_grid = self.answer(others[0], LensGrid) if others else None
        found: LensGrid | Slice | None = grid
        other: LensGrid | Slice | None = other_grid
        if self._document is not None and averaged(self._document):
            found, other = self.answer(MEAN, LensMean), None
        elif view.value == "metric":
            found = self.answer(f"metric {first}", Slice)
            other = self.answer(f"metric {others[0]}", Slice) if others else None
        lacks = bool(others) and other is None and not isinstance(found, LensMean)
        read = None
        if not lacks and not (others and view.value == "token"):
            of = view.value, found, other, view.token
            read = lens_values.read(*of, is_difference=is_difference(view.side))
        worth = self.answer(WORTH, Slice), self.answer(PLAIN_WORTH, Slice)
        pair = self.answer("pair", PairReading)
        columns: tuple[str, ...] = ()
        if found is not None:
            tokens = None if isinstance(found, LensMean) else pair
            columns = self._columns.of(found.axes[1], tokens, view)
        return Seen(
            self._document, found, other, grid, other_grid,
            self.answer("logit lens", LensGrid),
            None if worth[0] is None or worth[1] is None else (worth[0], worth[1]),
            pair, read, columns,
        )  # fmt: skip

    def _draw(self) -> None:
        seen = self._seen = self._now()
        said = lens_words.counted(seen), lens_words.worth(seen)
        self.legend.setText("\n".join(filter(None, said)))
        self.legend.setToolTip(plain_tip(f"{lens_words.how(seen)}."))
        self.heatmap.show_picture(seen.picture())
        asked = f"metric {seen.side}" if self._view.value == "metric" else seen.side
        is_stale = self.is_stale(MEAN if seen.is_mean else asked)
        self.heatmap.show_stale(is_stale)
        self._draw_curves()
        self.curves.show_stale(is_stale)
        read = MEAN, *RUNS, *(f"metric {run}" for run in RUNS)
        self._say_if_empty({self.heatmap: lens_words.why_empty(seen)}, *read)
        self._say_cell("")

    def _draw_curves(self) -> None:
        is_shown = self._view.shows_curves and self.heatmap.picture is not None
        plot = lens_curves.curves(self._seen, self._column) if is_shown else None
        self.curves.show_plot(plot)

    @property
    def _column(self) -> int:
        """The column whose numbers stand beside the grid: the selected, or the last."""
        _, column = self.heatmap.selected()
        picture = self.heatmap.picture
        return len(picture.columns) - 1 if column is None and picture is not None else column or 0

    def _curve_words(self, row: int) -> str:
        """Return what the curves say of a row."""
        plot = self.curves.shown
        return "" if plot is None else lens_curves.words(plot, self._view.value, row)

    def _table(self, colors: Theme) -> Table:
        read = self._seen.read
        is_signed = read is not None and read.is_signed
        return theme.diverging(colors) if is_signed else theme.sequential(colors)

    def _words(self, row: int, column: int) -> str:
        """Return all that is known of a cell."""
        picture = self.heatmap.picture
        is_there = picture is not None and column < len(picture.column_names)
        place = picture.column_names[column] if picture and is_there else str(column)
        return lens_words.cell(self._seen, row, column, place)

    @Slot(str)
    def _say_cell(self, words: str) -> None:
        """Say what is under the pointer; with none there, what is selected."""
        row, column = self.heatmap.selected()
        if not words and row is not None and column is not None:
            words = self._words(row, column)
        self.reading.setText(words)

    @Slot(str)
    def take_lens(self, name: str) -> None:
        """Read through a lens that was imported."""
        self.controls.lens.show_lens(self._view.lens)
        self.set_view({"lens": name})

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept a lens."""
        if dropped(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import it."""
        path = dropped(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            self.import_requested.emit(str(path))

    def _place(self, row: int, column: int) -> Cursor:
        picture = self.heatmap.picture
        if picture is None:
            return Cursor()
        layer, position = picture.rows.coordinates[row], picture.columns.coordinates[column]
        return Cursor(layer, position=position)

    @Slot(str, int, int)
    def _act(self, verb: str, row: int, column: int) -> None:
        if verb == "pin":
            menus.act(self, verb, self._place(row, column))

    @Slot(int, int, object)
    def _show_verbs(self, row: int, column: int, where: QPoint) -> None:
        """Show what can be done with a place."""
        if self._document is None:
            return
        place = self._place(row, column)
        found = menus.of_place(self, place, self._document.pins, self._likeliest(row, column))
        found += self._following(row, column)
        menus.show_menu(self, [*found, menus.copying(self._words(row, column))], where)

    def _following(self, row: int, column: int) -> list[Verb]:
        """Return the verb that follows one of a cell's likeliest tokens, or no longer."""
        view, likeliest = self._view, self._likeliest(row, column)
        if not likeliest:
            return []
        named = {token.text: spell(token) for token in likeliest}
        named |= {text: text for text in view.followed if text not in named}
        choices = tuple(self._follow(text, name) for text, name in named.items())
        tip = "Draw what it does layer by layer, and read its probability, logit or rank."
        return [Verb("Follow a token", tip, lambda: None, choices)]

    def _likeliest(self, row: int, column: int) -> list[Token]:
        """Return a cell's likeliest tokens; [] while they are not known, or of a mean."""
        grid = self._seen.grid
        if grid is None or self._seen.is_mean or grid.states[row, column] != CellState.EXACT:
            return []
        return [grid.names[token] for token in grid.tokens[row, column].tolist()]

    def _follow(self, text: str, name: str) -> Verb:
        is_on = text in self._view.followed
        tip = "Leave it out again." if is_on else "Follow it beside answer and distractor."
        changes = following(self._view, text, is_on=not is_on)
        return Verb(name, tip, lambda: self.set_view(changes), is_chosen=is_on)
