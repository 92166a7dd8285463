"""The window beside a script or a notebook that goes on."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QTimer

from lensgui.app import start
from lensgui.app.runtime import Warming, interruptible
from lensgui.app.window.layout import fit_screen
from lensgui.app.window.window import MainWindow
from lensgui.jobs.answerer import Answerer
from lensgui.prompts.pair import PromptPair
from lensgui.state.document import Document
from lensgui.terms.model_key import ModelKey

LONGEST_WAIT_S = 30.0  # for a thread that imports or loads as a script ends
open_windows: list[start.Parts] = []
"""What each open window needs, while nobody else holds it."""


def show(
    key: ModelKey,
    pair: PromptPair,
    make_answerer: Callable[[], Answerer],
    block: bool | None,
    version: Callable[[], object] = lambda: None,
) -> MainWindow | None:
    """Show a window.

    Args:
        key: The model.
        pair: The prompts.
        make_answerer: Makes what answers; called on the worker's thread.
        block: Whether to return only once the window is closed; None to do so in scripts, and not
            in notebooks.
        version: Says which version of a model in memory there is now.

    Returns:
        The window; None once it is closed.

    Raises:
        SystemExit: With 130, after Ctrl-C.
    """
    parts = start.build(start.Options(document=Document(key, pair)), make_answerer, version)
    parts.warming = Warming(parts.runner, parts.window)
    fit_screen(parts.window)
    parts.window.show()
    atexit.unregister(_leave_all)
    atexit.register(_leave_all)  # before all that was registered till now, Qt's own end too
    open_windows.append(parts)
    if _is_notebook() if block is None else not block:
        parts.window.closed.connect(lambda: QTimer.singleShot(0, lambda: _leave(parts)))
        return parts.window
    closing = QEventLoop()
    parts.window.closed.connect(closing.quit)
    with interruptible(closing.exit):
        status = closing.exec()
    parts.window.hide()  # an interrupt asks nothing
    parts.window.close()
    _leave(parts)
    if status:
        raise SystemExit(status)
    return None


def _is_notebook() -> bool:
    """Return whether IPython runs, and let it serve Qt's events if so."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return False
    shell.enable_gui("qt")
    return True


def _leave(parts: start.Parts) -> None:
    """Let go of a window that was closed, unless its thread is still at work."""
    if parts in open_windows and start.leave(parts):
        open_windows.remove(parts)


def _leave_all() -> None:
    """Leave the windows that are open as the script ends; their threads must not outlive it.

    None is let go of before all are left: that would destroy it.
    """
    have_ended = [start.leave(parts, LONGEST_WAIT_S) for parts in open_windows]
    if not all(have_ended):
        start.leave_hard(1)
