"""`lensgui sweep PAIRS.csv …`: activation patching of every pair of a table, without a window."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lensgui._version import __version__
from lensgui.analysis.sweep import grouping
from lensgui.analysis.sweep.result import SweepResult
from lensgui.analysis.sweep.sweep import sweep
from lensgui.checkpoints import content, demo, devices, locate
from lensgui.checkpoints.folder import read_config
from lensgui.checkpoints.loading import open_model
from lensgui.command_line.ending import DONE, ended
from lensgui.command_line.environment import leave_no_trace, stay_offline
from lensgui.command_line.models import TextReport
from lensgui.command_line.parser import metric_named
from lensgui.command_line.sweeps import table as pairs_table
from lensgui.command_line.sweeps.folder import RESUME, Folder
from lensgui.command_line.sweeps.kind_names import file_name, kinds_named
from lensgui.command_line.sweeps.table import Pair
from lensgui.models import known_models
from lensgui.terms.errors import ModelError, is_out_of_memory
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import MetricName

MIB = 1 << 20
_INTERVAL = 0.1  # seconds between two looks of the bar
_WIDTH = 79  # of a line on a terminal


def run(arguments: argparse.Namespace) -> int:
    """Do what `sweep` was asked to do.

    Args:
        arguments: A parsed command line.

    Returns:
        The exit code.
    """
    if not arguments.fetch:
        stay_offline()
    leave_no_trace()
    # What it would warn of, prompts that are too long, is refused by a sentence of ours.
    logging.getLogger("transformers.tokenization_utils_base").setLevel(logging.ERROR)
    command = _Sweep(arguments)
    return ended(command.run, as_json=arguments.json, stopped=command.stopped)


class _Sweep:
    """One run of the command.

    Attributes:
        asked: The parsed command line.
        folder: Where files go.
    """

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.folder = Folder(asked.out)

    def run(self) -> int:
        """Check everything that can be, then sweep, then write.

        Returns:
            The exit code.

        Raises:
            ModelError: If something can't be done; the message is one sentence.
        """
        asked = self.asked
        kinds, metric = kinds_named(asked.kind), _metric(asked.metric)
        rows = pairs_table.read(asked.table, metric)
        noted = self.folder.look(kinds, resume=asked.resume)
        threads = asked.threads or noted.get("threads") or torch.get_num_threads()
        with _threads(int(threads)):
            facts = self._facts(kinds, metric, len(rows))
            if self.folder.is_finished(facts):
                return self._done([])
            model = open_model(asked.model, not asked.raw, facts["device"], asked.dtype)
            pairs = pairs_table.pairs_of(model, rows, asked.table.name, bos=asked.bos)
            with self.folder.claimed(facts):
                self._compute(model, pairs, kinds)
                without = self.folder.finish(pairs, kinds)
        return self._done(without)

    def stopped(self) -> str:
        """Return what is said where the user interrupts."""
        if not self.folder.is_claimed:
            return "Stopped before anything was written."
        return f"Stopped; what is computed is kept: the same command with {RESUME} goes on."

    def _facts(self, kinds: Sequence[SweepKind], metric: MetricName, pairs: int) -> dict[str, Any]:
        """Return all that the numbers depend on, by name, for run.json."""
        asked = self.asked
        place = self._place()
        read_config(locate.folder_of(place))  # says it better than what follows, if it is no model
        return {
            "lensgui": __version__,
            "torch": str(torch.__version__),
            "model": asked.model if not Path(asked.model).exists() else Path(asked.model).name,
            "content_id": content.content_id(place),
            "folded": not asked.raw,
            "bos": asked.bos,
            "device": _device(asked.device),
            "dtype": asked.dtype,
            "threads": torch.get_num_threads(),
            "memory_mib": asked.memory,
            "rows_at_once": [grouping.MOST_ROWS, grouping.MERGED_ROWS],
            "metric": metric,
            "direction": asked.direction,
            "kinds": [file_name(kind) for kind in kinds],
            "table": asked.table.name,
            "table_sha256": pairs_table.sha256(asked.table),
            "pairs": pairs,
        }

    def _place(self) -> Path:
        """Return where the model lies; it is fetched only where that was asked for."""
        name, may_fetch = self.asked.model, self.asked.fetch
        from huggingface_hub.errors import OfflineModeIsEnabled  # now that it may not go online

        report = TextReport(sys.stderr)
        if may_fetch and name.lower() in {entry.name for entry in known_models.CATALOGUE}:
            return demo.get(name, report)
        try:
            return locate.locate(name, report=report)
        except ModelError as error:
            if may_fetch or not isinstance(error.__cause__, OfflineModeIsEnabled):
                raise
            raise ModelError(
                f"{name} is not on this machine: get it with `lensgui models get {name}`, or add "
                "--fetch."
            ) from error

    def _compute(self, model: Any, pairs: Sequence[Pair], kinds: Sequence[SweepKind]) -> None:
        """Sweep what has no part yet, pair by pair."""
        jobs = [(pair, kind) for pair in pairs for kind in kinds]
        progress = _Progress(len(jobs), as_json=self.asked.json)
        for done, (pair, kind) in enumerate(jobs):
            if self.folder.read(pair, kind) is None:
                progress.at = done, f"pair {pair.number}, {file_name(kind)}"
                with self._sentences(pair):
                    result = self._result(model, pair, kind, progress)
                self.folder.write(pair, kind, result)
            progress.step(done + 1, pair.number, file_name(kind))
        progress.end()

    def _result(self, model: Any, pair: Pair, kind: SweepKind, progress: _Progress) -> SweepResult:
        asked, case, result = self.asked, pair.case, None
        for result in sweep(
            model, case.clean, case.corrupted, case.metric, kind, asked.direction,
            budget=asked.memory * MIB,
        ):  # fmt: skip
            progress.show(result)
        assert result is not None
        return result

    @contextlib.contextmanager
    def _sentences(self, pair: Pair) -> Iterator[None]:
        """Turn what can go wrong in a sweep into one sentence."""
        where = f"Pair {pair.number} of {self.asked.table.name}"
        try:
            yield
        except ValueError as error:
            raise ModelError(f"{where}: {error}") from error
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise ModelError(
                f"{where}: memory ran out; close other programs and go on with {RESUME}, or begin "
                "anew with less --memory."
            ) from error

    def _done(self, without: Sequence[int]) -> int:
        """Say where the files are, and which pairs have no shares."""
        out = self.asked.out
        if self.asked.json:
            print(json.dumps({"event": "done", "path": str(out), "without_share": list(without)}))
            return DONE
        if without:
            named = ", ".join(map(str, without[:10])) + " …" * (len(without) > 10)
            print(
                f"No share of clean − corrupted in {len(without)} pairs ({named}), which differ "
                "too little or the wrong way: their value is empty, their change is there.",
                file=sys.stderr,
            )
        print(out)
        return DONE


@dataclass
class _Progress:
    """Counts sweeps: a bar on a terminal, a line of JSON for each.

    Attributes:
        total: How many sweeps there are.
        as_json: Whether lines of JSON go to the standard output.
        at: How many are done, and what the present one is.
    """

    total: int
    as_json: bool
    at: tuple[int, str] = (0, "")
    _last: float = 0.0

    def show(self, result: SweepResult) -> None:
        """Move the bar, ten times a second at most."""
        now = time.monotonic()
        if not sys.stderr.isatty() or now - self._last < _INTERVAL:
            return
        self._last = now
        done, what = self.at
        known = float((~result.values.isnan()).double().mean()) if result.values.numel() else 1.0
        share = (done + known) / self.total
        line = f"{share:4.0%} {'█' * int(30 * share):30} {what} ({done} of {self.total} done)"
        print(f"\r{line[:_WIDTH]:{_WIDTH}}", end="", file=sys.stderr, flush=True)

    def step(self, done: int, pair: int, kind: str) -> None:
        """Say that a sweep is done."""
        if self.as_json:
            facts = {"done": done, "total": self.total, "pair": pair, "kind": kind}
            print(json.dumps({"event": "progress", **facts}), flush=True)

    def end(self) -> None:
        """Clear the bar."""
        if sys.stderr.isatty():
            print(f"\r{'':{_WIDTH}}\r", end="", file=sys.stderr, flush=True)


def _metric(name: str) -> MetricName:
    try:
        return metric_named(name)
    except ValueError as error:
        text = str(error)
        raise ModelError(f"{text[0].upper()}{text[1:]}.") from error


def _device(name: str) -> str:
    """Return the device that is meant.

    Raises:
        ModelError: If this machine has none such.
    """
    if name == "best":
        return devices.best_device()
    if name not in devices.devices():
        raise ModelError(f"This machine has no {name}: choose {' or '.join(devices.devices())}.")
    return name


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with so many threads: sums are rounded by how they are shared out."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
