"""One checkout's side of `--against`: figures' names on stdin, seconds on stdout, as JSON lines.

It is run with a checkout first on the path, and takes from there public names and what the
checkout's own bench modules hold, so it measures old checkouts too, wherever their modules lie.
"""

import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Literal

LEAST_SECONDS, LEAST_CALLS = 1.0, 2  # besides the first call, which does not count
DEMO = "smollm2-135m"
SWEEPS: dict[str, tuple[str, str, Literal["position", "all"]]] = {
    "resid_pre": ("ioi", "resid_pre", "position"),
    "z": ("ioi", "z", "all"),
    "z-by-position": ("ioi", "z", "position"),
    "q": ("ioi", "q", "all"),
    "k": ("ioi", "k", "all"),
    "v": ("ioi", "v", "all"),
    "pattern": ("ioi", "pattern", "all"),
    "fact-resid_pre": ("fact", "resid_pre", "position"),
    "fact-z": ("fact", "z", "all"),
}
FIGURES = ("import", "open", "forward", "cache", "attribution", "edges", *SWEEPS)


class Side:
    """The demo model as this checkout opens it, at one thread."""

    def __init__(self) -> None:
        begun = time.perf_counter()
        import lensgui

        self.importing = time.perf_counter() - begun
        self.place = lensgui.__file__
        import torch
        from transformers.utils import logging

        from tests.bench.sweeps import Pair

        torch.set_num_threads(1)
        logging.disable_progress_bar()
        self.open()
        self.model = self.open()
        self.pair = Pair.stored("ioi")

    def open(self):
        from lensgui import HookedTransformer

        return HookedTransformer.from_pretrained_no_processing(DEMO, device="cpu")

    def runs(self, attribution) -> list[object]:
        """The complete runs of both prompts, which an estimate starts from."""
        kept = attribution.KEPT
        ids = self.pair.clean, self.pair.corrupted
        return [attribution.Run(self.model, prompt, kept).complete() for prompt in ids]

    def call(self, figure: str) -> Callable[[], object]:
        """What a figure is the time of."""
        from tests.bench import attribution, edges, sweeps

        model, pair = self.model, self.pair
        if figure in SWEEPS:
            name, activation, extent = SWEEPS[figure]
            swept, kind = sweeps.Pair.stored(name), sweeps.SweepKind(activation, extent)
            return lambda: sweeps.timed(model, swept, kind)
        return {
            "open": self.open,
            "forward": lambda: model(pair.clean[None]),
            "cache": lambda: model.run_with_cache(pair.clean[None]),
            "attribution": lambda: attribution.steps_of(model, pair, self.runs(attribution)),
            "edges": lambda: edges.scored(model, pair),
        }[figure]

    def seconds(self, figure: str) -> float:
        """How long a figure takes: the median of some calls, but for "import", which is one."""
        if figure == "import":
            return self.importing
        call = self.call(figure)
        taken: list[float] = []
        while len(taken) <= LEAST_CALLS or sum(taken) < LEAST_SECONDS:
            begun = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begun)
        return statistics.median(taken[1:])


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print must not mix with the answers
    warnings.simplefilter("ignore")
    side = Side()
    import torch

    print(json.dumps({"place": side.place}), file=answers, flush=True)
    for line in sys.stdin:
        try:
            with torch.no_grad():
                answer: dict[str, object] = {"seconds": side.seconds(json.loads(line)["figure"])}
        except (AttributeError, ImportError, TypeError) as error:  # an old checkout may lack it
            answer = {"error": str(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
