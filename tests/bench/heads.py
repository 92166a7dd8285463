"""How long the table of heads keeps one waiting the first time that a model is open.

    xvfb-run -a python -m tests.bench.heads

In the real window at its own number of threads, with no scores kept from before: from the model's
arrival, while the other panes ask too, until every column but the exact sweeps has
a number for every head; then until no number is an estimate.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from functools import partial

from lensgui.__main__ import make_answerer
from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from lensgui.app import start  # noqa: E402
from lensgui.jobs.handlers.reading import head_scores  # noqa: E402
from lensgui.panes.heads.heads import HeadsPane, needed  # noqa: E402
from lensgui.state.views import AT_FIRST  # noqa: E402
from lensgui.terms.scores import SCORES  # noqa: E402
from tests.bench import keystrokes  # noqa: E402
from tests.bench.reading import until  # noqa: E402
from tests.bench.window import judge, wait_until_settled  # noqa: E402
from tests.windows import pane_of  # noqa: E402

FIRST_S = 2.0
SWEPT = frozenset(score.key for score in SCORES if score.origin == "sweep")


def is_known(pane: HeadsPane, *, exactly: bool) -> bool:
    """Whether each column has its numbers, those of exact sweeps aside."""
    asked = {score.key for score in needed(AT_FIRST.heads)} - SWEPT
    found = {key: of for key, of in pane.model.rows.rankings.items() if key in asked}
    return asked == set(found) and all(
        of.is_whole or (of.is_estimate and not exactly) for of in found.values()
    )


def main() -> int:
    setattr(head_scores, "read_scores", lambda *_: None)  # noqa: B010
    setattr(head_scores, "write_scores", lambda *_: None)  # noqa: B010
    parts = start.build(start.Options(), make_answerer)
    parts.window.show()
    wait_until_settled(parts.runner)
    parts.window.show_pane(HeadsPane.title)
    pane = pane_of(parts.window, HeadsPane)
    keystrokes.settle(parts)
    other = replace(parts.window.session.document.model, folded=True)
    parts.window.session.edit(model=other)
    until(lambda: pane.card is not None and pane.card.key == other)
    begun, found = time.perf_counter(), list[float]()
    for exactly in (False, True):
        until(partial(is_known, pane, exactly=exactly))
        found.append(time.perf_counter() - begun)
    parts.runner.stop()
    start.leave(parts)
    first, exact = found
    more = f"; {exact:.2f} s until none is an estimate"
    return 0 if judge("heads: all columns but exact sweeps", first, FIRST_S, "s", more) else 1


if __name__ == "__main__":
    sys.exit(main())
