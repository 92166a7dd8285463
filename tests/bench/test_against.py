import contextlib
import subprocess

import numpy as np
import pytest

from tests.bench import against


@pytest.mark.parametrize("count", [6, 9, 20])
def test_the_interval_holds_the_median_in_95_of_100_cases(count):
    draws = np.random.default_rng(0).lognormal(size=(4000, count))  # their median is 1
    ends = [against.interval(list(ratios)) for ratios in draws]
    share = np.mean([low <= 1 <= high for low, high in ends])
    assert 0.945 <= share <= 0.985


@pytest.mark.parametrize(
    ("ratios", "holds"),
    [([1.04] * 9, True), ([1.06] * 9, False), ([0.5] * 9, True), ([0.9, 1.2] * 5, True)],
)
def test_a_figure_holds_up_to_the_bar_or_when_one_is_in_its_interval(ratios, holds, capsys):
    assert against.judge("sweep", [(ratio, 1.0) for ratio in ratios]) is holds
    assert ("holds" in capsys.readouterr().out) is holds


def test_a_figure_that_was_not_measured_every_time_does_not_hold(capsys):
    assert not against.judge("sweep", [(1.0, 1.0)] * (against.FEWEST - 1))
    assert "not judged" in capsys.readouterr().out


def test_printed_figures_are_read_and_rates_turned_around():
    text = (
        "The window:\n"
        "window visible after start                 0.65 s (≤ 1)\n"
        "lag while sweeps run, p99               1005.30 ms (≤ 25); 2000 samples   ← missed\n"
        "grid of 12 × 12 heads, 64 tokens              80.0 frames/s (≥ 60)\n"
        "sweeps against plain forwards           1.5e-05 logits at most\n"
    )
    assert against.parsed(text) == {
        "window visible after start": 0.65,
        "lag while sweeps run, p99": 1005.3,
        "grid of 12 × 12 heads, 64 tokens": 1 / 80,
    }


@pytest.mark.skipif(not (against.ROOT / ".git").exists(), reason="not a git checkout")
def test_the_other_checkout_is_gone_however_it_ends():
    with contextlib.suppress(KeyboardInterrupt), against.checkout("HEAD") as place:
        assert (place / "lensgui" / "__init__.py").is_file()
        raise KeyboardInterrupt
    assert not place.parent.exists()
    command = ["git", "-C", str(against.ROOT), "worktree", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert str(place) not in listed
