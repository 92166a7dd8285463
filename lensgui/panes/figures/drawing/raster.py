"""PNG files: pixels, and named texts and bytes beside them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lensgui.state.sessions.pictures import CHUNK, SIGNATURE

METRE = 1000 / 25.4 * 72  # points


def png(
    pixels: NDArray[np.uint8],
    *,
    scale: float = 0.0,
    texts: Mapping[str, str] | None = None,
    session: bytes = b"",
) -> bytes:
    """Return a PNG file.

    Args:
        pixels: Red, green, blue, [row, column, 3].
        scale: Pixels in a point, so that a program knows how large it is; 0 to leave that open.
        texts: What is noted in it, by PNG's keywords.
        session: A session file that it holds; b"" for none.
    """
    height, width = pixels.shape[:2]
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    parts = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    if scale:
        pixels_in_a_metre = round(scale * METRE)
        parts.append(_chunk(b"pHYs", struct.pack(">IIB", pixels_in_a_metre, pixels_in_a_metre, 1)))
    for name, text in (texts or {}).items():
        body = name.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8", "replace")
        parts.append(_chunk(b"iTXt", body))
    if session:
        parts.append(_chunk(CHUNK, session))
    parts.append(_chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)))
    return SIGNATURE + b"".join([*parts, _chunk(b"IEND", b"")])


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
