"""Directions as files: control-vector GGUF, safetensors, and npz, each read and written.

A GGUF file is the control vector of llama.cpp and repeng: "direction.{layer}" in float32, added
behind that block, from block 1 on. The other two hold the same names, and a JSON file beside them
says what they are of.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from lensgui.analysis.interventions.directions import Directions
from lensgui.models import store
from lensgui.terms.errors import ModelError

ARCHITECTURE = "controlvector"
PREFIX = "direction."
MOST_BYTES = 1 << 30
MOST_LAYERS = 1000
Arrays = dict[str, NDArray[Any]]
_FAULTS = (
    *(OSError, SafetensorError, zipfile.BadZipFile, struct.error, MemoryError, OverflowError),
    *(KeyError, IndexError, ValueError, TypeError, AttributeError, AssertionError, EOFError),
)


def read_directions(path: str | Path) -> Directions:
    """Read a file of directions: .gguf, .safetensors or .npz.

    Args:
        path: The file.

    Raises:
        ModelError: If it is no such file, is damaged, is too large, or holds no directions.
    """
    path = Path(path)
    read = _READ.get(path.suffix.casefold())
    if read is None:
        raise ModelError(
            f"{path} is no file of directions: choose one that ends in {', '.join(_READ)}."
        )
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"{path} is too large for a file of directions.")
        arrays, facts = read(path)
        by_layer = {_layer(name): torch.from_numpy(_row(one)) for name, one in arrays.items()}
        name = str(facts.get("name") or path.stem)
        return Directions(by_layer, name, str(facts.get("model") or ""))
    except _FAULTS as error:
        if isinstance(error, FileNotFoundError):
            raise ModelError(f"There is no file {path}.") from error
        raise ModelError(
            f"{path} holds no directions that can be read: {str(error).rstrip('.')}."
        ) from error


def write_directions(path: str | Path, directions: Directions) -> tuple[str, ...]:
    """Write directions as .gguf, .safetensors or .npz, whole or not at all.

    Args:
        path: Where to.
        directions: What is written.

    Returns:
        What was left out, in sentences: a GGUF file has no direction of block 0.

    Raises:
        ModelError: If it ends otherwise, can't be written, or nothing would be left in it.
    """
    path = Path(path)
    write = _WRITE.get(path.suffix.casefold())
    if write is None:
        raise ModelError(f"{path} can't be written: let it end in {', '.join(_WRITE)}.")
    left_out: tuple[str, ...] = ()
    by_layer = dict(directions.by_layer)
    if path.suffix.casefold() == ".gguf" and 0 in by_layer:
        del by_layer[0]
        left_out = (
            "The direction of block 0 is not in it: GGUF control vectors begin at block 1.",
        )
    if not by_layer:
        raise ModelError(f"{path} would be empty: GGUF control vectors begin at block 1.")
    rows = {layer: one.detach().float().cpu().numpy() for layer, one in sorted(by_layer.items())}
    arrays = {f"{PREFIX}{layer}": one for layer, one in rows.items()}
    facts = {"name": directions.name, "model": directions.model}
    with store.writing(path.parent):
        store.write_whole(path, write(arrays, facts))
        if path.suffix.casefold() != ".gguf":
            store.write_text(_beside(path), json.dumps(facts))
    return left_out


def _layer(name: str) -> int:
    number = name.removeprefix(PREFIX)
    if not name.startswith(PREFIX) or not number.isdecimal() or int(number) >= MOST_LAYERS:
        raise ValueError(f"“{name[:40]}” is no name of a direction, such as {PREFIX}12")
    return int(number)


def _row(array: NDArray[Any]) -> NDArray[np.float32]:
    if array.dtype.kind != "f" or array.ndim != 1:
        raise ValueError(f"an array has the shape {list(array.shape)} and the type {array.dtype}")
    return np.array(array, np.float32)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(_beside(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # what a vector is of is good to know, but not needed
    return found if isinstance(found, dict) else {}


def _read_gguf(path: Path) -> tuple[Arrays, Mapping[str, Any]]:
    reader = gguf.GGUFReader(path)
    found = {name: field.contents() for name, field in reader.fields.items()}
    if found.get("general.architecture") != ARCHITECTURE:
        other = str(found.get("general.architecture"))[:40]
        raise ValueError(f"it is of “{other}”, no {ARCHITECTURE}")
    arrays = {tensor.name: np.asarray(tensor.data) for tensor in reader.tensors}
    return arrays, {"model": found.get(f"{ARCHITECTURE}.model_hint")}


def _read_safetensors(path: Path) -> tuple[Arrays, Mapping[str, Any]]:
    return dict(load_tensors(path.read_bytes())), _facts(path)


def _read_npz(path: Path) -> tuple[Arrays, Mapping[str, Any]]:
    with np.load(path, allow_pickle=False) as kept:
        if sum(info.file_size for info in kept.zip.infolist()) > MOST_BYTES:
            raise ValueError("unpacked it is too large")
        return {name: kept[name] for name in kept.files}, _facts(path)


def _gguf_of(arrays: Arrays, facts: Mapping[str, str]) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "directions.gguf"
        writer = gguf.GGUFWriter(path, ARCHITECTURE)
        writer.add_string(f"{ARCHITECTURE}.model_hint", facts["model"])
        writer.add_uint32(f"{ARCHITECTURE}.layer_count", len(arrays))
        for name, one in arrays.items():
            writer.add_tensor(name, one)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def _safetensors_of(arrays: Arrays, facts: Mapping[str, str]) -> bytes:
    return save_tensors(arrays)


def _npz_of(arrays: Arrays, facts: Mapping[str, str]) -> bytes:
    kept = io.BytesIO()
    np.savez(kept, **arrays)  # type: ignore[arg-type]
    return kept.getvalue()


_READ: dict[str, Callable[[Path], tuple[Arrays, Mapping[str, Any]]]] = {
    ".gguf": _read_gguf,
    ".safetensors": _read_safetensors,
    ".npz": _read_npz,
}
_WRITE: dict[str, Callable[[Arrays, Mapping[str, str]], bytes]] = {
    ".gguf": _gguf_of,
    ".safetensors": _safetensors_of,
    ".npz": _npz_of,
}
