"""A neuron is a part of the one selection: picked, named, pinned, found, and kept."""

from __future__ import annotations

from zipfile import ZipFile

import pytest

from lensgui.app.commands.entries import named_neuron
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.state.document import Note
from lensgui.state.selection import Cursor
from lensgui.state.sessions.sessions import read
from tests import fakes
from tests.windows import pane_of


@pytest.fixture
def pane(window, parts, qtbot):
    """The pane in front, with all that it asks."""
    window.selection.move(layer=2, head=1, position=3)
    window.show_pane("Neurons")
    found = pane_of(window, NeuronsPane)
    qtbot.waitUntil(lambda: found.rows.count() > 0 and found.rows.rows[0].words is not None)
    return found


def test_a_neuron_is_selected_everywhere_and_left_by_going_back(window, pane, qtbot):
    neuron = pane.rows.rows[1].neuron
    pane.picked.emit(pane.rows.fields(1))
    assert window.selection.cursor == Cursor(2, position=3, neuron=neuron)
    qtbot.waitUntil(lambda: pane.card_view.title.text() == f"L2N{neuron}")
    assert pane_of(window, InspectorPane).place.text().startswith(f"L2N{neuron}, position 3")
    window.selection.back()
    assert window.selection.cursor == Cursor(2, 1, 3)


def test_a_neuron_is_pinned_noted_and_kept_in_a_file(window, pane, files, tmp_path, qtbot):
    place = Cursor(2, neuron=7)
    window.selection.move(layer=2, neuron=7)
    pane.pinned.emit(place)
    inspector = pane_of(window, InspectorPane)
    inspector.note_field.typed.emit("fires on names")
    assert window.session.document.pins == (place,)
    assert window.session.document.notes == (Note(place, "fires on names"),)
    text = tmp_path / "private.txt"
    text.write_text("some words", encoding="utf-8")
    pane.read_text(str(text))
    path = tmp_path / "a.lens"
    files.save_to(path)
    qtbot.waitUntil(lambda: files.file.path == path and not files.is_modified)
    found = read(path)
    assert found.cursor.neuron == 7
    assert found.document.pins == (place,)
    assert found.document.views.neurons.places == "text"
    with ZipFile(path) as parts:
        assert all(b"private" not in parts.read(name) for name in parts.namelist())


def test_the_search_finds_a_neuron_by_name(window, pane):
    (entry,) = named_neuron(window, "l3n12")
    assert (entry.text, entry.kind, entry.reason) == ("L3N12", "neuron", "")
    entry.act()
    assert window.selection.cursor == Cursor(3, position=3, neuron=12)
    (entry,) = named_neuron(window, f"L3N{fakes.NEURONS}")
    assert "40 neurons" in entry.reason
    assert named_neuron(window, "L3H1") == []
