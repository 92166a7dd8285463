from __future__ import annotations

import io
import struct
import zipfile

import pytest

from lensgui.state.sessions.container import MIMETYPE, Limits, pack
from lensgui.state.sessions.sessions import from_bytes
from tests.state.sessions.test_refusals import PAIR, members, sentence, with_answers


def test_what_is_no_session_is_said():
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "hello")
    for data in (b"", b"PK", b"GIF89a" * 100, other.getvalue(), MIMETYPE.encode()):
        assert "is not a session of lensgui" in sentence(data)


def packed(names, method=zipfile.ZIP_STORED, data=b"x"):
    """Return a session with more members, which may have the same name."""
    file = io.BytesIO(pack(members()))
    with zipfile.ZipFile(file, "a") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_the_same_name_are_refused():
    assert "same name" in sentence(packed(["manifest.json"]))
    assert "same name" in sentence(packed(["x", "x"]))


def test_too_many_members_are_refused():
    assert from_bytes(packed([f"x{at}" for at in range(998)])).document.pair == PAIR
    assert "more than 1,000 members" in sentence(packed([f"x{at}" for at in range(999)]))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(method):
    assert "packed in a way" in sentence(packed(["x"], method))


def entry(data, name, offset, form, value):
    """Return a session with a field of a member's entry in its directory set."""
    at = data.rfind(name.encode()) - 46
    assert data[at : at + 4] == b"PK\1\2"
    data = bytearray(data)
    struct.pack_into(form, data, at + offset, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("offset", "form", "value", "what"),
    [(8, "<H", 1, "encrypted"), (10, "<H", 99, "packed"), (16, "<L", 7, "not what was written"),
     (24, "<L", 7, "not what was written"), (20, "<L", 9, "can't be inflated"),
     (20, "<L", 2**31, "outside"), (42, "<L", 2**31, "outside"), (42, "<L", 0, "two names"),
     (28, "<H", 60_000, "cut off|odd|names"), (0, "<L", 7, "odd")],
)  # fmt: skip
def test_what_the_directory_says_is_not_believed(offset, form, value, what):
    data = entry(pack(members()), "manifest.json", offset, form, value)
    assert any(words in sentence(data) for words in what.split("|"))


def test_members_that_lie_over_each_other_are_refused():
    data = packed(["x"])
    (size,) = struct.unpack_from("<L", data, data.rfind(b"manifest.json") - 46 + 20)
    assert from_bytes(entry(data, "manifest.json", 20, "<L", size)).document.pair == PAIR
    assert "over each other" in sentence(entry(data, "manifest.json", 20, "<L", size + 1))


def test_whatever_is_cut_off_is_refused():
    data = pack(with_answers())
    for end in range(0, len(data) - 1, 97):
        sentence(data[:end])
    assert "follows its end" in sentence(data + b"more")


def test_what_is_inflated_is_counted_as_it_comes():
    bomb = pack(members() | {"manifest.json": b" " * (17 << 20)})
    assert len(bomb) < 100_000
    assert "manifest.json is too large" in sentence(bomb)
    whole = pack(with_answers())
    assert "too large" in sentence(whole, limits=Limits(total=1_500))
    assert "more than 0 MiB" in sentence(whole, limits=Limits(file=1_000))
