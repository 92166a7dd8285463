"""How commands end: exit codes, and one sentence for what could not be done."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from lensgui.terms.errors import ModelError

DONE = 0
FAILED = 1  # could not be done: one sentence says why
MISUSED = 2  # the command line was not understood
INTERRUPTED = 130  # by Ctrl-C or the system's request to end, as shells count it
STOPPED = "Stopped; nothing half done was left, and the same command goes on."


def ended(
    command: Callable[[], int], *, as_json: bool, stopped: Callable[[], str] = lambda: STOPPED
) -> int:
    """Run a command; what can't be done, and an interruption, become one sentence.

    Args:
        command: Does it, and returns its exit code.
        as_json: Whether sentences are lines of JSON on the standard output.
        stopped: Returns what is said of an interruption.

    Returns:
        The exit code.
    """
    interrupt_on_terminate()
    try:
        code = command()
        sys.stdout.flush()
    except ModelError as error:
        return fail(str(error), as_json=as_json)
    except KeyboardInterrupt:
        fail(stopped(), as_json=as_json)
        return INTERRUPTED
    except BrokenPipeError:  # who reads has seen enough, as in `lensgui models list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more
        return FAILED
    return code


def fail(sentence: str, *, as_json: bool) -> int:
    """Say why something could not be done; return the exit code for that."""
    if as_json:
        print(json.dumps({"event": "error", "message": sentence}), flush=True)
    else:
        print(sentence, file=sys.stderr)
    return FAILED


def interrupt_on_terminate() -> None:
    """Let the system's request to end do what Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, interrupt)
