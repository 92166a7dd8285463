"""What a model is, whatever its files are called and wherever they lie."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lensgui.checkpoints.files.descriptions import read_object
from lensgui.checkpoints.files.tensors import weight_files
from lensgui.checkpoints.locate import folder_of
from lensgui.models import store
from lensgui.terms.errors import ModelError

SAMPLE_BYTES = 64 << 10
PLACES = 4  # samples begin at 0, a third, two thirds and the end less one sample of each tensor
NO_CONTENT = ("_name_or_path", "_commit_hash", "transformers_version")  # of a config
KIND = "content"  # the folder of ids that were worked out before


def content_id(place: Path) -> str:
    """Return a name for a model that is the same on every machine.

    It is the SHA-256, in hexadecimal, of the config as JSON in canonical order, of every tensor's
    name, dtype and shape in the order of names, and of samples of its bytes. Neither files' names
    nor their times count, nor whether there is one file or several.

    Args:
        place: The model's folder, or its only file of weights.

    Raises:
        ModelError: If it can't be read.
    """
    known = (store.read_measured(KIND, place, "id") or {}).get("content_id")
    if isinstance(known, str):
        return known
    try:
        digest = hashlib.sha256(_canonical(read_object(folder_of(place) / "config.json")))
        parts = sorted(_tensors(place))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{place} can't be read ({error}): get the model again.") from error
    for name, dtype, shape, samples in parts:
        digest.update(_canonical([name, dtype, list(shape)]))
        digest.update(samples)
    found = digest.hexdigest()
    with contextlib.suppress(ModelError):  # a home that can't be written to
        store.write_measured(KIND, place, "id", {"content_id": found})
    return found


def _canonical(value: Any) -> bytes:
    if isinstance(value, dict):
        value = {name: part for name, part in value.items() if name not in NO_CONTENT}
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _tensors(place: Path) -> Iterator[tuple[str, str, tuple[int, ...], bytes]]:
    """Yield each tensor's name, dtype, shape and the hash of its samples, file by file."""
    for path in weight_files(place):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 (it is no dict)
                part = file.get_slice(name)
                yield name, part.get_dtype(), tuple(part.get_shape()), _samples(file, name)


def _samples(file: Any, name: str) -> bytes:
    tensor: Tensor = file.get_tensor(name)  # a view of the file: what is not looked at is not read
    raw = tensor.reshape(-1).view(torch.uint8)
    last = max(0, len(raw) - SAMPLE_BYTES)
    digest = hashlib.sha256()
    for start in sorted({last * step // (PLACES - 1) for step in range(PLACES)}):
        digest.update(raw[start : start + SAMPLE_BYTES].numpy().tobytes())
    return digest.digest()
