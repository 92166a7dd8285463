"""Edge attribution and what circuits are measured with, in plain forwards."""

import time
from collections.abc import Callable, Iterator

import torch

from lensgui.analysis.circuits.curve import faithfulness_curve

# probe.py takes this from here
from lensgui.analysis.circuits.edges import edge_attribution as edge_attribution
from lensgui.analysis.circuits.effects import exact_effects
from lensgui.analysis.circuits.faithfulness import circuit_scores
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.pairs.cases import case_of
from lensgui.prompts.tasks import TASKS
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node
from tests.bench.figures import Spread

ROUNDS = 7
PAIRS = 32


def scored(model, pair):
    """Score all edges of a pair from nothing; `probe.py` times it."""
    return edge_attribution(runs_of(model, pair))


def runs_of(model, pair) -> CircuitRuns:
    """A pair on which nothing has been run."""
    ablation = Ablation("resample", pair.corrupted)
    return CircuitRuns(model, pair.clean, pair.metric, ablation)


def exhaust(steps) -> None:
    """Go through a generator."""
    for _ in steps:
        pass


class Circuits:
    """Everything that has a bar, each a function that does it once."""

    def __init__(self, model, pair) -> None:
        self.model, self.pair = model, pair
        self.graph: Graph = scored(model, pair).graph
        listed = self.graph.largest(500).nodes
        self.nodes = [node for node in listed if node.kind == "head"][-30:]
        self.edges = list(self.graph.largest(50).edges)
        self.cases = [case_of(model, row) for row in TASKS[0].draw(PAIRS, seed=0)]
        self.ready, self.many = runs_of(model, pair), CircuitRuns.of_cases(model, self.cases)
        self.changes = 0
        self.faithfulness(self.ready)
        self.faithfulness(self.many)

    def changed(self) -> list[Node]:
        """Thirty heads and one more, another each time."""
        self.changes += 1
        heads = [node for node in self.graph.senders if node.kind == "head"]
        return [*self.nodes, heads[self.changes]]

    def effects(self, count: int) -> None:
        """Exact effects of the largest edges, from nothing."""
        exhaust(exact_effects(runs_of(self.model, self.pair), self.edges[:count]))

    def faithfulness(self, runs: CircuitRuns, *, changed: bool = False) -> None:
        """How well thirty heads stand for the model; or these and one more, each time another."""
        circuit = self.changed() if changed else self.nodes
        exhaust(circuit_scores(runs, circuit, minimality=False))

    def curve(self) -> None:
        """Ten sizes, from nothing."""
        runs = runs_of(self.model, self.pair)
        exhaust(faithfulness_curve(runs, self.graph, draws=0))

    def bars(self) -> Iterator[tuple[str, float, int, Callable[[], object]]]:
        """Yield a name, a bar in plain forwards, of how many pairs it is, and what is timed."""
        model, pair = self.model, self.pair
        total = f"EAP-IG, all {self.graph.total:,} edges, 5 steps"
        yield total, 10, 1, lambda: scored(model, pair)
        yield "exact effect of 1 edge", 3, 1, lambda: self.effects(1)
        yield "exact effect of 50 edges", 40, 1, lambda: self.effects(50)
        yield "faithfulness of 30 heads", 5, 1, lambda: self.faithfulness(runs_of(model, pair))
        yield "… after a change", 1.5, 1, lambda: self.faithfulness(self.ready, changed=True)
        yield (
            f"… of {PAIRS} pairs, a pair",
            4.5,
            PAIRS,
            lambda: self.faithfulness(CircuitRuns.of_cases(model, self.cases)),
        )
        yield (
            "… after a change, a pair",
            1.5,
            PAIRS,
            lambda: self.faithfulness(self.many, changed=True),
        )
        yield "curve of ten sizes", 30, 1, self.curve


def compare(model, pair) -> Iterator[tuple[str, bool]]:
    """Rows of the table of figures, printed with their details, and whether each bar holds."""
    torch.set_num_threads(1)
    print(f"\ncircuits, {len(pair.clean)} tokens, 1 thread")
    for name, bar, pairs, once in Circuits(model, pair).bars():
        forwards, times = [], []
        for _ in range(ROUNDS + 1):
            start = time.perf_counter()
            with torch.no_grad():
                model(pair.clean[None])
            middle = time.perf_counter()
            once()
            forwards.append(middle - start)
            times.append((time.perf_counter() - middle) / pairs)
        forward, taken = Spread.of(forwards[1:]), Spread.of(times[1:])
        ratio = taken.median / forward.median
        holds = ratio <= bar
        print(f"  {name}: {ratio:.2f} forwards (bar {bar:g}: {'holds' if holds else 'MISSED'})")
        row = f"| {name} | 1 | {taken.median:.3f} s | {forward.median:.3f} s (plain forward) |"
        yield f"{row} {ratio:.1f}× its time | |", holds
