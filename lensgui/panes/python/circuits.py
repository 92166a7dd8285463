"""A few lines of Python for the circuit board."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lensgui.jobs.questions.circuit_requests import DRAWS
from lensgui.panes.python import script
from lensgui.state.document import Document
from lensgui.state.views import BoardView
from lensgui.terms.circuits.kept import EdgeName
from lensgui.terms.kinds import Head

MOST_EDGES = 200  # that are named


def edges(document: Document, found: Sequence[EdgeName], heads: Sequence[Head]) -> str:
    """Return how to get what every edge is worth, and what some matter exactly.

    Args:
        document: The pair, or the pairs that are averaged over.
        found: The edges on the board, the strongest first.
        heads: The heads on the board.
    """
    view = document.views.board
    pairs = [row.pair.plain for row in document.rows] or [document.pair.plain]
    lines = [
        script.pairs("pairs", pairs),
        "cases = [case_of(model, PairRow(pair)) for pair in pairs]",
        f"runs = CircuitRuns.of_cases(model, cases, {view.reference!r})",
        "scores = edge_attribution(runs)",
        f"names = {list(found)[:MOST_EDGES]!r}",
        "edges = [(node_of(sender), node_of(receiver)) for sender, receiver in names]",
        "shown = [scores.of(*edge) for edge in edges]  # by attribution",
        "*_, exact = exact_effects(runs, edges)",
        "print(table([shown, exact.values]))  # by attribution, and without − with",
    ]
    if view.measured == "sizes":
        lines.append(f"*_, curve = faithfulness_curve(runs, scores.graph, by={view.by!r})")
        lines.append("print(table([curve.faithfulness, curve.drawn_faithfulness.mean(1)]))")
    elif view.measured:
        lines += _measured(view, heads)
    return script.script(document, lines)


def _measured(view: BoardView, heads: Sequence[Head]) -> Iterator[str]:
    """Yield how what is on the board is measured as a circuit."""
    is_edges, sets = view.measured == "edges", ""
    of_heads = f"[Node('head', *head) for head in {list(heads)!r}]"
    yield f"circuit = {'scores.graph.only(edges)' if is_edges else of_heads}"
    if view.beside == "completeness":
        named = [list(members) for _, members in view.groups]
        of = "circuit.nodes" if is_edges else "circuit"
        yield f"nodes = [node for node in {of} if node.kind != 'embed']"
        yield f"groups = [set(nodes) & set(map(node_of, names)) for names in {named!r}]"
        yield f"sets = list(filter(None, [*groups, *sampled_knockouts(nodes, {DRAWS})]))"
        sets = ", sets"
    yield f"*_, measured = circuit_scores(runs, circuit{sets})"
    yield "print(measured.caption, measured.faithfulness, measured.interval())"
    if sets:
        yield "print(table([(one.model, one.circuit) for one in measured.completeness]))"
