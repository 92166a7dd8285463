"""The menu of a place, what can be done with it, and what sets of heads are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from lensgui.jobs.answers.readings import Token
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import menu_line
from lensgui.panes.interventions import verbs as intervening
from lensgui.panes.pane import Pane
from lensgui.panes.token_text import plain_tip
from lensgui.panes.verb import Verb, submenu
from lensgui.state.selection import Cursor, place_name
from lensgui.terms.kinds import Head
from lensgui.terms.roles import NO_ROLE, ROLES, USUAL, GivenRole

MENU = "verbs"
ATTENTION = "Attention"  # titles of panes that verbs bring to the front
FEEDERS = "Who feeds it"
LENS, ATTRIBUTION, ACTIVATION = "Lens", "Attribution", "Activation"
NEURONS, ABLATION = "Neurons", "Ablation"
CIRCUIT = "Circuit"


def pinnable(cursor: Cursor) -> tuple[Cursor, ...]:
    """Return the places at a cursor that can be pinned: its head or neuron, its cell, its edge."""
    if cursor.layer is None:
        return ()
    found = []
    if cursor.head is not None:
        found.append(Cursor(cursor.layer, cursor.head))
    elif cursor.neuron is not None:
        found.append(Cursor(cursor.layer, neuron=cursor.neuron))
    if cursor.position is not None:
        found.append(Cursor(cursor.layer, position=cursor.position))
        if cursor.head is not None:
            found.append(Cursor(cursor.layer, cursor.head, cursor.position))
            if cursor.source is not None:
                found.append(replace(cursor, heads=()))
    return tuple(found)


def toggled(pins: tuple[Cursor, ...], place: Cursor) -> tuple[Cursor, ...]:
    """Return pins with a place added, or taken away if it was among them."""
    if place in pins:
        return tuple(pin for pin in pins if pin != place)
    return (*pins, place)


def heads_of(pins: tuple[Cursor, ...]) -> list[tuple[int, int]]:
    """Return layer and head of each pinned place that belongs to a head, each once."""
    places = dict.fromkeys((pin.layer, pin.head) for pin in pins)
    return [(layer, head) for layer, head in places if layer is not None and head is not None]


def edges_of(pins: tuple[Cursor, ...], heads: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Return position and source of each pinned edge of some heads."""
    edges = [(pin.position, pin.source) for pin in pins if (pin.layer, pin.head) in heads]
    return [(row, column) for row, column in edges if row is not None and column is not None]


def show_menu(pane: Pane, verbs: Sequence[Verb], where: QPoint) -> QMenu:
    """Show verbs at a place of the screen; a pane has one such menu, which is filled anew."""
    menu: QMenu | None = pane.findChild(QMenu, MENU)
    if menu is None:
        menu = QMenu(pane)
        menu.setObjectName(MENU)
    menu.setAccessibleName("What can be done with this place")
    menu.setToolTipsVisible(True)
    menu.clear()
    _fill(menu, verbs)
    widget = pane.childAt(pane.mapFromGlobal(where))
    if pane.shown_at(widget) is not None:
        menu.addSeparator()
        _fill(menu, of_picture(pane, widget))
    menu.popup(where)
    return menu


def of_picture(pane: Pane, widget: QWidget | None) -> list[Verb]:
    """Return what can be done with the whole picture that a widget of a pane draws."""

    def taking(how: str) -> Callable[[], None]:
        return lambda: pane.taken.emit(widget, how)

    return [
        Verb(
            "Export this picture…",
            "Save it as PNG, SVG, PDF, CSV, NPZ or a script, with a caption that says what it is.",
            taking("export"),
        ),
        Verb("Copy as picture", "Copy it to the clipboard, to be pasted.", taking("copy_picture")),
        Verb(
            "Copy its numbers",
            "Copy its numbers to the clipboard as a table, to be pasted into a spreadsheet.",
            taking("copy_numbers"),
        ),
    ]


def _fill(menu: QMenu, verbs: Sequence[Verb]) -> None:
    for verb in verbs:
        if verb.choices:
            inner = menu.addMenu(verb.name)
            inner.setToolTipsVisible(True)
            inner.menuAction().setToolTip(plain_tip(verb.tip))
            _fill(inner, verb.choices)
            continue
        action = menu_line(menu, PANE_ACTIONS["verb"], verb.name, verb.reason or verb.tip)
        action.setEnabled(not verb.reason)
        action.setCheckable(verb.is_chosen)
        action.setChecked(verb.is_chosen)
        action.triggered.connect(lambda checked=False, act=verb.act: act())


def of_place(
    pane: Pane, place: Cursor, pins: tuple[Cursor, ...], tokens: Sequence[Token] = ()
) -> list[Verb]:
    """Return the verbs that every pane has for a place.

    Args:
        pane: Where the menu is shown.
        place: The place.
        pins: What is pinned at present.
        tokens: Tokens that stand there.
    """
    verbs = []
    if place.head is not None:
        verbs.append(
            Verb(
                "Go to its attention",
                "Select the head and show its attention pattern.",
                lambda: go_to(pane, place, ATTENTION),
            )
        )
    name = place_name(place)
    is_pinned = place in pins
    verbs.append(
        Verb(
            f"Unpin {name}" if is_pinned else f"Pin {name}",
            "Leave it out of the pinned places again."
            if is_pinned
            else "Keep an eye on it: it is framed in every pane.",
            lambda: pane.pinned.emit(place),
        )
    )
    verbs += intervening.of_place(pane, place, tokens)
    if place.layer is not None:
        verbs.append(readings_of(pane, place))
    if place.layer is not None and place.head is not None:
        verbs.append(role_of(pane, (place.layer, place.head)))
    return verbs


