"""Panes that have been shown a document and their answers, and the figures of their pictures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from lensgui.panes.figures.shown import Context, figure
from lensgui.prompts.pair import PairRow
from tests.panes.conftest import CURSOR, PAIR, answer

OPENED = replace(CURSOR, source=1)
ROWS = tuple(
    PairRow(replace(PAIR, clean=f"{PAIR.clean} {word}", corrupted=f"{PAIR.corrupted} {word}"))
    for word in ("a", "b")
)


def opened(kind, document, show):
    """Return a pane that has been shown a document and its answers, some several times."""
    pane = show(kind())
    for _ in range(3):  # some ask more once they know more
        answer(pane, document, OPENED)
    return pane


def figures(pane, document):
    asked = pane.requests(document, OPENED)
    code = pane.python(document, OPENED)
    changed = datetime(2026, 1, 2, tzinfo=UTC)
    context = Context(document, pane.card, asked, changed, code, pane.averages)
    return [(shown, figure(pane.title, shown, context)) for shown in pane.shown()]
