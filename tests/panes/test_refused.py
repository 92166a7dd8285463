"""Where a question is refused, the message says why, and the empty picture nothing else."""

import pytest

from lensgui.panes.activation.activation import SLICE, ActivationPane
from lensgui.panes.attribution.attribution import PARTS, AttributionPane
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.state.selection import Cursor
from tests.panes.conftest import tell

WHY = "This can't be answered: ask another question."


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (LensPane, "clean"),
        (AttributionPane, PARTS),
        (ActivationPane, SLICE),
        (NeuronsPane, "ranking"),
    ],
)
def test_an_empty_picture_is_silent_where_a_message_says_why(kind, name, document, show):
    pane = show(kind())
    cursor = Cursor(1, 1, 1)
    pane.show_document(document)
    pane.show_cursor(cursor)
    assert any(widget.empty for widget in pane._empty_states)
    request = pane.requests(document, cursor)[name]
    tell(pane, name, status="failed", sentence=WHY, request=request)
    assert not any(widget.empty for widget in pane._empty_states)
    assert pane.message.text() == WHY
