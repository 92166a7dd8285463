"""Sessions that travel in pictures: a chunk of a PNG file, or an element of an SVG file.

A picture is searched for its session and never decoded; what is found is read as any session file.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = (".png", ".svg")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNK = b"leNs"  # ancillary, private, safe to copy
NAMESPACE = "https://lensgui.org/ns/session"
ELEMENT = "lensgui:session"
_MOST_CHUNKS = 100_000
_SPACES = re.compile(rb"[\s]+")


def is_picture(path: Path) -> bool:
    """Whether a file may hold a session beside what it shows."""
    return path.suffix.lower() in SUFFIXES


def element(session: bytes) -> str:
    """Return the element of an SVG file that holds a session."""
    return f"<{ELEMENT}>{base64.b64encode(session).decode()}</{ELEMENT}>"


def session_in(data: bytes) -> bytes | None:
    """Return the session file that a picture holds; None if it holds none.

    Args:
        data: A PNG or SVG file.

    Raises:
        ValueError: If it holds one that is damaged.
    """
    if data.startswith(SIGNATURE):
        return next((body for name, body in chunks(data) if name == CHUNK), None)
    begin, end = (f"<{slash}{ELEMENT}>".encode() for slash in ("", "/"))
    start = data.find(begin)
    stop = data.find(end, start)
    if start < 0 or stop < 0:
        return None
    try:
        return base64.b64decode(_SPACES.sub(b"", data[start + len(begin) : stop]), validate=True)
    except binascii.Error as error:
        raise ValueError("the session in it is damaged") from error


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of each chunk of a PNG file, up to the first that is cut off."""
    at = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if at + 12 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            return
        yield data[at + 4 : at + 8], data[at + 8 : end]
        at = end + 4
