"""How long the neurons pane keeps one waiting, in the real window at its own number of threads.

    xvfb-run -a python -m tests.bench.neurons

From a key at the end of the IOI pair's clean prompt to the ranking with its numbers, so the forward
pass is in it; from a click on another neuron to its colours over the prompt; and how late the
window's ticks come while a long text is searched for strongest places.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from lensgui.__main__ import make_answerer
from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from lensgui.app import start  # noqa: E402
from lensgui.jobs.answers.arrays import Slice  # noqa: E402
from lensgui.jobs.answers.neurons import NeuronPlaces, NeuronRanking  # noqa: E402
from lensgui.jobs.questions.neuron_requests import NeuronOverPrompt  # noqa: E402
from lensgui.panes.neurons.neurons import NeuronsPane  # noqa: E402
from lensgui.terms.resources import resource  # noqa: E402
from tests.bench import keystrokes  # noqa: E402
from tests.bench.reading import asks, until  # noqa: E402
from tests.bench.window import Lag, judge, quantile, wait_until_settled  # noqa: E402
from tests.windows import pane_of  # noqa: E402

ABOVE_FORWARD_MS, CARD_MS, LAG_MS = 100, 100, 25
LETTERS = "abcdefghijklmnop"  # each is asked once
READ_S, COPIES = 15.0, 400  # how long a text is read, and of how many copies of the one held out


def waited(begun: float) -> float:
    """Return the milliseconds since then."""
    return (time.perf_counter() - begun) * 1000


def strokes(parts: start.Parts, pane: NeuronsPane) -> list[float]:
    """Return the milliseconds from each of some keystrokes to the ranking."""
    window, found = parts.window, list[float]()
    text = window.session.document.pair.clean
    for letter in LETTERS[: keystrokes.STROKES]:
        typed = f"{text} {letter}"
        begun = time.perf_counter()
        window.session.edit(clean=typed)
        until(partial(is_ranked, pane, typed))
        found.append(waited(begun))
        keystrokes.settle(parts)
    window.session.edit(clean=text)
    keystrokes.settle(parts)
    return found


def is_ranked(pane: NeuronsPane, clean: str) -> bool:
    """Whether the neurons of a prompt are ranked."""
    reply, known = pane.reply("ranking"), pane.known("ranking", NeuronRanking)
    return reply is not None and known is not None and asks(reply.request, clean)


def clicks(parts: start.Parts, pane: NeuronsPane) -> list[float]:
    """Return the milliseconds from a click on each of some neurons to its card."""
    found = list[float]()
    for row in range(5, 15):
        begun = time.perf_counter()
        pane.picked.emit(pane.rows.fields(row))
        neuron = pane.rows.rows[row].neuron
        until(partial(is_shown, pane, neuron))
        found.append(waited(begun))
        keystrokes.settle(parts)
    return found


def is_shown(pane: NeuronsPane, neuron: int) -> bool:
    """Whether a neuron's activations over the prompt are known."""
    reply, known = pane.reply("over"), pane.known("over", Slice)
    if reply is None or known is None:
        return False
    return isinstance(reply.request, NeuronOverPrompt) and reply.request.neuron == neuron


def lags(pane: NeuronsPane, folder: Path) -> tuple[list[float], str]:
    """Return how late ticks come while a text is read, and how much of it was read."""
    path = folder / "long.txt"
    text = resource("text", "held_out.txt").read_text(encoding="utf-8")
    path.write_text(text * COPIES, encoding="utf-8")
    lag = Lag()
    pane.read_text(str(path))
    until(lambda: pane.known("places", NeuronPlaces) is not None)
    lag.start()
    ended = time.perf_counter() + READ_S
    until(lambda: time.perf_counter() > ended)
    late, known = lag.stop(), pane.known("places", NeuronPlaces)
    count = 0 if known is None else len(known.tokens)
    return late, f"; {len(late)} samples, {count:,} tokens in {READ_S:.0f} s"


def main() -> int:
    parts = start.build(start.Options(), make_answerer)
    parts.window.show()
    wait_until_settled(parts.runner)
    parts.window.show_pane(NeuronsPane.title)
    pane = pane_of(parts.window, NeuronsPane)
    keystrokes.settle(parts)
    keys, cards = strokes(parts, pane), clicks(parts, pane)
    with TemporaryDirectory() as folder:
        late, read = lags(pane, Path(folder))
        parts.runner.stop()
        start.leave(parts)
    forward = keystrokes.forward_ms()
    within = round(forward + ABOVE_FORWARD_MS)
    holds = [
        judge(f"neurons: {name}", quantile(of, share), limit, "ms", more)
        for name, of, share, limit, more in (
            ("key to the ranking", keys, 0.5, within, f"; the forward pass takes {forward:.0f}"),
            ("click to a neuron over the prompt", cards, 0.5, CARD_MS, ""),
            ("lag while a text is read, p99", late, 0.99, LAG_MS, read),
        )
    ]
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
