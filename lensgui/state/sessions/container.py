"""The zip that a session file is: members by name, none of whose sizes is believed.

Sessions come from others. So the file's directory is checked before anything is made of it, nothing
is extracted to disk, and inflated bytes are counted as they come.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from struct import Struct

MIMETYPE = "application/vnd.lensgui.session+zip"
MIB = 1 << 20
_END = Struct("<4s4H2LH")
_ENTRY = Struct("<4s6H3L5H2L")
_LOCAL = Struct("<4s5H3L2H")
_LONGEST_COMMENT = 0xFFFF
_ENCRYPTED = 0x2041  # any of the flags that say so
_MADE = (1980, 1, 1, 0, 0, 0)  # of every member, so that equal contents are equal files


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a session file may be.

    Attributes:
        file: Bytes of the file itself.
        manifest: Bytes of what it says in words.
        total: Bytes of all that is read of it, inflated.
        members: How many members there may be.
    """

    file: int = 512 * MIB
    manifest: int = 16 * MIB
    total: int = 512 * MIB
    members: int = 1_000


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Member:
    """Where a member lies in the file.

    Attributes:
        name: What it is called.
        is_deflated: Whether its bytes are deflated; else they are stored.
        head: Where it begins with what is said of it.
        start: Where its bytes begin.
        end: Where they end.
        size: How many they are to be.
        checksum: Their CRC-32.
    """

    name: str
    is_deflated: bool
    head: int
    start: int
    end: int
    size: int
    checksum: int


class Container:
    """The members of a session file, each inflated when it is read.

    Attributes:
        names: What they are called, in the order of the file.
    """

    def __init__(self, data: bytes, limits: Limits = USUAL) -> None:
        """Find the members.

        Args:
            data: The whole file.
            limits: How large things may be.

        Raises:
            ValueError: If something is odd; a phrase says what.
        """
        self._data, self._left = memoryview(data), limits.total
        found = sorted(_members(data, limits.members), key=lambda member: member.head)
        self._members = {member.name: member for member in found}
        self.names = tuple(self._members)
        if len(self._members) < len(found):
            raise ValueError("two of its members have the same name")
        if any(one.end > other.head for one, other in pairwise(found)):
            raise ValueError("some of its members lie over each other")

    def read(self, name: str, most: int) -> bytes:
        """Return a member's bytes.

        Args:
            name: What it is called.
            most: How many bytes it may have.

        Raises:
            ValueError: If there is no such member, or it is too large or damaged.
        """
        member = self._members.get(name)
        if member is None:
            raise ValueError(f"{name} is missing")
        most = min(most, self._left)
        packed = self._data[member.start : member.end]
        data = _inflated(packed, most) if member.is_deflated else bytes(packed[: most + 1])
        if len(data) > most:
            raise ValueError(f"{name} is too large")
        if len(data) != member.size or zlib.crc32(data) != member.checksum:
            raise ValueError(f"{name} is not what was written")
        self._left -= len(data)
        return data


def _inflated(packed: memoryview, most: int) -> bytes:
    """Return inflated bytes, one more than `most` if there are more.

    Raises:
        ValueError: If they can't be inflated.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(packed, most + 1)
    except zlib.error as error:
        raise ValueError("what it holds can't be inflated") from error
    if len(data) <= most and (inflater.unused_data or not inflater.eof):
        raise ValueError("what it holds can't be inflated")
    return data


def _members(data: bytes, most: int) -> list[Member]:
    """Return the members that the directory at the file's end names.

    Raises:
        ValueError: If there are more than `most`, or something is odd.
    """
    at = data.rfind(b"PK\5\6", max(0, len(data) - _END.size - _LONGEST_COMMENT))
    if at < 0 or at + _END.size > len(data):
        raise ValueError("its end is missing")
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(data, at)
    if disk or first_disk or here != count or start + size != at:
        raise ValueError("its directory is odd")
    if count > most:
        raise ValueError(f"it has more than {most:,} members")
    if at + _END.size + comment != len(data):
        raise ValueError("something follows its end")
    members = []
    place = start
    for _ in range(count):
        if place + _ENTRY.size > at:
            raise ValueError("its directory is cut off")
        member, place = _member(data, place, start)
        members.append(member)
    if place != at:
        raise ValueError("its directory is odd")
    return members


def _member(data: bytes, place: int, most: int) -> tuple[Member, int]:
    """Return a member and where the next one's entry begins.

    Args:
        data: The whole file.
        place: Where the member's entry in the directory begins.
        most: Where the directory begins, before which its bytes end.

    Raises:
        ValueError: If something is odd.
    """
    (mark, _, _, flags, method, _, _, checksum, packed, size, *lengths, _, _, _, offset) = (
        _ENTRY.unpack_from(data, place)
    )
    if mark != b"PK\1\2":
        raise ValueError("its directory is odd")
    place += _ENTRY.size
    raw = data[place : place + lengths[0]]
    name = raw.decode("utf-8", "replace")
    if flags & _ENCRYPTED:
        raise ValueError("it is encrypted")
    if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is packed in a way that sessions never are")
    if offset + _LOCAL.size > most:
        raise ValueError("a member lies outside of it")
    (mark, *_, name_length, extra) = _LOCAL.unpack_from(data, offset)
    begin = offset + _LOCAL.size + name_length + extra
    if mark != b"PK\3\4" or begin + packed > most:
        raise ValueError("a member lies outside of it")
    if data[offset + _LOCAL.size : offset + _LOCAL.size + name_length] != raw:
        raise ValueError("a member has two names")
    is_deflated = method == zipfile.ZIP_DEFLATED
    member = Member(name, is_deflated, offset, begin, begin + packed, size, checksum)
    return member, place + sum(lengths)


def is_session(data: bytes) -> bool:
    """Return whether a file begins as session files do: with a member that says so, not packed."""
    (mark, _, flags, method, *_, size, length, extra) = _LOCAL.unpack(
        data[: _LOCAL.size].ljust(_LOCAL.size, b"\0")
    )
    said = b"mimetype" + MIMETYPE.encode()
    is_plain = mark == b"PK\3\4" and not flags & _ENCRYPTED and method == zipfile.ZIP_STORED
    is_right = (size, length, extra) == (len(MIMETYPE), len("mimetype"), 0)
    return is_plain and is_right and data[_LOCAL.size :].startswith(said)


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return a session file with some members; what is no text or tiny is stored as it is."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in {"mimetype": MIMETYPE.encode(), **members}.items():
            info = zipfile.ZipInfo(name, _MADE)
            info.create_system, info.external_attr = 3, 0o644 << 16  # the same everywhere
            is_text = name.endswith(".json")
            archive.writestr(info, data, zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED)
    return file.getvalue()
