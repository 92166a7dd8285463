"""`lensgui models list | get NAME | check NAME | path NAME | import NAME`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TextIO

from lensgui.checkpoints import demo, hub, locate, verify
from lensgui.models import known_models, store
from lensgui.models.aliases import ALIASES
from lensgui.models.store import STEPS, Progress, Report
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import NUMBER_FORMATS

INTERRUPTED = 130
_INTERVAL = 0.1  # seconds between two lines of progress within one step
_CONVERTED = "; both read the weights that Hugging Face dequantised from the GGUF file"

_Subparsers = argparse._SubParsersAction  # argparse has no public name for it


def add_arguments(subparsers: _Subparsers[argparse.ArgumentParser]) -> None:
    """Add the `models` command to a command line.

    Args:
        subparsers: What `ArgumentParser.add_subparsers` returned.
    """
    models = subparsers.add_parser("models", help="list, fetch and check models")
    actions = models.add_subparsers(
        dest="action", required=True, metavar="list|get|check|path|import"
    )
    listing = actions.add_parser("list", help="the models that have a name, and which are here")
    get = actions.add_parser("get", help="bring a model to this machine")
    check = actions.add_parser("check", help="compare a model with the Hugging Face forward")
    path = actions.add_parser("path", help="print the folder that a model lies in")
    importing = actions.add_parser("import", help="turn pickled weights into safetensors")
    importing.add_argument(
        "name", metavar="NAME", help="a folder with *.bin or *.pth, a hub name or an alias"
    )
    get.add_argument("name", metavar="NAME", help="a name of the list, or the hub's OWNER/NAME")
    check.add_argument("name", metavar="NAME", help="likewise, or a path")
    check.add_argument("--once", action="store_true", help="unless it was, or memory is short")
    check.add_argument("--dtype", choices=NUMBER_FORMATS, default="float32", help="number format")
    for parser in (check, importing):
        parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    path.add_argument("name", metavar="NAME")
    for parser in (get, check, importing):
        parser.add_argument("--revision", help="a branch, tag or commit of the hub's model")
    for parser in (listing, get, importing):
        parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Do what `models` was asked to do.

    Args:
        arguments: A parsed command line, with what `add_arguments` added.

    Returns:
        The exit status: 0, 1 where something could not be had, 130 where it was interrupted.
    """
    actions = {"list": _list, "get": _get, "check": _check, "path": _path, "import": _import}
    as_json = bool(getattr(arguments, "json", False) or getattr(arguments, "child", False))
    _interrupt_on_terminate()
    for name in ("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ[name] = "1"
    try:
        return actions[arguments.action](arguments)
    except ModelError as error:
        return _fail(str(error), as_json)
    except KeyboardInterrupt:
        _fail("Stopped; nothing half done was left, and the same command goes on.", as_json)
        return INTERRUPTED


def _interrupt_on_terminate() -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, interrupt)


def _fail(sentence: str, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"event": "error", "message": sentence}), flush=True)
    else:
        print(sentence, file=sys.stderr)
    return 1


def _list(arguments: argparse.Namespace) -> int:
    for entry in known_models.CATALOGUE:
        verified = store.read_verification(entry.folder) if entry.is_here else None
        if arguments.json:
            facts = {
                "name": entry.name,
                "title": entry.title,
                "licence": entry.licence,
                "here": entry.is_here,
                "download": entry.download,
                "verified": verified,
            }
            print(json.dumps(facts))
            continue
        where = (
            "here" if entry.is_here else f"not here yet, {entry.download / 1e6:.0f} MB to download"
        )
        checked = "not verified" if verified is None else f"max-abs {verified:.1e} to Hugging Face"
        print(f"{entry.name:14} {entry.title} ({entry.licence}; {where}; {checked})")
    for name in known_models.imports():
        facts = {"name": name, "title": name, "here": True, "download": 0}
        print(json.dumps(facts) if arguments.json else f"{name} (imported)")
    return 0


def _get(arguments: argparse.Namespace) -> int:
    name, revision = arguments.name, getattr(arguments, "revision", None)
    report = _report(arguments)
    if name.lower() in {entry.name for entry in known_models.CATALOGUE}:
        locate.refuse_revision(revision, name)
        folder = demo.get(name, report)
    else:
        folder = locate.of_hub(name, revision=revision, report=report)
    return _done(folder, arguments.json)


def _report(arguments: argparse.Namespace) -> Report:
    return JsonReport(sys.stdout) if arguments.json else _TextReport(sys.stderr)


def _done(place: Path, as_json: bool) -> int:
    """Say where a model, or its file of weights, is now."""
    print(json.dumps({"event": "done", "path": str(place)}) if as_json else place, flush=True)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    name, dtype = arguments.name, arguments.dtype
    if arguments.child:
        from lensgui.checkpoints.compare_hf import compare

        measured = compare(Path(name), dtype, is_automatic=arguments.once)
        print(json.dumps(asdict(measured)))
        return 0
    place = locate.locate(name, revision=arguments.revision, report=_TextReport(sys.stderr))
    if arguments.once and store.read_verification(place, dtype) is not None:
        return 0
    measured = verify.verify(place, dtype, is_automatic=arguments.once)
    print(
        f"{name}: {measured.logits:.2e} (max-abs difference to the Hugging Face logits, {dtype}; "
        f"of log-probabilities {measured.log_probabilities:.2e} nats, folded {measured.folded:.2e}"
        f"{_CONVERTED if 'format' in known_models.read_card(locate.folder_of(place)) else ''})"
    )
    if not measured.agrees:
        return _fail(
            f"That is more than {verify.AGREES:g}: don't trust this model's numbers here.", False
        )
    return 0


def _path(arguments: argparse.Namespace) -> int:
    name = arguments.name
    is_of_hub = hub.is_name(name) or name.lower() in ALIASES
    print((is_of_hub and known_models.imported(locate.hub_name(name))) or known_models.path(name))
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from lensgui.checkpoints import imports
    from lensgui.checkpoints.files import pickles

    name, folder = arguments.name, Path(arguments.name).expanduser()
    if arguments.child:
        pickles.convert(folder)
        return 0
    if folder.is_dir():
        locate.refuse_revision(arguments.revision, name)
        made = pickles.import_weights(folder)
    elif folder.is_absolute() or name.startswith((".", "~")):
        raise ModelError(f"There is no folder {folder}: choose one with *.bin or *.pth.")
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


class _TextReport(_Report):
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
