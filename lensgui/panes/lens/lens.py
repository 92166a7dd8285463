"""Lens: what each layer and position would predict, read as if it were the last."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QSizePolicy, QWidget

from lensgui.jobs.answers.arrays import CellState, Slice
from lensgui.jobs.answers.lenses import LensGrid
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.lens_requests import LensMetric, OneSide, ReadLens
from lensgui.jobs.request import Request
from lensgui.jobs.requests import ReadPair
from lensgui.panes import menus, theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Chooser
from lensgui.panes.controls.controls import Lines, dress
from lensgui.panes.controls.flow import Flow
from lensgui.panes.figures.figure import Cells, Scale, data_of
from lensgui.panes.figures.shown import Shown
from lensgui.panes.lens import lens_values
from lensgui.panes.lens.lens_choice import LensChoice, dropped
from lensgui.panes.lens.lens_values import KINDS, OF_TOKEN, OF_VALUE, Read
from lensgui.panes.pane import Pane
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.python import script
from lensgui.panes.python.figures import Code
from lensgui.panes.theme import Table, Theme
from lensgui.panes.token_text import names, plain_tip, spell
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, LensValue, LensView
from lensgui.terms.kinds import Side

SIDES: tuple[Side, ...] = ("clean", "corrupted", "difference")
NOTHING = "Type a prompt to see what each layer would predict."
NO_DIFFERENCE = "The likeliest token of two prompts has no difference: choose another value."
NO_TOKEN = "There is no {which} of one token to read."
HOW = (
    "Each cell is the residual stream that enters a layer, {through}, with the final norm and the "
    "unembedding as if it were the last; the norm's scale is each cell's own"
)
AS_IT_IS = "as it is (logit lens, nostalgebraist 2020)"
SELECTED = "selected"  # the pane's name for the question about the selected position
UNREAD = "the lens was not fitted here"
TIP = "Hover for the ten likeliest tokens; click, or move with the arrow keys, to select a place."


class LensPane(Pane):
    """A grid of layers and positions, each read as if it were the end of the model.

    Attributes:
        import_requested: (path,) a lens is to be imported from a file.
    """

    import_requested = Signal(str)

    title: ClassVar[str] = "Lens"
    guide: ClassVar[str] = "lens.md"
    view_name: ClassVar[str] = "lens"
    about: ClassVar[str] = "What each layer and position would predict, if it were the last."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._read: Read | None = None
        options = [("", tuple(kind.option for kind in KINDS))]
        self.value: Chooser[LensValue] = Chooser("Lens: what is shown", options, self)
        self.lens = LensChoice(self)
        self.side = QComboBox(self)
        self.side.addItems(SIDES)
        self.side.setAccessibleName("Prompt that is read")
        self.side.setToolTip("Which prompt is read, or clean minus corrupted.")
        self.token = QComboBox(self)
        self.token.addItems(("answer", "distractor"))
        self.token.setAccessibleName("Token that is read")
        self.token.setToolTip("Whose probability, logit or rank is read.")
        words = PANE_ACTIONS["words_only"]
        self.words_only = dress(QCheckBox(words.text, self), words)
        self.legend = Lines(2, self)
        self.heatmap = Heatmap(self._table, self._words, parent=self)
        self.heatmap.setAccessibleName("Layers and positions")
        self.heatmap.setToolTip(plain_tip(TIP))
        self.reading = Lines(3, self)
        self.reading.setAccessibleName("What the cell reads that is pointed at, or selected")
        self._empty_states = {self.heatmap: NOTHING}
        self._lay_out()
        self._connect()
        self._draw()

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        for box in (self.value, self.side, self.token):
            box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        row = Flow(spacing=6)
        for part in (self.value, self.lens, self.side, self.token, self.words_only):
            row.addWidget(part)
        self.column.addLayout(row)
        self.column.addWidget(self.legend)
        self.column.addWidget(self.heatmap, 1)
        self.column.addWidget(self.reading)

    def _connect(self) -> None:
        self.value.chosen.connect(self._choose_value)
        self.lens.chosen.connect(self._choose_lens)
        self.lens.import_requested.connect(self.import_requested)
        self.side.activated.connect(self._choose_side)
        self.token.activated.connect(self._choose_token)
        self.words_only.clicked.connect(self._choose_words)
        self.heatmap.picked.connect(self.picked)
        self.heatmap.hovered.connect(self.hovered)
        self.heatmap.hovered.connect(self._say_cell)
        self.heatmap.menu_requested.connect(self._show_verbs)
        self.heatmap.verb_requested.connect(self._act)

    @property
    def _view(self) -> LensView:
        views = self._document.views if self._document is not None else AT_FIRST
        return views.lens

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return the metric at once, and all the rest: of one prompt, or of both."""
        view, pair = document.views.lens, document.pair
        sides: tuple[OneSide, ...] = ("clean", "corrupted")
        if view.side != "difference":
            sides = (view.side,)
        if not all(getattr(pair, side) for side in sides):
            return {}
        model, start = document.model, -1 if cursor.position is None else cursor.position
        asked: dict[str, Request] = {"pair": ReadPair(model, pair)}
        for side in sides:
            if view.value == "metric":
                asked[f"metric {side}"] = LensMetric(model, pair, side, view.lens)
            asked[side] = ReadLens(model, pair, side, view.lens, start=start)
        if len(sides) == 1 and cursor.position is not None:
            asked[SELECTED] = ReadLens(model, pair, sides[0], view.lens, cursor.position)
        if view.lens and len(sides) == 1:
            asked["logit lens"] = ReadLens(model, pair, sides[0], start=start)
        return asked

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to read what is shown."""
        return script.lens(document, OF_VALUE[document.views.lens.value].python)

    def shown(self) -> list[Shown]:
        """Return the grid."""
        picture, found = self.heatmap.picture, self._read
        if picture is None or found is None or picture.values is None:
            return []
        kind = OF_VALUE[self._view.value]
        counted = ", ".join(filter(None, (kind.option.name, kind.unit)))
        scale = Scale(found.low, found.high, counted, is_signed=found.is_signed)
        data = data_of(picture, picture.values, "value")
        if self._view.value == "token" and self._grid is not None:
            texts = [self._text(*at) for at in np.ndindex(picture.shades.shape)]
            data = replace(data, words={**data.words, "token": texts})
        panel = Cells("", picture, scale, data)
        says = f"{self._counted()}. {self._how()}."
        made = self.heatmap, "", (panel,), says, self.heatmap.is_stale
        return [Shown(*made, code=Code(("shown",)))]

    def show_document(self, document: Document) -> None:
        """Show what is asked, and what can be chosen."""
        self._document = document
        view = document.views.lens
        self.value.show_value(view.value)
        self.lens.show_lens(view.lens)
        self.side.setCurrentIndex(SIDES.index(view.side))
        self.token.setCurrentIndex(int(view.of_distractor))
        self.token.setEnabled(view.value in OF_TOKEN)
        self.words_only.setChecked(view.words_only)
        self.words_only.setEnabled(view.value == "token")
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected layer and position."""
        self.heatmap.show_cursor(cursor)
        self._say_cell("")

    def draw_reply(self, name: str) -> None:
        """Fill in what is known."""
        self._draw()

    @property
    def _one_side(self) -> OneSide:
        return "corrupted" if self._view.side == "corrupted" else "clean"

    @property
    def _grid(self) -> LensGrid | None:
        """What is known of the prompt, or of the clean one; the selected position before others."""
        found = self.answer(self._one_side, LensGrid)
        selected = None if self._view.side == "difference" else self.known(SELECTED, LensGrid)
        return lens_values.joined(found, selected)

    def _source(self, side: OneSide) -> LensGrid | Slice | None:
        """Return what the numbers of a prompt are read from."""
        if self._view.value == "metric":
            return self.answer(f"metric {side}", Slice)
        return self._grid if side == self._one_side else self.answer(side, LensGrid)

    def _draw(self) -> None:
        view, side = self._view, self._one_side
        is_difference = view.side == "difference"
        found, other = self._source(side), self._source("corrupted") if is_difference else None
        is_possible = not (is_difference and (view.value == "token" or other is None))
        self._read = None
        if is_possible:
            self._read = lens_values.read(
                view.value, found, other, of_distractor=view.of_distractor
            )
        self.legend.setText("\n".join(filter(None, (self._counted(), self._worth()))))
        self.legend.setToolTip(plain_tip(f"{self._how()}."))
        self.heatmap.show_picture(self._picture(found, self._read))
        self.heatmap.show_stale(self.is_stale(f"metric {side}" if view.value == "metric" else side))
        self._say_if_empty({self.heatmap: self._why_empty(found)})
        self._say_cell("")

    def _why_empty(self, found: LensGrid | Slice | None) -> str:
        view = self._view
        if view.side == "difference" and view.value == "token":
            return NO_DIFFERENCE
        if isinstance(found, LensGrid) and view.value in OF_TOKEN and self._read is None:
            return NO_TOKEN.format(which="distractor" if view.of_distractor else "answer")
        return self._empty_states[self.heatmap] if found is None else ""

    def _picture(self, found: LensGrid | Slice | None, read: Read | None) -> Picture | None:
        if found is None or read is None:
            return None
        rows, columns = found.axes
        pair = self.answer("pair", PairReading)
        reading = None if pair is None else getattr(pair, self._one_side)
        is_both = self._view.side == "difference"
        is_known = reading is not None and len(reading.tokens) == len(columns)
        differing = pair.differing if pair is not None and is_known else ()
        return Picture(
            rows=rows,
            columns=columns,
            shades=read.shades,
            states=read.states,
            row_names=list(rows.labels),
            column_names=names(columns, reading, pair if is_both else None),
            marked=frozenset(differing),
            overflow=read.overflow,
            values=read.values,
            texts=self._text,
            scale=self._ends(read),
        )

    def _text(self, row: int, column: int) -> str:
        """Return what is written into a cell."""
        view, grid, read = self._view, self._grid, self._read
        if view.value == "token":
            if grid is None:
                return ""
            return lens_values.cell_text(grid, row, column, words_only=view.words_only)
        if read is None:
            return ""
        number = float(read.values[row, column])
        return lens_values.number_text(view.value, number, is_signed=read.is_signed)

    @staticmethod
    def _ends(read: Read) -> tuple[str, ...]:
        """Return what the colour bar says at its top, middle and bottom."""
        middle = (read.low + read.high) / 2
        return tuple(map(lens_values.end_text, (read.high, middle, read.low)))

    def _counted(self) -> str:
        """Say what the colours count."""
        view, grid = self._view, self._grid
        kind, read = OF_VALUE[view.value], self._read
        chosen = grid.chosen[int(view.of_distractor) :] if grid is not None else ()
        of = f" of {spell(chosen[0])}" if chosen and view.value in OF_TOKEN else ""
        metric = self._document.pair.metric if self._document is not None else ""
        name = metric if view.value == "metric" else kind.option.name
        said = "coloured by its probability" if view.value == "token" else kind.unit
        whose = {"difference": "clean − corrupted"}.get(view.side, view.side)
        alone = self._document is not None and bool(self._document.rows)
        fitted = ""
        if read is not None:
            ends = "±" * read.is_signed + lens_values.end_text(read.high)
            fitted = f"colours to {ends}, {'fitted' if read.is_fitted else 'fixed'}"
        parts = f"{name}{of}", said, whose, "of this pair alone" * alone, fitted
        return ", ".join(filter(None, parts))

    def _how(self) -> str:
        """Say how a cell is read."""
        grid = self._grid
        through = AS_IT_IS
        if grid is not None and self._view.lens:
            through = f"through a {grid.through}"
        return HOW.format(through=through)

    def _worth(self) -> str:
        """Say what a fitted lens is worth beside the logit lens."""
        fitted, plain = self._grid, self.answer("logit lens", LensGrid)
        if not self._view.lens or fitted is None or plain is None:
            return ""
        said = lens_values.worth_words(fitted, plain)
        return " ".join(filter(None, (said, fitted.remark)))

    def _table(self, colors: Theme) -> Table:
        is_signed = self._read is not None and self._read.is_signed
        return theme.diverging(colors) if is_signed else theme.sequential(colors)

    def _words(self, row: int, column: int) -> str:
        """Return all that is known of a cell."""
        found, grid, read = self._source(self._one_side), self._grid, self._read
        if found is None or row >= len(found.axes[0]) or column >= len(found.axes[1]):
            return ""
        picture = self.heatmap.picture
        place = picture.column_names[column] if picture is not None else str(column)
        said = [f"{lens_values.row_words(found, row)}, position {column} ‘{place}’"]
        if read is not None and self._view.value != "token":
            number = float(read.values[row, column])
            kind = OF_VALUE[self._view.value]
            if np.isfinite(number):
                text = lens_values.number_text(self._view.value, number, is_signed=read.is_signed)
                said.append(f"{kind.option.name} {text} {kind.unit}".rstrip())
        if grid is not None and row in grid.unread:
            said.append(UNREAD)
        elif grid is not None and self._view.side != "difference" and grid.axes == found.axes:
            said.append(lens_values.words_of(grid, row, column))
        elif found.states[row, column] != CellState.EXACT:
            said.append("not computed yet")
        return ": ".join(said)

    @Slot(str)
    def _say_cell(self, words: str) -> None:
        """Say what is under the pointer; with none there, what is selected."""
        row, column = self.heatmap.selected()
        if not words and row is not None and column is not None:
            words = self._words(row, column)
        self.reading.setText(words)

    @Slot(object)
    def _choose_value(self, value: LensValue) -> None:
        self.set_view({"value": value})

    @Slot(str)
    def _choose_lens(self, name: str) -> None:
        self.set_view({"lens": name})

    @Slot(str)
    def take_lens(self, name: str) -> None:
        """Read through a lens that was imported."""
        self.lens.show_lens(self._view.lens)
        self._choose_lens(name)

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

    @Slot(int)
    def _choose_side(self, index: int) -> None:
        self.set_view({"side": SIDES[index]})

    @Slot(int)
    def _choose_token(self, index: int) -> None:
        self.set_view({"of_distractor": bool(index)})

    @Slot(bool)
    def _choose_words(self, words_only: bool) -> None:
        self.set_view({"words_only": words_only})

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
        found = menus.of_place(self, place, self._document.pins)
        menus.show_menu(self, [*found, menus.copying(self._words(row, column))], where)
