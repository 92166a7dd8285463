"""All panes, in the order in which they are made."""

from __future__ import annotations

from lensgui.panes.attention import AttentionPane
from lensgui.panes.inspector import InspectorPane
from lensgui.panes.pane import Pane
from lensgui.panes.patching import PatchingPane, SecondPatchingPane, ThirdPatchingPane
from lensgui.panes.prompt import PromptPane

PANES: tuple[type[Pane], ...] = (
    PromptPane,
    AttentionPane,
    PatchingPane,
    InspectorPane,
    SecondPatchingPane,
    ThirdPatchingPane,
)
