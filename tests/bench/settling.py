"""A long pair: how soon its sweep has settled, beside all of it, and the memory of a longer one.

    python -m tests.bench.settling

All of it is worked out from a random tenth of the other cells, by the rows that these run.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

SHARE_BAR = 0.25  # of the time of all cells, the estimate counted
MEMORY_BAR_MB = 1000.0
FRONT = (
    "The old harbour lay quiet in the morning, and the boats that had come in at night rocked "
    "slowly on the water while two men carried crates of fish up the narrow street to the market. "
)
DOG = "A dog slept in the sun beside a pile of nets, and somebody was singing in a kitchen. "
BORN = "She was born in {} and grew up near the sea. "
STREETS = (
    "It was a warm day and the streets were full of people who walked slowly past the shops and "
    "talked about the weather, and nobody was in a hurry to go home. "
)
END = (
    "Some of them had known her since she was a child. Because of where she was born, her mother "
    "tongue is"
)


def pair(model, tokens: int):
    """Return a pair of about so many tokens, the differing one in the middle, and its metric."""
    from lensgui.terms.metrics import LogitDifference

    more = max(0, tokens - 129) // 2
    text = FRONT * (1 + more // 38) + DOG + BORN + STREETS * (1 + more // 31) + END
    clean, corrupted = (model.to_tokens(text.format(name))[0] for name in ("France", "Italy"))
    answer, distractor = (model.to_single_token(name) for name in (" French", " Italian"))
    return clean, corrupted, LogitDifference(answer=(answer,), distractor=(distractor,))


def settled(model, tokens: int):
    """Sweep the residual stream until it has settled; return the runs, the sweep and the times."""
    from lensgui.analysis.run.run import Run
    from lensgui.analysis.sweep.estimates.attribution import attribution_patch
    from lensgui.analysis.sweep.estimates.settling import Settling
    from lensgui.analysis.sweep.sweep import sweep
    from lensgui.terms.kinds import RESID_PRE

    clean, corrupted, metric = pair(model, tokens)
    runs = [Run(model, prompt).complete() for prompt in (clean, corrupted)]
    begun = time.perf_counter()
    (estimates,) = attribution_patch(model, runs[0], runs[1], metric, (RESID_PRE,))
    chooser = Settling(estimates)
    *_, found = sweep(model, runs[0], runs[1], metric, first=estimates, settling=chooser)
    return runs, metric, found, chooser.found, time.perf_counter() - begun


def compare(model) -> tuple[str, bool]:
    """Print how a pair of 129 tokens settles; return its row, and whether its bar holds."""
    import torch

    from lensgui.analysis.sweep.sweep import sweep

    runs, metric, found, of, seconds = settled(model, 129)
    rest = found.values.isnan()
    some = rest & (torch.rand(rest.shape, generator=torch.Generator().manual_seed(0)) < 0.1)
    begun = time.perf_counter()
    *_, sample = sweep(model, runs[0], runs[1], metric, only=some)
    spent = time.perf_counter() - begun
    rows = torch.arange(rest.shape[1], 0, -1.0).expand(rest.shape)
    whole = spent * float(rows[~found.unchanged].sum()) / float(rows[some].sum())
    missed = float((sample.values[some] / sample.scale).abs().max())
    what = f"residual sweep of {len(runs[0].tokens)} tokens, settled"
    told = f"{of.exact} of {of.total:,} cells; in a tenth of the rest none above {missed:.3f}"
    print(f"{what}: {seconds:.1f} s, all of it about {whole:.0f} s; {told}")
    holds = seconds <= SHARE_BAR * whole
    threads = torch.get_num_threads()
    row = f"| {what} | {threads} | {seconds:.1f} s | {whole:.0f} s (all cells) "
    return f"{row}| {whole / seconds:.1f}× | {missed:.3f} |", holds


def memory_mb(tokens: int) -> float:
    """Return how much more memory than with the open model a settled sweep takes, in a process."""
    code = f"from tests.bench.settling import _peak; print(_peak({tokens}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _peak(tokens: int) -> float:
    import torch

    from lensgui.checkpoints.loading import open_model
    from lensgui.models.known_models import DEMO

    model = open_model(DEMO.name, folded=False, device="cpu", dtype="float32")
    with torch.no_grad():
        model(model.to_tokens("Once upon a time"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    settled(model, tokens)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> int:
    from lensgui.checkpoints.loading import open_model
    from lensgui.models.known_models import DEMO

    _, holds = compare(open_model(DEMO.name, folded=False, device="cpu", dtype="float32"))
    taken = memory_mb(512)
    print(f"memory above the model's at 512 tokens: {taken:.0f} MB (≤ {MEMORY_BAR_MB:.0f})")
    return 0 if holds and taken <= MEMORY_BAR_MB else 1


if __name__ == "__main__":
    sys.exit(main())
