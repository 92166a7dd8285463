"""Tensors by name, one at a time, from safetensors files or from a model in memory.

Nothing is ever unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from lensgui.checkpoints.folder import inside, read_object
from lensgui.terms.errors import ModelError

_INDEX = "model.safetensors.index.json"
_WORTH_A_VIEW = 1 << 20  # bytes
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


class Checkpoint:
    """The tensors of a model.

    Of several files one is open at a time, so that reading them in order holds one in memory.

    Attributes:
        where: What to call it in a sentence.
        names: The name of every tensor.
        kinds: Those names with the layer left out.
        is_borrowed: Whether the tensors belong to another model, which must not change.
    """

    def __init__(
        self, where: str, names: Mapping[str, Tensor | Path], is_borrowed: bool = False
    ) -> None:
        """Hold tensors, or the safetensors files that have them, by name."""
        self.where = where
        self.is_borrowed = is_borrowed
        self._sources = names
        self._path: Path | None = None
        self._opened: Any = None
        self.names = frozenset(names)
        self.kinds = frozenset(map(of_any_layer, names))

    def read(self, name: str) -> Tensor:
        """Return a tensor: of a file a view where it is large, and its own memory where it is not.

        Raises:
            ModelError: If the file ends early.
        """
        source = self._sources[name]
        if isinstance(source, Tensor):
            return source.detach()
        try:
            if source != self._path:
                self._path, self._opened = source, safe_open(source, framework="pt")
            tensor: Tensor = self._opened.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{self.where} can't be read at tensor {name}: get the file again."
            ) from error
        # A view keeps its whole file in memory, which a bias is not worth.
        return tensor if tensor.nbytes >= _WORTH_A_VIEW else tensor.clone()


def of_any_layer(name: str) -> str:
    """Return a tensor's name with the layer left out."""
    return re.sub(r"\.\d+\.", ".", name)


def checkpoint_of_module(module: Any) -> Checkpoint:
    """Return the tensors of a Hugging Face model in memory.

    Raises:
        ModelError: If some of them are elsewhere.
    """
    tensors = module.state_dict()
    places = {tensor.device.type for tensor in tensors.values()}
    if len(places) > 1 or "meta" in places:
        raise ModelError(
            f"The weights of this {type(module).__name__} are spread over several places "
            f"({', '.join(sorted(places))}), and lensgui runs a model on one device: load it "
            "without device_map and offloading."
        )
    return Checkpoint(type(module).__name__, tensors, is_borrowed=True)


def checkpoint_of_place(place: Path) -> Checkpoint:
    """Return the tensors of a model on disk.

    Args:
        place: A folder of safetensors files, or one such file; a shard stands for all of them.

    Raises:
        ModelError: If there are none, or a file is incomplete, or there are only pickled weights,
            which are refused.
    """
    sources: dict[str, Tensor | Path] = {}
    for path in weight_files(place):
        try:
            with safe_open(path, framework="pt") as opened:
                sources |= dict.fromkeys(opened.keys(), path)
        except FileNotFoundError as error:
            raise ModelError(
                f"{path.name} is missing from {path.parent}: get the model again."
            ) from error
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{path} is not a whole safetensors file ({error}): get the file again."
            ) from error
    return Checkpoint(str(place), sources)


def weight_files(place: Path) -> list[Path]:
    """Return the safetensors files of a model on disk.

    Args:
        place: Its folder, or one of its files.

    Raises:
        ModelError: If there are none.
    """
    if place.is_dir():
        return _files(place)
    index = place.parent / _INDEX
    shards = _files(place.parent) if index.is_file() else []
    return shards if place in shards else [place]


def _files(folder: Path) -> list[Path]:
    """Return a folder's safetensors files."""
    index = folder / _INDEX
    if index.is_file():
        shards = read_object(index).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise ModelError(f"{index} does not list the model's files: get the model again.")
        return sorted({inside(folder, shard) for shard in shards.values()})
    files = sorted(folder.glob("*.safetensors"))
    if files:
        return files
    if any(found for pattern in _PICKLES for found in folder.glob(pattern)):
        raise ModelError(
            f"{folder} has pickled weights only, which can run code and are refused: save them as "
            "safetensors."
        )
    raise ModelError(f"{folder} has no *.safetensors file: choose a folder with a model's weights.")
