"""A session file read and written: the way in.

A `.lens` file is a zip: a member that says what it is, `manifest.json`, the arrays of kept answers,
and small pictures. Whatever is wrong with one is said in one sentence.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from lensgui.models.store import FORBIDDEN, FULL, write_whole
from lensgui.state.sessions.array_files import ArrayReader, member_of
from lensgui.state.sessions.container import MIB, USUAL, Container, Limits, is_session, pack
from lensgui.state.sessions.conversion import Pairs, answers_record, thumbs_of, vectors_record
from lensgui.state.sessions.decoding import UnknownNameError
from lensgui.state.sessions.pictures import SUFFIXES, session_in
from lensgui.state.sessions.saved import Saved
from lensgui.state.sessions.sections import decode, encode, newer
from lensgui.terms.errors import SessionError, reason
from lensgui.terms.model_key import ModelKey

UNNAMED = "The session"
MANIFEST = "manifest.json"
MOST_THUMB_BYTES = 200_000
_PNG = b"\x89PNG\r\n\x1a\n"
_THUMB = re.compile(r"thumbs/(0|[1-9]\d{0,2})\.png")
_LONGEST_REASON = 300
_FAULTS = (msgspec.MsgspecError, ValueError, TypeError, LookupError, ArithmeticError)


def read(path: str | Path, limits: Limits = USUAL) -> Saved:
    """Return what a session file holds, or a picture that holds one.

    Args:
        path: The file.
        limits: How large it may be.

    Raises:
        SessionError: If it can't be read, or is no session; the sentence says what to do.
    """
    name = _plain(Path(path).name)
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise SessionError(f"{name} is not a file: choose a .lens file.")
        with open(path, "rb") as file:  # a pipe in its place would wait for ever
            data = file.read(min(facts.st_size, limits.file) + 1)
    except (OSError, ValueError) as error:
        raise SessionError(_reading_sentence(error, name)) from error
    except MemoryError as error:
        raise SessionError(_memory_sentence(name)) from error
    if name.lower().endswith(SUFFIXES):
        data = _carried(data, name)
    return from_bytes(data, name, limits)


def _carried(data: bytes, name: str) -> bytes:
    """Return the session file in a picture."""
    try:
        found = session_in(data)
    except ValueError as error:
        raise SessionError(f"{name} can't be opened ({error}): use another copy of it.") from error
    if found is None:
        raise SessionError(f"{name} is a picture without a session: choose a .lens file.")
    return found


def write(path: str | Path, saved: Saved) -> None:
    """Write a session file, whole or not at all; any thread may.

    Args:
        path: The file; what was there stays if it can't be written.
        saved: What it is to hold. Answers that no file keeps are left out.

    Raises:
        SessionError: If it can't be written; the sentence says what to do.
    """
    name = _plain(Path(path).name)
    data = to_bytes(saved, name)
    try:
        target = Path(os.path.realpath(path))  # of a link, what it leads to is written
        if target.exists() and not target.is_file():
            raise SessionError(f"{name} is not a file: choose another name.")
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        write_whole(target, data)
    except (OSError, ValueError) as error:
        raise SessionError(_writing_sentence(error, Path(path))) from error


def to_bytes(saved: Saved, name: str = UNNAMED) -> bytes:
    """Return a session file; equal sessions that were changed at the same time are equal bytes.

    Args:
        saved: What it is to hold.
        name: What a sentence calls it.

    Raises:
        SessionError: If it holds what no file can; the sentence says what and where.
    """
    try:
        answers, arrays = answers_record(saved.answers, saved.document.model)
        thumbs = thumbs_of(saved.document)
        for thumb in thumbs:
            _check_thumb(thumb)
        vectors, more = vectors_record(saved.document)
        text = encode(saved, answers, vectors)
        members = {MANIFEST: text}
        members |= {member_of(of): data for of, data in (arrays | more).items()}
        members |= {f"thumbs/{at}.png": data for at, data in enumerate(thumbs)}
        _check_sizes(members, saved, name)
        return pack(members)
    except MemoryError as error:
        raise SessionError(_memory_sentence(name)) from error
    except _FAULTS as error:
        raise SessionError(
            f"{name} can't be saved ({_said(error)}): change that, then save it again."
        ) from error


def from_bytes(data: bytes, name: str = UNNAMED, limits: Limits = USUAL) -> Saved:
    """Return what a session file holds, given its bytes.

    Args:
        data: The whole file.
        name: What sentences call it.
        limits: How large it may be.

    Raises:
        SessionError: If it is no session, too large or damaged; the sentence says what to do.
    """
    name = _plain(name)
    try:
        if not is_session(data):
            raise SessionError(f"{name} is not a session of lensgui: choose a .lens file.")
        return _opened(data, name, limits)
    except MemoryError as error:
        raise SessionError(_memory_sentence(name)) from error
    except UnknownNameError as error:
        raise SessionError(
            f"{name} was made by a newer lensgui, or says something that this one does not know "
            f"({_said(error)}): update lensgui to open it, or open another copy of it."
        ) from error
    except (*_FAULTS, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else _said(error)
        raise SessionError(
            f"{name} is damaged or was not written by lensgui ({what}): open another copy of it."
        ) from error


def size_of_answers(answers: Pairs, model: ModelKey) -> int:
    """Return how many bytes answers take in a session file, before what it says is packed.

    Args:
        answers: Questions with their whole answers.
        model: The model of the session.
    """
    record, arrays = answers_record(answers, model)
    said = len(msgspec.json.encode(record)) if record.kept else 0
    return said + sum(map(len, arrays.values()))


def _check_sizes(members: Mapping[str, bytes], saved: Saved, name: str) -> None:
    """Refuse to write what could not be read.

    Raises:
        SessionError: If it is too large.
    """
    if len(members[MANIFEST]) > USUAL.manifest:
        raise SessionError(
            f"{name} can't be saved: its texts and tables have more than {USUAL.manifest // MIB} "
            "MiB; save it without answers, or with fewer rows."
        )
    total = sum(map(len, members.values()))
    if total > USUAL.total - MIB or len(members) >= USUAL.members:
        raise SessionError(
            f"{name} can't be saved: its answers have more than {USUAL.total // MIB} MiB or "
            f"{USUAL.members:,} parts; save it without them."
        )


def _check_thumb(data: bytes) -> None:
    if len(data) > MOST_THUMB_BYTES or not data.startswith(_PNG):
        raise ValueError("a small picture is too large, or no PNG")


def _opened(data: bytes, name: str, limits: Limits) -> Saved:
    """Return what a file holds that begins like a session.

    Raises:
        SessionError: If a newer lensgui wrote it.
        ValueError: If something is odd; a phrase says what.
    """
    if len(data) > limits.file:
        raise ValueError(f"it has more than {limits.file // MIB} MiB")
    members = Container(data, limits)
    raw = members.read(MANIFEST, limits.manifest)
    if by := newer(raw):
        raise SessionError(
            f"{name} was written by a newer lensgui ({_plain(by)}): update lensgui to open it."
        )
    numbered = {int(found[1]): of for of in members.names if (found := _THUMB.fullmatch(of))}
    thumbs = {at: members.read(of, MOST_THUMB_BYTES) for at, of in numbered.items()}
    for thumb in thumbs.values():
        _check_thumb(thumb)
    saved, unknown = decode(raw, ArrayReader(members), thumbs)
    remark = (
        f"{name} holds something that this version of lensgui does not know ({_plain(unknown)}): "
        "Save leaves that file as it is and asks for another name."
    )
    is_lossy = bool(unknown)
    return replace(saved, is_lossy=is_lossy, remark=remark if is_lossy else "")


def _plain(text: str) -> str:
    """Return a text without what is no letter, such as line ends and halves of characters."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _said(error: Exception) -> str:
    """Return what an error says, to be put into a sentence."""
    return _plain(reason(error))[:_LONGEST_REASON]


def _memory_sentence(name: str) -> str:
    return f"{name} does not fit into memory: close other programs and try again."


def _reading_sentence(error: Exception, name: str) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"{name} is not there: choose another file."
    if isinstance(error, PermissionError):
        return f"{name} may not be read: change its permissions, or choose another file."
    said = error.strerror if isinstance(error, OSError) and error.strerror else _said(error)
    return f"{name} can't be read ({said}): choose another file."


def _writing_sentence(error: Exception, path: Path) -> str:
    name, folder = _plain(path.name), _plain(str(path.absolute().parent))
    number = error.errno if isinstance(error, OSError) else None
    if number in FULL:
        return f"{name} can't be saved, as the disk of {folder} is full: free some space there."
    if number in FORBIDDEN:
        return f"{name} can't be written to in {folder}: save it under another name or elsewhere."
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"{name} can't be saved, as there is no folder {folder}: save it elsewhere."
    said = error.strerror if isinstance(error, OSError) and error.strerror else _said(error)
    return f"{name} can't be saved in {folder} ({said}): save it elsewhere."
