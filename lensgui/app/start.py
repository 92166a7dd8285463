"""Putting the application together, running it, and leaving it in time."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from lensgui.app.commands.menus import Commands
from lensgui.app.fetching import Bringing, Fetching
from lensgui.app.help.help import Help
from lensgui.app.models.dialog import Models
from lensgui.app.models.formats import Formats
from lensgui.app.runtime import Collector, Faults, Warming, interruptible
from lensgui.app.sessions.absent import AbsentBar
from lensgui.app.sessions.attaching import SessionFile, attach
from lensgui.app.sessions.sessions import Sessions
from lensgui.app.settings.appearance import Appearance
from lensgui.app.settings.applied import Applied
from lensgui.app.settings.file import SettingsFile
from lensgui.app.smoke import Smoke
from lensgui.app.window.layout import fit_screen
from lensgui.app.window.window import TITLE, MainWindow
from lensgui.jobs.answerer import Answerer
from lensgui.jobs.kept import Kept
from lensgui.jobs.runner import Runner
from lensgui.models import known_models, store
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.start.start import StartPane
from lensgui.state.document import Document
from lensgui.state.examples import FIRST, TOY, Example, find
from lensgui.state.selection import Cursor, Selection
from lensgui.state.session import Session
from lensgui.state.settings import Settings
from lensgui.terms.model_key import DEFAULT_MODEL, ModelKey
from lensgui.terms.resources import damage, resource


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for; None where it did not say.

    Attributes:
        model: A name, a path or a hub name.
        pair: Fields of the prompt pair.
        smoke_test: Whether to leave as soon as everything is drawn.
        document: What to open, whatever else was said.
        request: The session to open; None if none was asked for.
        safe_mode: Whether settings are as at first, and neither they nor last files are kept.
    """

    model: str | None = None
    pair: tuple[tuple[str, str], ...] = ()
    smoke_test: bool = False
    document: Document | None = None
    request: SessionFile | None = None
    safe_mode: bool = False

    @property
    def begins_anew(self) -> bool:
        """Whether nothing was named to begin with: the start page is in front then."""
        named = (self.model, self.document, self.request)
        return not (any(one is not None for one in named) or self.pair or self.smoke_test)


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
    sessions: Sessions
    absent_bar: AbsentBar
    commands: Commands
    models: Models
    formats: Formats
    warming: Warming | None = None


def first_view(options: Options) -> tuple[Document, Cursor, str]:
    """Return what to open, what to select, and the name of a model to fetch ("" for none)."""
    if options.request is not None and options.request.document is not None:
        return options.request.document, Cursor(), ""
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


def placed(document: Document, settings: Settings, *, keeps_format: bool) -> Document:
    """Return a document whose model runs where models run that are opened now.

    Args:
        document: What is to be opened.
        settings: What is set.
        keeps_format: Whether the model computes in the number format that the document says.
    """
    dtype = document.model.dtype if keeps_format else settings.dtype
    return document.having(model=replace(document.model, device=settings.device, dtype=dtype))


def application() -> QApplication:
    """Return the application, by the name and icon that desktops know it by."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName(TITLE)
    app.setDesktopFileName("lensgui")  # the menu's entry
    app.setWindowIcon(QIcon(str(resource("icons", "lensgui.svg"))))
    return app


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
    app = application()
    faults = Faults(store.home(), app)
    appearance = Appearance.of(app, None if options.safe_mode else SettingsFile(store.home()))
    preferences = appearance.preferences
    document, cursor, lacking = first_view(options)
    if options.document is None:
        is_session = options.request is not None and options.request.saved is not None
        document = placed(document, preferences.settings, keeps_format=is_session)
    session, selection = Session(document), Selection(cursor)
    kept = Kept(preferences.settings.kept_bytes, version)
    runner = Runner(make_answerer, kept)
    window = MainWindow(session, selection, runner, appearance)
    appearance.windows.add(window)
    for owned in (session, selection, runner):
        owned.setParent(window)
    history = None if options.safe_mode else _history(app)
    sessions, absent_bar = attach(window, history, options.request)
    fetching = _fetching(window)
    if lacking:
        fetching.fetch_first(lacking)
    trouble = damage() or (options.request.trouble if options.request is not None else "")
    if trouble:
        window.status.show_fault(trouble)  # rather than what is fetched
    applied = Applied(appearance, window, kept)  # last, so that its remark is read
    commands = Commands(
        window, history, sessions, partial(_exporting, window, sessions), Help(window, faults)
    )
    commands.search.sources.append(applied.entries)
    faults.status_message.connect(window.status.show_fault)
    collector = Collector(lambda: runner.is_busy, window)
    window.exchange.opened.connect(collector.freeze)
    return Parts(
        app,
        window,
        runner,
        fetching,
        faults,
        collector,
        appearance,
        sessions,
        absent_bar,
        commands,
        Models(window, fetching),
        Formats(window),
    )


def _history(app: QApplication) -> QSettings:
    """Return where is kept what was opened and chosen last."""
    return QSettings(str(store.home() / "history.ini"), QSettings.Format.IniFormat, app)


def _exporting(window: MainWindow, sessions: Sessions) -> Any:
    """Return what takes a window's pictures home; all that draws them is imported only now."""
    from lensgui.app.export.exporting import Exporting

    return Exporting(window, sessions)


def _fetching(window: MainWindow) -> Fetching:
    """Return what fetches models for a window."""
    fetching = Fetching(window.session, window.selection, window)
    fetching.status_message.connect(window.status.show_sentence)
    fetching.failed.connect(window.status.show_fault)
    fetching.fetched.connect(window.status.show_fetched)
    window.status.stopped.connect(fetching.stop)
    window.model_bar.fetch_requested.connect(fetching.fetch)
    window.model_bar.import_requested.connect(fetching.fetch_pickled)
    Bringing(window, fetching)
    lens = window.panes[LensPane.title]
    assert isinstance(lens, LensPane)
    lens.import_requested.connect(fetching.import_lens)
    fetching.lens_here.connect(lens.take_lens)
    return fetching


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
        QTimer.singleShot(0, parts.sessions.offer)
    fit_screen(parts.window)
    parts.window.show()
    if options.begins_anew:
        parts.window.show_pane(StartPane.title)
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
    parts.appearance.windows.discard(parts.window)
    parts.fetching.download.stop()
    parts.models.close()
    has_ended = parts.runner.close(int(1000 * seconds))
    has_ended = parts.sessions.close() and has_ended
    has_ended = parts.commands.close() and has_ended
    parts.commands.help.release()
    if parts.warming is not None:
        has_ended = parts.warming.finish(seconds) and has_ended
    if has_ended:  # a worker that still runs must not find Python collecting
        parts.collector.release()
    parts.faults.release()
    return has_ended
