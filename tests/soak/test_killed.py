"""`kill -9` at random moments of a window that is used: at most 20 s are missing, and no file."""

from __future__ import annotations

import random

from lensgui.app.sessions.autosaving import INTERVAL_MS
from tests.app import killed

KILLS = 50
MOST_S = 20.0


def test_nothing_older_than_twenty_seconds_is_lost(share, tmp_path):
    moments = random.Random(2026)
    file = tmp_path / "work.lens"
    worst = 0.0
    for seed in range(max(1, round(KILLS * share))):
        interval = INTERVAL_MS if seed % 5 == 0 else 500
        after = moments.uniform(0.2, 20.0 if interval == INTERVAL_MS else 6.0)
        outcome = killed.kill(tmp_path, file, seed, after, interval)
        worst = max(worst, killed.check(tmp_path, file, outcome, MOST_S))
    print(f"the most that was missing: {worst:.1f} s")
