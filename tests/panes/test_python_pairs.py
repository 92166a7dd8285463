"""What is copied from the prompt and the table of pairs computes what they show."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lensgui.jobs.requests import ReadPairs
from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.prompts.pair import PairRow
from lensgui.prompts.tasks import TASKS, like
from lensgui.state.examples import TOY, find
from lensgui.state.selection import Cursor
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.metrics import METRICS
from tests.panes.copying import copied, toy


@pytest.fixture(params=list(METRICS))
def document(request):
    """The toy with four pairs, the last left out, and a set as one pair's answer."""
    base = find(TOY).document.having(metric=request.param, bos=request.param == "rank")
    rows = [*like(TASKS[-1].draw(3), base.pair)]
    several = replace(rows[0].pair, answer=rows[0].pair.answer + "| day")
    rows[0] = PairRow(several)
    rows.append(PairRow(rows[1].pair, is_included=False))
    return replace(base, pair=several, table=tuple(rows))


def read(dispatcher, document, pairs):
    *_, reading = (a for a in dispatcher.answer(ReadPairs(document.model, pairs)) if a is not None)
    return [[row.clean, row.corrupted] for row in reading.rows]


def test_the_table(document, dispatcher, qtbot):
    pane = PairTablePane()
    qtbot.addWidget(pane)
    names = {}
    exec(pane.python(document, Cursor()), names)
    expected = read(dispatcher, document, tuple(row.pair for row in document.table[:3]))
    for found, shown in zip(names["numbers"], expected, strict=True):
        assert found == pytest.approx(shown, abs=1e-4)
    means = [sum(side) / 3 for side in zip(*expected, strict=True)]
    assert names["means"] == pytest.approx(means, abs=1e-4)


def test_the_table_under_interventions(document, dispatcher, qtbot):
    listed = Intervention(Site("z", 1, 0), "zero"), Intervention(Site("mlp_out", 0), "mean")
    table = tuple(replace(row, is_included=True) for row in like(TASKS[-1].draw(5), document.pair))
    under = replace(document, table=table).having(interventions=listed).shown
    pane = PairTablePane()
    qtbot.addWidget(pane)
    names = {}
    exec(pane.python(under, Cursor()), names)
    expected = read(dispatcher, under, tuple(row.pair for row in under.whole_table))
    for found, shown in zip(names["numbers"], expected, strict=True):
        assert found == pytest.approx(shown, abs=1e-4)
    plain = read(dispatcher, document, tuple(row.pair for row in table))
    assert names["numbers"][0] != pytest.approx(plain[0], abs=1e-3)


def test_the_prompt(document, dispatcher, qtbot, capsys):
    pane = PromptPane()
    qtbot.addWidget(pane)
    exec(pane.python(document, Cursor()), {})
    printed = capsys.readouterr().out
    found = [
        float(re.search(rf"^{side} (\S+)", printed, re.M)[1]) for side in ("clean", "corrupted")
    ]
    assert found == pytest.approx(read(dispatcher, document, (document.pair,))[0], abs=1e-4)


TYPED = {
    "nothing": {"answer": "", "distractor": ""},
    "no answer": {"answer": "", "distractor": " apple"},
    "no distractor": {"distractor": ""},
    "sets": {"answer": " apple| book| apple", "distractor": " stone|| nine"},
    "several tokens": {"answer": " apple house", "metric": "log-probability"},
    "a set, read whole": {"answer": " apple| house", "metric": "log-probability"},
    "nothing, read whole": {"answer": "", "metric": "log-probability"},
    "the likeliest but one": {"answer": "", "distractor": " apple", "metric": "rank"},
    "a token in front": {"bos": " paper", "metric": "KL divergence"},
}


@pytest.mark.parametrize("name", TYPED)
def test_the_prompt_as_it_was_typed(name, dispatcher, qtbot, capsys):
    copied(PromptPane(), toy(**TYPED[name]), qtbot)
    printed = capsys.readouterr().out
    found = [
        float(re.search(rf"^{side} (\S+)", printed, re.M)[1]) for side in ("clean", "corrupted")
    ]
    assert found == pytest.approx(read(dispatcher, toy(), (toy(**TYPED[name]).pair,))[0], abs=1e-4)


def test_a_table_of_all_sorts_of_pairs(dispatcher, qtbot):
    """A pair that has no metric is left out of the numbers, as it is in the table."""
    pairs = [toy(**typed).pair for typed in TYPED.values()]
    unanswered = toy(answer=" apple house").pair
    table = tuple(map(PairRow, [unanswered, *pairs]))
    names = copied(PairTablePane(), replace(toy(), table=table), qtbot)
    (none, *expected) = read(dispatcher, toy(), (unanswered, *pairs))
    assert none == [None, None]
    for found, shown in zip(names["numbers"], expected, strict=True):
        assert found == pytest.approx(shown, abs=1e-4)


def test_a_table_without_pairs_is_the_present_one(dispatcher, qtbot):
    document = toy(corrupted="")
    names = copied(PairTablePane(), document, qtbot)
    ((clean, corrupted),) = read(dispatcher, document, (document.pair,))
    assert names["numbers"] == [[pytest.approx(clean, abs=1e-4)]]
    assert corrupted is None
