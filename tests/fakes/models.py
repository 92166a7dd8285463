"""Made-up answers about models."""

from __future__ import annotations

from collections.abc import Iterator

from lensgui.jobs.answers.models import FormatReading, FormatReadings
from lensgui.jobs.requests import CompareFormats
from lensgui.terms.model_key import NUMBER_BYTES

NO_ROOM = "fake needs 8.0 GB for its weights in float64, and 4.0 GB of cpu memory are free."


def formats(request: CompareFormats) -> Iterator[FormatReadings]:
    """Half precision is twice as fast; float64 does not fit."""
    rows: list[FormatReading] = []
    for dtype, size in NUMBER_BYTES.items():
        off = {"float32": 0.0, "float16": 0.02}.get(dtype, 0.3)
        known = FormatReading(dtype, size * 10**6, size / 40, off, off / 100, 4.5 + off, -6.5)
        rows.append(FormatReading(dtype, sentence=NO_ROOM) if dtype == "float64" else known)
        yield FormatReadings(tuple(rows), len(NUMBER_BYTES), 170)
