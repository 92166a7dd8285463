"""Answers by name, in one file: numbers as a single vector with an index, texts in the index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

MOST = 320  # how many numbers of one answer a fixture keeps

Answers = dict[str, Any]


def as_array(value: Any) -> Any:
    """Return an answer as text or as a float32 array; complex numbers get a last dimension of 2."""
    if isinstance(value, str):
        return value
    array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    if np.iscomplexobj(array):
        array = np.stack([array.real, array.imag], axis=-1)
    return array.astype(np.float32)


def thinned(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return at most MOST numbers of an array, evenly spread."""
    flat = array.reshape(-1)
    if flat.size <= MOST:
        return flat
    return flat[np.linspace(0, flat.size - 1, MOST).astype(np.int64)]


def save(path: Path, answers: Answers, thin: bool = False) -> None:
    """Write answers, whole or thinned."""
    index: dict[str, Any] = {}
    parts = [np.zeros(0, np.float32)]
    for name, value in answers.items():
        array = as_array(value)
        if isinstance(array, str):
            index[name] = array
            continue
        parts.append(thinned(array) if thin else array.reshape(-1))
        index[name] = [list(array.shape), parts[-1].size]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = np.frombuffer(json.dumps(index).encode(), np.uint8)
    write = np.savez_compressed if thin else np.savez
    write(path, index=text, values=np.concatenate(parts))


def load(path: Path) -> Answers:
    """Return answers: a text, or the shape and the numbers kept."""
    with np.load(path) as stored:
        index, values = json.loads(stored["index"].tobytes()), stored["values"]
    found: Answers = {}
    at = 0
    for name, entry in index.items():
        if isinstance(entry, str):
            found[name] = entry
            continue
        shape, size = entry
        found[name] = tuple(shape), values[at : at + size]
        at += size
    return found


def distance(ours: Any, stored: Any) -> float:
    """Return the largest difference of an answer of ours from a stored one.

    Infinite where texts or shapes differ, or where only one side is infinite or not a number.
    """
    ours = as_array(ours)
    if isinstance(ours, str) or isinstance(stored, str):
        return 0.0 if ours == stored else float("inf")
    shape, values = stored
    if ours.shape != shape:
        return float("inf")
    numbers = ours.reshape(-1) if values.size == ours.size else thinned(ours)
    same = (numbers == values) | (np.isnan(numbers) & np.isnan(values))
    if not np.isfinite(numbers[~same]).all() or not np.isfinite(values[~same]).all():
        return float("inf")
    return float(np.abs(numbers[~same] - values[~same]).max(initial=0.0))


def whole_scale(ours: Any, stored: Any) -> float:
    """Return the largest number of an answer of which only some numbers are stored, at least 1.

    Those few may be small where the whole is not: in the demo model's last MLP 177 of 5,203, whose
    roundings reach all of it. Of an answer that is stored whole, 1: what is stored says it.
    """
    ours = as_array(ours)
    if isinstance(ours, str) or isinstance(stored, str) or stored[1].size == ours.size:
        return 1.0
    return float(np.abs(ours[np.isfinite(ours)]).max(initial=1.0))


def scale(stored: Any) -> float:
    """Return the largest finite number of a stored answer, at least 1."""
    if isinstance(stored, str):
        return 1.0
    numbers = stored[1][np.isfinite(stored[1])]
    return float(np.abs(numbers).max(initial=1.0))
