"""Edges of circuits, as the worker answers them: the library's numbers, pair by pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.analysis.circuits import runs as runs_module
from lensgui.analysis.circuits.curve import faithfulness_curve
from lensgui.analysis.circuits.edges import edge_attribution
from lensgui.analysis.circuits.effects import exact_effects
from lensgui.analysis.circuits.faithfulness import circuit_scores, sampled_knockouts
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.suggest import Fit, Suggestion, halves, suggest_circuit
from lensgui.analysis.pairs.cases import case_of
from lensgui.jobs.handlers.circuits import edges as handler
from lensgui.jobs.handlers.circuits import kept
from lensgui.jobs.questions.circuit_requests import (
    CheckEdges,
    MeasureCircuit,
    MeasureCurve,
    OpenCircuit,
    SaveCircuit,
    ScoreEdges,
    SuggestCircuit,
)
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.circuits.nodes import Node, Shape, node_of
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.model_key import ModelKey
from tests.circuits import last_of

TOY = ModelKey("toy")
PAIR = PromptPair("one two three one two", "one two three four two", " three", " one")
OTHER = PromptPair("four five six four five", "four five six two five", " six", " four")
EDGES = (("embed", "MLP 0"), ("L0H1", "L1H0.q"), ("MLP 1", "logits"), ("embed", "L1H1.v"))


@pytest.fixture
def answer(dispatcher):
    return lambda request: [each for each in dispatcher.answer(request) if each is not None]


def runs_of(model, pairs, reference):
    return CircuitRuns.of_cases(model, [case_of(model, PairRow(pair)) for pair in pairs], reference)


@pytest.mark.parametrize("reference", ["corrupted", "mean", "zero"])
def test_answers_are_the_librarys_numbers(answer, dispatcher, reference):
    *_, table = answer(ScoreEdges(TOY, PAIR, reference))
    *_, checks = answer(CheckEdges(TOY, PAIR, reference, EDGES))
    model = dispatcher.loaded.use(TOY)
    runs = runs_of(model, [PAIR], reference)
    scores = edge_attribution(runs)
    np.testing.assert_allclose(table.scores, scores.values, rtol=1e-5, atol=1e-6)
    assert table.whole == pytest.approx(scores.clean, abs=1e-6)
    assert table.empty == pytest.approx(scores.corrupted, abs=1e-6)
    assert table.graph.listed(3)[0][2] == pytest.approx(scores.largest(1)[0][2], rel=1e-5)
    assert len(table.labels) == table.places.shape[1] == len(runs.groups()[0].tokens[0])
    edges = [(node_of(one), node_of(other)) for one, other in EDGES]
    exact = last_of(exact_effects(runs, edges))
    np.testing.assert_allclose(checks.changes, exact.values, rtol=1e-4, atol=1e-5)
    assert np.isnan(checks.ends).all()
    assert checks.before == pytest.approx(table.whole, abs=1e-5)
    assert table.done == table.total == 1


def test_effects_within_a_circuit_are_of_it_without_each_edge(answer, dispatcher):
    circuit = (*EDGES, ("embed", "logits"), ("embed", "L0H1.v"))
    *_, checks = answer(CheckEdges(TOY, PAIR, "corrupted", EDGES, within=circuit))
    runs = runs_of(dispatcher.loaded.use(TOY), [PAIR], "corrupted")
    edges = [(node_of(one), node_of(other)) for one, other in EDGES]
    graph = Graph.of_edges(runs.model.cfg, [(node_of(a), node_of(b)) for a, b in circuit])
    exact = last_of(exact_effects(runs, edges, graph))
    np.testing.assert_allclose(checks.changes, exact.values, rtol=1e-4, atol=1e-5)
    assert checks.before == pytest.approx(float(exact.before), abs=1e-5)
    assert checks.within == len(circuit)
    *_, in_the_model = answer(CheckEdges(TOY, PAIR, "corrupted", EDGES))
    assert not np.allclose(checks.changes, in_the_model.changes, atol=1e-3)


def test_a_mean_has_intervals_and_leaves_out_what_can_not_be_read(answer):
    unequal = replace(PAIR, corrupted="one two")
    rows = tuple(PairRow(pair) for pair in (PAIR, unequal, OTHER))
    *_, table = answer(ScoreEdges(TOY, PromptPair(""), "corrupted", rows))
    assert table.done == table.total == 2
    assert len(table.faults) == 1
    assert "patching needs as many in both" in table.faults[0]
    *_, checks = answer(CheckEdges(TOY, PromptPair(""), "corrupted", EDGES, rows))
    assert np.isfinite(checks.ends).all()
    assert (checks.ends[0] <= checks.changes + 1e-6).all()


@pytest.mark.parametrize("is_edges", [False, True])
def test_a_circuit_is_what_the_library_measures(answer, dispatcher, is_edges):
    heads = ((0, 1), (1, 0))
    chosen = ("movers", ("L1H0", "L9H9", "MLP 0"))
    listed = (*EDGES, ("L1H0", "logits"), ("MLP 0", "logits"))
    given = {"edges": listed} if is_edges else {"heads": heads}
    given |= {"sets": (chosen, ("elsewhere", ("L9H9",))), "draws": 3}
    rows = tuple(PairRow(pair) for pair in (PAIR, OTHER))
    *_, found = answer(MeasureCircuit(TOY, PromptPair(""), "corrupted", **given, rows=rows))
    runs = runs_of(dispatcher.loaded.use(TOY), [PAIR, OTHER], "corrupted")
    edges = [(node_of(one), node_of(other)) for one, other in listed]
    nodes = [Node("head", *head) for head in heads]
    circuit = Graph.of_edges(runs.model.cfg, edges) if is_edges else nodes
    nodes = circuit.members if is_edges else nodes
    first = set(nodes) & {Node("head", 1, 0), Node("mlp", 0)}
    sets = [first, *filter(None, sampled_knockouts(nodes, 3))]
    scores = last_of(circuit_scores(runs, circuit, sets))
    left = [(one.circuit, one.model) for one in scores.completeness]
    np.testing.assert_allclose(found.completeness.T, left, atol=1e-5)
    assert [set(map(node_of, members)) for _, members in found.knockouts] == sets
    assert [name for name, _ in found.knockouts[:2]] == ["movers", "drawn at random"]
    assert found.faithfulness == pytest.approx(scores.faithfulness, abs=1e-5)
    assert found.ends == pytest.approx(scores.interval(), abs=1e-5)
    assert found.caption == scores.caption
    expected = {str(node): value for node, value in scores.minimality.items()}
    known = dict(zip(found.parts, found.minimality.tolist(), strict=True))
    assert known == pytest.approx(expected, abs=1e-5)
    assert found.done == found.total


def test_a_curve_is_what_the_library_measures(answer, dispatcher):
    rows = tuple(PairRow(pair) for pair in (PAIR, OTHER))
    *_, found = answer(MeasureCurve(TOY, PromptPair(""), "corrupted", "size", rows))
    runs = runs_of(dispatcher.loaded.use(TOY), [PAIR, OTHER], "corrupted")
    curve = last_of(faithfulness_curve(runs, edge_attribution(runs).graph))
    np.testing.assert_allclose(found.faithfulness, curve.faithfulness, atol=1e-4)
    np.testing.assert_allclose(found.drawn, curve.drawn_faithfulness, atol=1e-4)
    assert found.counts == curve.counts
    assert np.isfinite(found.ends).all()
    assert found.done == found.total
    assert found.caption == curve.caption


def test_interventions_change_nothing(answer):
    under = replace(PAIR, interventions=(Intervention(Site("z", 0, 0), "zero"),))
    *_, plain = answer(ScoreEdges(TOY, PAIR))
    *_, other = answer(ScoreEdges(TOY, under))
    np.testing.assert_array_equal(plain.scores, other.scores)


def test_prompts_are_run_once_for_both_questions(answer, dispatcher):
    dispatcher.loaded.circuits.clear()
    answer(ScoreEdges(TOY, PAIR))
    kept = dispatcher.loaded.circuits
    (first,) = kept.values()
    answer(CheckEdges(TOY, PAIR, "corrupted", EDGES))
    assert list(kept.values()) == [first]
    for reference in ("mean", "zero"):
        answer(ScoreEdges(TOY, PAIR, reference))
    assert len(kept) == 3
    for pair in (OTHER, replace(OTHER, answer=" two")):
        answer(ScoreEdges(TOY, pair))
        assert len(kept) == 4


def test_what_can_not_be_measured_is_a_sentence(answer):
    for pair, match in (
        (replace(PAIR, corrupted=""), "type one"),
        (replace(PAIR, corrupted="one"), "patching needs as many in both"),
        (replace(PAIR, metric="rank"), "no gradient"),
        (replace(PAIR, distractor=" three"), "same token"),
    ):
        with pytest.raises(ValueError, match=match):
            answer(ScoreEdges(TOY, pair))
    assert torch.is_grad_enabled()


def test_a_table_of_one_row_is_not_the_pair(answer):
    rows = (PairRow(PAIR),)
    *_, mean = answer(ScoreEdges(TOY, PromptPair(""), "corrupted", rows))
    *_, one = answer(ScoreEdges(TOY, PAIR))
    assert len(one.labels) == one.places.shape[1] > 0
    *_, again = answer(ScoreEdges(TOY, PromptPair(""), "corrupted", rows))
    assert mean.labels == again.labels == ()


def test_a_suggestion_is_the_librarys_and_measured_on_the_other_half(answer, dispatcher):
    words = ["one", "two", "three", "four", "five", "six"]
    pairs = [
        PromptPair(f"{a} {b} {c} {a} {b}", f"{a} {b} {d} {a} {b}", f" {c}", f" {d}")
        for a, b, c, d in zip(words, words[1:], words[2:], words[3:], strict=False)
    ] + [OTHER]
    rows = tuple(map(PairRow, pairs))
    *_, found = answer(SuggestCircuit(TOY, PromptPair(""), rows=rows))
    find, measure = halves(pairs, key=lambda pair: pair.clean)
    assert (len(find), len(measure)) == found.pairs
    assert {pair.clean for pair in find}.isdisjoint(pair.clean for pair in measure)
    assert sorted(map(str, (*find, *measure))) == sorted(map(str, pairs))
    model = dispatcher.loaded.use(TOY)
    runs = [runs_of(model, some, "corrupted") for some in (find, measure)]
    last = last_of(suggest_circuit(*runs))
    names = {(str(one), str(other)) for one, other in last.circuit.edges}
    assert set(found.circuit.edges) == names
    assert found.circuit.found_on == tuple(dict.fromkeys(pair.clean for pair in find))
    assert found.stage == "done"
    assert found.faithfulness == pytest.approx(last.found.faithfulness, abs=1e-5)
    assert found.measured == pytest.approx(last.measured.faithfulness, abs=1e-5)
    assert found.ends == pytest.approx(last.measured.interval, abs=1e-5)
    assert f"faithfulness there {found.measured:.2f}" in found.circuit.said
    worth = [abs(score) for score in found.circuit.scores]
    assert len(worth) == len(names)


def test_what_can_not_be_read_is_left_out_before_prompts_are_parted(answer):
    unequal = replace(PAIR, corrupted="one two")
    twins = [replace(OTHER, corrupted=f"four five six {word} five") for word in ("one", "three")]
    others = unequal, PAIR, replace(unequal, clean="two one three"), OTHER
    rows = tuple(map(PairRow, (*others, *twins)))
    *_, found = answer(SuggestCircuit(TOY, PromptPair(""), rows=rows))
    assert sorted(found.pairs) == [1, 3]  # prompts of one text are not parted
    assert len(found.faults) == 2
    with pytest.raises(ValueError, match="no names"):
        answer(ScoreEdges(TOY, PAIR, "names"))


def test_one_pair_without_names_is_left_out_by_itself(answer, dispatcher, monkeypatch):
    def turned(model, tokens):
        if tokens.tolist() == first:
            raise ValueError("This prompt has no names.")
        return tokens.flip(0)

    first = runs_of(dispatcher.loaded.use(TOY), [PAIR], "corrupted").groups()[0].tokens[0].tolist()
    for module in (handler, runs_module):
        monkeypatch.setattr(module, "other_names", turned)
    rows = (PairRow(PAIR), PairRow(OTHER))
    *_, table = answer(ScoreEdges(TOY, PromptPair(""), "names", rows))
    assert table.total == 1
    assert "This prompt has no names." in table.faults[0]
    assert "other names (ABC)" in table.reference


def test_a_circuit_that_is_too_large_is_not_written_out_before_the_end():
    about = kept._About(("a",), (1, 0), ())
    fit = Fit(*(torch.tensor([value]) for value in (1.0, 1.0, 0.0)))
    large = Graph.whole(Shape(12, 12, 12))
    assert about.reading(Suggestion("sizes", circuit=large, found=fit)).circuit is None
    small = large.only(large.edges[:5])
    assert len(about.reading(Suggestion("pruning", circuit=small, found=fit)).circuit.edges) == 5
    about = kept._About(("a",), (1, 0), ())
    about.reading(Suggestion("pruning", circuit=large, found=fit))
    with pytest.raises(ValueError, match="32,491 edges"):
        about.reading(Suggestion("done", circuit=large, found=fit))


def test_a_suggestion_for_one_pair_is_of_this_prompt(answer):
    *_, found = answer(SuggestCircuit(TOY, PAIR, "mean"))
    assert found.pairs == (1, 0)
    assert np.isnan(found.measured)
    assert "this prompt’s circuit" in found.circuit.said
    assert found.circuit.found_on == (PAIR.clean,)
    assert abs(1 - found.faithfulness) <= 0.1 + 1e-6


def test_a_circuit_is_written_and_read_again_as_eap_ig_has_it(answer, dispatcher, tmp_path):
    edges = (*EDGES, ("embed", "L0H1.q"), ("L1H0", "logits"), ("MLP 0", "logits"))
    scores = tuple(float(at + 1) for at in range(len(edges)))
    path = str(tmp_path / "one.json")
    (saved,) = answer(SaveCircuit(TOY, path, KeptCircuit(edges, "by hand", scores=scores)))
    assert saved.path == path
    (opened,) = answer(OpenCircuit(TOY, path))
    assert dict(zip(opened.circuit.edges, opened.circuit.scores, strict=True)) == pytest.approx(
        {edge: score for edge, score in zip(edges, scores, strict=True) if edge not in edges[2:4]}
    )
    assert "2 edges of one.json are on no path" in opened.warnings[0]
    assert opened.circuit.said == "of one.json"
    assert opened.from_input > 0
    assert opened.turned.scores == tuple(-score for score in opened.circuit.scores)
    assert opened.turned.edges == opened.circuit.edges


def test_a_file_that_is_no_circuit_of_this_model_is_a_sentence(answer, tmp_path):
    path = tmp_path / "one.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="needs “cfg”"):
        answer(OpenCircuit(TOY, str(path)))
    nowhere = KeptCircuit((("L1H0", "logits"),), "by hand")
    answer(SaveCircuit(TOY, str(path), nowhere))
    with pytest.raises(ValueError, match="no path of this circuit"):
        answer(OpenCircuit(TOY, str(path)))
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace('"in_graph": true', '"in_graph": false'), encoding="utf-8")
    with pytest.raises(ValueError, match="no edge is in the graph"):
        answer(OpenCircuit(TOY, str(path)))
    with pytest.raises(ValueError, match="can’t be written"):
        answer(SaveCircuit(TOY, str(tmp_path / "no" / "one.json"), nowhere))