def readings_of(pane: Pane, place: Cursor) -> Verb:
    """Return the verb that reads a place in other panes: each of its choices brings one forward."""
    is_head = place.head is not None
    ways = [
        (LENS, "Lens here", "What the stream that enters its layer would predict."),
        (
            ATTRIBUTION,
            "What it adds to the metric",
            "Its part of the metric, by source token." if is_head
            else "Its layer's parts of the metric, its MLP by neuron.",
        ),
        (
            FEEDERS,
            "What writes what it reads",
            "Path patching of every earlier head and MLP into it.",
        ),
        (CIRCUIT, "Who reads it", "The strongest edges into and out of it, on the circuit board."),
        (NEURONS, "The neurons of its layer", "Ranked, with what each reads and writes."),
        (ACTIVATION, "What its hook points hold", "Any activation of its layer, on a map."),
    ]  # fmt: skip
    choices = [
        Verb(name, tip, partial(go_to, pane, place, title))
        for title, name, tip in ways
        if title != pane.title and (is_head or title != FEEDERS)
    ]
    return submenu("Read it", "Select it, and bring another pane forward.", choices)


def role_of(pane: Pane, head: Head) -> Verb:
    """Return the verb that gives a head a role, over whatever the rules say."""
    layer, at = head
    rest = tuple(one for one in pane.given if (one.layer, one.head) != head)
    given = next((one.name for one in pane.given if (one.layer, one.head) == head), None)

    def giving(name: str | None) -> Callable[[], None]:
        roles = rest if name is None else (*rest, GivenRole(layer, at, name))
        return lambda: pane.edited.emit({"roles": roles})

    by_rule = "Let the rules say what it is; the numbers in them are the grid’s, under “Roles”."
    choices = [Verb("what the rules say", by_rule, giving(None), is_chosen=given is None)]
    for role in ROLES:
        words = role.words(USUAL)
        name = f"{role.letter}: {role.name}"
        choices.append(Verb(name, words, giving(role.name), is_chosen=given == role.name))
    none = "Take its letter away, whatever the rules say."
    choices.append(Verb("no role", none, giving(NO_ROLE), is_chosen=given == NO_ROLE))
    tip = "What part it plays: its letter is drawn in every pane."
    return submenu(f"Role of {place_name(Cursor(*head))}", tip, choices)


def of_heads(pane: Pane, heads: tuple[Head, ...], pins: tuple[Cursor, ...]) -> list[Verb]:
    """Return what can be done with a set of heads that is selected.

    Args:
        pane: Where the menu is shown.
        heads: Layer and head of each.
        pins: What is pinned at present.
    """
    return [
        Verb(
            "Average their attention" if len(heads) > 1 else "Show its attention",
            "Bring the attention pane to the front, which shows the mean of the selected heads.",
            lambda: pane.pane_requested.emit(ATTENTION),
        ),
        Verb(
            "Who feeds them?" if len(heads) > 1 else "Who feeds it?",
            "Path patching of every earlier head and MLP into the selected heads together.",
            lambda: pane.pane_requested.emit(FEEDERS),
        ),
        Verb(
            f"Pin these {len(heads)} heads" if len(heads) > 1 else "Pin this head",
            "Keep an eye on the selected heads: they are framed in every pane.",
            lambda: pane.edited.emit({"pins": with_heads(pins, heads)}),
        ),
        Verb(
            "Ablate them together" if len(heads) > 1 else "Ablate it",
            "What they change together, pair by pair, and which of them matter most.",
            lambda: ablate(pane, heads),
        ),
        intervening.of_heads(pane, heads),
    ]


def ablate(pane: Pane, heads: tuple[Head, ...]) -> None:
    """Have some heads ablated together, and show what follows."""
    view = replace(pane.views.ablation, heads=heads, of="heads")
    pane.edited.emit({"ablation": view})
    pane.pane_requested.emit(ABLATION)


def with_heads(pins: tuple[Cursor, ...], heads: tuple[Head, ...]) -> tuple[Cursor, ...]:
    """Return pins with some heads added."""
    return tuple(dict.fromkeys((*pins, *(Cursor(*head) for head in heads))))


def heads_name(heads: Sequence[Head], most: int | None = None) -> str:
    """Return what some heads are called: L23H3; "3 heads: L23H1, L23H3, L25H0"."""
    names = [f"L{layer}H{head}" for layer, head in heads]
    if len(names) < 2:
        return "".join(names)
    more = " …" if most is not None and len(names) > most else ""
    return f"{len(names)} heads: {', '.join(names[:most])}{more}"


def copying(words: str, name: str = "Copy the value") -> Verb:
    """Return the verb that copies what is known of a place, or another text by another name."""
    return Verb(
        name,
        "Copy what is known of this place, in words, to the clipboard.",
        lambda: QGuiApplication.clipboard().setText(words),
    )


def select(pane: Pane, place: Cursor) -> None:
    """Select what a place names."""
    pane.picked.emit({name: at for name, at in asdict(place).items() if at not in (None, ())})


def act(pane: Pane, verb: str, place: Cursor) -> None:
    """Do at once what a menu offers too: "pin", or "attention" of a place that is a head's."""
    if verb == "pin":
        pane.pinned.emit(place)
    elif place.head is not None:
        go_to(pane, place, "Attention")


def go_to(pane: Pane, place: Cursor, title: str) -> None:
    """Select a place and bring another pane to the front."""
    select(pane, place)
    pane.pane_requested.emit(title)
