"""A few lines of Python for the circuit board."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lensgui.jobs.questions.circuit_requests import DRAWS
from lensgui.panes.python import script
from lensgui.state.document import Document
from lensgui.terms.circuits.kept import EdgeName, KeptCircuit
from lensgui.terms.kinds import Head

MOST_EDGES = 200  # that are named


def edges(
    document: Document,
    found: Sequence[EdgeName],
    heads: Sequence[Head],
    circuit: KeptCircuit | None = None,
) -> str:
    """Return how to get what every edge is worth, and what some matter exactly.

    Args:
        document: The pair, or the pairs that are averaged over.
        found: The edges on the board, the strongest first.
        heads: The heads on the board, or of the circuit.
        circuit: The circuit that the board shows; None for none.
    """
    view = document.views.board
    lines = [
        *_cases(document),
        f"runs = CircuitRuns.of_cases(model, cases, {view.reference!r})",
        "scores = edge_attribution(runs)",
        f"names = {list(found)[:MOST_EDGES]!r}",
        "edges = [(node_of(sender), node_of(receiver)) for sender, receiver in names]",
        "shown = [scores.of(*edge) for edge in edges]  # by attribution",
    ]
    if circuit is not None:
        lines += [
            f"kept = {list(circuit.edges)!r}",
            "kept = Graph.of_edges(model.cfg, [(node_of(a), node_of(b)) for a, b in kept])",
        ]
    lines += [
        f"*_, exact = exact_effects(runs, edges{', kept' * (circuit is not None)})",
        "print(table([shown, exact.values]))  # by attribution, and without − with",
    ]
    if view.measured == "sizes":
        lines.append(f"*_, curve = faithfulness_curve(runs, scores.graph, by={view.by!r})")
        lines.append("print(table([curve.faithfulness, curve.drawn_faithfulness.mean(1)]))")
    elif view.measured:
        lines += _measured(document, heads, circuit)
    return script.script(document, lines)


def suggested(document: Document) -> str:
    """Return how a circuit is found on one half of the pairs, and measured on the other."""
    view = document.views.board
    lines = [
        *_cases(document),
        "find, measure = halves(cases, key=lambda case: tuple(case.clean.tolist()))",
        f"find = CircuitRuns.of_cases(model, find, {view.reference!r})",
        f"measure = CircuitRuns.of_cases(model, measure, {view.reference!r}) if measure else None",
        f"for step in suggest_circuit(find, measure, {view.band!r}, {view.by!r}):",
        "    if step is not None and step.circuit is not None:",
        "        print(step.caption, step.measured and step.measured.faithfulness)",
    ]
    return script.script(document, lines)


def foreign(document: Document, file: str) -> str:
    """Return how to read an attribution graph of a file."""
    lines = [
        f"graph = read_attribution_graph({file!r})",
        "for (source, target), weight in zip(graph.links, graph.weights):",
        "    print(graph.nodes[source].name, graph.nodes[target].name, weight)",
    ]
    return script.script(document, lines)


def _cases(document: Document) -> Iterator[str]:
    pairs = [row.pair.plain for row in document.rows] or [document.pair.plain]
    yield script.pairs("pairs", pairs)
    yield "cases = [case_of(model, PairRow(pair)) for pair in pairs]"


def _measured(
    document: Document, heads: Sequence[Head], circuit: KeptCircuit | None
) -> Iterator[str]:
    """Yield how what is on the board is measured as a circuit."""
    view, runs, sets = document.views.board, "runs", ""
    is_edges = view.measured == "edges"
    if is_edges:
        yield f"circuit = {'scores.graph.only(edges)' if circuit is None else 'kept'}"
    else:
        yield f"circuit = [Node('head', *head) for head in {list(heads)!r}]"
    others = [
        at
        for at, row in enumerate(document.rows)
        if circuit is not None and row.pair.clean not in circuit.found_on
    ]
    if 0 < len(others) < len(document.rows):
        runs = "others"
        yield f"others = [cases[at] for at in {others!r}]  # it was not found on"
        yield f"others = CircuitRuns.of_cases(model, others, {view.reference!r})"
    if view.beside == "completeness":
        named = [list(members) for _, members in view.groups]
        yield f"nodes = circuit{'.members' if is_edges else ''}"
        yield f"groups = [set(nodes) & set(map(node_of, names)) for names in {named!r}]"
        yield f"sets = list(filter(None, [*groups, *sampled_knockouts(nodes, {DRAWS})]))"
        sets = ", sets"
    yield f"*_, measured = circuit_scores({runs}, circuit{sets})"
    yield "print(measured.caption, measured.faithfulness, measured.interval())"
    if sets:
        yield "print(table([(one.model, one.circuit) for one in measured.completeness]))"
