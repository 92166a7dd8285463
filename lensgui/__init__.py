"""See how a language model computes: a hooked-transformer library and a desktop app on it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lensgui._version import __version__ as __version__

_HOMES = {
    "ActivationCache": "lensgui.engine.cache",
    "ContinuationLogProbability": "lensgui.circuits.metrics",
    "FactoredMatrix": "lensgui.engine.factored",
    "HookPoint": "lensgui.engine.hooks",
    "HookedRootModule": "lensgui.hook_points",
    "HookedTransformer": "lensgui.engine.model",
    "HookedTransformerConfig": "lensgui.engine.config",
    "KLDivergence": "lensgui.circuits.metrics",
    "LogProbability": "lensgui.circuits.metrics",
    "LogitDifference": "lensgui.circuits.metrics",
    "Probability": "lensgui.circuits.metrics",
    "Rank": "lensgui.circuits.metrics",
    "SVDInterpreter": "lensgui.circuits.svd",
    "open": "lensgui.opening",
}
_MODULES = ("evals", "head_detector", "hook_points", "patching", "utils")
__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import lensgui` does not wait for torch."""
    if name in _MODULES:
        return import_module(f"lensgui.{name}")
    if name not in _HOMES:
        known = ", ".join(sorted(__all__))
        raise AttributeError(f"lensgui has no {name!r}; its names are {known}.")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
