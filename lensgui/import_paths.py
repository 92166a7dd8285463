"""The import paths of notebooks that have no file here, from one table.

It is imported once one of them is, or a name that lensgui does not have.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from lensgui.terms.transformer_lens.elsewhere import MODULES, NAMES

_LAYERS = "lensgui.transformer.layers"
_MODEL = "lensgui.transformer.model:HookedTransformer"
_CONFIG = "lensgui.transformer.config:HookedTransformerConfig"
_CACHE = "lensgui.transformer.text.generation:KeyValueCache"

HOMES: dict[str, dict[str, str]] = {  # path → name → where it is here
    "": {
        "TransformerBridge": _MODEL,
        "TransformerBridgeConfig": _CONFIG,
        "TransformerLensKeyValueCache": _CACHE,
        "HookedTransformerKeyValueCache": _CACHE,
    },
    "ActivationCache": {"ActivationCache": "lensgui:ActivationCache"},
    "FactoredMatrix": {"FactoredMatrix": "lensgui:FactoredMatrix"},
    "HookedRootModule": {"HookedRootModule": "lensgui:HookedRootModule"},
    "HookedTransformer": {
        "HookedTransformer": _MODEL,
        "Output": "lensgui.transformer.loss:Output",
    },
    "HookedTransformerConfig": {"HookedTransformerConfig": _CONFIG},
    "SVDInterpreter": {"SVDInterpreter": "lensgui:SVDInterpreter"},
    "cache": {"TransformerLensKeyValueCache": _CACHE},
    "components": {
        "Attention": f"{_LAYERS}.attention:Attention",
        "Embed": f"{_LAYERS}.embed:Embed",
        "GatedMLP": f"{_LAYERS}.mlp:GatedMLP",
        "MLP": f"{_LAYERS}.mlp:MLP",
        "PosEmbed": f"{_LAYERS}.embed:PosEmbed",
        "TransformerBlock": f"{_LAYERS}.block:Block",
        "Unembed": f"{_LAYERS}.embed:Unembed",
    },
    "config": {"HookedTransformerConfig": _CONFIG, "TransformerBridgeConfig": _CONFIG},
    "direct_path_patching": {},
    "loading_from_pretrained": {
        "MODEL_ALIASES": "lensgui.models.aliases:ALIASES_OF",
        "OFFICIAL_MODEL_NAMES": "lensgui.models.aliases:HUB_NAMES",
        "get_official_model_name": "lensgui.models.aliases:hub_id",
    },
    "model_bridge": {"TransformerBridge": _MODEL},
    "past_key_value_caching": {"HookedTransformerKeyValueCache": _CACHE},
    "utilities.devices": {"get_device": "lensgui.utils:get_device"},
}
SAME = {"loading": "loading_from_pretrained", "utilities": "utils"}
PATHS = (*(path for path in HOMES if path), *SAME, *MODULES)


def find(path: str, name: str, known: Iterable[str] = ()) -> Any:
    """Return what a notebook imports.

    Args:
        path: The module's name within lensgui; "" for lensgui itself.
        name: The name in it.
        known: What else the module has, to be listed where nothing is found.

    Raises:
        ImportError: If it is not here; one sentence says the way.
        AttributeError: If it was not there either.
    """
    full = f"lensgui.{path}".rstrip(".")
    if name.startswith("__"):  # of every module, even while torch is imported
        raise AttributeError(f"{full} has no {name!r}.")
    if f"{path}.{name}".lstrip(".") in PATHS:
        return import_module(f"{full}.{name}")
    homes = HOMES.get(path, {})
    if name in homes:
        module, _, attribute = homes[name].partition(":")
        return getattr(import_module(module), attribute)
    if path in SAME:
        return getattr(import_module(f"lensgui.{SAME[path]}"), name)
    if path in MODULES or name in NAMES:
        raise ImportError(f"lensgui has no {name}: {MODULES.get(path) or NAMES[name]}.")
    names = ", ".join(sorted([*known, *homes]))
    raise AttributeError(f"{full} has no {name!r}; its names are {names}.")


class ImportPath(ModuleType):
    """A module without a file, whose names are found when they are asked for."""

    def __getattr__(self, name: str) -> Any:
        """Return what a notebook imports; see `find`."""
        return find(self.__name__.partition(".")[2], name)


class Making(Loader):
    """Makes such a module; there is nothing to run."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module."""
        return ImportPath(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing."""


def spec_of(full: str) -> ModuleSpec | None:
    """Return how a module is made, by its full name; None if it is no import path."""
    is_one = full.partition(".")[2] in PATHS
    return ModuleSpec(full, Making(), is_package=True) if is_one else None
