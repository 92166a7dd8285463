"""Hook points under the names that notebooks import."""

from lensgui.engine.hooked_module import (
    HookedModule as HookedRootModule,
)
from lensgui.engine.hooks import (
    HookPoint,
)

__all__ = [
    "HookPoint",
    "HookedRootModule",
]
