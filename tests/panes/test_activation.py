"""The activation pane: its map, what is asked, drawn and said of an activation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from lensgui.jobs.answers.activations import ActivationSlice, ModelMap
from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.questions.activation_requests import MapModel, ReadActivation
from lensgui.jobs.requests import OpenModel, ReadPair
from lensgui.panes.activation.activation import NOTHING, ActivationPane
from lensgui.panes.activation.model_map import boxes_of, name_of
from lensgui.panes.python.readings import full_name
from lensgui.prompts.pair import PromptPair
from lensgui.prompts.sides import NO_CORRUPTED
from lensgui.state.selection import Cursor
from lensgui.state.views import ActivationView
from tests import fakes
from tests.panes.conftest import CURSOR, PAIR, answer, in_session, tell

QUERY = ActivationView("attn.hook_q")


@pytest.fixture
def pane(document, show):
    """The pane, with answers about a pair."""
    return answer(show(ActivationPane()), document)


def test_the_map_and_the_activation_are_asked_where_the_selection_is(document, qtbot):
    pane = ActivationPane()
    qtbot.addWidget(pane)
    model, place = document.model, Cursor(2, 1, 4)
    asked = pane.requests(document.having(activation=QUERY), place)
    assert asked == {
        "pair": ReadPair(model, PAIR),
        "map": MapModel(model, PAIR, 2, 4),
        "slice": ReadActivation(
            model, PAIR, "blocks.2.attn.hook_q", places=(("head", 1), ("position", 4))
        ),
    }
    outside = document.having(activation=ActivationView("hook_embed", "difference"))
    asked = pane.requests(outside, Cursor())
    assert asked["slice"].name == "hook_embed"
    assert asked["map"] == MapModel(model, PAIR, 0)
    alone = replace(PAIR, corrupted="")
    assert pane.requests(outside.having(pair=alone), Cursor()) == {}


def test_heads_that_share_a_key_are_linked_with_it(document, show):
    pane = show(ActivationPane())
    opened = OpenModel(document.model)
    card = replace(fakes.card(opened), n_heads=8, n_key_value_heads=2)
    tell(pane, "model", card, request=opened)
    pane.show_document(document)
    assert ("key_value_head", 1) in pane.requests(document, Cursor(0, 5))["slice"].places
    picked = []
    pane.picked.connect(picked.append)
    pane.show_cursor(Cursor(3, 5))
    pane._move("key_value_head", 1)
    assert picked == [{"layer": 3, "head": 4}]


def test_the_slice_is_drawn_and_said(document, show):
    pane = answer(show(ActivationPane()), document.having(activation=QUERY), CURSOR)
    found = pane.answer("slice", ActivationSlice)
    np.testing.assert_array_equal(pane.heatmap.picture.values, found.values)
    words = pane._cell_words(1, 2)
    assert words.startswith("position 1 ‘")
    assert f", d head 2: {found.values[1, 2]:.5g}".replace("-", "−") in words
    name = f"blocks.{CURSOR.layer}.attn.hook_q"
    assert pane.legend.text().startswith(f"{name} = a + b, clean, head H")
    said = pane.statistics.text()
    assert said.startswith("All of it: mean 0.25, norm 12.5. Largest: 3.5 at position 1, head H0")
    (shown,) = pane.shown()
    assert said in shown.says
    assert shown.panels[0].scale.is_signed


def test_numbers_that_are_never_negative_have_colours_of_amounts(pane):
    found = pane.answer("slice", ActivationSlice)
    amounts = replace(found, values=np.abs(found.values))
    tell(pane, "slice", amounts, request=pane.reply("slice").request)
    assert not pane.shown()[0].panels[0].scale.is_signed
    states = found.states.copy()
    states[0, 1] = CellState.MASKED
    tell(pane, "slice", replace(found, states=states), request=pane.reply("slice").request)
    assert pane._cell_words(0, 1).endswith("not looked at (a later token)")


def test_a_slider_moves_the_selection_or_the_axis_itself(document, show):
    pane = answer(show(ActivationPane()), document.having(activation=QUERY), CURSOR)
    session, picked = in_session(pane, document), []
    pane.picked.connect(picked.append)
    assert pane.places.axes == ("head",)
    assert pane.places.labels[0].text() == f"head H{CURSOR.head}"
    assert pane.places.sliders[1].isHidden()
    pane.places.sliders[0].setValue(0)
    pane.places.sliders[0].setValue(1)
    assert {"layer": CURSOR.layer, "head": 1} in picked or CURSOR.head == 1
    pane._move("d_head", 3)
    assert session.document.views.activation.places == (("d_head", 3),)
    pane._move("d_head", 1)
    assert session.document.views.activation.places == (("d_head", 1),)


def test_a_box_of_the_map_is_chosen_by_mouse_and_keys(pane, document, qtbot):
    session = in_session(pane, document)
    shorts = [box.point.short for box in pane.map.boxes]
    box = pane.map.boxes[shorts.index("attn.hook_k")]
    where = pane.map.place_of(box).center().toPoint()
    qtbot.mouseClick(pane.map, Qt.MouseButton.LeftButton, pos=where)
    assert session.document.views.activation.name == "attn.hook_k"
    assert pane.map.hit_test(pane.map.place_of(box).center())[1].startswith("blocks.")
    pane.map.show_chosen("attn.hook_k")
    qtbot.keyClick(pane.map, Qt.Key.Key_Down)
    assert session.document.views.activation.name == "attn.hook_pattern"
    pane.map.show_chosen("attn.hook_pattern")
    qtbot.keyClick(pane.map, Qt.Key.Key_Up)
    assert session.document.views.activation.name == "attn.hook_k"
    pane.name.activated.emit(0)
    assert session.document.views.activation.name == shorts[0]


def test_the_map_says_of_each_hook_point_what_it_is(pane):
    found = pane.answer("map", ModelMap)
    boxes = boxes_of(found)
    rows = [[name_of(box.point) for box in boxes if box.row == row] for row in range(6)]
    assert rows[:5] == [["embed"], ["resid_pre"], ["ln1.scale", "ln1.normalized"], ["q", "k"],
                        ["pattern"]]  # fmt: skip
    pane.map.show_chosen("hook_resid_pre")
    said = pane.map.accessibleDescription()
    assert " = a + b: What it is. Its norm at position " in said
    table = pane.map.as_table()
    assert table.columns == ["shape", "formula", "norm"]
    assert len(table.rows) == len(found.points)
    places = [pane.map.place_of(box) for box in pane.map.boxes]
    assert not any(one.intersects(other) for at, one in enumerate(places) for other in places[:at])


def test_the_pane_says_what_to_do_while_there_is_nothing(document, show):
    pane = show(ActivationPane())
    opened = OpenModel(document.model)
    tell(pane, "model", fakes.card(opened), request=opened)
    pane.show_document(document.having(pair=PromptPair("")))
    assert pane.heatmap.empty == NOTHING
    assert pane.shown() == []
    lacking = document.having(pair=PromptPair("one"), activation=ActivationView(side="difference"))
    pane.show_document(lacking)
    assert pane.heatmap.empty == NO_CORRUPTED


@pytest.mark.parametrize(
    ("short", "name"),
    [
        ("attn.hook_q", "blocks.3.attn.hook_q"),
        ("hook_resid_pre", "blocks.3.hook_resid_pre"),
        ("hook_embed", "hook_embed"),
        ("ln_final.hook_scale", "ln_final.hook_scale"),
        ("unembed.hook_out", "unembed.hook_out"),
    ],
)
def test_names_outside_of_layers_are_full(short, name):
    assert full_name(short, 3) == name
