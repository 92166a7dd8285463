"""Putting the application together, running it, and leaving it in time."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from lensgui.app.fetching import Fetching
from lensgui.app.runtime import Collector, Faults, Warming, interruptible
from lensgui.app.smoke import Smoke
from lensgui.app.window.appearance import Appearance
from lensgui.app.window.layout import fit_screen
from lensgui.app.window.window import TITLE, MainWindow
from lensgui.jobs.kept import LIMIT_BYTES, Kept
from lensgui.jobs.results import Answerer
from lensgui.jobs.runner import Runner
from lensgui.models import known_models, store
from lensgui.state.document import Document
from lensgui.state.examples import FIRST, TOY, Example, find
from lensgui.state.selection import Cursor, Selection
from lensgui.state.session import Session
from lensgui.terms.model_key import DEFAULT_MODEL, ModelKey


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for; None where it did not say.

    Attributes:
        model: A name, a path or a hub name.
        pair: Fields of the prompt pair.
        smoke_test: Whether to leave as soon as everything is drawn.
        document: What to open, whatever else was said.
    """

    model: str | None = None
    pair: tuple[tuple[str, str], ...] = ()
    smoke_test: bool = False
    document: Document | None = None


@dataclass(slots=True)
class Parts:
    """The application, put together."""

    app: QApplication
    window: MainWindow
    runner: Runner
    fetching: Fetching
    faults: Faults
    collector: Collector
    appearance: Appearance
    warming: Warming | None = None


def first_view(options: Options) -> tuple[Document, Cursor, str]:
    """Return what to open, what to select, and the name of a model to fetch ("" for none)."""
    if options.document is not None:
        return options.document, Cursor(), ""
    demo_is_here = known_models.find(DEFAULT_MODEL).is_here
    is_toy = options.smoke_test or (options.model is None and not demo_is_here)
    if options.model is not None:
        is_toy = options.model == TOY
    example: Example = find(TOY if is_toy else FIRST)
    document, cursor = example.document, example.cursor
    if options.model is not None:
        document = document.having(model=ModelKey(options.model))
    if options.pair:
        given = dict(options.pair)
        fresh = {"corrupted": "", "answer": "", "distractor": ""} if "clean" in given else {}
        document = document.having(**(fresh | given))
    wants_demo = options.model == DEFAULT_MODEL or options.model is None
    is_lacking = wants_demo and not demo_is_here and not options.smoke_test
    return document, cursor, DEFAULT_MODEL if is_lacking else ""


def build(
    options: Options,
    make_answerer: Callable[[], Answerer],
    version: Callable[[], object] = lambda: None,
) -> Parts:
    """Make every part and hand them to each other; nothing is shown yet.

    Args:
        options: What the command line asked for.
        make_answerer: Makes what answers; called on the worker's thread.
        version: Says which version of a model in memory there is now.
    """
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName(TITLE)
    faults = Faults(store.home(), app)
    settings = QSettings(str(store.home() / "settings.ini"), QSettings.Format.IniFormat, app)
    appearance = Appearance(app, settings)
    document, cursor, lacking = first_view(options)
    session, selection = Session(document), Selection(cursor)
    runner = Runner(make_answerer, Kept(kept_bytes(settings), version))
    window = MainWindow(session, selection, runner, appearance)
    session.setParent(window)
    selection.setParent(window)
    runner.setParent(window)
    fetching = Fetching(session, selection, window)
    fetching.status_message.connect(window.status.show_sentence)
    fetching.failed.connect(window.status.show_fault)
    fetching.fetched.connect(window.status.show_fetched)
    window.status.stopped.connect(fetching.stop)
    window.model_bar.fetch_requested.connect(fetching.fetch)
    window.model_bar.import_requested.connect(fetching.fetch_pickled)
    faults.status_message.connect(window.status.show_fault)
    collector = Collector(lambda: runner.is_busy, window)
    window.exchange.opened.connect(collector.freeze)
    if lacking:
        fetching.fetch(lacking)
    return Parts(app, window, runner, fetching, faults, collector, appearance)


def kept_bytes(settings: QSettings) -> int:
    """Return how many bytes of answers are kept: as the settings say, if that is a number."""
    said = str(settings.value("kept_bytes", LIMIT_BYTES))
    return int(said) if said.isdecimal() else LIMIT_BYTES


def run(options: Options, make_answerer: Callable[[], Answerer]) -> int:
    """Run the application until its window is closed.

    Returns:
        The exit status.
    """
    parts = build(options, make_answerer)
    if options.smoke_test:
        Smoke(parts.window)
    else:
        parts.warming = Warming(parts.runner, parts.window)
    fit_screen(parts.window)
    parts.window.show()
    with interruptible(parts.app.exit):
        status = parts.app.exec()
    if not leave(parts):
        leave_hard(status)
    logging.shutdown()
    return status


def leave_hard(status: int) -> NoReturn:
    """End the process at once: a thread that can't be stopped in time is left to the system."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def leave(parts: Parts, seconds: float = 0.9) -> bool:
    """Stop what still runs; return whether all of it ended in time: imports can't be stopped."""
    parts.window.hide()
    parts.fetching.download.stop()
    has_ended = parts.runner.close(int(1000 * seconds))
    if parts.warming is not None:
        has_ended = parts.warming.finish(seconds) and has_ended
    if has_ended:  # a worker that still runs must not find Python collecting
        parts.collector.release()
    parts.faults.release()
    return has_ended
