"""The dispatcher reads heads, edges and MLPs of a real (toy) model."""

from __future__ import annotations

import pytest

from lensgui.jobs.requests import ReadEdge, ReadHead, ReadMLP
from tests.answering import PAIR, TOY, last

INDUCTION = (1, 0, 10)  # layer, head, position: it looks at what followed " music" last time


def test_an_induction_heads_edges_add_up_and_one_does_the_work(dispatcher):
    head = last(dispatcher.answer(ReadHead(TOY, PAIR, *INDUCTION)))
    edges = [
        last(dispatcher.answer(ReadEdge(TOY, PAIR, *INDUCTION, source))) for source in range(11)
    ]
    assert sum(edge.contribution for edge in edges) == pytest.approx(head.attribution, abs=1e-4)
    assert max(range(11), key=lambda source: edges[source].contribution) == 4
    assert edges[4].promoted[0][0].text == " apple"
    assert [edge.attention for edge in edges] == pytest.approx(head.attention, abs=1e-6)


def test_what_a_head_looks_for_comes_after_what_it_writes(dispatcher):
    answers = [a for a in dispatcher.answer(ReadHead(TOY, PAIR, *INDUCTION)) if a is not None]
    assert answers[0].sought == ()
    assert len(answers[-1].sought) == 8
    sizes = [size for _, size in answers[-1].sought]
    assert sizes == sorted(sizes, reverse=True)


def test_an_mlp_is_read_with_its_neurons(dispatcher):
    reading = last(dispatcher.answer(ReadMLP(TOY, PAIR, 1, 10)))
    assert reading.attribution is not None
    sizes = [abs(neuron.attribution) for neuron in reading.neurons]
    assert sizes == sorted(sizes, reverse=True)
    assert reading.promoted[0][1] > 0 > reading.suppressed[0][1]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (ReadMLP(TOY, PAIR, 7, 3), r"There is no layer 7"),
        (ReadMLP(TOY, PAIR, 1, 30), r"There is no position 30"),
        (ReadEdge(TOY, PAIR, 1, 1, 10, 40), r"There is no position 40"),
        (ReadEdge(TOY, PAIR, 1, 9, 10, 4), r"There is no head L1H9"),
    ],
)
def test_places_that_are_not_there_are_refused(dispatcher, request_, sentence):
    with pytest.raises(ValueError, match=sentence):
        list(dispatcher.answer(request_))
