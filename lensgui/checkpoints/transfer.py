"""Files of a repository on the hub, brought into its cache byte by byte and checked there.

Each file arrives beside its place in the cache and moves there once its hash is right, so an
interruption at any moment leaves nothing that could be taken for whole, and the next fetch goes on
where this one stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partialmethod
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from lensgui.models.progress import Progress, Report
from lensgui.terms.errors import ModelError

_CHUNK = 1 << 20  # bytes
_PAST_THE_END = 416  # the HTTP status for a range that starts where the file has ended


@dataclass(frozen=True, slots=True)
class File:
    """A file of a repository.

    Attributes:
        name: Its name there.
        size: Bytes.
        etag: Its hash, in hexadecimal: SHA-256 of its bytes where it is large, else git's SHA-1.
    """

    name: str
    size: int
    etag: str

    @classmethod
    def of(cls, sibling: Any) -> File:
        """Return a file that huggingface_hub lists with its metadata."""
        etag = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
        return cls(sibling.rfilename, sibling.size, etag)

    def digest(self) -> Any:
        """Return a hash that must come to `etag` when the file's bytes are added."""
        if len(self.etag) == 64:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class Remote:
    """A commit of a repository, and its place in the cache."""

    name: str
    commit: str
    token: str | bool | None

    @property
    def blobs(self) -> Path:
        """Where the hub's cache keeps this repository's files, each called by its hash."""
        from huggingface_hub.constants import HF_HUB_CACHE
        from huggingface_hub.file_download import repo_folder_name

        return Path(HF_HUB_CACHE) / repo_folder_name(repo_id=self.name, repo_type="model") / "blobs"

    def partial(self, file: File) -> Path:
        """Return where a file is while it arrives."""
        return self.blobs / f"{file.etag}.lensgui.incomplete"

    def has(self, file: File) -> bool:
        """Return whether a file is in the cache."""
        from huggingface_hub import try_to_load_from_cache

        if (self.blobs / file.etag).is_file():
            return True
        return isinstance(try_to_load_from_cache(self.name, file.name, revision=self.commit), str)


class _Arriving:
    """A file that says how many bytes of a whole fetch are here, once they are written."""

    def __init__(self, file: BinaryIO, report: Report, before: int, total: int) -> None:
        self._file, self._report = file, report
        self._before, self._total = before, total

    def write(self, chunk: bytes) -> int:
        """Write bytes and report them."""
        count = self._file.write(chunk)
        self._report(Progress("download", self._before + self._file.tell(), self._total))
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def bring(remote: Remote, files: Sequence[File], report: Report) -> None:
    """Fetch files, check them, and put them in their places.

    Args:
        remote: Where they come from.
        files: Which they are.
        report: Called often, with how many bytes of all of them are here, then checked.

    Raises:
        ModelError: If one is not what was announced.
    """
    remote.blobs.mkdir(parents=True, exist_ok=True)
    total = sum(file.size for file in files)
    with _utils().WeakFileLock(remote.blobs / ".lensgui.lock"):
        done = 0
        for file in files:
            _download(remote, file, report, done, total)
            done += file.size
            report(Progress("download", done, total))
        done = 0
        for file in files:
            done = _check(remote, file, report, done, total)
            remote.partial(file).replace(remote.blobs / file.etag)


def _download(remote: Remote, file: File, report: Report, before: int, total: int) -> None:
    """Fetch a file's missing bytes."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get

    with remote.partial(file).open("ab") as partial:
        if partial.tell() > file.size:
            partial.truncate(0)
        arriving: Any = _Arriving(partial, report, before, total)
        try:
            http_get(
                hf_hub_url(remote.name, file.name, revision=remote.commit),
                arriving,
                resume_size=partial.tell(),
                headers=_utils().build_hf_headers(token=remote.token),
                expected_size=file.size,
                tqdm_class=no_bar(),
            )
        except OSError as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            if error.errno is None and status in (None, _PAST_THE_END):
                partial.truncate(0)  # what came is not this file: nothing to go on from
            raise


def _check(remote: Remote, file: File, report: Report, done: int, total: int) -> int:
    """Compare a file that has arrived with its hash, and return how many bytes are checked so far.

    Raises:
        ModelError: If it is not the file; it is thrown away then.
    """
    digest, partial = file.digest(), remote.partial(file)
    with partial.open("rb") as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            report(Progress("check", done, total))
    if digest.hexdigest() != file.etag:
        partial.unlink()
        raise ModelError(
            f"{file.name} of {remote.name} did not arrive as the hub has it (its checksum "
            "differs), so it was thrown away: fetch the model again."
        )
    return done


def no_bar() -> Any:
    """Return a kind of progress bar that shows nothing."""
    bar = _utils().tqdm
    start = partialmethod(bar.__init__, disable=True)
    return type("Silent", (bar,), {"__init__": start})


def _utils() -> Any:
    return import_module("huggingface_hub.utils")
