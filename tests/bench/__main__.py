"""`make bench`: every figure of resources/guide/figures.md, measured here and now."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench import against

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch starts its threads
os.environ.setdefault("HF_HUB_OFFLINE", "1")

QUIET = 1.6  # how much faster two threads must be than one for the machine to count as quiet
HEAD = "| what | threads | lensgui | reference | ratio | max-abs |\n|---|---|---|---|---|---|"


def is_quiet(cores: int) -> bool:
    """Whether the machine gives all its cores to a matrix product."""
    from tests.bench.figures import gigaflops

    one, all_ = gigaflops(1), gigaflops(cores)
    print(f"\nmatrix products: {one:.1f} GFLOP/s at 1 thread, {all_:.1f} at {cores}")
    return all_ >= QUIET * one


def swept(model, folder: Path, cases) -> list[tuple[str, bool]]:
    """The rows of a model's sweeps beside the reference, and whether their bars hold."""
    from tests.bench import sweeps
    from tests.bench.environment import reference_python
    from tests.bench.peer import Peer

    rows = []
    python = reference_python()
    peer = Peer(python, "reference.py", folder) if python else None
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    for threads in sorted({1, cores}):
        for case in cases:
            quiet = threads == 1 or is_quiet(cores)
            rows.append(sweeps.compare(model, peer, case, threads, quiet))
            if threads > 1 and quiet and not is_quiet(cores):
                print("  the machine got busy meanwhile: that figure does not count")
                rows[-1] = rows[-1][0], True
    if peer:
        peer.close()
    return rows


def library() -> tuple[list[str], bool]:
    """The rows of the table that need no window, and whether every bar holds."""
    from transformers.utils import logging

    from lensgui.checkpoints.loading import open_model
    from lensgui.models.known_models import DEMO, path
    from tests.bench import (
        any_metric,
        attribution,
        caching,
        edges,
        generation,
        gpt2,
        halves,
        interventions,
        loading,
        settling,
        sweeps,
    )

    logging.disable_progress_bar()
    folder = path(DEMO.name)
    model = open_model(DEMO.name, folded=False, device="cpu", dtype="float32")
    ioi = sweeps.Pair.stored("ioi")
    rows = [
        caching.compare(model, folder, ioi),
        attribution.compare(model, ioi),
        *edges.compare(model, ioi),
        interventions.compare(model, ioi),
        generation.compare(model, folder, ioi),
        *any_metric.compare(model, ioi),
        settling.compare(model),
    ]
    rows += swept(model, folder, sweeps.CASES)
    beside = caching.beside_engine(model, folder, ioi)
    del model
    beside += halves.compare()
    shaped = gpt2.folder()
    rows += swept(open_model(str(shaped), folded=False, dtype="float32"), shaped, gpt2.cases())
    loads, all_load = loading.compare(folder)
    return [row for row, _ in rows] + beside + loads, all_load and all(holds for _, holds in rows)


def window() -> bool:
    """The window's own figures, each part in a process of its own; whether all bars hold."""
    if not Path(__file__).with_name("window.py").exists():
        print("\nThere is no tests/bench/window.py: the window is not measured.")
        return True
    command = [sys.executable, "-m"]
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        xvfb = shutil.which("xvfb-run")
        if not xvfb:
            print("\nThere is neither a display nor xvfb-run: the window is not measured.")
            return True
        command = [xvfb, "-a", *command]
    print("\nThe window:", flush=True)
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    parts = (
        "tests.bench.window",
        "tests.bench.toggling",
        "tests.bench.talk",
        "tests.bench.long_prompts",
        "tests.bench.stillness",
        "tests.bench.lab",
        "tests.bench.reading",
        "tests.bench.heads",
        "tests.bench.neurons",
        "tests.bench.painting",
        "tests.bench.search",
        "tests.bench.sessions",
    )
    statuses = [subprocess.run([*command, part], env=environment).returncode for part in parts]
    return not any(statuses)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--only", choices=["library", "window"])
    against.add_arguments(parser)
    options = parser.parse_args()
    if options.against:
        return against.compare(options.against, options.figures, options.rounds)
    only = options.only
    rows, holds = library() if only != "window" else ([], True)
    shown = window() if only != "library" else True
    if rows:
        print("\n" + HEAD)
        print("\n".join(rows))
    return 0 if holds and shown else 1


if __name__ == "__main__":
    sys.exit(main())
