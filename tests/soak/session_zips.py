"""A session that holds something of everything, and its zip changed at random, seeded."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from lensgui.jobs import requests
from lensgui.prompts.pair import PairRow, PromptPair, Role
from lensgui.state.document import Document, Note, SweepChoice
from lensgui.state.layout import Area, Layout
from lensgui.state.selection import Cursor
from lensgui.state.sessions.saved import ModelReference, Saved
from lensgui.state.sessions.sessions import to_bytes
from lensgui.terms.kinds import HEADS, RESID_PRE
from lensgui.terms.model_key import ModelKey
from lensgui.terms.roles import GivenRole
from tests.fakes import FakeAnswerer
from tests.state.sessions.strategies import PNG, pictured

MODEL = ModelKey("toy")
PAIR = PromptPair("one two three four", "one six three four", " four", " five")
ROWS = (PairRow(PAIR, (Role("S", 7),)), PairRow(PAIR, is_included=False))
ASKED = (
    requests.Patching(MODEL, PAIR),
    requests.Patching(MODEL, PromptPair(""), HEADS, "noising", ROWS),
    requests.WhoFeeds(MODEL, PAIR, ((3, 1),)),
    requests.PathsInto(MODEL, PAIR, ((3, 1),)),
    requests.AttentionGrid(MODEL, PAIR),
    requests.AttentionHead(MODEL, PAIR, ((3, 1),)),
    requests.AttentionFrom(MODEL, PAIR, 2),
    requests.ReadPair(MODEL, PAIR),
    requests.ReadPairs(MODEL, (PAIR, PAIR)),
    requests.HeadRoles(MODEL, PAIR),
    requests.ScoreHeads(MODEL),
    requests.ReadEvidence(MODEL, (PAIR,)),
    requests.OutputNorms(MODEL, PAIR),
    requests.LogitLens(MODEL, PAIR, 2),
    requests.ReadHead(MODEL, PAIR, 3, 1, 2),
)
Members = dict[str, bytes]
PATHS = ["../evil", "/etc/evil", "a/../../evil", "C:\\evil", "..\\evil", "evil\0", ""]


@cache
def whole() -> Saved:
    """Return a session that holds something of everything."""
    document = Document(
        MODEL,
        PAIR,
        ROWS,
        kind=HEADS,
        kept=requests.Patching(ModelKey("other"), PAIR, rows=ROWS),
        against=SweepChoice(RESID_PRE),
        pins=(Cursor(1, 2), Cursor(3, heads=((3, 1), (4, 1)))),
        notes=(Note(Cursor(1), "a note"),),
        roles=(GivenRole(3, 1, "mover"),),
        scenes=pictured(PNG).scenes,
    )
    answers: Any = tuple((request, list(FakeAnswerer().answer(request))[-1]) for request in ASKED)
    areas = (Area(("Prompt", "Pairs"), "Pairs", 0.0, 0.25, 0.5, 0.75),)
    return Saved(
        document,
        ModelReference.to(MODEL, "an id"),
        datetime(2026, 1, 2, tzinfo=UTC),
        Cursor(3, 1, 2),
        Layout(areas, ("Inspector",), solo="Prompt"),
        answers,
        (("more", b'{"a": 1}'),),
    )


@cache
def whole_data() -> bytes:
    return to_bytes(whole())


def members_of() -> Members:
    with zipfile.ZipFile(io.BytesIO(whole_data())) as archive:
        return {name: archive.read(name) for name in archive.namelist()[1:]}


def of_zip(dice: random.Random) -> tuple[bytes, str]:
    what = dice.choice(list(_ZIPS))
    return _ZIPS[what](dice), what


def _with(names: list[str], data: bytes = b"evil", method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO(whole_data())
    with zipfile.ZipFile(file, "a") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


def _set(offset: int, form: str, values: list[int]) -> Callable[[random.Random], bytes]:
    """Return what sets a field of some member's entry in the directory."""

    def change(dice: random.Random) -> bytes:
        data, places = bytearray(whole_data()), []
        at = data.find(b"PK\1\2")
        while at >= 0:
            places.append(at)
            at = data.find(b"PK\1\2", at + 1)
        struct.pack_into(form, data, dice.choice(places) + offset, dice.choice(values))
        return bytes(data)

    return change


