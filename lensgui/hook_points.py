"""Hook points under the names that notebooks import."""

from functools import partial

from lensgui.import_paths import find
from lensgui.transformer.cache.cache import CachingModule as HookedRootModule
from lensgui.transformer.hooks.hook_point import HookPoint

__all__ = [
    "HookPoint",
    "HookedRootModule",
]
__getattr__ = partial(find, "hook_points", known=__all__)
