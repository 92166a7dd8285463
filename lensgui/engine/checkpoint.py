"""Tensors by name, one at a time, from safetensors files or from a model in memory.

Nothing is ever unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from lensgui.engine.errors import ModelError

_INDEX = "model.safetensors.index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


class Checkpoint:
    """The tensors of a model.

    Attributes:
        where: What to call it in a sentence.
        names: The name of every tensor.
        is_borrowed: Whether the tensors belong to another model, which must not change.
    """

    def __init__(self, where: str, names: Mapping[str, Any], is_borrowed: bool = False) -> None:
        """Hold tensors, or the open files that have them, by name."""
        self.where = where
        self.is_borrowed = is_borrowed
        self._sources = names
        self.names = frozenset(names)

    def read(self, name: str) -> Tensor:
        """Return a tensor.

        Raises:
            ModelError: If the file ends early.
        """
        source = self._sources[name]
        if isinstance(source, Tensor):
            return source.detach()
        try:
            tensor: Tensor = source.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{self.where} can't be read at tensor {name}: get the file again."
            ) from error
        return tensor


def checkpoint_of_module(module: Any) -> Checkpoint:
    """Return the tensors of a Hugging Face model in memory."""
    return Checkpoint(type(module).__name__, module.state_dict(), is_borrowed=True)


def checkpoint_of_folder(folder: Path) -> Checkpoint:
    """Return the tensors of a folder's safetensors files.

    Raises:
        ModelError: If there are none, or a file is incomplete, or there are only pickled weights,
            which are refused.
    """
    sources: dict[str, Any] = {}
    for path in _files(folder):
        try:
            opened = safe_open(path, framework="pt")
        except FileNotFoundError as error:
            raise ModelError(
                f"{path.name} is missing from {folder}: get the model again."
            ) from error
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{path} is not a whole safetensors file ({error}): get the file again."
            ) from error
        sources |= dict.fromkeys(opened.keys(), opened)
    return Checkpoint(str(folder), sources)


def _files(folder: Path) -> list[Path]:
    """Return a folder's safetensors files."""
    index = folder / _INDEX
    if index.is_file():
        try:
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError) as error:
            raise ModelError(
                f"{index} does not list the model's files: get the model again."
            ) from error
        return [folder / shard for shard in sorted(shards)]
    files = sorted(folder.glob("*.safetensors"))
    if files:
        return files
    if any(found for pattern in _PICKLES for found in folder.glob(pattern)):
        raise ModelError(
            f"{folder} has pickled weights only, which can run code and are refused: save them as "
            "safetensors."
        )
    raise ModelError(f"{folder} has no *.safetensors file: choose a folder with a model's weights.")
