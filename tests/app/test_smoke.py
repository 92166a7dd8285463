"""The smoke test can fail: a pane that nothing was answered lacks something."""

import pytest

from lensgui.app.smoke import ONE_BY_ONE, lacking
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.prompt.prompt import PromptPane


@pytest.mark.parametrize("kind", [PromptPane, AttentionPane, PatchingPane, *ONE_BY_ONE])
def test_a_pane_without_answers_lacks_something(kind, qtbot):
    pane = kind()
    qtbot.addWidget(pane)
    assert lacking(pane)


def test_of_other_panes_nothing_is_asked(qtbot):
    pane = InspectorPane()
    qtbot.addWidget(pane)
    assert lacking(pane) == []
