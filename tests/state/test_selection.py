from __future__ import annotations

import pytest

from lensgui.state.selection import Cursor, Selection, extended, gathered, place_name


@pytest.fixture
def selection(qapp):
    return Selection(Cursor(layer=1))


def test_moving_changes_only_what_is_named(selection, qtbot):
    with qtbot.waitSignal(selection.changed) as changed:
        selection.move(layer=4, position=6)
    assert changed.args == [Cursor(layer=4, position=6)]


@pytest.mark.parametrize("layer", [2, 5])
def test_a_layer_without_a_head_is_of_no_head(selection, layer):
    selection.move(layer=2, head=3, position=6, source=1)
    selection.move(layer=layer, position=4)
    assert selection.cursor == Cursor(layer, position=4)


def test_a_position_or_a_source_leaves_the_head(selection):
    selection.move(layer=2, head=3, position=6)
    selection.move(position=4, source=1)
    assert selection.cursor == Cursor(2, 3, 4, 1)


def test_limits_clear_no_head(selection):
    selection.move(layer=2, head=3, position=6, source=1)
    selection.limit(layer=2, head=3, position=9, source=9)
    assert selection.cursor == Cursor(1, 2, 6, 1)


def test_moving_to_where_it_is_says_nothing(selection, qtbot):
    with qtbot.assertNotEmitted(selection.changed):
        selection.move(layer=1)


def test_names_that_are_no_fields_select_nothing(selection, qtbot):
    with qtbot.assertNotEmitted(selection.changed):
        selection.move(feature=3)


def test_a_head_and_a_neuron_are_not_selected_at_once(selection):
    selection.move(**gathered([(1, 2), (4, 0)]), position=6, source=1)
    selection.move(layer=4, neuron=7)
    assert selection.cursor == Cursor(4, position=6, neuron=7)
    selection.move(position=3)
    assert selection.cursor == Cursor(4, position=3, neuron=7)
    selection.move(head=1)
    assert selection.cursor == Cursor(4, 1, 3)
    selection.move(neuron=9)
    assert selection.cursor == Cursor(4, position=3, neuron=9)
    selection.step("layer", 1)
    assert selection.cursor == Cursor(5, position=3)
    selection.move(layer=2, neuron=3)
    selection.move(layer=2)
    assert selection.cursor == Cursor(2, position=3)
    selection.move(layer=2, neuron=99)
    selection.limit(neuron=40)
    assert selection.cursor.neuron == 39
    selection.limit(neuron=0)
    assert selection.cursor.neuron is None


def test_a_neuron_is_named_by_its_layer():
    assert place_name(Cursor(5, neuron=123)) == "L5N123"
    assert place_name(Cursor(5, position=2, neuron=123)) == "L5N123 · position 2"


def test_a_cursor_stays_within_what_there_is(selection):
    selection.move(layer=20, head=8, position=13)
    selection.limit(layer=2, head=4, position=5)
    assert selection.cursor == Cursor(1, 3, 4)
    selection.move(position=9)
    assert selection.cursor.position == 4
    selection.forget("position")
    selection.move(position=9)
    assert selection.cursor.position == 9


def test_where_there_is_nothing_nothing_is_selected(selection):
    selection.move(position=3)
    selection.limit(position=0)
    assert selection.cursor.position is None


def test_back_and_forward_retrace_the_way(selection):
    for layer in (1, 2, 3):
        selection.move(layer=layer)
    selection.back()
    selection.back()
    assert selection.cursor.layer == 1
    selection.forward()
    assert selection.cursor.layer == 2
    selection.move(head=1)
    selection.forward()
    assert selection.cursor == Cursor(layer=2, head=1)
    selection.back()
    assert selection.cursor == Cursor(layer=2)


def test_back_skips_places_that_are_no_longer_there(selection, qtbot):
    selection.move(layer=5)
    selection.move(layer=3)
    selection.move(layer=1)
    selection.limit(layer=4)
    selection.back()
    assert selection.cursor.layer == 3
    with qtbot.waitSignal(selection.changed) as changed:
        selection.back()  # to 5, which is now 3 and no change, and on to the first
    assert changed.args == [Cursor(layer=1)]
    with qtbot.assertNotEmitted(selection.changed):
        selection.back()


def test_a_set_of_heads_stays_while_one_of_them_is_selected(selection):
    selection.move(**gathered([(1, 2), (4, 0), (1, 2), (3, 3)]))
    whole = (1, 2), (4, 0), (3, 3)
    assert selection.cursor == Cursor(3, 3, heads=whole)
    selection.move(position=6)
    selection.move(layer=4, head=0)
    assert selection.cursor == Cursor(4, 0, 6, heads=whole)
    assert selection.cursor.selected == whole
    selection.move(layer=4, head=1)
    assert selection.cursor == Cursor(4, 1, 6)
    assert selection.cursor.selected == ((4, 1),)
    selection.back()
    assert selection.cursor.heads == whole
    selection.move(layer=4)
    assert selection.cursor.selected == ()


def test_a_head_is_added_to_a_set_and_taken_out_again():
    assert extended(((1, 2),), (4, 0)) == {"layer": 4, "head": 0, "heads": ((1, 2), (4, 0))}
    assert extended(((1, 2), (4, 0)), (4, 0)) == {"layer": 1, "head": 2, "heads": ()}
    assert extended((), (4, 0)) == {"layer": 4, "head": 0, "heads": ()}
    assert extended(((4, 0),), (4, 0)) == {"layer": None, "head": None, "heads": ()}


def test_a_set_keeps_to_the_heads_that_the_model_has(selection):
    selection.move(**gathered([(1, 2), (9, 0), (0, 1)]))
    selection.limit(layer=5, head=4)
    assert selection.cursor == Cursor(0, 1, heads=((1, 2), (0, 1)))
    selection.limit(layer=1)
    assert selection.cursor == Cursor(0, 1)


def test_a_token_stays_selected_wherever_one_goes(selection):
    selection.move(layer=4, head=2, position=3)
    selection.move(token=17)
    assert selection.cursor == Cursor(4, 2, 3, token=17)
    selection.move(layer=2, position=1)
    assert selection.cursor == Cursor(2, position=1, token=17)
    selection.move(layer=2, neuron=5)
    assert selection.cursor.token == 17
    selection.back()
    assert selection.cursor == Cursor(2, position=1, token=17)
    assert place_name(Cursor(2, token=17)) == "L2"
