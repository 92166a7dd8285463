"""The manifest of a session file, section by section: written, and read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import msgspec

from lensgui._version import __version__
from lensgui.state.layout import Layout
from lensgui.state.selection import Cursor
from lensgui.state.sessions import bounds, manifest
from lensgui.state.sessions.array_files import ArrayReader
from lensgui.state.sessions.bounds import Moment
from lensgui.state.sessions.conversion import (
    answers_of,
    document_of,
    document_record,
    keep_vectors,
    to_record,
    to_value,
)
from lensgui.state.sessions.decoding import decode_part, placed
from lensgui.state.sessions.saved import ModelReference, Saved
from lensgui.state.sessions.stored.kinds import Answers

_KINDS: dict[str, Any] = {
    "model": manifest.Model,
    "document": manifest.Document,
    "cursor": bounds.Cursor,
    "layout": manifest.Layout,
    "vectors": manifest.Vectors,
    "answers": Answers,
}
_NEEDED = ("changed", "model", "document")
_KNOWN = frozenset((*manifest.Header.__struct_fields__, "changed", *_KINDS))
_MOST_SECTIONS = 1_000
_NOTHING = msgspec.Raw(b"{}")


def encode(saved: Saved, answers: Answers, vectors: manifest.Vectors) -> bytes:
    """Return a manifest.

    Args:
        saved: What it is to say.
        answers: What it says of answers.
        vectors: What it says of the vectors that the document names.

    Raises:
        ValueError: If it can't be said; a phrase says what and where.
    """
    parts: dict[str, Any] = {
        "format": manifest.FORMAT,
        "major": manifest.MAJOR,
        "minor": manifest.MINOR,
        "lensgui": __version__,
        "changed": saved.changed.astimezone(UTC),
        "model": lambda: to_record(saved.model, manifest.Model),
        "document": lambda: document_record(saved.document),
        "cursor": lambda: to_record(saved.cursor, bounds.Cursor),
        "layout": lambda: to_record(saved.layout, manifest.Layout),
    }
    if vectors.kept:
        parts["vectors"] = vectors
    if answers.kept:
        parts["answers"] = answers
    sections = {name: _encoded(part, name) for name, part in parts.items()}
    return msgspec.json.encode(sections | {name: msgspec.Raw(raw) for name, raw in saved.unknown})


def _encoded(part: Any, where: str) -> msgspec.Raw:
    """Return a section as JSON, made first if it has to be."""
    try:
        return msgspec.Raw(msgspec.json.encode(part() if callable(part) else part))
    except msgspec.ValidationError as error:
        raise placed(error, where) from error
    except UnicodeEncodeError as error:
        half = ord(error.object[error.start])
        raise ValueError(f"{where}: a text has half a character, U+{half:04X}") from error


def newer(raw: bytes) -> str:
    """Return which lensgui wrote a manifest that this one can't read; "" if it can.

    Raises:
        ValueError: If it is no manifest.
    """
    try:
        str(raw, "utf-8")  # of what is kept as it stands, nothing else checks that
    except UnicodeDecodeError as error:
        raise ValueError("its manifest is not UTF-8") from error
    header = _decoded(raw, manifest.Header, "")
    return header.lensgui[:40] or "unknown" if header.major > manifest.MAJOR else ""


def decode(raw: bytes, arrays: ArrayReader, thumbs: Mapping[int, bytes]) -> tuple[Saved, str]:
    """Return what a manifest says, and a place where it says what is not known; "" if all is.

    Args:
        raw: The manifest.
        arrays: The arrays of its file.
        thumbs: Its small pictures by number.

    Raises:
        ValueError: If something is odd; a phrase says what and where.
    """
    sections = _decoded(raw, dict[str, msgspec.Raw], "")
    if len(sections) > _MOST_SECTIONS:
        raise ValueError(f"it has more than {_MOST_SECTIONS} sections")
    for name in _NEEDED:
        if name not in sections:
            raise ValueError(f"{name} is missing")
    records, unknown = dict[str, Any](), list[str]()
    for name, kind in _KINDS.items():
        records[name], place = decode_part(sections.get(name, _NOTHING), kind, name)
        unknown.append(place)
    reference = to_value(records["model"], ModelReference, "model")
    keep_vectors(records["vectors"], arrays)
    answers, more = answers_of(records["answers"], reference.key, arrays)
    saved = Saved(
        document_of(records["document"], reference.key, thumbs),
        reference,
        _decoded(sections["changed"], Moment, "changed"),
        to_value(records["cursor"], Cursor, "cursor"),
        to_value(records["layout"], Layout, "layout"),
        answers,
        tuple((name, bytes(of)) for name, of in sections.items() if name not in _KNOWN),
    )
    return saved, next(filter(None, [*unknown, more]), "")


def _decoded(raw: bytes, kind: Any, where: str) -> Any:
    """Return what JSON says, as a type has it."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise placed(error, where) from error
