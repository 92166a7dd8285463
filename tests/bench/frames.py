"""What every frame of the window shows: where panes are, what is likely, what is out of date."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, QPoint, QRect
from PySide6.QtWidgets import QWidget

from lensgui.app.window.window import MainWindow
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.prompt.prompt import PromptPane
from tests.windows import pane_of


@dataclass(frozen=True)
class Frame:
    """One paint of the window.

    Attributes:
        clean: The prompt as it was typed by then.
        places: Where each pane, and each part of the prompts' pane, is in the window.
        likely: The likeliest next tokens of the clean prompt.
        stale: The pictures that are dimmed, by their accessible names.
        drawn: Those that show anything.
    """

    clean: str
    places: dict[str, QRect]
    likely: tuple[str, ...]
    stale: frozenset[str]
    drawn: frozenset[str]


class Recorder(QObject):
    """Keeps a `Frame` for every paint of a window, from when it is made until `leave`."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self._window = window
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at the window before it paints what changed."""
        if event.type() == QEvent.Type.UpdateRequest:
            self.frames.append(frame(self._window))
        return False

    def leave(self) -> list[Frame]:
        """Record no more, and return what was seen."""
        self._window.removeEventFilter(self)
        return self.frames


def frame(window: MainWindow) -> Frame:
    """Return what a window shows."""
    prompts = pane_of(window, PromptPane)
    places = {title: where(dock.pane) for title, dock in window.docks.items() if is_seen(dock.pane)}
    for title, dock in window.docks.items():
        if is_seen(dock.pane):
            pictures = [part for part in dock.pane.findChildren(Painted) if part.isVisible()]
            places |= {f"{title}: {part.accessibleName()}": where(part) for part in pictures}
    for side, editor in prompts.editors.items():
        places |= {f"{side} text": where(editor), f"{side} tokens": where(prompts.tokens[side])}
        places[f"{side} likely"] = where(prompts.next[side])
    places |= {"answers": where(prompts.answers), "remarks": where(prompts.remarks)}
    painted = [part for part in window.findChildren(Painted) if part.isVisible()]
    return Frame(
        clean=window.session.document.pair.clean,
        places=places,
        likely=tuple(chip.text for chip in prompts.next["clean"].chips),
        stale=frozenset(part.accessibleName() for part in painted if part.is_stale),
        drawn=frozenset(part.accessibleName() for part in painted if shows(part)),
    )


def shows(picture: Painted) -> bool:
    """Whether a picture shows anything, whichever of these it is a picture of."""
    of = (getattr(picture, name, None) for name in ("picture", "atlas", "weights"))
    return any(one is not None for one in of)


def is_seen(pane: QWidget) -> bool:
    """Whether a pane is in front."""
    return pane.isVisible() and bool(getattr(pane, "is_in_front", True))


def where(widget: QWidget) -> QRect:
    """Return where a widget is in its window."""
    return QRect(widget.mapTo(widget.window(), QPoint(0, 0)), widget.size())


def moved(frames: list[Frame]) -> list[tuple[int, str]]:
    """Return what is elsewhere, or of another size, than in the frame before, with its number."""
    found = []
    for number, (before, after) in enumerate(pairwise(frames), 1):
        both = before.places.keys() & after.places.keys()
        found += [(number, name) for name in both if before.places[name] != after.places[name]]
    return found
