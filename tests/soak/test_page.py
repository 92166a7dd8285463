"""The page of a talk in a browser: nothing is refused, nothing runs but its own script."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lensgui.panes.figures import page as pages
from lensgui.panes.figures.drawing.style import PAPER
from tests.panes.figures.pictures import cells, panels
from tests.panes.figures.test_take_along import HOSTILE, slide

pytestmark = pytest.mark.usefixtures("qapp")
BROWSER = "chromium"
HOVER = """
const first = document.querySelector('svg[data-scene]');
const grid = known[0][0];
const corner = first.getScreenCTM();
first.dispatchEvent(new PointerEvent('pointermove', {
  clientX: corner.e + corner.a * (grid.x + grid.width / grid.columns / 2),
  clientY: corner.f + corner.d * (grid.y + grid.height / grid.rows / 2), bubbles: true,
}));
document.title = 'shown: ' + said.textContent;
"""


def opened(data: bytes, folder: Path) -> tuple[str, str]:
    """Return the page as the browser has it once its script has run, and what it complains of."""
    path = folder / "talk.html"
    path.write_bytes(data)
    command = [
        *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
        *("--v=0", f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000"),
        *("--dump-dom", path.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    said = done.stderr.decode(errors="replace")
    return done.stdout.decode(), "\n".join(re.findall(r".*CONSOLE.*", said))


def test_hostile_texts_run_nothing_and_the_pages_own_script_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "SCRIPT", pages.SCRIPT + HOVER)
    first = cells(np.zeros((4, 3)), ["L0", "L1", "L2", "L3"], ["·a", HOSTILE[0], "·c"])
    slides = [slide("first", first)]
    for text in HOSTILE:
        slides += [slide(text, one) for one in panels([text, "b", f"{text}c"])]
    found, complaints = opened(pages.page(HOSTILE[1], slides, PAPER), tmp_path)
    assert complaints == ""
    assert "<title>shown: layer L0 · position ·a · value 0" in found
    assert found.count("<section") == len(slides)
    assert found.count("<script") == 2


def test_the_policy_refuses_what_was_slipped_in(tmp_path):
    data = pages.page("A talk", [slide("first", panels(["a", "b"])[0])], PAPER)
    odd = data.replace(b"</main>", b"<script>document.title = 'evil'</script></main>")
    found, complaints = opened(odd, tmp_path)
    assert "Content Security Policy" in complaints
    assert "<title>evil" not in found
