"""The inspector says what is known of the selection, whoever knows it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage, QPalette

from lensgui.app.window.layout import PANES
from lensgui.jobs.answers.readings import HeadReading
from lensgui.jobs.requests import LogitLens, ReadEdge, ReadHead, ReadMLP, ReadPair
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.menus import pinnable, toggled
from lensgui.panes.sweep_view.cells import cell_words
from lensgui.state.document import MOST_MARKED, Note
from lensgui.state.selection import Cursor, place_name
from lensgui.state.session import Session
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import VERBS, SweepKind
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.answering import last
from tests.panes.conftest import CURSOR, PAIR, answer, tell

SWEEP = "Activation patching", "sweep"


def words(pane):
    return [label.text() for label in pane.numbers.labels if not label.isHidden()]


def test_it_asks_what_the_selection_is_complete_enough_for(document, qtbot):
    pane = InspectorPane()
    qtbot.addWidget(pane)
    model = document.model
    whole = {
        "pair": ReadPair(model, PAIR),
        "head": ReadHead(model, PAIR, 2, 1, 3),
        "mlp": ReadMLP(model, PAIR, 2, 3),
        "lens": LogitLens(model, PAIR, 3),
    }
    assert pane.requests(document, CURSOR) == whole
    edge = ReadEdge(model, PAIR, 2, 1, 3, 0)
    assert pane.requests(document, Cursor(2, 1, 3, 0)) == whole | {"edge": edge}
    assert pane.requests(document, Cursor(2, 1, 3, 4)) == whole  # nobody looks ahead
    assert set(pane.requests(document, Cursor(position=1))) == {"pair", "lens"}
    assert set(pane.requests(document, Cursor(2, position=1))) == {"pair", "lens", "mlp"}
    assert pane.requests(document.having(clean=""), CURSOR) == {}


def test_what_is_done_to_the_model_leaves_the_last_position_known(document, show):
    """Else what is read there would be asked, and shown, anew after each switch."""
    open_ended = Cursor(2, 1)
    pane = answer(show(InspectorPane(), 340, 700), document, open_ended)
    before, said = pane.requests(document, open_ended), pane.place.text()
    assert "head" in before
    under = document.having(interventions=(Intervention(Site("z", 1, 0), "zero"),))
    pane.show_document(under)
    assert pane.place.text() == said
    asked = pane.requests(under, open_ended)
    assert asked.keys() == before.keys()
    assert asked["head"].position == before["head"].position
    other = document.having(clean=f"{document.pair.clean} again")
    assert "head" not in pane.requests(other, open_ended)


def test_it_says_what_is_selected(document, show):
    pane = answer(show(InspectorPane(), 340, 900), document, Cursor(2, 1, 3, 0))
    assert pane.place.text() == "L2H1, position 3 ‘·Mary’, source 0 ‘When’"
    assert pane.head.written.text() == "+1.250 logits to answer − distractor, directly"
    shares = [rank.share for rank in pane.head.attention.ranks]
    assert shares == sorted(shares, reverse=True)
    assert len(pane.head.promoted.chips) == 3
    assert pane.edge.amounts.text().startswith("attention 0.250, which brings +0.500 logits")
    assert pane.mlp.written.text().startswith("−0.750 logits")
    assert [chip.text for chip in pane.mlp.neurons.chips] == ["N17", "N3"]
    assert len(pane.lens.reading.top) == fakes.LAYERS + 1


def test_a_neuron_of_the_mlp_can_be_selected(document, show, qtbot):
    pane = answer(show(InspectorPane(), 340, 900), document, Cursor(2, position=3))
    with qtbot.waitSignal(pane.picked) as picked:
        pane.mlp.neurons.clicked.emit(1)
    assert picked.args == [{"neuron": 3}]
    pane.show_cursor(Cursor(2, position=3, neuron=3))
    assert pane.place.text() == "L2N3, position 3 ‘·Mary’"


def darkest(pane, widget):
    pane.grab()  # lays it out
    where = QRect(widget.mapTo(pane, QPoint(0, 0)), QSize(300, 160))  # rows without padding
    image = pane.grab(where).toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    return min(bytes(image.constBits()))


def test_what_answers_an_older_question_is_dimmed_until_the_new_answer_is_here(document, show):
    pane = answer(show(InspectorPane(), 340, 900), document, Cursor(2, 1, 3, 0))
    bright = darkest(pane, pane.head)
    other = Cursor(4, 2, 3, 0)
    pane.show_cursor(other)
    asked = pane.requests(document, other)
    for name in ("head", "edge", "mlp"):
        section = getattr(pane, name)
        tell(pane, name, status="late")
        assert section.is_stale, name
    assert darkest(pane, pane.head) > bright + 80
    for name in ("head", "edge", "mlp"):
        tell(pane, name, last(fakes.FakeAnswerer().answer(asked[name])))
        assert not getattr(pane, name).is_stale, name
    assert darkest(pane, pane.head) == bright


def test_without_a_selection_it_says_what_to_do(document, show):
    pane = answer(show(InspectorPane()), document, Cursor())
    assert pane.place.text().startswith("Click a token")
    assert not pane.pin.isEnabled()
    assert not pane.note_field.isEnabled()
    assert pane.head.isHidden()
    assert pane.mlp.isHidden()


@pytest.mark.parametrize(
    ("kind", "cursor"),
    [
        (SweepKind("resid_pre"), CURSOR),
        (SweepKind("z", "all"), CURSOR),
        (SweepKind("k", "all"), Cursor(2, 3, 3)),
    ],
)
def test_it_says_every_number_that_a_pane_has_for_the_place(document, show, kind, cursor, hear):
    document = replace(document, kind=kind, direction="noising")
    pane = answer(show(InspectorPane(), 340, 700), document, cursor)
    sweep = hear(pane, document.patching(), *SWEEP)
    cell = {"position": 3, "head": 1, "key_value_head": 1}[sweep.axes[1].name]
    assert len(words(pane)) == 1
    assert words(pane)[0].endswith(f", {VERBS[document.direction]}: {cell_words(sweep, 2, cell)}")
    pane.show_cursor(Cursor())
    assert words(pane) == []
    pane.show_cursor(cursor)
    said = words(pane)
    assert len(pane.numbers.shown) == 1
    hear(pane, document.patching(), *SWEEP, status="waiting")  # in its place, dimmed
    assert (words(pane), pane.numbers.shown) == (said, ())
    assert pane.numbers.labels[0].foregroundRole() == QPalette.ColorRole.PlaceholderText
    assert pane.numbers not in [one.widget for one in pane.shown()]
    pane.show_cursor(replace(cursor, layer=1))
    assert words(pane) == []
    pane.show_cursor(cursor)
    hear(pane, document.patching(), *SWEEP)
    assert (words(pane), len(pane.numbers.shown)) == (said, 1)
    assert pane.numbers.labels[0].foregroundRole() == QPalette.ColorRole.WindowText
    hear(pane, document.patching(), *SWEEP, status="failed")
    assert words(pane) == []


def test_numbers_that_are_known_anew_wait_for_no_others(document, show, hear):
    pane = answer(show(InspectorPane(), 340, 700), document, CURSOR)
    other = SweepKind("attn_out")
    hear(pane, document.patching(), *SWEEP)
    hear(pane, document.patching(other), "All kinds", "attn_out")
    first, second = words(pane)
    under = document.having(interventions=(Intervention(Site("z", 1, 0), "zero"),))
    pane.show_document(under)
    hear(pane, under.patching(), *SWEEP, status="waiting")
    hear(pane, under.patching(other), "All kinds", "attn_out", status="waiting")
    assert (words(pane), pane.numbers.shown) == ([first, second], ())
    hear(pane, under.patching(other), "All kinds", "attn_out")
    assert words(pane)[0] == first
    assert [one.name for one in pane.numbers.shown] == [words(pane)[1].split(": ")[0]]
    pane.show_document(replace(under, model=ModelKey("another")))
    assert len(words(pane)) == 1


def test_one_number_that_two_panes_have_is_said_once(document, show, hear):
    pane = answer(show(InspectorPane(), 340, 700), document)
    sweep = hear(pane, document.patching(), *SWEEP)
    hear(pane, document.patching(), "All kinds at once", "stream", sweep)
    assert len(words(pane)) == 1


def test_clicking_a_lens_row_selects_its_layer(document, show, qtbot):
    pane = answer(show(InspectorPane(), 340, 900), document)
    with qtbot.waitSignal(pane.picked) as picked:
        row = QPoint(20, round(pane.lens.row_height() * 3.5))
        qtbot.mouseClick(pane.lens, Qt.MouseButton.LeftButton, pos=row)
    assert picked.args == [{"layer": 1}]


def test_a_note_belongs_to_its_place_and_typing_it_is_one_step(document, show, qtbot):
    session = Session(document)
    pane = answer(show(InspectorPane(), 340, 900), document)
    pane.edited.connect(lambda changes: session.edit(**changes))
    session.changed.connect(pane.show_document)
    qtbot.keyClicks(pane.note_field, "name mover")
    assert session.document.notes == (Note(Cursor(2, 1), "name mover"),)
    pane.show_cursor(Cursor(3, 1, 3))
    assert pane.note_field.toPlainText() == ""
    assert pane.note_field.placeholderText() == "Note about L3H1"
    qtbot.keyClicks(pane.note_field, "negative")
    pane.show_cursor(CURSOR)
    assert pane.note_field.toPlainText() == "name mover"
    assert session.undo_stack.count() == 2
    session.undo_stack.undo()
    assert session.document.notes == (Note(Cursor(2, 1), "name mover"),)


def test_places_are_pinned_listed_and_picked(document, show, qtbot):
    pane = answer(show(InspectorPane(), 340, 900), document)
    pane.pin.menu().aboutToShow.emit()
    first, second, _ = pane.pin.menu().actions()
    assert (first.text(), second.text()) == ("L2H1", "L2 · position 3")
    with qtbot.waitSignal(pane.edited) as edited:
        first.trigger()
    assert edited.args == [{"pins": (Cursor(2, 1),)}]
    pane.show_document(document.having(pins=(Cursor(2, 1), Cursor(4, position=0))))
    assert [chip.text for chip in pane.pins.chips] == ["L2H1", "L4 · position 0"]
    with qtbot.waitSignal(pane.picked) as picked:
        pane.pins.clicked.emit(1)
    assert picked.args == [{"layer": 4, "position": 0}]


def test_of_very_many_pins_the_last_are_listed(document, show, qtbot):
    pane = answer(show(InspectorPane(), 340, 900), document)
    many = tuple(Cursor(layer, position=at) for layer in range(12) for at in range(1000))
    pane.show_document(document.having(pins=many))
    assert len(pane.pins.chips) == MOST_MARKED
    assert pane.more_pins.text().startswith("… and 11,800 more, ")
    with qtbot.waitSignal(pane.picked) as picked:
        pane.pins.clicked.emit(MOST_MARKED - 1)
    assert picked.args == [{"layer": 11, "position": 999}]
    pane.show_document(document.having(pins=many[:3]))
    assert not pane.more_pins.isVisible()


def test_what_can_be_pinned_follows_from_what_is_selected():
    assert pinnable(Cursor()) == ()
    assert pinnable(Cursor(position=3)) == ()
    assert pinnable(Cursor(1, 2)) == (Cursor(1, 2),)
    assert [place_name(place) for place in pinnable(Cursor(1, 2, 5, 3))] == [
        "L1H2", "L1 · position 5", "L1H2 · position 5", "L1H2 · 5 → 3",
    ]  # fmt: skip
    assert toggled(toggled((), Cursor(1)), Cursor(1)) == ()


def test_the_short_forms_lead_to_the_panes_that_have_all_of_it(document, show):
    pane = answer(show(InspectorPane()), document)
    wanted = []
    pane.pane_requested.connect(wanted.append)
    pane.show_cursor(Cursor(2, position=1))
    enabled = {name for name, button in pane.more.buttons.items() if button.isEnabled()}
    assert enabled == {"Attribution", "Lens", "Neurons", "Activation"}
    pane.show_cursor(Cursor(2, 1, 1))
    for button in pane.more.buttons.values():
        button.click()
    assert wanted == ["Attention", "Attribution", "Lens", "Neurons", "Activation"]
    assert set(wanted) <= {kind.title for kind in PANES}
    pane.show_cursor(Cursor())
    assert not any(button.isEnabled() for button in pane.more.buttons.values())


def test_a_token_that_a_head_raises_is_selected_by_its_chip(document, show, qtbot):
    pane = answer(show(InspectorPane()), document, CURSOR)
    picked = []
    pane.picked.connect(picked.append)
    reading = pane.answer("head", HeadReading)
    both = (pane.head.promoted, reading.promoted), (pane.head.suppressed, reading.suppressed)
    for row, tokens in both:
        row.setFocus()
        qtbot.keyClick(row, Qt.Key.Key_Return)
        assert picked[-1] == {"token": tokens[0][0].id}
    assert not any(chip.token for chip in pane.mlp.neurons.chips)
