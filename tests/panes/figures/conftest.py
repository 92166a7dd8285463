from __future__ import annotations

import pytest

from lensgui.state.document import Note
from lensgui.state.selection import Cursor
from tests.panes.figures.panes import ROWS


@pytest.fixture
def tabled(document):
    return document.having(table=ROWS, notes=(Note(Cursor(1), "my secret note"),))
