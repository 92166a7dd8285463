"""Opening the demo model beside Hugging Face's own loading, and importing lensgui."""

import gc
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tests.bench.figures import Spread

ROUNDS = 15
BAR = 1.3
IMPORT_BAR = 0.1  # seconds
IMPORT = "import time; t = time.perf_counter(); import lensgui; print(time.perf_counter() - t)"


def compare(folder: Path) -> tuple[list[str], bool]:
    """Rows of the table, and whether the bars hold; one thread, all in turn, after the imports."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lensgui.transformer.model import HookedTransformer

    def theirs() -> object:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        return model, AutoTokenizer.from_pretrained(folder)

    torch.set_num_threads(1)
    raw, folded, other = _spreads(
        lambda: HookedTransformer.from_pretrained_no_processing(str(folder), device="cpu"),
        lambda: HookedTransformer.from_pretrained(str(folder), device="cpu"),
        theirs,
    )
    importing = Spread.of([_import_time() for _ in range(5)])
    ratio, folded_ratio = raw.median / other.median, folded.median / other.median
    loads, imports = ratio <= BAR, importing.median <= IMPORT_BAR
    print(f"\nfrom_pretrained of the cached demo model, raw weights, 1 thread, {ROUNDS} rounds")
    print(f"  lensgui {raw}, folded {folded}; Hugging Face {other}")
    print(f"  {ratio:.2f}× (bar {BAR}×: {'holds' if loads else 'MISSED'})")
    print(
        f"  folded {folded_ratio:.2f}×: every weight is rewritten; Hugging Face only maps the file"
    )
    print(f"import lensgui: {importing} (bar {IMPORT_BAR} s: {'holds' if imports else 'MISSED'})")
    row = "| from_pretrained{} | 1 | {:.3f} s | {:.3f} s (Hugging Face's own) | {:.2f}× | |"
    rows = [
        row.format("_no_processing", raw.median, other.median, ratio),
        row.format(", folded", folded.median, other.median, folded_ratio),
        f"| import lensgui | 1 | {importing.median:.3f} s | | | |",
    ]
    return rows, loads and imports


def _spreads(*calls: Callable[[], object]) -> list[Spread]:
    """How long each call takes, in turn; the first round, which imports, does not count.

    Nor does walking through what was there before: both sides make enough objects to set it off.
    """
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS + 1):
        for call, times in zip(calls, taken, strict=True):
            gc.collect()
            gc.freeze()
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    gc.unfreeze()
    return [Spread.of(times[1:]) for times in taken]


def _import_time() -> float:
    output = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True).stdout
    return float(output)
