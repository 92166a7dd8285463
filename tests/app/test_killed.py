"""A window whose process is killed loses next to nothing, and no file."""

from __future__ import annotations

import random

import pytest

from tests.app import killed

INTERVAL_MS = 400
SLACK_S = 2.0  # for a machine that does other things too


@pytest.mark.parametrize("seed", range(3))
def test_after_a_kill_the_last_edits_are_there_and_every_file_can_be_read(seed, tmp_path):
    after = random.Random(seed).uniform(0.5, 3.0)
    outcome = killed.kill(tmp_path, tmp_path / "work.lens", seed, after, INTERVAL_MS)
    assert len(outcome.edits) > 1  # more where nothing else runs
    killed.check(tmp_path, tmp_path / "work.lens", outcome, INTERVAL_MS / 1000 + SLACK_S)
