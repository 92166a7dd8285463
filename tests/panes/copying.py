"""Runs what a pane copies, and asks the real answerer what the pane shows."""

from __future__ import annotations

from dataclasses import replace

from lensgui.prompts.pair import PairRow, Role
from lensgui.prompts.tasks import TASKS, like
from lensgui.state.document import Document
from lensgui.state.examples import TOY, find
from lensgui.state.selection import Cursor

PLACE = Cursor(1, 2, 10)
REPEATED = TASKS[-1]
MORE = " water "


def toy(**changes: object) -> Document:
    """The toy's example with changes."""
    return find(TOY).document.having(**changes)


def averaging(count=3, *, are_unequal=False, is_turned=False):
    """The toy averaging over drawn pairs, the first of which is left out.

    Args:
        count: How many pairs count.
        are_unequal: Whether one prompt is longer, so that positions meet by role.
        is_turned: Whether clean and corrupted are exchanged, so that a share has the wrong sign.
    """
    document = toy()
    left_out, *rows = like(REPEATED.draw(count + 1), document.pair)
    if are_unequal:
        rows[0] = _longer(rows[0])
    if is_turned:
        rows = [
            replace(row, pair=replace(row.pair, clean=row.pair.corrupted, corrupted=row.pair.clean))
            for row in rows
        ]
    table = (replace(left_out, is_included=False), *rows)
    return replace(document, table=table, is_average=True)


def _longer(row: PairRow) -> PairRow:
    """Put a word in front of a row's prompts."""
    pair = row.pair
    roles = tuple(Role(role.name, role.end + len(MORE) - 1) for role in row.roles)
    more = MORE.rstrip()
    longer = replace(pair, clean=more + pair.clean, corrupted=more + pair.corrupted)
    return replace(row, pair=longer, roles=roles)


def copied(pane, document, qtbot, cursor=PLACE):
    """Run what a pane copies, and return its names."""
    qtbot.addWidget(pane)
    pane.show_document(document)
    pane.show_cursor(cursor)
    names = {}
    exec(pane.python(document, cursor), names)
    return names


def told(answerer, pane, document, name, cursor=PLACE):
    """Return what a pane is told at last when it asks a question."""
    request = pane.requests(document, cursor)[name]
    *_, found = (answer for answer in answerer.answer(request) if answer is not None)
    return found


def drawn(sweep):
    """Return the numbers of a sweep as a pane draws them: changes where shares are refused."""
    return sweep.shown
