"""How long prompts feel: from a key at their end to all patterns redrawn.

    xvfb-run -a python -m tests.bench.long_prompts

The window is as it opens, at the app's own thread count; each key begins a word at the end. Bars
are those of a machine on which a whole run of 300 tokens takes 0.6 s, and more where it takes more.
"""

from __future__ import annotations

import os
import sys
import time

from lensgui.__main__ import make_answerer
from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from lensgui.app import start  # noqa: E402
from tests.bench import keystrokes  # noqa: E402
from tests.bench.window import judge, quantile, wait_until_settled  # noqa: E402

TEXT = (
    "The old harbour lay quiet in the morning, and the boats that had come in at night rocked "
    "slowly on the water while two men carried crates of fish up the narrow street to the market. "
)
BARS_MS = {300: 200, 1000: 350}
WHOLE_MS = 600.0  # of 300 tokens, where those are the bars
ABOVE_FORWARD_MS = 40


def prompt_of(tokens: int) -> str:
    """Return a text of about so many tokens: its words are one each, as are its signs."""
    words = (TEXT * (tokens // 20)).split()
    return " ".join(words[: int(tokens * 0.94)])


def whole_ms() -> float:
    """Return how long a whole run of 300 tokens takes, the quickest of three."""
    import torch

    from lensgui.analysis.run.run import Run
    from lensgui.checkpoints.loading import open_model
    from lensgui.models.known_models import DEMO

    model, found = open_model(DEMO.name), []
    for first in (100, 200, 300):
        begun = time.perf_counter()
        Run(model, torch.arange(first, first + 300)).complete()
        found.append((time.perf_counter() - begun) * 1000)
    return min(found)


def main() -> int:
    parts = start.build(start.Options(), make_answerer)
    parts.window.show()
    wait_until_settled(parts.runner)
    found = {"short": keystrokes.strokes(parts)}
    for tokens in BARS_MS:
        parts.window.session.edit(clean=prompt_of(tokens), corrupted="")
        keystrokes.settle(parts)
        found[f"{tokens}"] = keystrokes.strokes(parts)
    bar = keystrokes.forward_ms() + ABOVE_FORWARD_MS
    start.leave(parts)
    whole = whole_ms()
    slower = max(1.0, whole / WHOLE_MS)
    print(f"a whole run of 300 tokens takes {whole:.0f} ms here")
    bars = {"short": bar} | {f"{tokens}": bar * slower for tokens, bar in BARS_MS.items()}
    holds = [
        judge(
            f"key to all patterns, {name} prompt",
            quantile(of, 0.5),
            bars[name],
            "ms",
            f"; quartiles {quantile(of, 0.25):.0f} to {quantile(of, 0.75):.0f}",
        )
        for name, of in found.items()
    ]
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
