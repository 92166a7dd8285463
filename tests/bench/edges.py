"""Edge attribution over all edges, in plain forwards."""

import time

import torch

# probe.py takes this from here
from lensgui.analysis.graph.edges import edge_attribution as edge_attribution
from tests.bench.figures import Spread

BAR = 12.0
ROUNDS = 15


def compare(model, pair) -> tuple[str, bool]:
    """One row of the table of figures, printed with its details, and whether its bar holds."""
    torch.set_num_threads(1)
    forwards, attributions = [], []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        with torch.no_grad():
            model(pair.clean[None])
        middle = time.perf_counter()
        scores = edge_attribution(model, pair.clean, pair.corrupted, pair.metric)
        forwards.append(middle - start)
        attributions.append(time.perf_counter() - middle)
    forward, attribution = Spread.of(forwards[1:]), Spread.of(attributions[1:])
    ratio = attribution.median / forward.median
    holds, count = ratio <= BAR, int(scores.exists.sum())
    print(f"\nedge attribution (EAP): {count:,} edges, {len(pair.clean)} tokens, 1 thread")
    print(f"  all edges  {attribution}\n  forward    {forward}")
    print(f"  {ratio:.2f} forwards (bar {BAR:g}: {'holds' if holds else 'MISSED'})")
    name = f"edge attribution, all {count:,} edges"
    row = f"| {name} | 1 | {attribution.median:.3f} s | {forward.median:.3f} s (plain forward) |"
    return f"{row} {ratio:.1f}× its time | |", holds
