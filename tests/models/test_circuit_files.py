"""Files of the EAP-IG package: read, written, and what is wrong with one in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lensgui.models.circuit_files import read_circuit, to_json, write_circuit
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node, Shape

FIXTURES = Path(__file__).parents[1] / "fixtures" / "eap_ig"
MADE = {"gpt2": 34, "gpt_neox": 30, "llama": 39}  # edges that the package kept
SHAPE = Shape(2, 4, 2, model_name="tiny")


def written(tmp_path, value):
    path = tmp_path / "circuit.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def graph(shape=SHAPE):
    whole = Graph.whole(shape)
    draw = np.random.default_rng(0)
    scores = np.where(whole.exists, draw.normal(size=whole.exists.shape), np.nan)
    kept = whole.exists & (draw.random(whole.exists.shape) < 0.3)
    return replace(whole, kept=kept, scores=scores)


@pytest.mark.parametrize("name", MADE)
def test_a_file_of_the_package_opens(name):
    path = FIXTURES / f"graph_{name}.json"
    found, raw = read_circuit(path), json.loads(path.read_text())
    assert found.graph.count == MADE[name]
    assert found.graph.total == len(raw["edges"])
    assert found.d_model == 32
    assert not found.warnings
    edge = (Node("head", 0, 1), Node("q", 1, 2))
    assert found.graph.of(*edge) == raw["edges"]["a0.h1->a1.h2<q>"]["score"]
    assert to_json(found.graph, 32)["edges"] == raw["edges"]
    assert set(to_json(found.graph)["nodes"]) == set(raw["nodes"])
    assert found.graph.shape.parallel_attn_mlp is (name == "gpt_neox")


def test_scores_and_signs(tmp_path):
    found = read_circuit(FIXTURES / "graph_gpt2.json")
    from_input = [
        edge["score"]
        for name, edge in json.loads((FIXTURES / "graph_gpt2.json").read_text())["edges"].items()
        if name.startswith("input->")
    ]
    assert found.from_input == pytest.approx(sum(from_input))
    assert found.turned().of(Node("embed"), Node("logits")) == -found.graph.of(
        Node("embed"), Node("logits")
    )


@pytest.mark.parametrize(
    "shape", [Shape(2, 4, 4), Shape(3, 2, 2, True), Shape(2, 3, 3, False, True)]
)
def test_what_is_written_is_read_again(tmp_path, shape):
    made = graph(shape)
    write_circuit(made, tmp_path / "made.json", 16)
    found = read_circuit(tmp_path / "made.json", shape)
    assert (found.graph.kept == made.kept).all()
    assert np.allclose(found.graph.scores[made.exists], made.scores[made.exists], rtol=0, atol=0)
    assert found.d_model == 16
    unknown = replace(made, scores=None)
    write_circuit(unknown, tmp_path / "made.json")
    assert not np.nansum(np.abs(read_circuit(tmp_path / "made.json", shape).graph.scores))


def test_heads_that_share_keys_have_edges_of_their_own_in_the_file(tmp_path):
    made = graph()
    raw = to_json(made)
    place = made.at((Node("head", 0, 0), Node("k", 1, 1)))
    for head in (2, 3):
        edge = raw["edges"][f"a0.h0->a1.h{head}<k>"]
        assert edge["score"] == pytest.approx(made.scores[place] / 2)
    whole = read_circuit(written(tmp_path, raw), SHAPE)
    assert np.allclose(whole.graph.scores[made.exists], made.scores[made.exists])
    assert (whole.graph.kept == made.kept).all()
    raw["edges"]["a0.h0->a1.h2<k>"] = {"score": 1.0, "in_graph": True}
    raw["edges"]["a0.h0->a1.h3<k>"] = {"score": 0.25, "in_graph": False}
    found = read_circuit(written(tmp_path, raw), SHAPE)
    assert found.graph.kept[place]
    assert found.graph.scores[place] == 1.25
    assert "1 edges to keys or values" in found.warnings[0]
    assert read_circuit(written(tmp_path, raw)).graph.shape.kv_heads == 4


def test_nodes_that_are_out_take_their_edges_along(tmp_path):
    raw = to_json(Graph.whole(Shape(2, 2, 2)))
    raw["nodes"]["m0"]["in_graph"] = False
    found = read_circuit(written(tmp_path, raw)).graph
    assert not found.kept[found.rows[Node("mlp", 0)]].any()
    assert not found.kept[:, found.columns[Node("mlp", 0)]].any()
    raw["nodes"]["logits"]["in_graph"] = False
    assert not read_circuit(written(tmp_path, raw)).graph.kept[:, -1].any()


GOOD = to_json(Graph.whole(Shape(2, 2, 2)))


def changed(**parts):
    return GOOD | parts


def with_edge(name, value):
    return changed(edges={name: value})


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([], "needs “cfg”, “nodes” and “edges”"),
        ({"cfg": {}, "nodes": {}}, "needs “cfg”"),
        (changed(cfg=[]), "“cfg” must be an object"),
        (changed(cfg={"n_layers": 0, "n_heads": 2}), "“n_layers” must be a whole number"),
        (changed(cfg={"n_layers": 2, "n_heads": True}), "“n_heads” must be a whole number"),
        (changed(cfg={"n_layers": 500, "n_heads": 500}), "too large to be read"),
        (changed(nodes={"b0": {"in_graph": True}}), "“b0” names no node"),
        (changed(nodes={"m0": True}), "needs “in_graph”, true or false"),
        (with_edge("input", {}), "“input” names no edge"),
        (with_edge("input->" + "x" * 500, {}), "names no edge"),
        (
            with_edge("a0.h7->logits", {"score": 0.0, "in_graph": True}),
            "a node that the model lacks",
        ),
        (
            with_edge("a0.h0->input", {"score": 0.0, "in_graph": True}),
            "a node that the model lacks",
        ),
        (
            with_edge("a0.h0->a1.h0", {"score": 0.0, "in_graph": True}),
            "a node that the model lacks",
        ),
        (with_edge("m1->m0", {"score": 0.0, "in_graph": True}), "goes backwards"),
        (with_edge("m1->m1", {"score": 0.0, "in_graph": True}), "goes backwards"),
        (with_edge("m0->m1", {"score": 10**400, "in_graph": True}), "no finite number"),
        (with_edge("m0->m" + "1" * 5000, {"score": 0, "in_graph": True}), "names no edge"),
        (with_edge("a00.h0->logits", {"score": 0.0, "in_graph": True}), "names no node"),
        (with_edge("a\u0660.h0->logits", {"score": 0.0, "in_graph": True}), "names no node"),
        (changed(nodes={"a9.h0": {"in_graph": False}}), "the model has no L9H0"),
        (with_edge("m0->m1", {"score": "1", "in_graph": True}), "no finite number"),
        (with_edge("m0->m1", {"score": None, "in_graph": True}), "no finite number"),
        (with_edge("m0->m1", {"score": float("nan"), "in_graph": True}), "no finite number"),
        (with_edge("m0->m1", {"score": 0.0, "in_graph": 1}), "needs “in_graph”"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, value, match):
    with pytest.raises(ValueError, match=match) as caught:
        read_circuit(written(tmp_path, value))
    assert str(caught.value).startswith("circuit.json")
    assert len(str(caught.value)) < 250


def test_a_circuit_of_another_model_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="2 layers of 2 heads; tiny has 2 of 4: open the model"):
        read_circuit(written(tmp_path, GOOD), SHAPE)
    with pytest.raises(ValueError, match="can't be read"):
        read_circuit(tmp_path / "nothing.json")


def test_half_a_file_is_never_left(tmp_path, monkeypatch):
    write_circuit(graph(), tmp_path / "made.json")
    before = (tmp_path / "made.json").read_bytes()
    with pytest.raises(OSError, match="made"):
        write_circuit(graph(), tmp_path / "made.json" / "below")
    assert (tmp_path / "made.json").read_bytes() == before
