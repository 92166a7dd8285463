"""The same again, beside the first: sweeps side by side share the selection."""

from __future__ import annotations

from typing import ClassVar

from lensgui.panes.patching.patching import PatchingPane


class SecondPatchingPane(PatchingPane):
    """Another sweep beside the first."""

    title: ClassVar[str] = "Patching 2"
    number: ClassVar[int] = 1
    next_title: ClassVar[str] = "Patching 3"


class ThirdPatchingPane(PatchingPane):
    """A third sweep."""

    title: ClassVar[str] = "Patching 3"
    number: ClassVar[int] = 2
    next_title: ClassVar[str] = ""
