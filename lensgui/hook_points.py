"""Hook points under the names that notebooks import."""

from lensgui.transformer.cache.cache import CachingModule as HookedRootModule
from lensgui.transformer.hooks.hook_point import HookPoint

__all__ = [
    "HookPoint",
    "HookedRootModule",
]
