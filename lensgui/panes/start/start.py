"""Examples with their tours, the files that were open last, and models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QScrollArea, QToolButton, QVBoxLayout, QWidget

from lensgui.models.known_models import CATALOGUE, Entry
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import ElidedButton, button, dress, headline, sentence
from lensgui.panes.pane import Pane
from lensgui.panes.token_text import plain_tip
from lensgui.state.examples import examples
from lensgui.state.tours import tours

MOST_FILES = 6
NO_FILES = "No session has been saved or opened yet."
WELCOME = (
    "Begin with an example: its tour leads through it in eight steps. Or type a prompt above, in "
    "place of what stands there."
)


class StartPane(Pane):
    """What one begins with.

    Attributes:
        example_wanted: (name,) an example is to be opened.
        tour_wanted: (name,) its tour is to begin.
        file_wanted: (Path,) a session is to be opened.
        model_wanted: (name,) a model is to be opened, or to be fetched first.
    """

    title = "Start"
    about = "Examples with their tours, the sessions that were open last, and models."
    guide = "tours.md"
    is_computed = False
    example_wanted = Signal(str)
    tour_wanted = Signal(str)
    file_wanted = Signal(object)
    model_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setAccessibleName("Start page")
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        inside = QWidget(area)
        self._rows = QVBoxLayout(inside)
        self._rows.setContentsMargins(0, 0, 0, 0)
        words = sentence(inside)
        words.setText(WELCOME)
        self._rows.addWidget(words)
        self._add_examples(inside)
        self._rows.addWidget(headline("Last sessions", inside))
        self.no_files = sentence(inside)
        self.no_files.setText(NO_FILES)
        self._rows.addWidget(self.no_files)
        self.files = [self._file(inside) for _ in range(MOST_FILES)]
        self._paths: list[Path] = []
        self._rows.addWidget(headline("Models", inside))
        self.models = {entry.name: self._model(entry, inside) for entry in CATALOGUE}
        self._rows.addStretch(1)
        area.setWidget(inside)
        self.column.addWidget(area)
        self.show_files([])

    def _add_examples(self, inside: QWidget) -> None:
        self._rows.addWidget(headline("Examples", inside))
        grid = QGridLayout()
        grid.setColumnStretch(0, 1)
        self.examples: dict[str, QToolButton] = {}
        self.tours: dict[str, QToolButton] = {}
        for row, example in enumerate(examples()):
            one = dress(ElidedButton(inside), PANE_ACTIONS["start_example"], title=example.title)
            one.setText(example.title)
            one.setToolTip(plain_tip(example.about))
            one.clicked.connect(partial(self._open_example, example.name))
            self.examples[example.name] = one
            grid.addWidget(one, row, 0)
            if example.name in tours():
                title = f"Tour: {example.title}"
                tour = button(PANE_ACTIONS["start_tour"], inside, title=title)
                tour.clicked.connect(partial(self._begin_tour, example.name))
                self.tours[example.name] = tour
                grid.addWidget(tour, row, 1)
        self._rows.addLayout(grid)

    def _file(self, inside: QWidget) -> QToolButton:
        """Return the button of a file that was open."""
        one = dress(ElidedButton(inside), PANE_ACTIONS["start_file"])
        self._rows.addWidget(one)
        one.clicked.connect(partial(self._open_file, one))
        return one

    def _model(self, entry: Entry, inside: QWidget) -> QToolButton:
        """Return the button of a model."""
        one = dress(ElidedButton(inside), PANE_ACTIONS["start_model"], title=entry.title)
        one.clicked.connect(partial(self._open_model, entry.name))
        self._rows.addWidget(one)
        return one

    def show_files(self, paths: Sequence[Path]) -> None:
        """Offer the files that were open last, and say which models are here."""
        self._paths = [*paths][:MOST_FILES]
        self.no_files.setVisible(not self._paths)
        for at, one in enumerate(self.files):
            one.setVisible(at < len(self._paths))
            if at < len(self._paths):
                one.setText(self._paths[at].name)
                one.setAccessibleName(f"Open {self._paths[at].name}")
                one.setToolTip(plain_tip(str(self._paths[at])))
        for entry in CATALOGUE:
            size = "" if entry.is_here else f" (to be fetched, {entry.download / 1e6:.0f} MB)"
            self.models[entry.name].setText(entry.title + size)

    def _open_example(self, name: str) -> None:
        self.example_wanted.emit(name)

    def _begin_tour(self, name: str) -> None:
        self.tour_wanted.emit(name)

    def _open_file(self, one: QToolButton) -> None:
        self.file_wanted.emit(self._paths[self.files.index(one)])

    def _open_model(self, name: str) -> None:
        self.model_wanted.emit(name)
