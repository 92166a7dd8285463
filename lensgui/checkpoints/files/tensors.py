"""Tensors by name, one at a time, from safetensors files or from a model in memory.

Nothing is unpickled: `pickles` does that, when asked to.
"""

from __future__ import annotations

import contextlib
import mmap
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lensgui.checkpoints.files import naming
from lensgui.checkpoints.files.descriptions import inside, read_object
from lensgui.checkpoints.files.pickles import pickles_in
from lensgui.models.folded import read_header
from lensgui.terms.errors import ModelError

_INDEX = "model.safetensors.index.json"
_WORTH_A_VIEW = 1 << 20  # bytes
_PLAIN = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in _PLAIN.items()}


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file.

    Attributes:
        path: The file.
        dtype: Its number format as safetensors calls it.
        shape: Its shape.
        start: Where in the file it begins.
        size: Its bytes.
    """

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    size: int

    def read(self) -> Tensor:
        """Return it in memory of its own.

        Raises:
            ValueError: If the file ends early.
            OSError: If it can't be read.
        """
        tensor = memory(self.size, _PLAIN[self.dtype]).view(self.shape)
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            raw = bytes_of(tensor)
            while raw:
                count = file.readinto(raw)
                if not count:
                    raise ValueError(f"{self.path} ends early")
                raw = raw[count:]
        return tensor

    def is_as(self, other: Stored) -> bool:
        """Return whether two tensors are the same, a piece at a time."""
        if (self.dtype, self.shape) != (other.dtype, other.shape):
            return False
        with self.path.open("rb") as one, other.path.open("rb") as two:
            one.seek(self.start)
            two.seek(other.start)
            for first in range(0, self.size, _WORTH_A_VIEW):
                count = min(_WORTH_A_VIEW, self.size - first)
                if one.read(count) != two.read(count):
                    return False
        return True


def memory(size: int, dtype: torch.dtype) -> Tensor:
    """Return uninitialised numbers, so many bytes; large ones go back to the system once unused."""
    if size < _WORTH_A_VIEW or not hasattr(mmap, "MAP_ANONYMOUS"):
        return torch.empty(size // dtype.itemsize, dtype=dtype)
    raw = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a system without them
            raw.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(raw, dtype=dtype)


def bytes_of(tensor: Tensor) -> memoryview:
    """Return the memory of a contiguous tensor on the CPU."""
    return memoryview(tensor.view(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]


def stored_in(path: Path) -> dict[str, Stored]:
    """Return the tensors of a safetensors file by name.

    Raises:
        ValueError: If it is no such file.
        OSError: If it can't be read.
    """
    header, begin = read_header(path)
    found = {}
    for name, part in header.items():
        if name != "__metadata__":
            first, last = part["data_offsets"]
            shape = tuple(part["shape"])
            found[name] = Stored(path, part["dtype"], shape, begin + first, last - first)
    return found


class Checkpoint:
    """The tensors of a model.

    Of several files one is open at a time.

    Attributes:
        where: What to call it in a sentence.
        names: The name of every tensor, as the model itself has it.
        kinds: Those names with the layer left out.
        is_borrowed: Whether the tensors belong to another model, which must not change.
        left_out: Which parts of a multimodal model are not held.
    """

    def __init__(
        self,
        where: str,
        sources: Mapping[str, Tensor | Stored],
        packed: Set[str] = frozenset(),
        is_borrowed: bool = False,
    ) -> None:
        """Hold tensors, in memory or in safetensors files, by name.

        Args:
            where: What to call it in a sentence.
            sources: Tensors, by the names that they have there.
            packed: Which of the tensors are of a dtype that holds no plain numbers.
            is_borrowed: Whether the tensors belong to another model.

        Raises:
            ModelError: If they are an adapter's.
        """
        if any(".lora_" in name for name in sources):
            raise naming.adapter_alone(where)
        self.where, self.is_borrowed = where, is_borrowed
        self._sources, self._packed = sources, packed
        self._path: Path | None = None
        self._opened: Any = None
        self.left_out: tuple[str, ...] = ()
        self._hold({naming.unwrapped(name): name for name in sources})

    def _hold(self, written: dict[str, str]) -> None:
        """Hold tensors by the model's names for them, given how they are written."""
        self._written = written
        self.names = frozenset(written)
        self.kinds = frozenset(map(naming.of_any_layer, written))

    def keep_language_part(self) -> None:
        """Hold only what is of a multimodal model's language part."""
        kept = naming.language_names(self.names)
        others = self.names.difference(kept.values())
        self.left_out = tuple(sorted({naming.part_of(name) for name in others}))
        self._hold({ours: self._written[name] for ours, name in kept.items()})

    def quantised(self, ignored: Sequence[str]) -> str | None:
        """Return a tensor that shows that weights are quantised; None if none does.

        Args:
            ignored: Regular expressions of tensors that hold no parameter.
        """
        for name in sorted(self.names):
            is_packed = self._written[name] in self._packed or naming.is_of_quantiser(name)
            if is_packed and not any(re.search(pattern, name) for pattern in ignored):
                return name
        return None

    @property
    def layers(self) -> int:
        """Of how many layers it has tensors, by their names."""
        found = (re.search(r"\.(\d+)\.", name) for name in self.names)
        return 1 + max((int(number[1]) for number in found if number), default=-1)

    def read(self, name: str, is_own: bool = False) -> Tensor:
        """Return a tensor: of a file a view where it is large, and its own memory where it is not.

        A view keeps its whole file in place, and what is looked at of it in memory. So it is for
        what stays as it is, and for what is looked at no further than its shape.

        Args:
            name: Which.
            is_own: Whether one of a file is read into memory of its own, large or not.

        Raises:
            ModelError: If the file ends early.
        """
        written = self._written[name]
        source = self._sources[written]
        if isinstance(source, Tensor):
            return _wide(source.detach())
        try:
            if is_own or source.size < _WORTH_A_VIEW:
                return _wide(source.read())
            if source.path != self._path:
                self._path, self._opened = source.path, safe_open(source.path, framework="pt")
            tensor: Tensor = self._opened.get_tensor(written)
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"{self.where} can't be read at tensor {name}: get the file again."
            ) from error
        return _wide(tensor)

    def are_same(self, name: str, other: str) -> bool:
        """Return whether two tensors are equal, in number format too.

        Raises:
            ModelError: If a file ends early.
        """
        one, two = (self._sources[self._written[each]] for each in (name, other))
        if isinstance(one, Stored) and isinstance(two, Stored):
            try:
                return one.is_as(two)
            except OSError as error:
                raise ModelError(f"{self.where} can't be read: get the files again.") from error
        first, second = self.read(name), self.read(other)
        return first.dtype == second.dtype and torch.equal(first, second)


