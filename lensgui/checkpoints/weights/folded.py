"""Folded parameters: made layer by layer, kept on the disk, and opened from there.

What is kept is what folding changes, and what had to be copied or converted; the rest is taken from
the model's own files, as it always is. See `models.folded` for the copies themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lensgui.checkpoints.families.family import Family
from lensgui.checkpoints.files.tensors import NAMES, Checkpoint, bytes_of, weight_files
from lensgui.checkpoints.locate import folder_of
from lensgui.checkpoints.weights.filling import fill, filled, let_go
from lensgui.models import folded, store
from lensgui.terms.errors import ModelError
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.weights.processing import Folding

FORMAT = 1  # of the copies, and of how weights are folded: what has another one is made anew
LEAST = 32 << 20  # bytes of weights below which folding takes no time worth a file
ALIGNMENT = 64  # bytes, as of torch's own memory
SMALL = 1 << 20  # bytes of a parameter that is read into memory, not mapped
ENTRY = 300  # bytes of a header that a parameter takes at most

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """A model that is opened folded.

    Attributes:
        model: The model, its parameters on the meta device at first.
        family: Its architecture.
        checkpoint: Where its tensors are.
        steps: Which steps of folding are done, in the order of `processing.fold`.
        n_layers: How many layers the checkpoint is of.
        place: Where the checkpoint lies, for what is folded to be kept, and looked for; None for
            nowhere.
        keeps: Whether it is kept; what was before is used either way.
    """

    model: HookedTransformer
    family: Family
    checkpoint: Checkpoint
    steps: tuple[bool, ...]
    n_layers: int
    place: Path | None = None
    keeps: bool = True

    def fill(self) -> None:
        """Take the model's parameters over from the checkpoint, folded.

        Raises:
            ModelError: If a tensor is missing, left over, or of another shape than the config says.
        """
        folding = Folding(self.model, *self.steps)
        facts = self._facts()
        if facts is None:
            self._fold(folding)
        elif (ready := _ready(facts, self.model)) is not None:
            self._take(ready)
            folded.note_use(folded.path_of(facts))
        elif not self.keeps or not self._keep(folding, facts):
            self._fold(folding)
        folding.finish()

    def _take(self, ready: Mapping[str, Tensor]) -> None:
        fill(self.model, self.family, self.checkpoint, self.n_layers, ready)

    def _fold(self, folding: Folding, copy: _Copy | None = None) -> None:
        """Read and fold a part at a time; a part that is written to a copy is let go of."""
        names = folding.changes
        for part in filled(self.model, self.family, self.checkpoint, self.n_layers, names):
            if part.layer is None:
                folding.untie()
            folding.fold(part.layer)
            if copy is not None:
                for name in sorted(part.made):
                    copy.add(name, self.model.get_parameter(name))
                    if self.model.cfg.device == "cpu":
                        let_go(self.model, name)

    def _keep(self, folding: Folding, facts: dict[str, Any]) -> bool:
        """Fold into a copy, and open that; return whether it could be done."""
        name = self.model.cfg.model_name
        try:
            with contextlib.ExitStack() as held:
                try:
                    held.enter_context(store.alone(folded.folder(), patience=0))
                except ModelError:
                    raise OSError("another process is keeping some") from None
                if not folded.make_room(self._size):
                    raise OSError("they would take too much room")
                copy = held.enter_context(_Copy(facts, self._count))
                self._fold(folding, copy)
                if self._facts() != facts:
                    raise OSError("the model's files changed meanwhile")
                copy.finish()
        except OSError as error:
            log.info("Folded weights of %s are not kept: %s", name, error)
            return False
        if self.model.cfg.device != "cpu":
            return True
        ready = _ready(facts, self.model)
        if ready is not None:
            self._take(ready)
        return ready is not None

    @property
    def _size(self) -> int:
        """The bytes of the parameters, each with memory of its own."""
        return sum(parameter.nbytes for parameter in self.model.parameters())

    @property
    def _count(self) -> int:
        return sum(1 for _ in self.model.parameters())

    def _facts(self) -> dict[str, Any] | None:
        """Return what the folded parameters are made of; None if they are not to be kept."""
        place, cfg = self.place, self.model.cfg
        if (
            place is None
            or cfg.n_layers < self.n_layers
            or not folded.limit()
            or self._size < LEAST
        ):
            return None
        try:
            identity = folded.identity(weight_files(place), folder_of(place) / "config.json")
        except OSError:
            return None
        plain = replace(cfg, device="cpu", model_name="", processing=[], default_prepend_bos=True)
        read = repr((sorted(self.family.weights.items()), plain))
        return {
            "format": FORMAT,
            "place": folded.name_of(place),
            "way": {
                "steps": list(self.steps),
                "dtype": str(cfg.dtype),
                "device": torch.device(cfg.device).type,  # whose sums differ in the last bits
            },
            "identity": identity,
            "architecture": hashlib.sha256(read.encode()).hexdigest(),
            "versions": _versions(),
        }


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    return store.versions()


def _ready(facts: Mapping[str, Any], model: HookedTransformer) -> dict[str, Tensor] | None:
    """Return the parameters of the copy that is made of something; None if there is no whole one.

    Args:
        facts: What it is made of.
        model: Whose parameters they are.
    """
    path, found = folded.path_of(facts), {}
    try:
        with safe_open(path, framework="pt") as file:
            said = file.metadata() or {}
            if not folded.is_unchanged(path, said) or json.loads(said[folded.FACTS]) != facts:
                return None
            for name in file.keys():  # noqa: SIM118 (it is no dict)
                parameter, tensor = model.get_parameter(name), file.get_tensor(name)
                if (tensor.dtype, tensor.numel()) != (parameter.dtype, parameter.numel()):
                    return None
                tensor = tensor if tensor.nbytes >= SMALL else tensor.clone()
                value = tensor.as_strided(parameter.shape, parameter.stride())
                found[name] = value.to(model.cfg.device)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found


class _Copy:
    """A file of folded parameters while it is written; without `finish`, nothing is left of it."""

    def __init__(self, facts: Mapping[str, Any], count: int) -> None:
        """Begin with the place for a header.

        Args:
            facts: What the parameters are made of.
            count: How many there are at most.
        """
        self._path = folded.path_of(facts)
        self._partial = self._path.with_name(f".{secrets.token_hex(8)}{folded.PARTIAL}")
        self._stamp = int(time.time()) // 2 * 2 * 10**9  # in seconds that any disk can say
        said = {folded.FACTS: json.dumps(facts), folded.STAMP: str(self._stamp)}
        self._header: dict[str, Any] = {"__metadata__": said}
        room = len(json.dumps(self._header)) + ENTRY * count
        self._begin = -(-room // ALIGNMENT) * ALIGNMENT
        self._end, self._small = 0, list[tuple[str, Tensor]]()

    def __enter__(self) -> _Copy:
        self._file = self._partial.open("xb")
        self._file.seek(self._begin)
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def add(self, name: str, parameter: Tensor) -> None:
        """Write a parameter as it lies in memory; small ones come last, so that all stay aligned.

        Raises:
            OSError: If it can't be written.
        """
        strides = parameter.stride()
        order = sorted(range(parameter.ndim), key=lambda axis: -strides[axis])
        tensor = parameter.detach().permute(order).cpu().contiguous()
        if tensor.nbytes < SMALL:
            self._small.append((name, tensor))
        else:
            self._write(name, tensor)

    def _write(self, name: str, tensor: Tensor) -> None:
        begin, self._end = self._end, self._end + tensor.nbytes
        self._header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, self._end],
        }
        self._file.write(bytes_of(tensor))

    def finish(self) -> None:
        """Write what is left, make sure that all of it is on the disk, and give it its name.

        Raises:
            OSError: If that can't be done.
        """
        for name, tensor in self._small:
            self._write(name, tensor)
        header = json.dumps(self._header).encode()
        length = self._begin - 8
        self._file.seek(0)
        self._file.write(length.to_bytes(8, "little") + header.ljust(length))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.utime(self._partial, ns=(self._stamp, self._stamp))
        self._partial.replace(self._path)
        folded.note_use(self._path)
