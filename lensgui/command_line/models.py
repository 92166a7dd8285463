"""`lensgui models get NAME | check NAME | path NAME | import NAME`, and the way to the others."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from lensgui.command_line import models_here
from lensgui.command_line.ending import DONE, ended, fail
from lensgui.command_line.environment import leave_no_trace
from lensgui.models import known_models, store
from lensgui.models.aliases import ALIASES
from lensgui.models.store import STEPS, Progress, Report
from lensgui.terms.errors import ModelError
from lensgui.terms.homes import expanded

_INTERVAL = 0.1  # seconds between two lines of progress within one step
_CONVERTED = "; both read the weights that Hugging Face dequantised from the GGUF file"


def run(arguments: argparse.Namespace) -> int:
    """Do what `models` was asked to do.

    Args:
        arguments: A parsed command line.

    Returns:
        The exit code.
    """
    actions = {
        "list": models_here.list_models,
        "info": models_here.show_info,
        "delete": models_here.delete_model,
        "get": _get,
        "check": _check,
        "path": _path,
        "import": _import,
    }
    as_json = bool(getattr(arguments, "json", False) or getattr(arguments, "child", False))
    leave_no_trace()
    return ended(lambda: actions[arguments.action](arguments), as_json=as_json)


def _get(arguments: argparse.Namespace) -> int:
    from lensgui.checkpoints import demo, locate

    name, revision = arguments.name, getattr(arguments, "revision", None)
    report = _report(arguments)
    if name.lower() in {entry.name for entry in known_models.CATALOGUE}:
        locate.refuse_revision(revision, name)
        folder = demo.get(name, report)
    else:
        folder = locate.of_hub(name, revision=revision, report=report)
    return _done(folder, arguments.json)


def _report(arguments: argparse.Namespace) -> Report:
    return JsonReport(sys.stdout) if arguments.json else TextReport(sys.stderr)


def _done(place: Path, as_json: bool) -> int:
    """Say where a model, or its file of weights, is now."""
    print(json.dumps({"event": "done", "path": str(place)}) if as_json else place, flush=True)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from lensgui.checkpoints import locate, verify

    name, dtype = arguments.name, arguments.dtype
    if arguments.child:
        from lensgui.checkpoints.compare_hf import compare

        measured = compare(Path(name), dtype, is_automatic=arguments.once)
        print(json.dumps(asdict(measured)))
        return 0
    place = locate.locate(name, revision=arguments.revision, report=_report(arguments))
    if arguments.once and store.read_verification(place, dtype) is not None:
        return 0
    measured = verify.verify(place, dtype, is_automatic=arguments.once)
    untrue = f"That is more than {verify.AGREES:g}: don't trust this model's numbers here."
    if arguments.json:
        print(json.dumps({"event": "checked", "name": name, **asdict(measured)}), flush=True)
        return DONE if measured.agrees else fail(f"{name}: {untrue}", as_json=True)
    print(
        f"{name}: {measured.logits:.2e} (max-abs difference to the Hugging Face logits, {dtype}; "
        f"of log-probabilities {measured.log_probabilities:.2e} nats, folded {measured.folded:.2e}"
        f"{_CONVERTED if 'format' in known_models.read_card(locate.folder_of(place)) else ''})"
    )
    if not measured.agrees:
        return fail(untrue, as_json=False)
    return 0


def _path(arguments: argparse.Namespace) -> int:
    from lensgui.checkpoints import hub, locate

    name = arguments.name
    is_of_hub = hub.is_name(name) or name.lower() in ALIASES
    print((is_of_hub and known_models.imported(locate.hub_name(name))) or known_models.path(name))
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from lensgui.checkpoints import demo, imports, locate
    from lensgui.checkpoints.files import archives, pickles

    name, folder = arguments.name, expanded(arguments.name)
    if arguments.child:
        pickles.convert(folder)
        return 0
    if folder.is_dir():
        locate.refuse_revision(arguments.revision, name)
        made = pickles.import_weights(folder)
    elif folder.suffix in archives.HOLDING:
        locate.refuse_revision(arguments.revision, name)
        made = demo.import_file(folder, _report(arguments))
    elif folder.is_absolute() or name.startswith((".", "~")):
        raise ModelError(
            f"There is no folder {folder}: choose one with *.bin or *.pth, or a *.gguf file."
        )
    else:
        made = imports.fetch(
            locate.hub_name(name), revision=arguments.revision, report=_report(arguments)
        )
    return _done(made, arguments.json)


class _Report:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._step = ""
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        now, is_new = time.monotonic(), progress.step != self._step
        if is_new or progress.done == progress.total or now - self._last >= _INTERVAL:
            self._step, self._last = progress.step, now
            self._show(progress, is_new)

    def _show(self, progress: Progress, is_new: bool) -> None:
        raise NotImplementedError


class JsonReport(_Report):
    """Prints progress as lines of JSON, ten in a second at most."""

    def _show(self, progress: Progress, is_new: bool) -> None:
        facts = {"step": progress.step, "done": progress.done, "total": progress.total}
        print(json.dumps({"event": "progress", **facts}), file=self._stream, flush=True)


class TextReport(_Report):
    """Prints progress for people: a share that counts up on a terminal, else a line for a step."""

    def _show(self, progress: Progress, is_new: bool) -> None:
        words = STEPS[progress.step]
        if not self._stream.isatty():
            if is_new:
                print(f"{words} …", file=self._stream, flush=True)
            return
        share = 100 * progress.done // max(progress.total, 1)
        of = f" of {progress.total / 1e6:.0f} MB" if progress.step != "convert" else ""
        end = "\n" if progress.done >= progress.total else ""
        print(f"\r{words} … {share:3d} %{of}", end=end, file=self._stream, flush=True)
