"""Session files that were changed at random, seeded, and what becomes of reading one."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from lensgui.state.sessions.container import pack
from lensgui.state.sessions.saved import Saved
from lensgui.state.sessions.sessions import from_bytes, read, to_bytes
from lensgui.terms.errors import SessionError
from tests.soak.mutations import DEEP, ODD, Outcome
from tests.soak.session_zips import Members, members_of, of_zip, whole_data

SECONDS = 5.0  # of processor time, to read one: a bomb is inflated up to its bound, 512 MiB
BYTES = 1 << 30  # of address space on top of what the test itself has
LONGEST = 700  # letters of a sentence


def mutated(kind: str, seed: int) -> tuple[bytes, str]:
    """Return a session file that was changed, and what was done."""
    dice = random.Random(f"{kind} {seed}")
    return KINDS[kind](dice)


def _of_bytes(dice: random.Random) -> tuple[bytes, str]:
    data = bytearray(whole_data())
    what = dice.choice(["cut", "bits", "zeros", "twice", "more", "end"])
    at, count = dice.randrange(len(data)), dice.choice([1, 1, 4, 30, 1000])
    if what == "cut":
        del data[at:]
    elif what == "bits":
        for _ in range(dice.choice([1, 1, 1, 8])):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    elif what == "zeros":
        data[at : at + count] = bytes(len(data[at : at + count]))
    elif what == "twice":
        data[at:at] = data[at : at + count]
    elif what == "more":
        data += dice.randbytes(count)
    else:  # of the directory, where sizes and places stand
        data[-dice.randrange(1, 2000)] = dice.randrange(256)
    return bytes(data), f"{what} at {at} ({count})"


def _of_manifest(dice: random.Random) -> tuple[bytes, str]:
    members = members_of()
    manifest = json.loads(members["manifest.json"])
    trail, at, key = _place(manifest, dice)
    what = dice.choice(["set", "set", "set", "lost", "more", "long", "name"])
    if what == "set":
        at[key] = dice.choice(ODD)
    elif what == "lost":
        del at[key]
    elif what == "more" and isinstance(at, dict):
        at["new"] = dice.choice([1, {"a": [1]}, DEEP, "x" * 1_000_000, [[]] * 300_000])
    elif what == "long":
        many = {str(number): 1 for number in range(9_999)}
        at[key] = dice.choice(["x" * 1_500_000, [at[key]] * 2_000, many])
    else:
        versions = [(0, 9), (1, 0), (10**30, 10**9), (0, -1)]
        manifest["major"], manifest["minor"] = dice.choice(versions)
    text = json.dumps(manifest).replace(json.dumps(DEEP), "[" * 100_000 + "]" * 100_000)
    return pack(members | {"manifest.json": text.encode()}), f"{trail}: {what}"


def _place(held: Any, dice: random.Random) -> tuple[list[Any], Any, Any]:
    """Return a place in JSON: the way there, what holds it, and its key or number."""
    trail, at = [], held
    while True:
        key = dice.choice(list(at) if isinstance(at, dict) else list(range(len(at))))
        trail.append(key)
        if not isinstance(at[key], dict | list) or not at[key] or dice.random() < 0.1:
            return trail, at, key
        at = at[key]


LIKELY: dict[type, tuple[Any, ...]] = {  # odd values of the right type
    bool: (True, False),
    int: (0, 1, 2, 3, 7, 99, 10_000_000),
    float: (0.0, -1.0, 1e-30, 1e30, -1e308, "NaN", "Infinity", "-Infinity"),
    str: ("", "x", "<b>x</b>", "x" * 999, "\n", "\0", "\u202e", "rank", "noising", "v", "scores"),
    type(None): (0, 1, 0.5),
}


def _of_answers(dice: random.Random) -> tuple[bytes, str]:
    """Change what is said of one answer, but not its type."""
    members = members_of()
    manifest = json.loads(members["manifest.json"])
    kept = dice.choice(manifest["answers"]["kept"])
    trail, at, key = _place(kept["answer"], dice)
    before = at[key]
    if isinstance(before, list):
        at[key] = dice.choice([[], before[1:], before * 2, before[::-1], before[:1] * len(before)])
    elif not isinstance(before, dict):
        at[key] = dice.choice((*LIKELY[type(before)], None))
    return (
        pack(members | {"manifest.json": json.dumps(manifest).encode()}),
        f"{kept['question']}: {trail} = {at[key]!r:.80}",
    )


_TEXTS: dict[str, Callable[[bytes], bytes]] = {
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "a mark first": lambda text: b"\xef\xbb\xbf" + text,
    "no UTF-8": lambda text: text.replace(b"one", b"\xff\xfe\xfd", 1),
    "half a character": lambda text: text.replace(b"one", b"\\ud800", 1),
    "digits": lambda text: text.replace(b'"layer":3', b'"layer":' + b"9" * 10_000, 1),
    "an exponent": lambda text: text.replace(b"0.25", b"1e999", 1),
    "NaN": lambda text: text.replace(b"0.25", b"NaN", 1),
    "twice": lambda text: text[:-1] + b"," + text[1:],
    "keys": lambda text: text[:-1] + b"".join(b',"%d":1' % at for at in range(300_000)) + b"}",
    "spaces": lambda text: b" " * (17 << 20) + text,
    "empty lists": lambda text: text[:-1] + b',"cursor":{"heads":[' + b"[]," * 5_000_000 + b"[]]}}",
    "brackets": lambda text: b"[" * 1_000_000,
    "a list": lambda text: b"[]",
    "nothing": lambda text: b"",
}


def _of_text(dice: random.Random) -> tuple[bytes, str]:
    members, what = members_of(), dice.choice(list(_TEXTS))
    return pack(members | {"manifest.json": _TEXTS[what](members["manifest.json"])}), what


def _of_arrays(dice: random.Random) -> tuple[bytes, str]:
    """Change an array and name it anew, or change what is said of arrays."""
    members = members_of()
    names = [name for name in members if name.startswith("arrays/")]
    name, other = dice.sample(names, 2)
    what = dice.choice([*_ARRAYS, *_ARRAYS, "swapped", "renamed", "bits", "header", "length"])
    if what in _ARRAYS:
        changed = save(_ARRAYS[what](load(members[name])["array"], dice))
        return _renamed(members, name, changed), what
    if what == "swapped":
        members[name], members[other] = members[other], members[name]
    elif what == "renamed":
        return _renamed(members, name, members[other]), what
    elif what == "bits":
        turned = bytearray(members[name])
        turned[dice.randrange(len(turned))] ^= 1 << dice.randrange(8)
        return _renamed(members, name, bytes(turned)), what
    elif what == "header":
        said = json.dumps(
            {
                "array": {
                    "dtype": dice.choice(["F32", "U8", "F8_E4M3", "Q9"]),
                    "shape": dice.choice([[2**40, 2**40], [-1], [0], [2**62], []]),
                    "data_offsets": dice.choice([[0, 2**60], [0, 4], [4, 0]]),
                }
            }
        )
        data = struct.pack("<Q", len(said)) + said.encode() + bytes(8)
        return _renamed(members, name, data), what
    else:
        size = dice.choice([0, 1, 2**31, 2**63, 2**64 - 1])
        return _renamed(members, name, struct.pack("<Q", size) + members[name][8:]), what
    return pack(members), what


def _renamed(members: Members, name: str, data: bytes) -> bytes:
    """Return a session with another array in the place of one, wherever it is named."""
    old, new = name[7:71], hashlib.sha256(data).hexdigest()
    text = members["manifest.json"].replace(old.encode(), new.encode())
    del members[name]
    return pack(members | {"manifest.json": text, f"arrays/{new}.safetensors": data})


def _filled(array: Any, dice: random.Random) -> Any:
    odd = [np.nan, np.inf, -np.inf, 1e30] if array.dtype.kind == "f" else [99, 255, 0, 3]
    array = array.copy()
    array.flat[dice.randrange(array.size)] = dice.choice(odd)
    return array


_ARRAYS: dict[str, Callable[[Any, random.Random], dict[str, Any]]] = {
    "flat": lambda array, dice: {"array": array.reshape(-1)},
    "less": lambda array, dice: {"array": array[1:].copy()},
    "more": lambda array, dice: {"array": np.repeat(array, dice.choice([2, 9]), 0)},
    "an axis": lambda array, dice: {"array": array[None].copy()},
    "turned": lambda array, dice: {"array": np.ascontiguousarray(array.T)},
    "empty": lambda array, dice: {"array": array[:0].copy()},
    "a number": lambda array, dice: {"array": array.reshape(-1)[:1].reshape(()).copy()},
    "another type": lambda array, dice: {
        "array": array.astype(dice.choice([np.float64, np.uint8, np.int32, np.float32, np.int8]))
    },
    "odd numbers": lambda array, dice: {"array": _filled(array, dice)},
    "two": lambda array, dice: {"array": array, "other": array},
    "another name": lambda array, dice: {"values": array},
    "none": lambda array, dice: {},
    "many axes": lambda array, dice: {"array": array.reshape((1,) * 20 + array.shape)},
}


KINDS: dict[str, Callable[[random.Random], tuple[bytes, str]]] = {
    "bytes": _of_bytes, "manifest": _of_manifest, "answers": _of_answers, "text": _of_text,
    "arrays": _of_arrays, "zip": of_zip,
}  # fmt: skip


def attempt(path: Path) -> Outcome:
    """Read a session in a child process, whose memory is limited and which may write nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            outcome = _tried(path)
            os.write(writing, json.dumps([outcome.kind, outcome.message[:2000]]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return Outcome(*json.loads(said)) if said else Outcome(f"died of {status}")


def _tried(path: Path) -> Outcome:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    written: list[str] = []
    sys.addaudithook(lambda event, values: _note(written, path, event, values))
    begun = time.process_time()
    try:
        found = read(path)
    except SessionError as error:
        message = str(error)
        is_one = message.isprintable() and message.endswith(".") and len(message) <= LONGEST
        is_named = message.startswith(path.name)
        outcome = Outcome("sentence" if is_one and is_named else "no sentence", message)
    except BaseException as error:
        return Outcome(type(error).__name__, str(error))
    else:
        outcome = _reopened(found)
    seconds = time.process_time() - begun
    if written:
        return Outcome("wrote", " ".join(written))
    return Outcome("slow", f"{seconds:.2f} s: {outcome}") if seconds > SECONDS else outcome


def _note(written: list[str], path: Path, event: str, values: tuple[Any, ...]) -> None:
    """Note whatever is opened but the file, or made, moved or removed."""
    is_other = event == "open" and str(values[0]) != str(path)
    if (is_other and values[2] & (os.O_WRONLY | os.O_RDWR)) or event in (
        "os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "subprocess.Popen",
    ):  # fmt: skip
        written.append(f"{event} {values[0]}")


def _reopened(found: Saved) -> Outcome:
    """Return whether what was read can be written, and is read again."""
    try:
        again = from_bytes(to_bytes(found))
    except SessionError as error:
        return Outcome("can't be saved", str(error))
    is_same = (again.document, again.cursor) == (found.document, found.cursor)
    is_same &= [asked for asked, _ in again.answers] == [asked for asked, _ in found.answers]
    return Outcome("runs" if is_same else "is another")
