"""What is read, of which prompt and token, and through which lens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QSizePolicy, QWidget

from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Chooser
from lensgui.panes.controls.controls import TokenField, dress
from lensgui.panes.controls.flow import Flow
from lensgui.panes.controls.side_box import SideBox
from lensgui.panes.lens.lens_choice import LensChoice
from lensgui.panes.lens.lens_values import KINDS, OF_TOKEN
from lensgui.panes.token_text import raw, shorten, visible
from lensgui.state.views import LensValue, LensView

GIVEN: tuple[Literal["answer", "distractor"], ...] = ("answer", "distractor")
LONGEST = 16  # letters of a token in the box
SWITCHES = (("mid_rows", "mid"), ("trajectories", "shows_curves"), ("words_only", "words_only"))


class LensControls(QWidget):
    """The switches of the lens pane.

    Attributes:
        chosen: (changes,) fields of the view that the user set otherwise.
        import_requested: (path,) a lens is to be imported from a file.
    """

    chosen = Signal(object)
    import_requested = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = LensView()
        options = [("", tuple(kind.option for kind in KINDS))]
        self.value: Chooser[LensValue] = Chooser("Lens: what is shown", options, self)
        self.lens = LensChoice(self)
        which = "Which prompt is read, or clean minus corrupted."
        self.side, self.token = SideBox("Prompt that is read", which, self), QComboBox(self)
        self.token.setAccessibleName("Token that is read")
        self.token.setToolTip("Whose probability, logit or rank is read.")
        self.follow = dress(TokenField(self), PANE_ACTIONS["follow_token"])
        self.follow.setPlaceholderText("follow …")
        self.boxes = {
            field: dress(QCheckBox(PANE_ACTIONS[name].text, self), PANE_ACTIONS[name])
            for name, field in SWITCHES
        }
        row = Flow(self, spacing=6)
        for part in (self.value, self.lens, self.side, self.token, self.follow):
            row.addWidget(part)
        for box in self.boxes.values():
            row.addWidget(box)
        for part in (self.value, self.side, self.token):
            part.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._connect()
        self._offer_tokens(())

    def _connect(self) -> None:
        self.value.chosen.connect(lambda value: self.chosen.emit({"value": value}))
        self.lens.chosen.connect(lambda name: self.chosen.emit({"lens": name}))
        self.lens.import_requested.connect(self.import_requested)
        self.side.chosen.connect(self.chosen)
        self.token.activated.connect(lambda at: self.chosen.emit({"token": at}))
        self.follow.returnPressed.connect(self._follow_typed)
        for field, box in self.boxes.items():
            box.clicked.connect(lambda on, field=field: self.chosen.emit({field: on}))

    def show_view(self, view: LensView) -> None:
        """Show what is chosen, and what can be."""
        self._view = view
        self.value.show_value(view.value)
        self.lens.show_lens(view.lens)
        self.side.show_side(view.side)
        self._offer_tokens(view.followed)
        self.token.setCurrentIndex(min(view.token, self.token.count() - 1))
        self.token.setEnabled(view.value in OF_TOKEN)
        for field, box in self.boxes.items():
            box.setChecked(getattr(view, field))
        self.boxes["words_only"].setEnabled(view.value == "token")
        self.boxes["mid"].setEnabled(not view.lens)

    def _offer_tokens(self, followed: Sequence[str]) -> None:
        offered = [*GIVEN, *(shorten(visible(text), LONGEST) for text in followed)]
        if offered != [self.token.itemText(at) for at in range(self.token.count())]:
            self.token.clear()
            self.token.addItems(offered)

    @Slot()
    def _follow_typed(self) -> None:
        typed = raw(self.follow.text())
        self.follow.clear()
        if typed:
            self.chosen.emit(following(self._view, typed, is_on=True))


def following(view: LensView, text: str, *, is_on: bool) -> dict[str, object]:
    """Return what changes as a token is followed, or no longer."""
    rest = tuple(one for one in view.followed if one != text)
    followed = (*rest, text) if is_on else rest
    token = view.token if view.token < len(GIVEN) + len(followed) else 0
    return {"followed": followed, "token": token}
