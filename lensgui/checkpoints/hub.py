"""Models of the Hugging Face hub: fetched into its own cache, checked, and found there again.

huggingface_hub's `http_get` does the fetching; what an interruption leaves is gone on with. Its
`hf_hub_download` throws that away, and compares sizes only, not hashes.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partialmethod
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import torch

from lensgui.checkpoints.files import naming
from lensgui.models import store
from lensgui.models.store import Progress, Report, silence
from lensgui.terms.errors import ModelError, first_line
from lensgui.transformer.config import HookedTransformerConfig

Choice = Callable[[str, Sequence[str]], Iterator[str]]

_CHUNK = 1 << 20  # bytes
_PAST_THE_END = 416  # the HTTP status for a range that starts where the file has ended
_DESCRIPTIONS = ("*.json", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt")
_ROUGHLY = {"allow_patterns": [*_DESCRIPTIONS, "model*.safetensors"], "ignore_patterns": "*/*"}


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

        return Path(HF_HUB_CACHE) / f"models--{self.name.replace('/', '--')}" / "blobs"

    def partial(self, file: File) -> Path:
        """Return where a file is while it arrives."""
        return self.blobs / f"{file.etag}.lensgui.incomplete"

    def has(self, file: File) -> bool:
        """Return whether a file is in the cache."""
        from huggingface_hub import try_to_load_from_cache

        here: Any = self.blobs / file.etag
        if not here.is_file():
            here = try_to_load_from_cache(self.name, file.name, revision=self.commit)
        return isinstance(here, str | Path) and Path(here).stat().st_size == file.size


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
    total = sum(file.size for file in files)
    with store.alone(remote.blobs):
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


def is_name(name: str) -> bool:
    """Return whether this has the form of a hub name, OWNER/NAME."""
    return re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name) is not None


def fetch(
    name: str,
    token: str | bool | None = None,
    revision: str | None = None,
    report: Report = silence,
    choose: Choice | None = None,
    is_model: bool = True,
) -> Path:
    """Bring a model of the hub to this machine, or what is missing of it.

    Args:
        name: OWNER/NAME.
        token: An access token; None for HF_TOKEN or the stored login, False for none.
        revision: A branch, a tag or a commit; None for the main branch.
        report: Called often, with how far it is.
        choose: Which files are needed, of the repository's name and those that it has; None for
            `needed`.
        is_model: Whether it must be one that lensgui opens.

    Returns:
        Its folder in the hub's cache. Without a network, that of the copy that is here.

    Raises:
        ModelError: If it can't be had, or can't be opened by lensgui.
    """
    from huggingface_hub import HfApi

    with sentences(name, revision):
        try:
            info: Any = HfApi(token=token).model_info(name, revision=revision, files_metadata=True)
        except Exception:
            with contextlib.suppress(FileNotFoundError, ValueError):
                return here(name, revision)
            raise
        wanted = set((choose or needed)(name, [sibling.rfilename for sibling in info.siblings]))
        remote = Remote(name, info.sha, token)
        files = [File.of(sibling) for sibling in info.siblings if sibling.rfilename in wanted]
        files = [file for file in files if not remote.has(file)]
        if files:
            if is_model:
                early_config(remote, files)
            bring(remote, [file for file in files if not remote.has(file)], report)
        return _folder(name, revision, token=token, allow_patterns=sorted(wanted))


def here(name: str, revision: str | None = None) -> Path:
    """Return the folder of the copy that is in the cache.

    Raises:
        FileNotFoundError: If there is none; ValueError, if its name can't be one.
    """
    return _folder(name, revision, local_files_only=True, **_ROUGHLY)


def needed(name: str, files: Sequence[str]) -> Iterator[str]:
    """Yield the files that opening a model takes.

    Raises:
        ModelError: If what it takes is not there.
    """
    weights = naming.model_files(files)
    if not weights and any(fnmatch(file, "adapter*.safetensors") for file in files):
        raise naming.adapter_alone(name)
    if not weights:
        kinds = {Path(file).suffix for file in files}
        if ".gguf" in kinds:
            raise ModelError(
                f"{name} has GGUF files only: download one of them and open it by its path."
            )
        if naming.pickle_files(files):
            raise ModelError(pickled_only(name))
        raise ModelError(
            f"{name} has no *.safetensors file: choose a model that has its weights so."
        )
    yield from weights
    yield from descriptions(files)


def descriptions(files: Iterable[str]) -> Iterator[str]:
    """Yield those of a repository's files that describe its model and its tokenizer."""
    for file in files:
        if "/" not in file and any(fnmatch(file, pattern) for pattern in _DESCRIPTIONS):
            yield file


def pickled_only(name: str) -> str:
    """Return the sentence for a model whose weights would have to be unpickled.

    Args:
        name: The hub's name of it, or an alias.
    """
    return (
        f"{name} has pickled weights only, which can run code and are refused: let a limited "
        "process read them, once, and keep them as safetensors, with "
        f"`lensgui models import {name}`."
    )


def early_config(remote: Remote, files: Iterable[File]) -> HookedTransformerConfig:
    """Return a model's config before its weights are fetched.

    Args:
        remote: Where it comes from.
        files: What is not here yet of it.

    Raises:
        ModelError: If it could not be opened.
    """
    from lensgui.checkpoints import folder
    from lensgui.checkpoints.families.registry import family_of

    for file in files:
        if file.name == "config.json":
            bring(remote, [file], silence)
    config = folder.read_config(
        _folder(remote.name, remote.commit, token=remote.token, allow_patterns="config.json")
    )
    if folder.quantisation(config):
        raise folder.quantised(remote.name, config, "")
    config = folder.language_part(config)
    return folder.convert_config(family_of(config.model_type), config, remote.name, torch.float32)


def _folder(name: str, revision: str | None, **settings: Any) -> Path:
    """Return a model's folder in the cache, where huggingface_hub links its files by name."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, revision=revision, tqdm_class=no_bar(), **settings))


@contextlib.contextmanager
def sentences(name: str, revision: str | None) -> Iterator[None]:
    """Turn what can go wrong into one sentence."""
    from huggingface_hub import errors as hub

    try:
        yield
    except ModelError:
        raise
    except hub.GatedRepoError as error:
        raise ModelError(
            f"{name} is gated: accept its terms on https://huggingface.co/{name}, and set a token "
            "(HF_TOKEN, or `hf auth login`)."
        ) from error
    except hub.RevisionNotFoundError as error:
        raise ModelError(f"{name} has no revision {revision}: check the spelling.") from error
    except (hub.RepositoryNotFoundError, hub.HFValidationError) as error:
        raise ModelError(
            f"The hub has no model {name}, or only for those who log in: check the spelling, or "
            "give a token."
        ) from error
    except Exception as error:  # no network is said in many ways, and by several libraries
        raise ModelError(_sentence(name, error)) from error


def _sentence(name: str, error: Exception) -> str:
    """Return what to tell the user about a fetch that failed."""
    from huggingface_hub import errors as hub

    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"{name} can't be fetched with this token ({status}): log in with another."
    if isinstance(error, OSError) and error.errno is not None:
        return store.writing_sentence(error, Path("the hub's cache"))
    is_offline = isinstance(error, hub.OfflineModeIsEnabled) or not isinstance(error, OSError)
    if status is None and is_offline:
        return (
            f"{name} is not on this machine and the hub can't be reached ({first_line(error)}): go "
            "online, or open a local folder."
        )
    return f"{name} could not be fetched from the hub ({first_line(error)}): try again."
