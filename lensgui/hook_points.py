"""Hook points under the names that notebooks import."""

from lensgui.transformer.hooked_module import HookedModule as HookedRootModule
from lensgui.transformer.hooks.hook_point import HookPoint

__all__ = [
    "HookPoint",
    "HookedRootModule",
]
