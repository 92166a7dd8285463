"""All panes, in the order in which they are made."""

from __future__ import annotations

from lensgui.panes.attention import AttentionPane
from lensgui.panes.feeders import FeedersPane
from lensgui.panes.inspector import InspectorPane
from lensgui.panes.morepatching import SecondPatchingPane, ThirdPatchingPane
from lensgui.panes.necessary import NecessaryPane
from lensgui.panes.pairtable import PairTablePane
from lensgui.panes.pane import Pane
from lensgui.panes.patching import PatchingPane
from lensgui.panes.prompt import PromptPane

PANES: tuple[type[Pane], ...] = (
    PromptPane,
    AttentionPane,
    PatchingPane,
    NecessaryPane,
    FeedersPane,
    InspectorPane,
    PairTablePane,
    SecondPatchingPane,
    ThirdPatchingPane,
)
