"""Opening the demo model beside Hugging Face's own loading, and importing lensgui."""

import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from lensgui.models import folded, store
from tests.bench import opening
from tests.bench.figures import Spread

ROUNDS = 15
BAR = 1.3
AGAIN_BAR = 1.2  # of a second folded opening to a raw one
IMPORT_BAR = 0.1  # seconds
IMPORT = "import time; t = time.perf_counter(); import lensgui; print(time.perf_counter() - t)"


def compare(folder: Path) -> tuple[list[str], bool]:
    """Rows of the table, and whether the bars hold; one thread, all in turn, after the imports."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lensgui.transformer.model import HookedTransformer

    def theirs() -> object:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        return model, AutoTokenizer.from_pretrained(folder)

    def ours(**settings: bool) -> object:
        return HookedTransformer.from_pretrained(str(folder), device="cpu", **settings)

    def second() -> object:
        return ours()  # beside what `first` kept just before

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv(store.HOME_VARIABLE, home)
        patch.delenv(folded.LIMIT, raising=False)
        raw, unkept, first, again, other = _spreads(
            lambda: HookedTransformer.from_pretrained_no_processing(str(folder), device="cpu"),
            lambda: ours(keep_folded=False),
            ours,
            second,
            theirs,
            before={0: lambda: folded.delete(folder)},
        )
    importing = Spread.of([_import_time() for _ in range(5)])
    ratio, again_ratio = raw.median / other.median, again.median / raw.median
    loads, imports = ratio <= BAR, importing.median <= IMPORT_BAR
    is_quick = again_ratio <= AGAIN_BAR
    print(f"\nfrom_pretrained of the cached demo model, 1 thread, {ROUNDS} rounds")
    print(f"  raw {raw}; Hugging Face {other}")
    print(f"  {ratio:.2f}× (bar {BAR}×: {'holds' if loads else 'MISSED'})")
    print(f"  folded, first {first}, of which folding itself {unkept}; second {again}")
    print(
        f"  second folded / raw {again_ratio:.2f}× "
        f"(bar {AGAIN_BAR}×: {'holds' if is_quick else 'MISSED'})"
    )
    print(f"import lensgui: {importing} (bar {IMPORT_BAR} s: {'holds' if imports else 'MISSED'})")
    row = "| from_pretrained{} | 1 | {:.3f} s | {:.3f} s ({}) | {:.2f}× | |"
    theirs_, own = "Hugging Face's own", "raw"
    rows = [
        row.format("_no_processing", raw.median, other.median, theirs_, ratio),
        row.format(", folded, first", first.median, raw.median, own, first.median / raw.median),
        row.format(", folded, second", again.median, raw.median, own, again_ratio),
        f"| import lensgui | 1 | {importing.median:.3f} s | | | |",
    ]
    peaks, all_fit = opening.compare()
    return rows + peaks, loads and imports and is_quick and all_fit


def _spreads(
    *calls: Callable[[], object], before: Mapping[int, Callable[[], object]]
) -> list[Spread]:
    """How long each call takes, in turn; the first round, which imports, does not count.

    Nor does walking through what was there before: both sides make enough objects to set it off.

    Args:
        calls: What is timed.
        before: By a call's number, what is done before it, untimed.
    """
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS + 1):
        for number, (call, times) in enumerate(zip(calls, taken, strict=True)):
            before.get(number, lambda: None)()
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
