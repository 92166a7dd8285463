"""Prompts whose names are others: as many tokens, each name once, all else as it was."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.circuits.other_names import KNOWN, other_names
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.pairs.cases import case_of
from lensgui.checkpoints.loading import open_model
from lensgui.prompts.tasks import TASKS
from lensgui.transformer.text.tokens import to_str_tokens


@pytest.fixture(scope="module")
def demo(demo_folder):
    return open_model(str(demo_folder), device="cpu")


@pytest.mark.demo
def test_each_name_is_another_and_all_else_stays(demo):
    rows = TASKS[0].draw(8, seed=4)
    seen = set()
    for row in rows:
        clean = case_of(demo, row).clean
        found = other_names(demo, clean)
        assert torch.equal(found, other_names(demo, clean))
        assert len(found) == len(clean)
        texts = [to_str_tokens(demo, ids) for ids in (clean, found)]
        changed = [at for at in range(len(clean)) if texts[0][at] != texts[1][at]]
        names = [texts[1][at].strip() for at in changed]
        assert [texts[0][at].strip() in KNOWN for at in range(len(clean))] == [
            at in changed for at in range(len(clean))
        ]
        assert len(changed) == len(set(names)) == 3
        assert set(names) <= set(KNOWN) - {text.strip() for text in texts[0]}
        seen.add(tuple(names))
    assert len(seen) == len(rows)


@pytest.mark.demo
def test_it_stands_in_without_saying_the_opposite(demo):
    cases = [case_of(demo, row) for row in TASKS[0].draw(2, seed=4)]
    runs = CircuitRuns.of_cases(demo, cases, "names")
    for _ in runs.prepare():
        pass
    whole, reference = runs.ends()
    assert not runs.is_swap
    assert "other names (ABC)" in runs.caption
    assert float(reference.mean().abs()) < 0.25 * float(whole.mean())


@pytest.mark.demo
def test_a_prompt_without_names_says_so(demo):
    with pytest.raises(ValueError, match="no names"):
        other_names(demo, demo.to_tokens("The capital of Japan is", prepend_bos=False)[0])
    many = " ".join(KNOWN)
    with pytest.raises(ValueError, match="No other name"):
        other_names(demo, demo.to_tokens(many, prepend_bos=False)[0])
