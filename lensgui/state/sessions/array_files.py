"""Arrays as members of a session file, each named by what it holds."""

from __future__ import annotations

import hashlib
import re
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from lensgui.state.sessions.container import MIB, Container

KEPT = "array"  # what the one tensor of a file is called
MOST_BYTES = 128 * MIB  # of one array
_LONGEST_HEADER = 1_000
_KINDS = tuple(np.dtype(kind) for kind in (np.float32, np.uint8, np.int32, np.bool_))
NAME = r"^[0-9a-f]{64}\Z"
MEMBER = re.compile(r"arrays/[0-9a-f]{64}\.safetensors")


def member_of(name: str) -> str:
    """Return what the member of an array is called."""
    return f"arrays/{name}.safetensors"


class ArrayWriter:
    """Arrays on their way into a session file: equal ones are stored once.

    Attributes:
        files: The bytes of each, by name.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def keep(self, value: Any) -> Any:
        """Return the name of an array; of numpy's numbers the number.

        Raises:
            TypeError: If it is something else, or of a kind that sessions do not hold.
            ValueError: If it is too large.
        """
        if isinstance(value, np.generic):
            return value.item()
        if not isinstance(value, np.ndarray) or value.dtype not in _KINDS:
            raise TypeError(f"A session file can't hold {type(value).__name__}.")
        if value.nbytes > MOST_BYTES - _LONGEST_HEADER:
            raise ValueError("an array is too large for a session file")
        data = save({KEPT: np.require(value, requirements="C")})
        name = hashlib.sha256(data).hexdigest()
        self.files[name] = data
        return name


class ArrayReader:
    """The arrays of a session file, each read once."""

    def __init__(self, members: Container) -> None:
        self._members = members
        self._known: dict[str, NDArray[Any]] = {}

    def find(self, kind: Any, name: Any) -> NDArray[Any]:
        """Return an array by its name.

        Args:
            kind: What it must be, such as NDArray[np.float32].
            name: Its name.

        Raises:
            ValueError: If it is not there, damaged, or something else.
        """
        if name not in self._known:
            self._known[name] = _array(self._members.read(member_of(name), MOST_BYTES), name)
        array = self._known[name]
        (number,) = get_args(get_args(kind)[1])
        if array.dtype != number:
            raise ValueError(f"an array holds {array.dtype} and not {np.dtype(number)}")
        return array


def _array(data: bytes, name: str) -> NDArray[Any]:
    """Return the array that a file holds, which nobody writes to.

    Raises:
        ValueError: If the file is not what its name says, or holds anything else.
    """
    if hashlib.sha256(data).hexdigest() != name:
        raise ValueError("an array is not what was written")
    if int.from_bytes(data[:8], "little") > _LONGEST_HEADER:
        raise ValueError("an array says too much of itself")
    try:
        ((called, array),) = load(data).items()
    except (SafetensorError, KeyError, ValueError, OverflowError) as error:
        raise ValueError("an array can't be read") from error
    if called != KEPT or array.dtype not in _KINDS:
        raise ValueError("an array is of a kind that sessions do not hold")
    array.flags.writeable = False
    return array
