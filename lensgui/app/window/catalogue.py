"""All panes, in the order in which they are made."""

from __future__ import annotations

from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.panes.pane import Pane
from lensgui.panes.patching.morepatching import SecondPatchingPane, ThirdPatchingPane
from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.panes.prompt.prompt import PromptPane

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
