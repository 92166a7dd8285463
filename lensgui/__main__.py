"""The program: hands the command line to a command, or the parts of a window to each other."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lensgui.command_line.ending import FAILED, INTERRUPTED
from lensgui.command_line.environment import (
    NO_DISPLAY,
    lacks_display,
    prepare,
    unreachable_display,
)
from lensgui.command_line.parser import parse
from lensgui.prompts.pair import TYPED

LOG_FORMAT = "%(levelname)s %(name)s: %(message)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run lensgui.

    Args:
        arguments: The command line without the program's name; None for the process's own.

    Returns:
        The exit code.

    Raises:
        SystemExit: If the command line is not understood, or asks for help only.
    """
    parsed, session = parse(arguments)
    if parsed.log_level is not None:
        log_to_stderr(parsed.log_level)
    if parsed.command is not None:
        try:
            return _run(parsed)
        except KeyboardInterrupt:  # while it was still being imported
            print("Stopped before anything was done.", file=sys.stderr)
            return INTERRUPTED
    if parsed.smoke_test and lacks_display(os.environ):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    trouble = NO_DISPLAY if lacks_display(os.environ) else unreachable_display(os.environ)
    if trouble:
        print(trouble, file=sys.stderr)
        return FAILED
    prepare(parsed.model)
    try:
        return _open_window(parsed, session)
    except KeyboardInterrupt:  # before the window is there, or again while it is left
        os._exit(INTERRUPTED)  # at once: threads may be importing


def log_to_stderr(level: str) -> None:
    """Show lensgui's own messages from some level on.

    Args:
        level: One of `parser.LEVELS`.
    """
    handler = logging.StreamHandler()
    handler.setLevel(level.upper())
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    root = logging.getLogger("lensgui")
    root.addHandler(handler)
    root.setLevel(min(handler.level, logging.INFO))  # the window's log file has those of INFO


def make_answerer() -> Any:  # an Answerer, whose module brings numpy: `--help` is quicker without
    """Import torch and what stands on it, on the thread that calls."""
    from lensgui.jobs.handlers.dispatch import Dispatcher

    return Dispatcher()


def _run(parsed: argparse.Namespace) -> int:
    """Run a command, whose module is imported only now: most of them need torch."""
    if parsed.command == "models":
        from lensgui.command_line import models

        return models.run(parsed)
    if parsed.command == "lens":
        from lensgui.command_line import lens

        return lens.run(parsed)
    if parsed.command == "run":
        from lensgui.command_line import run

        return run.run(parsed)
    if parsed.command == "sweep":
        from lensgui.command_line.sweeps import sweep

        return sweep.run(parsed)
    from lensgui.command_line import doctor

    return doctor.run(parsed)


def _open_window(parsed: argparse.Namespace, session: Path | None) -> int:
    from lensgui.app import start
    from lensgui.app.sessions.attaching import SessionFile

    given = ((name, getattr(parsed, name)) for name in (*TYPED, "metric"))
    options = start.Options(
        model=parsed.model,
        pair=tuple((name, text) for name, text in given if text is not None),
        smoke_test=parsed.smoke_test,
        request=None if session is None else SessionFile.of(session),
        safe_mode=parsed.safe_mode,
    )
    return start.run(options, make_answerer)


if __name__ == "__main__":
    sys.exit(main())
