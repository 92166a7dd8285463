"""What is copied from the prompt and the table of pairs computes what they show."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lensgui.app.examples import TOY, find
from lensgui.circuits.questions import UNITS, PairRow
from lensgui.circuits.tasks import TASKS, like
from lensgui.jobs.handlers.bench import Bench
from lensgui.jobs.requests import ReadPairs
from lensgui.panes.prompts.pairtable import PairTablePane
from lensgui.panes.prompts.prompt import PromptPane
from lensgui.state.selection import Cursor


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(threads=1)


@pytest.fixture(params=list(UNITS))
def document(request):
    """The toy with four pairs, the last left out, and a set as one pair's answer."""
    base = find(TOY).document.having(metric=request.param, bos=request.param == "rank")
    rows = [*like(TASKS[-1].draw(3), base.pair)]
    several = replace(rows[0].pair, answer=rows[0].pair.answer + "| day")
    rows[0] = PairRow(several)
    rows.append(PairRow(rows[1].pair, is_included=False))
    return replace(base, pair=several, table=tuple(rows))


def read(bench, document, pairs):
    *_, reading = (a for a in bench.answer(ReadPairs(document.model, pairs)) if a is not None)
    return [[row.clean, row.corrupted] for row in reading.rows]


def test_the_table(document, bench, qtbot):
    pane = PairTablePane()
    qtbot.addWidget(pane)
    names: dict[str, object] = {}
    exec(pane.python(document, Cursor()), names)
    expected = read(bench, document, tuple(row.pair for row in document.table[:3]))
    for found, shown in zip(names["numbers"], expected, strict=True):
        assert found == pytest.approx(shown, abs=1e-4)
    means = [sum(side) / 3 for side in zip(*expected, strict=True)]
    assert names["means"] == pytest.approx(means, abs=1e-4)


def test_the_prompt(document, bench, qtbot, capsys):
    pane = PromptPane()
    qtbot.addWidget(pane)
    exec(pane.python(document, Cursor()), {})
    printed = capsys.readouterr().out
    found = [
        float(re.search(rf"^{side} (\S+)", printed, re.M)[1]) for side in ("clean", "corrupted")
    ]
    assert found == pytest.approx(read(bench, document, (document.pair,))[0], abs=1e-4)


def test_an_answer_of_several_tokens(document, bench, qtbot, capsys):
    pane = PromptPane()
    qtbot.addWidget(pane)
    document = document.having(metric="log-probability", answer=" apple house")
    exec(pane.python(document, Cursor()), {})
    printed = capsys.readouterr().out
    expected = read(bench, document, (document.pair,))[0]
    assert float(re.search(r"^clean (\S+)", printed, re.M)[1]) == pytest.approx(
        expected[0], abs=1e-4
    )
