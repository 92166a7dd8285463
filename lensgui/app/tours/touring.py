"""Which step of which tour is shown, and what has to be so for the next."""

from __future__ import annotations

from dataclasses import asdict, replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from lensgui.app.tours.coach import Coach, Ring
from lensgui.app.tours.places import place_of
from lensgui.app.window.window import MainWindow
from lensgui.models import known_models
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.interventions.tray import InterventionsPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.state.examples import Example, example_of, find
from lensgui.state.tours import Step, Target, Tour, tours
from lensgui.terms.kinds import RESID_PRE

LOOK_MS = 150  # from a change of the window to the ring that follows it
NOT_HERE = "Tours are of the demo model, which is not here yet: get it by File ▸ Models."
NO_TOUR = "There is no tour of these prompts: open an example first."


class Touring(QObject):
    """Leads through an example: each step goes on by a click on what it points at, or by Next.

    Attributes:
        coach: What the step says.
        ring: What it points at.
        at: The number of the step; None while there is no tour.
        said: (sentence,) why there is none.
    """

    said = Signal(str)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.at: int | None = None
        self._tour: Tour | None = None
        self._example: Example | None = None
        self.coach, self.ring = Coach(window), Ring(window)
        self.coach.back.connect(self.back)
        self.coach.forward.connect(self.forward)
        self.coach.left.connect(self.leave)
        self._looking = QTimer(self, interval=LOOK_MS)
        self._looking.timeout.connect(self._look)
        window.selection.changed.connect(self._check)
        window.session.changed.connect(self._check)
        for dock in window.docks.values():
            dock.visibilityChanged.connect(self._check)

    @Slot()
    def start_here(self) -> None:
        """Begin the tour of the example that is open."""
        example = example_of(self._window.session.document.pair.plain)
        if example is None or example.name not in tours():
            self.said.emit(NO_TOUR)
        else:
            self.start(example.name)

    def start(self, name: str) -> None:
        """Begin a tour: open its example in the demo model, with all panes as at first.

        Args:
            name: Of the example.
        """
        window, example = self._window, find(name)
        if not known_models.find(example.document.model.source).is_here:
            self.said.emit(NOT_HERE)
            return
        settings = window.appearance.preferences.settings
        model = replace(example.document.model, device=settings.device, dtype=settings.dtype)
        self._tour, self._example = None, example  # until all of that is so
        window.session.edit(
            model=model,
            pair=example.document.pair,
            is_average=False,
            kind=RESID_PRE,
            direction="denoising",
        )
        window.reset_layout()
        window.selection.move(**asdict(example.cursor))
        self._tour = tours()[name]
        self._enter(0)
        self._looking.start()

    @Slot()
    def leave(self) -> None:
        """End the tour; everything stays as it is."""
        self._tour = self.at = None
        self._looking.stop()
        self.coach.hide()
        self.ring.hide()

    @Slot()
    def forward(self) -> None:
        """Do what the step asks for, and go to the next."""
        if self._tour is not None and self.at is not None:
            at = self.at
            self._do(self._tour.steps[at].target)
            if self.at == at:
                self._enter(at + 1)

    @Slot()
    def back(self) -> None:
        """Go to the step before."""
        if self.at:
            self._enter(self.at - 1)

    @property
    def step(self) -> Step | None:
        """The step that is shown."""
        return self._tour.steps[self.at] if self._tour is not None and self.at is not None else None

    def _enter(self, at: int) -> None:
        """Show a step, and all that it needs to be seen."""
        tour, example = self._tour, self._example
        if tour is None or example is None:
            return
        if at >= len(tour.steps):
            self.leave()
            return
        self.at, step = at, tour.steps[at]
        self._prepare(tour, step.target)
        title = f"{example.title} ({at + 1} of {len(tour.steps)})"
        is_last = at == len(tour.steps) - 1
        self.coach.show_step(title, step.says, is_first=at == 0, is_last=is_last)
        self._look()

    def _prepare(self, tour: Tour, target: Target) -> None:
        """Have the target be there to be clicked."""
        window = self._window
        self._leave_to_do(tour, target)
        if target.kind == "cell":
            window.session.edit(kind=RESID_PRE, direction="denoising")
            window.show_pane(PatchingPane.title)
        elif target.kind == "head":
            window.show_pane(AttentionPane.title)
            self._scroll_to(target)
        elif target.kind == "switch":
            window.show_pane(InterventionsPane.title)
            window.session.edit(interventions=(tour.off,))

    def _scroll_to(self, target: Target) -> None:
        """Have a head be seen in the grid."""
        pane = self._window.panes[AttentionPane.title]
        assert isinstance(pane, AttentionPane)
        layer, head = target.places
        pane.grid.show_head(layer, head)

    def _leave_to_do(self, tour: Tour, target: Target) -> None:
        """Have what the step asks for not be so yet, since a click on it would change nothing."""
        if not self._is_done(target):
            return
        layer, head = tour.head
        if target.kind == "cell":
            self._window.selection.move(layer=layer, head=head)
        elif target.kind == "head":
            self._window.selection.move(layer=layer, head=None)
        elif target.kind == "pane":
            is_tray = target.title == InterventionsPane.title
            self._window.show_pane(InspectorPane.title if is_tray else AttentionPane.title)

    def _do(self, target: Target) -> None:
        """Do what a click on a target does."""
        window = self._window
        if target.kind == "cell":
            layer, position = target.places
            window.selection.move(layer=layer, position=position)
        elif target.kind == "head":
            layer, head = target.places
            window.selection.move(layer=layer, head=head)
        elif target.kind == "pane":
            window.show_pane(target.title)
        elif target.kind == "switch" and self._tour is not None:
            window.session.edit(interventions=(replace(self._tour.off, is_on=True),))

    def _is_done(self, target: Target) -> bool:
        """Whether what a click on a target does is so."""
        cursor = self._window.selection.cursor
        if target.kind == "cell":
            return (cursor.layer, cursor.position, cursor.head) == (*target.places, None)
        if target.kind == "head":
            return (cursor.layer, cursor.head) == target.places
        if target.kind == "pane":
            return self._window.panes[target.title].is_in_sight
        listed = self._window.session.document.pair.interventions
        return target.kind == "switch" and any(one.is_on for one in listed)

    @Slot()
    def _check(self) -> None:
        """Go on once what was asked for is so; leave where something else was opened."""
        step, example = self.step, self._example
        if step is None or example is None:
            return
        document = self._window.session.document
        is_other = document.model.source != example.document.model.source
        if is_other or document.pair.plain != example.document.pair:
            self.leave()
        elif self._is_done(step.target):
            QTimer.singleShot(0, self, self._go_on)

    @Slot()
    def _go_on(self) -> None:
        step = self.step
        if step is not None and self.at is not None and self._is_done(step.target):
            self._enter(self.at + 1)

    @Slot()
    def _look(self) -> None:
        """Have the ring and the words follow what moves."""
        step = self.step
        if step is not None:
            where = place_of(self._window, step.target)
            if where.isEmpty() and step.target.kind == "head":
                self._scroll_to(step.target)  # the grid has another size by now
                where = place_of(self._window, step.target)
            self.coach.keep_away(where)
            self.ring.surround(where)