def _wide(tensor: Tensor) -> Tensor:
    """Return numbers in a dtype that arithmetic knows: those of 8 bits exactly, in bfloat16."""
    return tensor.to(torch.bfloat16) if tensor.dtype.itemsize == 1 else tensor


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
    packed = {name for name, tensor in tensors.items() if _is_packed(tensor)}
    return Checkpoint(type(module).__name__, tensors, packed, is_borrowed=True)


def _is_packed(tensor: Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.dtype in (torch.int64, torch.bool))


def checkpoint_of_place(place: Path) -> Checkpoint:
    """Return the tensors of a model on disk.

    Args:
        place: A folder of safetensors files, or one such file; a shard stands for all of them.

    Raises:
        ModelError: If there are none, or a file is incomplete, or there are only pickled weights,
            which are refused.
    """
    sources: dict[str, Stored] = {}
    packed: set[str] = set()
    for path in weight_files(place):
        try:
            with safe_open(path, framework="pt") as opened:
                opened.keys()  # it is whole: what comes next can trust its header
            for name, tensor in stored_in(path).items():
                if name in sources:
                    raise ModelError(
                        f"{place} holds tensor {name} in two files, {sources[name].path.name} and "
                        f"{path.name}: open one of the files, or move the other away."
                    )
                sources[name] = tensor
                if tensor.dtype not in _PLAIN:
                    packed.add(name)
        except FileNotFoundError as error:
            raise ModelError(
                f"{path.name} is missing from {path.parent}: get the model again."
            ) from error
        except (SafetensorError, OSError, ValueError) as error:
            raise ModelError(
                f"{path} is not a whole safetensors file ({error}): get the file again."
            ) from error
    return Checkpoint(str(place), sources, packed)


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
    found = [path.name for path in folder.glob("*.safetensors")]
    if files := naming.model_files(found):
        return [folder / name for name in files]
    if found:
        raise naming.adapter_alone(str(folder))
    if pickles_in(folder):
        raise ModelError(
            f"{folder} has pickled weights only, which can run code and are refused: save them as "
            f"safetensors, or let a limited process do that: lensgui models import {folder}"
        )
    raise ModelError(f"{folder} has no *.safetensors file: choose a folder with a model's weights.")
