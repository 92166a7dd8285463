"""Everything that the search can find in a window, each with what it does."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QMenu, QToolButton, QWidget
from shiboken6 import isValid

from lensgui.app.window.actions import ACTIONS
from lensgui.app.window.docks import Dock
from lensgui.app.window.exchange import PROMPTS
from lensgui.app.window.window import MainWindow
from lensgui.jobs.answers.readings import PairReading
from lensgui.models import known_models
from lensgui.panes.action import Action, Kind, plain
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.controls import native
from lensgui.panes.neurons.neuron_seen import ATTENTION_ONLY
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.panes.pane import NO_MODEL, Pane
from lensgui.panes.token_text import spelled

HEAD = re.compile(r"L?\s*(\d{1,5})(?:\s*[.,]\s*H?|\s*H\s*|\s+)(\d{1,5})", re.IGNORECASE)
NEURON = re.compile(r"L?\s*(\d{1,5})\s*[.,]?\s*N\s*(\d{1,6})", re.IGNORECASE)
NOT_NOW = "It can’t be done at present."


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that the search finds.

    Attributes:
        text: What it is called.
        kind: What it is.
        act: Does it.
        keys: Its shortcut; "" for none.
        reason: Why it can't be done at present; "" if it can.
    """

    text: str
    kind: Kind
    act: Callable[[], object]
    keys: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """By which its uses are counted."""
        return f"{self.kind}: {self.text}"


Source = Callable[[MainWindow], Iterator[Entry]]


def actions(window: MainWindow) -> Iterator[Entry]:
    """Yield what the table of actions has, as it is in a window: buttons, chips, lines of menus."""
    parts: dict[str, list[QWidget | QAction]] = defaultdict(list)
    found: list[QWidget | QAction] = [*window.findChildren(QWidget), *window.findChildren(QAction)]
    for part in found:
        parts[part.objectName()].append(part)
    for action in ACTIONS.values():
        if action.kind is not None:
            own = window.actions_by_name.get(action.name)
            entries = {
                entry.text: entry
                for part in ([own] if own is not None else parts[action.name])
                for entry in _of_part(window, action, action.kind, part)
            }
            yield from entries.values() or [_lacking(action, action.kind)]


def _lacking(action: Action, kind: Kind) -> Entry:
    return Entry(action.called, kind, lambda: None, reason=action.reason or NOT_NOW)


def _of_part(
    window: MainWindow, action: Action, kind: Kind, part: QWidget | QAction
) -> Iterator[Entry]:
    """Yield what can be done with what does an action, in the pane where it is."""
    dock = _dock_of(part)
    reason = "" if part.isEnabled() else action.reason or NOT_NOW
    keys = native(action.keys[0]) if action.keys else ""
    for name, act in _ways(part, dock or window):
        title = "" if dock is None else f"{dock.pane.title}: "
        text = f"{title}{name.removeprefix(title)}"
        yield Entry(text, kind, partial(_do, window, dock, part, act), keys, reason)


