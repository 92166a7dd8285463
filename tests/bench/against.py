"""This checkout beside another commit's, in turn: `make bench ARGS="--against REF"`.

Each round starts a new process of each side, on the same Python and the same demo model, and asks
them for one figure after another; who goes first alternates. The window's figures are what each
side's own bench modules print. A figure is kept if the median of ours / theirs is at most 1.05, or
its 95 % interval contains 1.
"""

import argparse
import contextlib
import itertools
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.bench.peer import Peer
from tests.bench.probe import FIGURES

ROOT = Path(__file__).resolve().parents[2]
WINDOW = ("window", "lab", "reading", "painting")
ROUNDS, FEWEST = 9, 6  # of fewer pairs, no interval holds the median in 95 % of cases
BAR = 1.05
PRINTED = re.compile(r"(\S.*?)\s*(\d+\.\d+) (s|ms|MiB|frames/s)(?= |$)")
LEAST = 0.01  # what printed figures are rounded to


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a comparison."""
    known = (*FIGURES, *WINDOW)
    parser.add_argument("--against", metavar="REF", help="compare this checkout with a commit")
    parser.add_argument("--figures", nargs="+", choices=known, default=known, metavar="FIGURE",
                        help=f"which of {', '.join(known)} to compare; all by default")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=ROUNDS,
                        help=f"pairs of measurements, at least {FEWEST}")  # fmt: skip


def compare(ref: str, figures: list[str], rounds: int) -> int:
    """Print each figure of both sides; return 1 if one is worse than the bar, else 0."""
    if rounds < FEWEST:
        raise SystemExit(f"--rounds {rounds}: at least {FEWEST} are needed for an interval.")
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with checkout(ref) as theirs, tempfile.TemporaryDirectory() as compiled:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # both sides as they are once installed
        os.environ["PYTHONPYCACHEPREFIX"] = compiled
        for count in range(rounds):
            print(f"round {count + 1} of {rounds}", file=sys.stderr, flush=True)
            sides = (ROOT, theirs) if count % 2 else (theirs, ROOT)
            for name, first, second in measured(sides, figures):
                pairs[name].append((first, second) if count % 2 else (second, first))
    print(f"{'figure':42}{'ours':>10}{ref[:12]:>14}  ours / theirs (95 % interval)")
    held = [judge(name, found) for name, found in pairs.items()]
    return 0 if held and all(held) else 1


@contextlib.contextmanager
def checkout(ref: str) -> Iterator[Path]:
    """A commit's files, in a folder that is gone afterwards, also after SIGTERM."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    git = ["git", "-C", str(ROOT), "worktree"]
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder).resolve() / "theirs"
            subprocess.run([*git, "add", "--quiet", "--detach", place, ref], check=True)
            try:
                yield place
            finally:
                subprocess.run([*git, "remove", "--force", place], check=True)
    finally:
        signal.signal(signal.SIGTERM, before)


def measured(sides: tuple[Path, Path], figures: list[str]) -> Iterator[tuple[str, float, float]]:
    """Yield each figure's name, and what it is on each side; the smaller the better."""
    with contextlib.ExitStack() as stack:
        wanted = [figure for figure in figures if figure in FIGURES]
        probes = [probe(stack, side) for side in sides] if wanted else []
        for figure in wanted:
            answers = [probe.ask(figure=figure) for probe in probes]
            errors = [answer["error"] for answer in answers if "error" in answer]
            if errors:
                print(f"{figure} can't be measured on both sides: {errors[0]}", file=sys.stderr)
            else:
                mine, other = (answer["seconds"] for answer in answers)
                yield figure, mine, other
    for part in (figure for figure in figures if figure in WINDOW):
        first, second = (printed(side, part) for side in sides)
        for name in first:
            if name in second:
                yield name, first[name], second[name]


def probe(stack: contextlib.ExitStack, side: Path) -> Peer:
    """A process with a checkout's lensgui and bench modules, which ends with the stack."""
    peer = Peer(sys.executable, "probe.py", path=side)
    stack.callback(peer.close)
    assert Path(peer.greeting["place"]).is_relative_to(side), peer.greeting
    return peer


def printed(side: Path, part: str) -> dict[str, float]:
    """The figures that a checkout's own bench module prints, without a screen."""
    surroundings = {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(side)}
    command = [sys.executable, "-m", f"tests.bench.{part}"]
    done = subprocess.run(
        command, cwd=side, env=os.environ | surroundings, capture_output=True, text=True
    )
    found = parsed(done.stdout)
    if not found:
        print(f"{side} prints no figures of {part}: {done.stderr[-400:]}", file=sys.stderr)
    return found


def parsed(text: str) -> dict[str, float]:
    """Printed figures by name; of rates, the inverse, so that less is better everywhere."""
    lines = filter(None, map(PRINTED.match, text.splitlines()))
    found = {line[1]: (max(float(line[2]), LEAST), line[3]) for line in lines}
    return {k: 1 / value if unit == "frames/s" else value for k, (value, unit) in found.items()}


def interval(ratios: list[float]) -> tuple[float, float]:
    """Two of the sorted ratios between which their median lies in at least 95 % of cases."""
    count, ordered = len(ratios), sorted(ratios)
    below = itertools.accumulate(math.comb(count, i) / 2**count for i in range(count))
    rank = sum(share <= 0.025 for share in below)
    return ordered[rank - 1], ordered[-rank]


def judge(name: str, pairs: list[tuple[float, float]]) -> bool:
    """Print a figure; return whether it meets the bar."""
    if len(pairs) < FEWEST:
        print(f"{name:42} measured {len(pairs)} times only   ← not judged")
        return False
    ratios = [mine / other for mine, other in pairs]
    median, (low, high) = statistics.median(ratios), interval(ratios)
    holds = median <= BAR or low <= 1 <= high
    mine, other = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"{name:42}{mine:10.4f}{other:14.4f}  {median:.3f} ({low:.3f}–{high:.3f})", end="")
    print("  holds" if holds else "  ← worse")
    return holds
