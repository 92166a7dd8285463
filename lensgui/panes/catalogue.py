"""All panes, in the order in which they are made."""

from __future__ import annotations

from lensgui.panes.heads.attention import AttentionPane
from lensgui.panes.inspection.inspector import InspectorPane
from lensgui.panes.lab.feeders import FeedersPane
from lensgui.panes.lab.morepatching import SecondPatchingPane, ThirdPatchingPane
from lensgui.panes.lab.necessary import NecessaryPane
from lensgui.panes.lab.patching import PatchingPane
from lensgui.panes.pane import Pane
from lensgui.panes.prompts.pairtable import PairTablePane
from lensgui.panes.prompts.prompt import PromptPane

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
