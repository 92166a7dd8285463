"""Every switch of every pane is the document's: shown, undone, and kept while one is away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from lensgui.app.window.window import MainWindow
from lensgui.panes.ablation.ablation import AblationPane
from lensgui.panes.activation.activation import ActivationPane
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.attribution.attribution import AttributionPane
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.panes.generation.generation import GenerationPane
from lensgui.panes.heads.heads import HeadsPane
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.panes.patching.all_kinds import AllKindsPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.strength.strength import StrengthPane
from lensgui.panes.sweep_view import faces
from lensgui.state.examples import find
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, AttentionView, Link, Range
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import SweepKind
from tests.windows import pane_of

PANES = {
    "prompt": PromptPane,
    "attention": AttentionPane,
    "patching": PatchingPane,
    "all_kinds": AllKindsPane,
    "feeders": FeedersPane,
    "attribution": AttributionPane,
    "activation": ActivationPane,
    "lens": LensPane,
    "heads": HeadsPane,
    "neurons": NeuronsPane,
    "generation": GenerationPane,
    "strength": StrengthPane,
    "ablation": AblationPane,
    "board": CircuitPane,
}
BY_DEGREES = tuple(Intervention(Site("mlp_out", at), "scale", is_on=False) for at in range(2))
RECEIVER = (4, 1)
SENDER = Cursor(2, 1)


@dataclass(frozen=True)
class Case:
    """A setting, and where it is seen.

    Attributes:
        value: What it is set to; or a function of the pane that returns it.
        seen: What of the pane shows it.
        shown: What is seen then.
    """

    value: Any
    seen: Callable[[Any], Any]
    shown: Any


def own_range(pane: Any) -> Range:
    sweep = {
        PatchingPane: lambda: pane.sweep,
        AllKindsPane: lambda: pane.sweeps[0],
        FeedersPane: lambda: pane.feeding,
    }[type(pane)]()
    return Range(3.0, faces.counted(sweep))


def least_score(pane: Any) -> tuple[float, float]:
    return pane.bar.least.value(), pane.grid.view.least


def visible(parts: list[QWidget]) -> list[int]:
    return [at for at, part in enumerate(parts) if part.isVisible()]


def levels(pane: Any) -> tuple[float, bool]:
    found = pane.levels if isinstance(pane, AllKindsPane) else getattr(pane, "view", pane).levels
    return found.end, found.is_own


CASES = {
    "prompt.shows_surprisal": Case(True, lambda p: p.surprisal.isChecked(), True),
    "attention.side": Case("difference", lambda p: p.side.currentText(), "difference"),
    "attention.hides_first": Case(False, lambda p: p.hide_first.isChecked(), False),
    "attention.score": Case("induction", lambda p: p.bar.score.value, "induction"),
    "attention.arrangement": Case("ranked", lambda p: p.grid.view.is_ranked, True),
    "attention.least_score": Case(0.5, least_score, (0.5, 0.5)),
    "attention.measure": Case("scores", lambda p: p.focus.bar.measure.value, "scores"),
    "attention.drawing": Case("text", lambda p: p.focus.text.isVisible(), True),
    "attention.head_hides_first": Case(True, lambda p: p.focus.bar.hide_first.isChecked(), True),
    "attention.is_from": Case(False, lambda p: p.focus.lines.is_from, False),
    "attention.least_line": Case(0.4, lambda p: p.focus.bar.least.value(), 40),
    "patching.side": Case("A", lambda p: p.view.compare.buttons["A"].isChecked(), True),
    "patching.shows_table": Case(True, lambda p: p.view.table.isVisible(), True),
    "patching.shows_estimates": Case(True, lambda p: p.view.estimates.isVisible(), True),
    "patching.shows_intervals": Case(True, lambda p: p.view.tools.intervals.isChecked(), True),
    "patching.place": Case(2, lambda p: p.view.slider.at, 2),
    "patching.range": Case(own_range, levels, (3.0, True)),
    "all_kinds.stream": Case("resid_mid", lambda p: p.tiles.titles[0].text(), "resid_mid"),
    "all_kinds.enlarged": Case(4, lambda p: visible(p.tiles.tiles), [4]),
    "all_kinds.range": Case(own_range, levels, (3.0, True)),
    "feeders.input": Case("v", lambda p: p.input.buttons["v"].isChecked(), True),
    "feeders.hear_each_other": Case(True, lambda p: p.hearing.isChecked(), True),
    "feeders.held": Case(((5, 0),), lambda p: p.chain.links[-1].heads, ((5, 0),)),
    "feeders.sender": Case(Cursor(0, 0), lambda p: p.chain.links[-1].heads, ((2, 1),)),
    "feeders.before": Case((Link(((5, 3),), "k"),), lambda p: len(p.chain.links), 2),
    "feeders.range": Case(own_range, levels, (3.0, True)),
    "lens.value": Case("entropy", lambda p: p.controls.value.value, "entropy"),
    "lens.side": Case("corrupted", lambda p: p.controls.side.currentText(), "corrupted"),
    "lens.token": Case(1, lambda p: p.controls.token.currentText(), "distractor"),
    "lens.words_only": Case(True, lambda p: p.controls.boxes["words_only"].isChecked(), True),
    "lens.lens": Case("a.safetensors", lambda p: p.controls.lens.currentText(), "a"),
    "lens.mid": Case(True, lambda p: p.controls.boxes["mid"].isChecked(), True),
    "lens.shows_curves": Case(False, lambda p: p.curves.isVisible(), False),
    "lens.followed": Case((" the",), lambda p: p.controls.token.itemText(2), "·the"),
    "neurons.order": Case("activation", lambda p: p.controls.order.value, "activation"),
    "neurons.side": Case("corrupted", lambda p: p.controls.side.currentText(), "corrupted"),
    "neurons.count": Case(5, lambda p: p.rows.count(), 5),
    "neurons.places": Case("text", lambda p: p.controls.places.currentText(), "in a text"),
    "attribution.by": Case("component", lambda p: p.by.value, "component"),
    "attribution.side": Case("corrupted", lambda p: p.side.currentText(), "corrupted"),
    "attribution.shows_curve": Case(False, lambda p: p.curves.isVisible(), False),
    "heads.columns": Case(("edge",), lambda p: p.model.rows.columns, ("role", "label", "edge")),
    "heads.sort": Case("copying", lambda p: p.controls.sort.value, "copying"),
    "heads.is_descending": Case(False, lambda p: p.controls.direction.text(), "▲"),
    "heads.filter": Case("layer < 2", lambda p: p.controls.filter.text(), "layer < 2"),
    "activation.name": Case("attn.hook_q", lambda p: p.name.currentText(), "attn.hook_q"),
    "activation.side": Case("corrupted", lambda p: p.side.currentText(), "corrupted"),
    "activation.down": Case("d_model", lambda p: p.reply("slice").request.down, "d_model"),
    "activation.across": Case("position", lambda p: p.reply("slice").request.across, "position"),
    "activation.places": Case(
        (("d_head", 3),), lambda p: dict(p.reply("slice").request.places).get("d_head"), 3
    ),
    "strength.which": Case(1, lambda p: p.which.currentIndex(), 1),
    "strength.is_wide": Case(True, lambda p: p.wide.isChecked(), True),
    "strength.has_random": Case(True, lambda p: p.random.isChecked(), True),
    "strength.is_like_stream": Case(True, lambda p: p.alike.isChecked(), True),
    "generation.side": Case("corrupted", lambda p: p.controls.side.value, "corrupted"),
    "generation.count": Case(7, lambda p: p.controls.boxes["written_count"].value(), 7),
    "generation.temperature": Case(0.5, lambda p: p.controls.boxes["temperature"].value(), 0.5),
    "generation.top_k": Case(9, lambda p: p.controls.boxes["top_k"].value(), 9),
    "generation.top_p": Case(0.8, lambda p: p.controls.boxes["top_p"].value(), 0.8),
    "generation.seed": Case(3, lambda p: p.controls.boxes["drawing_seed"].value(), 3),
    "ablation.of": Case("interventions", lambda p: p.of.value, "interventions"),
    "ablation.heads": Case(
        ((1, 1), (2, 0)), lambda p: p.names.text(), "2 heads: L1H1, L2H0 · taken"
    ),
    "ablation.op": Case("zero", lambda p: p.op.value, "zero"),
    "board.reference": Case("mean", lambda p: p.controls.reference.value, "mean"),
    "board.nodes": Case("pinned", lambda p: p.controls.nodes.value, "pinned"),
    "board.by": Case("sign", lambda p: p.controls.by.value, "sign"),
    "board.most": Case(20, lambda p: p.controls.most.value, 20),
    "board.is_exact": Case(True, lambda p: p.controls.exact.isChecked(), True),
    "board.fades": Case(True, lambda p: p.controls.fades.isChecked(), True),
    "board.is_free": Case(True, lambda p: p.controls.free.isChecked(), True),
    "board.places": Case((("embed", 0.25),), lambda p: p.controls.tidy.isEnabled(), True),
    "board.groups": Case(
        lambda p: (("movers", tuple(n.name for n in p.board.contents.nodes[1:3])),),
        lambda p: "movers" in [node.name for node in p.board.contents.nodes],
        True,
    ),
    "board.measured": Case("heads", lambda p: p.controls.measured.value, "heads"),
    "board.beside": Case("completeness", lambda p: p.rail.beside.value, "completeness"),
    "board.band": Case(0.2, lambda p: p.controls.band.value, 0.2),
}


@pytest.fixture
def swept(window: MainWindow, qtbot: Any) -> MainWindow:
    """A window in which every switch has something to act on."""
    session = window.session
    feeders = replace(AT_FIRST.feeders, held=(RECEIVER,), sender=SENDER)
    kept = session.document.patching()
    session.edit(kind=SweepKind("z"), kept=kept, feeders=feeders, interventions=BY_DEGREES)
    window.selection.move(layer=2, head=1, position=None, source=None)
    for title in ("All kinds at once", "Who feeds it", "Activation patching"):
        window.show_pane(title)
        qtbot.wait(20)
        qtbot.waitUntil(lambda: not window.runner.is_busy)
    return window


def all_fields() -> list[str]:
    names = [one.name for one in fields(AT_FIRST)]
    return [f"{name}.{one.name}" for name in names for one in fields(getattr(AT_FIRST, name))]


def test_there_is_a_case_for_every_setting():
    assert list(CASES) == all_fields()


@pytest.mark.parametrize("name", PANES)
def test_every_setting_of_a_pane_is_shown_and_undone_and_done_again(name, swept, qtbot):
    pane, first = pane_of(swept, PANES[name]), swept.session.document
    for path, case in CASES.items():
        if path.partition(".")[0] == name:
            swept.show_pane(pane.title)
            qtbot.wait(20)
            qtbot.waitUntil(lambda: not swept.runner.is_busy)
            try_setting(path, case, pane, swept, qtbot)
            swept.session.begin(first)


def try_setting(path: str, case: Case, pane: Any, window: MainWindow, qtbot: Any) -> None:
    """Set something, take that back, and set it again: each time it is seen."""
    name, field = path.split(".")
    session, said = window.session, list[object]()
    pane.edited.connect(said.append)
    first, before = session.document, case.seen(pane)
    assert before != case.shown, path
    value = case.value(pane) if callable(case.value) else case.value
    view = replace(getattr(first.views, name), **{field: value})
    session.edit(**{name: view})
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert case.seen(pane) == case.shown, path
    assert session.undo_stack.undoText(), path
    session.undo_stack.undo()
    assert session.document == first, path
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert case.seen(pane) == before, path
    session.undo_stack.redo()
    window.show_pane("Prompt pairs")
    window.show_pane(pane.title)
    assert getattr(session.document.views, name) == view, path
    assert case.seen(pane) == case.shown, path
    assert said == [], path
    pane.edited.disconnect(said.append)


def test_what_was_known_before_comes_back_at_once(swept, answerer, qtbot):
    pane = pane_of(swept, AttentionPane)
    drawn = pane.grid.atlas
    swept.session.edit(attention=AttentionView("difference"))
    qtbot.waitUntil(lambda: not swept.runner.is_busy)
    assert pane.grid.atlas is not drawn
    answerer.asked.clear()
    swept.session.undo_stack.undo()
    assert pane.grid.atlas is drawn
    assert not pane.grid.is_stale
    assert answerer.asked == []


def test_an_example_leaves_the_switches_as_they_are(window, qtbot):
    view = AttentionView("difference", measure="scores", drawing="lines")
    window.session.edit(attention=view)
    actions = window.findChildren(QAction)
    next(action for action in actions if action.text() == find("gender").title).trigger()
    assert window.session.document.pair == find("gender").document.pair
    assert window.session.document.views.attention == view
    assert window.session.undo_stack.undoText() == f"Example: {find('gender').title}"


@pytest.mark.qt_log_ignore(r"does not support raise\(\)", extend=True)
def test_the_history_lists_every_step_and_a_click_goes_there(window, parts, qtbot):
    session, documents = window.session, [window.session.document]
    view = AttentionView("corrupted")
    for changes in ({"pins": (Cursor(3, 1),)}, {"direction": "noising"}, {"attention": view}):
        session.edit(**changes)
        documents.append(session.document)
    window.actions_by_name["history"].trigger()
    steps = parts.commands.history.steps
    qtbot.waitUntil(steps.isVisible)
    model = steps.model()
    lines = [model.index(row, 0).data() for row in range(model.rowCount())]
    assert lines == ["As it was at first", "Pin L3H1", "Sweep: direction", "Attention: prompt"]
    for row in (1, 0, 3, 2):
        place = steps.visualRect(model.index(row, 0)).center()
        QTest.mouseClick(steps.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert session.document == documents[row]
    qtbot.keyClick(steps, Qt.Key.Key_Up)
    assert session.document == documents[1]
    session.edit(direction="noising")
    assert model.rowCount() == 3
    assert parts.commands.history.isVisible()
    assert steps.accessibleName()
    parts.commands.history.close()
