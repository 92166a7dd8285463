"""Attribution graphs of circuit-tracer and Neuronpedia: read from JSON, odd ones refused."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest

from lensgui.models import attribution_graphs
from lensgui.models.attribution_graphs import read_attribution_graph
from tests.attribution_graphs import GRAPH, written


def test_a_graph_is_read_as_it_was_written(tmp_path):
    graph = read_attribution_graph(written(tmp_path))
    assert (graph.file, graph.model, graph.layers) == ("graph.json", "gemma-2-2b", 21)
    assert graph.tokens == ("<bos>", "The", " capital")
    names = [node.name for node in graph.nodes]
    assert names == [entry["node_id"] for entry in GRAPH["nodes"]]
    kinds = [(node.kind, node.layer, node.position) for node in graph.nodes]
    assert kinds == [
        ("embedding", None, 1), ("embedding", None, 2), ("feature", 0, 1), ("feature", 20, 2),
        ("feature", 20, 2), ("error", 3, 2), ("logit", None, 2),
    ]  # fmt: skip
    assert graph.nodes[2].label == "the word the"
    assert graph.nodes[2].influence == 0.5
    assert math.isnan(graph.nodes[5].activation)
    ends = [(names[one], names[other]) for one, other in graph.links]
    assert ends == [(link["source"], link["target"]) for link in GRAPH["links"]]
    np.testing.assert_array_equal(graph.weights, [link["weight"] for link in GRAPH["links"]])
    assert graph.pinned == (0, 2, 3, 4, 6)
    assert graph.supernodes == (("say a city", (3, 4)),)


def changed(**changes):
    graph = copy.deepcopy(GRAPH)
    for path, value in changes.items():
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        place = graph
        for step in steps:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return graph


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ([], "needs “nodes” and “links”"),
        (changed(nodes=None), "needs “nodes” and “links”"),
        (changed(nodes=[], links=[]), "has no nodes"),
        (changed(nodes={}), "nodes must be a list"),
        (changed(metadata=[]), "metadata must be an object"),
        (changed(nodes__2=7), "a node must be an object"),
        (changed(nodes__2__node_id=None), "no “node_id”"),
        (changed(nodes__2__node_id="E_651_1"), "same “node_id”"),
        (changed(nodes__2__layer="x"), "in no layer"),
        (changed(nodes__2__layer="9" * 40), "in no layer"),
        (changed(nodes__2__layer="0" * 9 + "9" * 5000), "in no layer"),
        (changed(nodes__2__ctx_idx=3), "position 3 of 3"),
        (changed(nodes__2__ctx_idx=True), "position True"),
        (changed(links__0__source="nobody" * 40), "“source” is no node, “nobody"),
        (changed(links__0__weight="1"), "weight of link 1"),
        (changed(links__0__weight=10**400), "weight of link 1"),
        (changed(qParams__pinnedIds=3), "pinnedIds must be a list"),
        (changed(qParams__supernodes=["a"]), "a supernode must be a list"),
    ],
)
def test_what_is_odd_is_refused_in_a_sentence(tmp_path, content, says):
    path = tmp_path / "graph.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=says) as refused:
        read_attribution_graph(path)
    assert str(refused.value).startswith("graph.json")
    assert len(str(refused.value)) < 250


def test_pickles_and_what_is_too_large_are_not_read(tmp_path, monkeypatch):
    (tmp_path / "graph.pt").write_bytes(b"\x80\x02")
    with pytest.raises(ValueError, match="pickle, which can run anything"):
        read_attribution_graph(tmp_path / "graph.pt")
    with pytest.raises(ValueError, match="can't be read"):
        read_attribution_graph(tmp_path / "nowhere.json")
    monkeypatch.setattr(attribution_graphs, "MOST_LINKS", 3)
    with pytest.raises(ValueError, match="6 links; up to 3"):
        read_attribution_graph(written(tmp_path))


def test_what_a_file_need_not_say_may_be_left_out(tmp_path):
    graph = read_attribution_graph(written(tmp_path, changed(qParams=None, metadata__scan=None)))
    assert (graph.pinned, graph.supernodes, graph.model) == ((), (), "")
