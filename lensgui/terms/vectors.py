"""The vectors that interventions name, by the hash of their content, for window and worker alike.

An intervention is a value that holds no array, so that equal ones are equal. What it names lies
here for as long as the process lives; a session file has its own, and puts them back.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha256

import numpy as np
from numpy.typing import ArrayLike, NDArray

_KEPT: dict[str, NDArray[np.float32]] = {}


def keep(name: str, numbers: ArrayLike) -> str:
    """Keep a vector of the stream, and return the hash of its content.

    Args:
        name: What it is called, for what is said of a bad one.
        numbers: [d_model].

    Raises:
        ValueError: If it is no vector, is not finite, or is 0.
    """
    array = np.array(numbers, np.float32)
    if array.ndim != 1:
        raise ValueError(
            f"The vector “{name}” has the shape {list(array.shape)}: give one row, [d_model]."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"The vector “{name}” is not finite.")
    if not array.any():
        raise ValueError(f"The vector “{name}” is 0, so it has no direction.")
    array.flags.writeable = False
    content = sha256(array.tobytes()).hexdigest()[:32]
    _KEPT.setdefault(content, array)
    return content


def as_text(content: str) -> str:
    """Return the numbers of some content as base64 text; "" where it was never kept."""
    numbers = _KEPT.get(content)
    return "" if numbers is None else b64encode(numbers.astype("<f4").tobytes()).decode()


def from_text(name: str, text: str) -> NDArray[np.float32]:
    """Return the numbers that a base64 text is of, [d_model].

    Raises:
        ValueError: If it is no such text.
    """
    try:
        return np.frombuffer(b64decode(text, validate=True), "<f4").astype(np.float32)
    except (Error, ValueError) as error:
        raise ValueError(f"The vector “{name}” is no base64 text of float32 numbers.") from error


def kept(content: str) -> NDArray[np.float32] | None:
    """Return the vector of some content, [d_model]; None where it was never kept."""
    return _KEPT.get(content)