@cache
def _zeros(size: int) -> bytes:
    """Return many zeros, deflated."""
    packer, some = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS), bytes(1 << 20)
    return b"".join(packer.compress(some) for _ in range(size >> 20)) + packer.flush()


def _bomb(name: str, size: int) -> bytes:
    """Return a session in which a member inflates to many zeros."""
    return _raw({**members_of(), name: _zeros(size)}, {name: (8, size, 0)})


def _raw(members: Members, said: dict[str, tuple[int, int, int]]) -> bytes:
    """Return a zip of which some members' method, size and checksum are said to be something."""
    body, directory = bytearray(), bytearray()
    first = {"mimetype": b"application/vnd.lensgui.session+zip"}
    for name, data in (first | members).items():
        method, size, checksum = said.get(name, (0, len(data), zlib.crc32(data)))
        raw = name.encode()
        same = struct.pack("<4H3L2H", 0, method, 0, 33, checksum, len(data), size, len(raw), 0)
        directory += struct.pack("<4s2H", b"PK\1\2", 20, 20) + same
        directory += struct.pack("<3H2L", 0, 0, 0, 0, len(body)) + raw
        body += struct.pack("<4sH", b"PK\3\4", 20) + same + raw + data
    count = min(len(members) + 1, 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def _crowd(dice: random.Random) -> bytes:
    """Return a zip whose directory has a million entries, and says so or not."""
    data = whole_data()
    end = len(data) - 22
    size, start = struct.unpack_from("<2L", data, end + 12)
    entry = data[start : data.index(b"PK\1\2", start + 1)]
    directory = data[start : start + size] + entry * 1_000_000
    said = dice.choice([7, 1_000, 1_001, 0xFFFF])
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, said, said, len(directory), start, 0)
    return data[:start] + directory + tail


_ZIPS: dict[str, Callable[[random.Random], bytes]] = {
    "paths": lambda dice: _with(
        dice.sample(
            ["../evil", "/etc/evil", "a/../../evil", "C:\\evil", "..\\evil", "evil\0", ""], 3
        )
    ),
    "twice": lambda dice: _with([dice.choice(["mimetype", "manifest.json", "thumbs/0.png"])]),
    "pictures": lambda dice: _with([f"thumbs/{dice.choice([1, 7, 99, 100, -1])}.png"]),
    "no pictures": lambda dice: _with(["thumbs/1.png"], PNG * dice.choice([1, 300_000])),
    "methods": lambda dice: _with(["x"], method=dice.choice([8, 12, 14])),
    "members": lambda dice: (
        _with([f"x{at}" for at in range(dice.choice([900, 1_100, 70_000]))])
        if dice.random() < 0.2
        else _with([f"x{at}" for at in range(1_100)])
    ),
    "a million": _crowd,
    "encrypted": _set(8, "<H", [1, 0x40, 0x2000, 0xFFFF]),
    "packed": _set(10, "<H", [8, 9, 12, 14, 99]),
    "checksums": _set(16, "<L", [0, 1, 2**32 - 1]),
    "packed sizes": _set(20, "<L", [0, 1, 2**16, 2**31, 2**32 - 1]),
    "sizes": _set(24, "<L", [0, 1, 2**16, 2**31, 2**32 - 1]),
    "names": _set(28, "<H", [0, 1, 7, 2**16 - 1]),
    "extras": _set(30, "<H", [1, 40, 2**16 - 1]),
    "links": _set(38, "<L", [0o120777 << 16, 0o020666 << 16]),
    "over each other": _set(42, "<L", [0, 1, 38, 100, 2**31, 2**32 - 1]),
    "a bomb in words": lambda dice: _bomb("manifest.json", dice.choice([17 << 20, 300 << 20])),
    "a bomb in an array": lambda dice: _bomb(
        dice.choice([name for name in members_of() if name.startswith("arrays/")]), 600 << 20
    ),
    "a bomb in a picture": lambda dice: _bomb("thumbs/0.png", 100 << 20),
    "a bomb nobody reads": lambda dice: _bomb("evil", 100 << 20),
    "zip in a zip": lambda dice: _raw(members_of() | {"manifest.json": whole_data()}, {}),
}
