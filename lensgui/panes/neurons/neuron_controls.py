"""What is ranked, of which layer and prompt, and where strongest places are sought."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Chooser, Option
from lensgui.panes.controls.controls import button
from lensgui.panes.controls.flow import Flow
from lensgui.panes.controls.side_box import SideBox
from lensgui.panes.neurons.text_choice import ask_for_text
from lensgui.panes.token_text import plain_tip
from lensgui.state.views import NeuronOrder, NeuronsView, PlacesOf

ORDERS: tuple[Option[NeuronOrder], ...] = (
    Option(
        "effect",
        "direct effect",
        "What each neuron adds to answer − distractor directly, in logits, the metric read at the "
        "selected position: activation · W_out · the answer's direction, the norm's scale as "
        "it was (Elhage et al. 2021; Geva et al. 2022).",
    ),
    Option(
        "gradient",
        "act × gradient",
        "Activation times the metric's gradient by it, in the metric's unit: the first-order "
        "estimate of what the metric loses if the neuron is switched off, by way of all that comes "
        "after it (attribution patching against zero; Nanda 2023).",
    ),
    Option(
        "activation",
        "activation",
        "What each neuron puts out at the selected position, without a unit: mlp.hook_post, of a "
        "gated MLP act(gate) · linear, which has either sign (Shazeer 2020).",
    ),
)
PLACES: Mapping[PlacesOf, str] = {"pairs": "in the table", "text": "in a text"}
MOST, LEAST = 320, 5


class NeuronControls(QWidget):
    """The switches of the neurons pane.

    Attributes:
        chosen: (changes,) fields of the view that the user set otherwise.
        layer_chosen: (layer,) the user turned to another layer.
        text_chosen: (path,) a text is to be read.
    """

    chosen = Signal(object)
    layer_chosen = Signal(int)
    text_chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = NeuronsView()
        self.order: Chooser[NeuronOrder] = Chooser("Neurons: ranked by", [("", ORDERS)], self)
        read = "Which prompt is read; the selected neuron over it also less another run."
        self.side = SideBox("Prompt that is read", read, self)
        self.layer, self.places = QComboBox(self), QComboBox(self)
        for box, name, tip in (
            (self.layer, "Layer whose neurons are listed", "Which layer's neurons are listed."),
            (
                self.places,
                "Where the strongest places are sought",
                "Where the places are sought at which neurons are on most: in the ticked pairs of "
                "the table, or in a text file that is chosen or dropped here.",
            ),
        ):
            box.setAccessibleName(name)
            box.setToolTip(plain_tip(tip))
        self.places.addItems(list(PLACES.values()))
        self.more = button(PANE_ACTIONS["more_neurons"], self)
        self.fewer = button(PANE_ACTIONS["fewer_neurons"], self)
        self.text = button(PANE_ACTIONS["open_neuron_text"], self)
        row = Flow(self, spacing=6)
        for part in (
            self.order, self.layer, self.side, self.fewer, self.more, self.places, self.text,
        ):  # fmt: skip
            part.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(part)
        self._connect()

    def _connect(self) -> None:
        self.order.chosen.connect(lambda order: self.chosen.emit({"order": order}))
        self.layer.activated.connect(self.layer_chosen)
        self.side.chosen.connect(self.chosen)
        self.places.activated.connect(lambda at: self.chosen.emit({"places": list(PLACES)[at]}))
        self.more.clicked.connect(lambda: self._list(2 * self._view.count))
        self.fewer.clicked.connect(lambda: self._list(self._view.count // 2))
        self.text.clicked.connect(self._ask_for_text)

    def show_view(self, view: NeuronsView) -> None:
        """Show what is chosen."""
        self._view = view
        self.order.show_value(view.order)
        self.side.show_side(view.side)
        self.places.setCurrentIndex(list(PLACES).index(view.places))
        self.fewer.setEnabled(view.count > LEAST)

    def show_layer(self, layer: int | None, count: int) -> None:
        """Show which layer is read, of how many."""
        names = [f"L{at}" for at in range(count)]
        if names != [self.layer.itemText(at) for at in range(self.layer.count())]:
            self.layer.clear()
            self.layer.addItems(names)
        self.layer.setCurrentIndex(-1 if layer is None else layer)

    def show_total(self, total: int) -> None:
        """Say how many neurons there are to list."""
        self.more.setEnabled(self._view.count < min(total, MOST))

    def _list(self, count: int) -> None:
        self.chosen.emit({"count": max(LEAST, min(MOST, count))})

    @Slot()
    def _ask_for_text(self) -> None:
        path = ask_for_text(self)
        if path:
            self.text_chosen.emit(path)