def _ways(part: QWidget | QAction, whole: QWidget) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is chosen with a part, by name, as far as the part is shown in the whole."""
    if isinstance(part, QAction):
        menu = part.parent()
        above = menu.parent() if isinstance(menu, QMenu) else None
        of = f"{above.accessibleName()} → " if isinstance(above, QAbstractButton) else ""
        if part.isVisible():
            yield f"{of}{plain(part.text())}", part.trigger
    elif isinstance(part, ChipRow):
        for at, chip in enumerate(part.chips if part.isVisibleTo(whole) else ()):
            yield f"{part.accessibleName()} → {chip.text}", partial(part.clicked.emit, at)
    elif isinstance(part, QAbstractButton) and part.isVisibleTo(whole):
        yield part.accessibleName(), partial(_press, part)


def _press(part: QAbstractButton) -> None:
    """Click a button, or open its menu, which a click from elsewhere does not."""
    menu = part.menu() if isinstance(part, QToolButton) else None
    if menu is not None:
        menu.popup(part.mapToGlobal(part.rect().bottomLeft()))
    else:
        part.click()


def _do(
    window: MainWindow, dock: Dock | None, part: QWidget | QAction, act: Callable[[], object]
) -> None:
    """Do something where it is seen, if what does it is still there."""
    if not isValid(part):
        return
    if dock is not None:
        window.show_pane(dock.pane.title)
        if isinstance(part, QWidget) and dock.pane.isAncestorOf(part):
            dock.fold(is_folded=False)
    act()


def _dock_of(part: QObject) -> Dock | None:
    above: QObject | None = part
    while above is not None and not isinstance(above, Dock):
        above = above.parent()
    return above


def panes(window: MainWindow) -> Iterator[Entry]:
    """Yield what brings each pane to the front."""
    for title in window.panes:
        yield Entry(f"Show {title}", "pane", partial(window.show_pane, title))


def tokens(window: MainWindow) -> Iterator[Entry]:
    """Yield the positions of the prompt."""
    reading = window.panes[PROMPTS].answer("pair", PairReading)
    if reading is None:
        return
    clean = spelled(reading.clean.tokens)
    corrupted = spelled(reading.corrupted.tokens) if reading.corrupted is not None else []
    for at, sides in enumerate(zip_longest(clean, corrupted)):
        name = "|".join(dict.fromkeys(filter(None, sides)))
        yield Entry(f"position {at} {name}", "token", partial(window.selection.move, position=at))


def settings(window: MainWindow) -> Iterator[Entry]:
    """Yield each choice that panes offer, as “pane: what → choice”."""
    for title, pane in window.panes.items():
        for box in pane.findChildren(QComboBox):
            if _is_of(pane, box) and box.accessibleName():
                yield from _of_choices(window, pane, box)
        for tick in pane.findChildren(QCheckBox):
            if _is_of(pane, tick):
                yield from _of_tick(window, title, tick)


def _is_of(pane: Pane, part: QWidget) -> bool:
    """Whether a control is the pane's own, no dialog's, and of some use at present."""
    return part.window() is pane.window() and part.isVisibleTo(pane)


def _of_tick(window: MainWindow, title: str, tick: QCheckBox) -> Iterator[Entry]:
    reason = "" if tick.isEnabled() else ACTIONS[tick.objectName()].reason or NOT_NOW
    for is_on, choice in ((True, "on"), (False, "off")):
        text = f"{title}: {tick.accessibleName()} → {choice}"
        yield Entry(text, "setting", partial(_tick, window, title, tick, is_on), reason=reason)


def _of_choices(window: MainWindow, pane: Pane, box: QComboBox) -> Iterator[Entry]:
    model = box.model()
    for index in range(box.count()):
        if model.flags(model.index(index, 0)) & Qt.ItemFlag.ItemIsEnabled:  # else a heading
            text = f"{pane.title}: {box.accessibleName()} → {box.itemText(index)}"
            act = partial(_choose, window, pane.title, box, index)
            yield Entry(text, "setting", act, reason="" if box.isEnabled() else NOT_NOW)


def _choose(window: MainWindow, title: str, box: QComboBox, index: int) -> None:
    window.show_pane(title)
    box.setCurrentIndex(index)
    box.activated.emit(index)


def _tick(window: MainWindow, title: str, tick: QCheckBox, is_on: bool) -> None:
    window.show_pane(title)
    if tick.isChecked() != is_on:
        tick.click()


def models(window: MainWindow) -> Iterator[Entry]:
    """Yield the models that are known by name."""
    known = {entry.name: entry.title for entry in known_models.CATALOGUE}
    known |= {name: name for name in known_models.imports()}
    for name, title in known.items():
        yield Entry(f"Open {title}", "model", partial(window.model_bar.open_named, name))


SOURCES: tuple[Source, ...] = (actions, panes, tokens, settings, models)


def named_head(window: MainWindow, query: str) -> list[Entry]:
    """Return the head that a query names, such as L9H6, 9.6 or 9 6; [] if it names none."""
    found = HEAD.fullmatch(query.strip())
    if found is None:
        return []
    layer, head = int(found[1]), int(found[2])
    card, reason = window.exchange.card, ""
    if card is None:
        reason = NO_MODEL
    elif layer >= card.n_layers or head >= card.n_heads:
        reason = f"There are {card.n_layers} layers of {card.n_heads} heads, counted from 0."
    act = partial(window.selection.move, layer=layer, head=head)
    return [Entry(f"L{layer}H{head}", "head", act, reason=reason)]


def named_neuron(window: MainWindow, query: str) -> list[Entry]:
    """Return the neuron that a query names, such as L5N123; [] if it names none."""
    found = NEURON.fullmatch(query.strip())
    if found is None:
        return []
    layer, neuron = int(found[1]), int(found[2])
    card, reason = window.exchange.card, ""
    if card is None:
        reason = NO_MODEL
    elif not card.n_neurons:
        reason = ATTENTION_ONLY
    elif layer >= card.n_layers or neuron >= card.n_neurons:
        reason = f"There are {card.n_layers} layers of {card.n_neurons} neurons, counted from 0."
    return [
        Entry(f"L{layer}N{neuron}", "neuron", partial(_select, window, layer, neuron), "", reason)
    ]


def _select(window: MainWindow, layer: int, neuron: int) -> None:
    """Select a neuron, and show what is known of it."""
    window.selection.move(layer=layer, neuron=neuron)
    window.show_pane(NeuronsPane.title)
