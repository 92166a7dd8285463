"""Reading every activation, beside a plain Hugging Face forward."""

import statistics
import time
from pathlib import Path

import torch

from tests.bench.figures import Spread
from tests.bench.sweeps import Pair

PAIRS = 50
BAR = 1.3  # plain forwards
FORWARD_BAR = 1.05


def compare(model, folder: Path, pair: Pair) -> tuple[str, bool]:
    """A row of the table, and whether the bar holds; one thread, both sides in turn."""
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    plain = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()
    tokens, ours, theirs, forwards = pair.clean[None], [], [], []
    for count in range(PAIRS + 3):
        start = time.perf_counter()
        with torch.inference_mode():
            plain(tokens, use_cache=False)
        between = time.perf_counter()
        with torch.no_grad():
            model.run_with_cache(tokens)
        cached = time.perf_counter()
        with torch.inference_mode():
            model(tokens)
        end = time.perf_counter()
        if count >= 3:
            theirs.append(between - start)
            ours.append(cached - between)
            forwards.append(end - cached)
    mine, other = Spread.of(ours), Spread.of(theirs)
    ratio = statistics.median(ours) / statistics.median(theirs)
    forward = statistics.median(forwards) / statistics.median(theirs)
    holds = ratio <= BAR and forward <= FORWARD_BAR
    print(f"\nrun_with_cache of everything, {tokens.shape[1]} tokens, 1 thread, {PAIRS} pairs")
    print(f"  lensgui {mine}, a plain Hugging Face forward {other}")
    print(f"  {ratio:.2f}× (bar {BAR}×: {'holds' if ratio <= BAR else 'MISSED'})")
    kept = "holds" if forward <= FORWARD_BAR else "MISSED"
    print(f"  our forward without hooks: {forward:.2f}× (bar {FORWARD_BAR}×: {kept})")
    row = f"| run_with_cache of everything | 1 | {mine.median:.3f} s | {other.median:.3f} s (plain"
    return f"{row} forward) | {ratio:.2f}× its time | |", holds
