"""The folder that the sweep command writes to: whole files or none, and what it goes on from.

A part for each pair and kind lies in `parts` until all are there; `run.json` comes last, so that a
folder which has it is finished. Nothing that is written tells of the time or the machine's state.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from lensgui.analysis.sweep.result import SweepResult
from lensgui.command_line.sweeps.kind_names import file_name
from lensgui.command_line.sweeps.table import Pair
from lensgui.models import store
from lensgui.state.locks import Lock
from lensgui.terms.errors import ModelError
from lensgui.terms.kinds import SweepKind

RUN = "run.json"
PARTS = "parts"
LOCK = "lock"
RESUME = "--resume"
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One sweep of one pair.

    Attributes:
        change: Patched − base, in the metric's unit, [layer, …].
        value: The change as a share of clean − corrupted; NaN where that would be noise.
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
    """

    change: NDArray[np.float64]
    value: NDArray[np.float64]
    clean: float
    corrupted: float


class Folder:
    """Where a sweep's files go.

    Attributes:
        path: The folder.
        is_claimed: Whether this run has begun to write there.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.is_claimed = path, False
        self._parts = path / PARTS

    def look(self, kinds: Sequence[SweepKind], *, resume: bool) -> dict[str, Any]:
        """Return what is noted of the run that is there, by name; {} where there is none.

        Args:
            kinds: What is to be written.
            resume: Whether that run is to be gone on with.

        Raises:
            ModelError: If the folder can't be one, or holds files that may not be lost.
        """
        with self._writing():
            if self.path.exists() and not self.path.is_dir():
                raise ModelError(f"{self.path} is a file: choose a folder with --out.")
            names = [f"{file_name(kind)}{suffix}" for kind in kinds for suffix in (".csv", ".npz")]
            there = [name for name in (RUN, PARTS, *names) if (self.path / name).exists()]
        noted = self._noted(self.path) or self._noted(self._parts)
        if there and not resume:
            way = f", or go on with that run by {RESUME}" * bool(noted or there == [PARTS])
            raise ModelError(
                f"{self.path} holds files of another run ({', '.join(there)}), which stay as they "
                f"are: choose another folder with --out{way}."
            )
        if set(there) - {PARTS} and not noted:
            raise ModelError(
                f"{self.path} holds {there[0]} and not what says how it was made, so {RESUME} "
                "can't go on with it: choose another folder with --out."
            )
        return noted

    def is_finished(self, facts: Mapping[str, Any]) -> bool:
        """Whether the run that is meant is there, whole; what is left of its parts goes.

        Raises:
            ModelError: If another run is there.
        """
        noted = self._noted(self.path) or self._noted(self._parts)
        other = [name for name in facts if noted and noted.get(name) != facts[name]]
        if other:
            was, now = noted.get(other[0]), facts[other[0]]
            raise ModelError(
                f"{self.path} holds a run in which {other[0]} was {_short(was)} and not "
                f"{_short(now)}: give what was given then, or choose another folder with --out."
            )
        if not self._noted(self.path):
            return False
        self._tidy()
        return True

    @contextlib.contextmanager
    def claimed(self, facts: Mapping[str, Any]) -> Iterator[None]:
        """Hold the folder alone, and note in it what run its parts are of.

        Raises:
            ModelError: If it can't be written to, or another process writes there.
        """
        lock = Lock(self._parts / LOCK)
        with self._writing():
            self._parts.mkdir(parents=True, exist_ok=True)
            if not lock.take():
                raise ModelError(f"Another lensgui writes to {self.path}: wait until it is done.")
        try:
            with self._writing():
                store.write_whole(self._parts / RUN, _json(facts))
            self.is_claimed = True
            yield
        finally:
            lock.release()
            with contextlib.suppress(OSError):  # finished, so that nothing but the lock was left
                self._parts.rmdir()

    def read(self, pair: Pair, kind: SweepKind) -> Part | None:
        """Return a sweep that was kept; None if it was not, or can't be read."""
        try:
            path = self._part(pair, kind)
            with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                ends = held["ends"].tolist()
                return Part(held["change"], held["value"], *ends)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, pair: Pair, kind: SweepKind, result: SweepResult) -> None:
        """Keep a sweep.

        Raises:
            ModelError: If it can't be written.
        """
        change = result.values.numpy()
        arrays = {
            "change": change,
            "value": np.full_like(change, np.nan) if result.refusal else change / result.scale,
            "ends": np.array(result.ends),
        }
        with self._writing():
            store.write_whole(self._part(pair, kind), _npz(arrays))

    def finish(self, pairs: Sequence[Pair], kinds: Sequence[SweepKind]) -> list[int]:
        """Write all files, and run.json last; every sweep must have been kept.

        Returns:
            The numbers of pairs that have no shares.

        Raises:
            ModelError: If something can't be written; the parts stay.
        """
        without: set[int] = set()
        with self._writing():
            for kind in kinds:
                parts = [part for pair in pairs if (part := self.read(pair, kind)) is not None]
                made = self._parts / f"{file_name(kind)}.csv"
                with made.open("w", encoding="utf-8", newline="") as file:
                    _write_table(file, kind, pairs, parts)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(made, self.path / made.name)
                made = made.with_suffix(".npz")
                store.write_whole(made, _npz(_stacked(kind, pairs, parts)))
                os.replace(made, self.path / made.name)
                ends = zip(pairs, parts, strict=True)
                without |= {pair.number for pair, part in ends if np.isnan(part.value).all()}
            os.replace(self._parts / RUN, self.path / RUN)
            self._tidy()
        return sorted(without)

    def _part(self, pair: Pair, kind: SweepKind) -> Path:
        return self._parts / f"{pair.number:05}-{file_name(kind)}.npz"

    def _tidy(self) -> None:
        """Remove the parts of a run that is finished, but for a lock that is held."""
        if self._parts.is_dir():
            for path in self._parts.iterdir():
                if path.name != LOCK:
                    path.unlink()
            if not (self._parts / LOCK).exists():
                shutil.rmtree(self._parts, ignore_errors=True)

    def _noted(self, folder: Path) -> dict[str, Any]:
        try:
            held = json.loads((folder / RUN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return held if isinstance(held, dict) else {}

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn a failure to write into one sentence that says what becomes of what is there."""
        try:
            yield
        except OSError as error:
            kept = f"; {RESUME} goes on then" * self.is_claimed
            if error.errno in store.FULL:
                what = f"The disk that holds {self.path} is full: free some space there{kept}."
            else:
                reason = error.strerror or type(error).__name__
                what = (
                    f"{self.path} can't be written to ({reason}): choose another folder with --out"
                    f"{', or make that one writable' + kept if self.is_claimed else ''}."
                )
            raise ModelError(what) from error


def _write_table(
    file: TextIO, kind: SweepKind, pairs: Sequence[Pair], parts: Sequence[Part]
) -> None:
    """Write a line for each cell of each pair."""
    axes = kind.axes
    columns = [name for axis in axes for name in (axis, *["token"] * (axis == "position"))]
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(["pair", *columns, "value", "change"])
    for pair, part in zip(pairs, parts, strict=True):
        for index in np.ndindex(part.change.shape):
            cells: list[object] = [pair.number]
            for axis, at in zip(axes, index, strict=True):
                cells += [at, pair.tokens[at]] if axis == "position" else [at]
            value, change = part.value.item(index), part.change.item(index)
            lines.writerow([*cells, "" if np.isnan(value) else repr(value), repr(change)])


def _stacked(kind: SweepKind, pairs: Sequence[Pair], parts: Sequence[Part]) -> Arrays:
    """Return the arrays of a kind by name, NaN behind the end of shorter prompts."""
    shapes = [part.change.shape for part in parts]
    whole = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    value, change = (np.full((len(parts), *whole), np.nan) for _ in range(2))
    for at, part in enumerate(parts):
        place: tuple[int | slice, ...] = (at, *(slice(size) for size in part.change.shape))
        value[place], change[place] = part.value, part.change
    longest = max(len(pair.tokens) for pair in pairs)
    tokens = [[*pair.tokens, *[""] * (longest - len(pair.tokens))] for pair in pairs]
    labels = {axis: np.arange(size) for axis, size in zip(kind.axes, whole, strict=True)}
    return {
        "value": value,
        "change": change,
        "axes": np.array(["pair", *kind.axes]),
        "pair": np.array([pair.number for pair in pairs]),
        **labels,
        "clean": np.array([part.clean for part in parts]),
        "corrupted": np.array([part.corrupted for part in parts]),
        "token": np.array(tokens),
    }


def _npz(arrays: Arrays) -> bytes:
    """Return arrays as a file that `numpy.load` reads; it tells nothing of when it was made."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in arrays.items():
            held = io.BytesIO()
            np.lib.format.write_array(held, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")  # whose time is always 1980-01-01
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, held.getvalue())
    return data.getvalue()


def _json(facts: Mapping[str, Any]) -> bytes:
    return (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
