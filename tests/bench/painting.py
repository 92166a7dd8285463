"""How fast attention is painted, and how much memory a long prompt takes in the window.

    python -m tests.bench.painting

Offscreen, so without the cost of a compositor. The memory is that of a process which holds the
window's side only and is handed what the worker would send.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication, QWidget

from lensgui.jobs.answers.arrays import ATLAS_SIDE, Atlas, Axis, CellState, HeadSlice
from lensgui.jobs.answers.reply import Answer, Reply
from lensgui.jobs.requests import AttentionGrid, AttentionHead, OpenModel
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.head_grid.grid import HeadGrid
from lensgui.prompts.pair import PromptPair
from lensgui.state.selection import Cursor
from lensgui.state.views import AttentionView
from lensgui.terms.model_key import ModelKey
from lensgui.terms.scores import PROMPT_SCORES

ASKED = OpenModel(ModelKey("random"))  # as good as any question: the answers are made up
REPEATS = 60
GRIDS = ((12, 12, 64, 60), (12, 12, 256, 25), (32, 32, 96, 12))  # layers, heads, tokens, frames / s
CLICK_TOKENS, CLICK_MS = 128, 16.0
LONG_TOKENS, MOST_MIB = 1024, 300.0
SIDE = 1200


def axis(name: str, count: int, step: int = 1) -> Axis:
    places = tuple(range(0, count, step))
    return Axis(name, places, tuple(f" t{place}" for place in places))


def random_atlas(layers: int, heads: int, tokens: int, seed: int) -> Atlas:
    step = -(-tokens // ATLAS_SIDE)
    side = -(-tokens // step)
    random = np.random.default_rng(seed)
    values = np.tril(random.integers(0, 256, (layers, heads, side, side), np.uint8))
    scores = random.random((len(PROMPT_SCORES), layers, heads), np.float32)
    strongest = np.ones((layers, heads, 2), np.int32)
    axes = (axis("layer", layers), axis("head", heads))
    places = (axis("position", tokens, step), axis("source", tokens, step))
    return Atlas((*axes, *places), values, layers, scores, strongest, hides_first=True)


def random_head(tokens: int, seed: int) -> HeadSlice:
    values = np.tril(np.random.default_rng(seed).random((tokens, tokens), np.float32))
    states = np.full(values.shape, CellState.EXACT, np.uint8)
    states[np.triu_indices(tokens, 1)] = CellState.MASKED
    axes = (axis("position", tokens), axis("source", tokens))
    return HeadSlice(axes, values, states, "pattern", False, 0.5)


def show(widget: QWidget) -> None:
    """Put a widget on the (virtual) screen: before that, repainting it does nothing."""
    widget.show()
    while not widget.windowHandle().isExposed():
        QApplication.processEvents()
    QApplication.processEvents()


def median_ms(act: Callable[[int], None]) -> float:
    found = []
    for turn in range(REPEATS):
        begun = time.perf_counter()
        act(turn)
        found.append((time.perf_counter() - begun) * 1000)
    return median(found)


def grid_ms(layers: int, heads: int, tokens: int) -> float:
    """The median time of a full repaint from a new atlas."""
    atlases = [random_atlas(layers, heads, tokens, seed) for seed in range(2)]
    grid = HeadGrid()
    grid.resize(SIDE, SIDE)
    show(grid)

    def repaint(turn: int) -> None:
        grid.show_atlas(atlases[turn % 2])
        grid.repaint()

    return median_ms(repaint)


def click_ms(tokens: int) -> float:
    """The median time from a head that was chosen, its numbers at hand, to both pictures."""
    pane = AttentionPane()
    pane.resize(900, 600)
    show(pane)
    pane.show_reply("grid", Reply(ASKED, random_atlas(12, 12, tokens, 0), "whole"))
    heads = [random_head(tokens, seed) for seed in range(2)]

    def click(turn: int) -> None:
        pane.show_cursor(Cursor(turn % 12, turn % 7, turn, turn // 2))
        pane.show_reply("head", Reply(ASKED, heads[turn % 2], "whole"))
        pane.grid.repaint()
        pane.head.repaint()

    return median_ms(click)


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def long_answers(folder: Path) -> Path:
    """Have a random 12-layer model read a long prompt, and keep what the window is sent."""
    from lensgui.checkpoints.loading import open_model
    from lensgui.jobs.handlers.dispatch import Dispatcher
    from lensgui.transformer.config import HookedTransformerConfig
    from lensgui.transformer.model import HookedTransformer

    tokenizer = open_model("toy").tokenizer
    cfg = HookedTransformerConfig(
        n_layers=12, d_model=192, n_ctx=LONG_TOKENS, d_head=16, n_heads=12, d_vocab=-1
    )
    key = ModelKey("memory:random", device="cpu")
    bench = Dispatcher(given={key: HookedTransformer(cfg, tokenizer).requires_grad_(False)})
    pair = PromptPair(" table" * LONG_TOKENS)
    answers: list[tuple[str, Answer]] = []
    for request in (AttentionGrid(key, pair), AttentionHead(key, pair, ((3, 4),))):
        name = "grid" if isinstance(request, AttentionGrid) else "head"
        answers += [(name, part) for part in bench.answer(request) if part is not None]
    place = folder / "answers"
    place.write_bytes(pickle.dumps(answers))
    return place


def grown_mib(place: Path) -> float:
    """How much this process grows while it shows what was kept."""
    pane = AttentionPane()
    pane.resize(900, 600)
    show(pane)
    before = resident_mib()
    for name, answer in pickle.loads(place.read_bytes()):
        pane.show_cursor(Cursor(3, 4, LONG_TOKENS - 1, 5))
        pane.show_reply(name, Reply(ASKED, answer, "partial"))
        pane.repaint()
        QApplication.processEvents()
    for view in ("lines", "text", "map"):
        pane.focus.show_view(AttentionView(drawing=view))
        QApplication.processEvents()
        pane.grab()
    return resident_mib() - before


def growth() -> float:
    """The same, in a process that never imports torch."""
    with tempfile.TemporaryDirectory() as folder:
        place = long_answers(Path(folder))
        command = [sys.executable, "-m", "tests.bench.painting", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def judge(what: str, value: float, bar: float, unit: str, *, at_least: bool = False) -> bool:
    holds = value >= bar if at_least else value <= bar
    print(f"{what:<44}{value:8.1f} {unit} ({'≥' if at_least else '≤'} {bar:g})", end="")
    print("" if holds else "   ← missed")
    return holds


def main() -> bool:
    """Print every figure beside its bar; return whether all hold."""
    app = QApplication.instance() or QApplication([])
    if len(sys.argv) == 2 and Path(sys.argv[1]).is_file():
        print(grown_mib(Path(sys.argv[1])))
        return True
    found = [
        judge(
            f"grid of {layers} × {heads} heads, {tokens} tokens",
            1000 / grid_ms(layers, heads, tokens),
            bar,
            "frames/s",
            at_least=True,
        )
        for layers, heads, tokens, bar in GRIDS
    ]
    found.append(
        judge(f"click to repaint, {CLICK_TOKENS} tokens", click_ms(CLICK_TOKENS), CLICK_MS, "ms")
    )
    found.append(judge(f"window's memory, {LONG_TOKENS} tokens", growth(), MOST_MIB, "MiB"))
    app.processEvents()
    return all(found)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
