"""`lensgui run FILE.lens --export DIR`: a session's figures, without a window."""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lensgui._version import __version__
from lensgui.analysis.sweep import grouping
from lensgui.command_line.ending import DONE, ended
from lensgui.command_line.environment import leave_no_trace, stay_offline
from lensgui.models import known_models
from lensgui.state.sessions import sessions
from lensgui.state.sessions.saved import ModelReference, Saved
from lensgui.terms.errors import ExportError, ModelError, SessionError
from lensgui.terms.model_key import ABSENT, ModelKey

MANIFEST = "run.json"
NOTEBOOK = "ipynb"
MIB = 1 << 20


def run(arguments: argparse.Namespace) -> int:
    """Do what `run` was asked to do.

    Args:
        arguments: A parsed command line.

    Returns:
        The exit code.
    """
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if not arguments.fetch:
        stay_offline()
    leave_no_trace()
    return ended(_Run(arguments).run, as_json=arguments.json)


class _Run:
    """One run of the command."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.folder: Path = asked.export

    def run(self) -> int:
        """Read the session, compute what its panes show, and write the figures.

        Returns:
            The exit code.

        Raises:
            ModelError: If something can't be done; the message is one sentence.
        """
        asked = self.asked
        try:
            data = asked.session.read_bytes() if asked.session.is_file() else b""
            saved = sessions.read(asked.session)
            self._check_folder()
            here = saved.about(replace(self._key(saved.model), device=asked.device))
            threads = asked.threads or torch.get_num_threads()
            torch.set_num_threads(threads)
            with grouping.budgeted(asked.memory * MIB), _uncollected():
                facts = self._export(here, threads)
        except (SessionError, ExportError) as error:
            raise ModelError(str(error)) from error
        facts |= {
            "session": asked.session.name,
            "session_sha256": hashlib.sha256(data).hexdigest(),
        }
        self._write(MANIFEST, (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())
        self._say("done", count=len(facts["pictures"]), path=str(self.folder))
        return DONE

    def _check_folder(self) -> None:
        """Refuse a folder that holds anything but an earlier run.

        Raises:
            ModelError: If it can't be had.
        """
        folder = self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            holds_others = any(folder.iterdir()) and not (folder / MANIFEST).is_file()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise ModelError(
                f"{folder} can't be written to ({why}): choose another folder."
            ) from error
        if holds_others:
            raise ModelError(
                f"{folder} holds other files: choose an empty folder, or that of an earlier run."
            )

    def _key(self, model: ModelReference) -> ModelKey:
        """Return how to open the session's model here; it is fetched only where that was asked."""
        from lensgui.app.sessions.host import key_here
        from lensgui.checkpoints import demo, locate
        from lensgui.command_line.models import TextReport

        key = key_here(model)
        if not key.is_absent:
            return key
        name, report = key.source.removeprefix(ABSENT), TextReport(sys.stderr)
        if not self.asked.fetch:
            raise ModelError(
                f"The session's model {name} is not known on this machine: get it with `lensgui "
                f"models get {name}` and open it once, or add --fetch."
            )
        is_ours = name.lower() in {entry.name for entry in known_models.CATALOGUE}
        if is_ours:
            demo.get(name, report)
        else:
            locate.locate(name, report=report)
        return replace(key, source=name)

    def _export(self, saved: Saved, threads: int) -> dict[str, Any]:
        """Write the figures; return what run.json says of them."""
        from PySide6.QtWidgets import QApplication

        from lensgui.app.export.headless import Headless
        from lensgui.app.settings.appearance import Appearance
        from lensgui.app.settings.preferences import Preferences
        from lensgui.jobs.handlers.dispatch import Dispatcher

        existing = QApplication.instance()
        app = existing if isinstance(existing, QApplication) else QApplication(["lensgui"])
        looks = Appearance(app, Preferences(None))  # as at first: the user's change no figure
        headless = Headless(saved, Dispatcher(threads), self._computing)
        try:
            write = self._write_scenes if self.asked.scenes else self._write_figures
            pictures = write(headless)
        finally:
            headless.close()
            looks.deleteLater()
        if not pictures:
            lacking = "it has no scenes" if self.asked.scenes else "it has no prompts to show"
            why = next(iter(headless.failures.values()), lacking)
            raise ExportError(
                f"{self.asked.session.name} has no picture to export: {why.rstrip('.')}."
            )
        key, card = saved.document.model, headless.card
        return {
            "lensgui": __version__,
            "torch": str(torch.__version__),
            "model": ModelReference.to(key).name,
            "content_id": card.content_id,
            "folded": key.folded,
            "device": card.device,
            "dtype": card.dtype,
            "threads": threads,
            "memory_mib": self.asked.memory,
            "rows_at_once": [grouping.MOST_ROWS, grouping.MERGED_ROWS],
            "width": self.asked.width,
            "pictures": pictures,
            "without": headless.failures,
        }

    def _write_figures(self, headless: Any) -> list[dict[str, str]]:
        from lensgui.panes.figures import files
        from lensgui.panes.figures.drawing.style import PAPER, Style
        from lensgui.panes.figures.files import FORMATS, Options
        from lensgui.panes.python.notebook import notebook

        options = Options(Style.of(self.asked.width, PAPER))
        pictures = []
        for title, figure in headless.figures():
            for name in self.asked.format:
                if name == NOTEBOOK or (name == "py" and not figure.code):
                    continue
                file = f"{figure.name}{FORMATS[name].suffix}"
                try:
                    self._write(file, files.as_bytes(figure, name, options))
                except ExportError as error:
                    headless.failures[figure.title] = str(error)
                    continue
                pictures.append({"file": file, "pane": title, "title": figure.title})
                self._say("written", path=str(self.folder / file))
        if NOTEBOOK in self.asked.format and pictures:
            file = f"{self.asked.session.stem}.{NOTEBOOK}"
            self._write(file, notebook(self.asked.session.stem, headless.parts()))
            pictures.append({"file": file, "pane": "", "title": "All panes"})
        return pictures

    def _write_scenes(self, headless: Any) -> list[dict[str, str]]:
        from lensgui.app.export import deck
        from lensgui.panes.figures.drawing.style import PAPER

        made = list(deck.slides(headless.saved, headless.answerer, self._computing))
        pictures = []
        for suffix in deck.FORMATS if made else ():
            path = self.folder / f"scenes{suffix}"
            reference = ModelReference.to(headless.saved.document.model)
            for each, data in deck.files(made, path, reference, PAPER):
                self._write(each.name, data)
                pictures.append({"file": each.name, "pane": "", "title": "Scenes"})
                self._say("written", path=str(each))
        return pictures

    def _write(self, name: str, data: bytes) -> None:
        from lensgui.panes.figures import files

        files.save(data, self.folder / name)

    def _computing(self, title: str) -> None:
        self._say("computing", pane=title)

    def _say(self, event: str, **facts: object) -> None:
        """Say how far it is: lines of JSON, or words on the standard error."""
        if self.asked.json:
            print(json.dumps({"event": event, **facts}), flush=True)
        elif event == "computing":
            print(f"computing {facts['pane']} …", file=sys.stderr)
        elif event == "done":
            print(f"{facts['count']} files in {facts['path']}")


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Let Python collect nothing meanwhile: within Qt's own code it could destroy Qt's objects."""
    gc.collect()
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        if was_on:
            gc.enable()
