"""In the window: from a step of a talk to its last pixel, while a sweep of another pair runs.

    xvfb-run -a python -m tests.bench.talk

Twelve scenes on the demo model, stepped forwards, backwards and at random.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import replace

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from lensgui.__main__ import make_answerer
from lensgui.app import start
from lensgui.jobs.requests import Patching
from lensgui.prompts.pair import PromptPair
from lensgui.state.examples import examples
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import SweepKind
from tests.bench import keystrokes
from tests.bench.window import judge, quantile, wait_until_settled

STEPS = 60
MOST_MS = 100
LOOK_MS = 1
PANES = ("Attention", "Lens", "Attribution", "Heads")
SWEPT = PromptPair(
    "I think that the keys to the old wooden cabinet near the window of the house are",
    "I think that the key to the old wooden cabinet near the window of the house are",
    " lost",
    " gone",
)


def make_talk(parts: start.Parts) -> None:
    """Keep three pairs in four panes each, some of them under an intervention."""
    window, stage = parts.window, parts.commands.stage
    pairs = [example.document.pair for example in examples()[:3]]
    off = Intervention(Site("z", 23, 3), "zero")
    for at, pair in enumerate(pairs):
        for title in PANES:
            window.show_pane(title)
            listed = (off,) * (title == "Lens")
            window.session.edit(pair=replace(pair, interventions=listed))
            window.selection.move(layer=23, head=3 + at)
            keystrokes.settle(parts)
            stage.add()
    keystrokes.settle(parts)


def is_whole(parts: start.Parts) -> bool:
    """Whether all that the visible panes ask is known, or known not to be."""
    exchange, replies = parts.window.exchange, parts.runner.replies
    for title, pane in parts.window.panes.items():
        if pane.is_in_sight:
            for name, request in pane.requests(exchange.of(pane), exchange.at(pane)).items():
                reply = replies.get((title, name))
                if reply is None or reply.request != request:
                    return False
                if reply.status not in ("whole", "failed"):
                    return False
    return True


def step_ms(parts: start.Parts, at: int) -> float:
    """Return the milliseconds from going to a scene to all of it drawn."""
    loop, look = QEventLoop(), QTimer(interval=LOOK_MS)

    def look_again() -> None:
        if is_whole(parts) and present.is_drawn:
            loop.quit()

    look.timeout.connect(look_again)
    present = parts.commands.present
    begun = time.perf_counter()
    parts.commands.stage.show(at)
    if not (is_whole(parts) and present.is_drawn):
        look.start()
        loop.exec()
        look.stop()
    for _ in range(3):
        QApplication.processEvents()  # what is still to be laid out and painted
    return (time.perf_counter() - begun) * 1000


def steps(parts: start.Parts, order: list[int]) -> list[float]:
    """Return how long each of some steps takes, in milliseconds."""
    found = []
    for at in order:
        found.append(step_ms(parts, at))
        pause()
    return found


def pause() -> None:
    loop = QEventLoop()
    QTimer.singleShot(150, loop.quit)
    loop.exec()


def main() -> int:
    parts = start.build(start.Options(), make_answerer)
    parts.window.show()
    wait_until_settled(parts.runner)
    make_talk(parts)
    document, exchange = parts.window.session.document, parts.window.exchange
    sweep = Patching(document.model, SWEPT, SweepKind("z"), "denoising", is_whole=True)
    exchange.beside["bench"] = {"sweep": sweep}
    exchange.ask()
    count, dice = len(parts.commands.stage.scenes), random.Random(3)
    order = [*range(count), *reversed(range(count))]
    order += [dice.randrange(count) for _ in range(STEPS - len(order))]
    found = steps(parts, order)
    parts.commands.present.start()
    pause()
    presented = steps(parts, order)
    reply = parts.runner.replies.get(("", "sweep"))
    runs = reply is not None and reply.status != "whole"
    print(f"  {count} scenes; the sweep {'still runs' if runs else 'has ended'} at the end")
    parts.runner.stop()
    start.leave(parts)
    met = [
        judge(f"a step of a talk{where}, largest", max(ms), MOST_MS, "ms", spread(ms))
        for where, ms in (("", found), (" on stage", presented))
    ]
    return 0 if all(met) and runs else 1


def spread(found: list[float]) -> str:
    return f"; median {quantile(found, 0.5):.0f} ms, 99 % {quantile(found, 0.99):.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
