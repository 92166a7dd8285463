"""What interventions cost beside the same without them, at one thread."""

from __future__ import annotations

import time

import torch

from lensgui.analysis.interventions.directions import token_direction
from lensgui.analysis.interventions.listed import Interventions, keep_vector
from lensgui.analysis.interventions.strength import strength_curve
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.interventions import Intervention, Site
from tests.bench.figures import Spread

ROUNDS = 9
MOST = 1.5  # of a sweep under three interventions to the same without
UPDATES = 8.0  # a second, as a strength is dragged


def seconds(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def compare(model, pair) -> tuple[str, bool]:
    """One row of the table of figures, printed with its details, and whether its bars hold."""
    torch.set_num_threads(1)
    layers = model.cfg.n_layers
    token = keep_vector("the answer", token_direction(model, pair.metric.answer[0]))
    steer = Intervention(Site("resid_pre", layers // 2), "add_median", strength=0.2, vector=token)
    three = Interventions(
        (
            Intervention(Site("z", 2 * layers // 3, 0), "zero"),
            steer,
            Intervention(Site("mlp_out", layers // 3), "scale", strength=0.5),
        ),
    )
    plain = Run(model, pair.clean).complete()

    def run_under(given):
        intervened_runs(plain, given)[0].complete()

    def swept(given):
        *_, _ = sweep(model, pair.clean, pair.corrupted, pair.metric, interventions=given)

    forward, toggle, drag, without, under = ([] for _ in range(5))
    for _ in range(ROUNDS + 1):
        forward.append(seconds(lambda: Run(model, pair.clean).complete()))
        toggle.append(seconds(lambda: run_under([three.listed[0]])))
        drag.append(seconds(lambda: run_under(Interventions((steer,)))))
        without.append(seconds(lambda: swept(())))
        under.append(seconds(lambda: swept(three)))
    found = [Spread.of(of[1:]).median for of in (forward, toggle, drag, without, under)]
    ratio, updates = found[4] / found[3], 1 / found[2]
    curve = seconds(lambda: list(strength_curve(plain, three, 1, pair.metric)))
    print(
        f"\ninterventions: a head off at two thirds of the depth {found[1] * 1e3:.0f} ms, where a "
        f"run takes {found[0] * 1e3:.0f}; a strength dragged {updates:.1f} times a second "
        f"(bar {UPDATES:g}); 17 strengths {curve:.2f} s\n"
        f"  residual sweep under three {found[4]:.3f} s, {ratio:.2f}× one under none (bar {MOST:g})"
    )
    holds = ratio <= MOST and updates >= UPDATES and found[1] <= found[0]
    row = f"| residual sweep under three interventions | 1 | {found[4]:.2f} s | {found[3]:.2f} s"
    return f"{row} (under none) | {ratio:.2f}× its time | |", holds


if __name__ == "__main__":
    from lensgui.checkpoints.loading import open_model
    from tests.bench.probe import DEMO
    from tests.bench.sweeps import Pair

    opened = open_model(DEMO, folded=False, device="cpu", dtype="float32")
    print(compare(opened, Pair.stored("ioi"))[0])
