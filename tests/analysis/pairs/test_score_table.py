"""The table of scores: every name is the analysis that it stands for, and a mean over pairs."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from lensgui.analysis.heads.copied import copied_shares
from lensgui.analysis.heads.copying import copying_scores
from lensgui.analysis.heads.evidence import attention_from, mean_output_norms
from lensgui.analysis.heads.repeated import repeated_tokens, score_on_repeats
from lensgui.analysis.heads.scores import head_scores, targets
from lensgui.analysis.pairs.score_table import score_heads
from lensgui.analysis.pairs.typed_pairs import run_prompt, sweep_pair
from lensgui.checkpoints.loading import open_model
from lensgui.prompts.pair import PairRow
from lensgui.terms.kinds import HEADS
from lensgui.terms.model_key import TOY_MODEL
from lensgui.terms.scores import PROMPT_SCORES, REPEATED_SCORES, SCORES
from tests.answering import PAIR, last
from tests.panes.copying import averaging

close = partial(torch.testing.assert_close, check_dtype=False)
NAMES = [score.key for score in SCORES if score.key != "estimate"]
ROWS = (PairRow(PAIR),)
EDGE = (10, 4)


@pytest.fixture(scope="module")
def model():
    return open_model(TOY_MODEL)


def test_every_score_is_there_once_and_of_every_head(model):
    found = score_heads(model, ROWS, NAMES, EDGE)
    assert list(found) == NAMES
    shape = model.cfg.n_layers, model.cfg.n_heads
    assert {values.shape for values in found.values()} == {shape}
    assert all(values.isfinite().all() for values in found.values())


def test_a_score_is_what_its_own_analysis_says(model):
    found = score_heads(model, ROWS, NAMES, EDGE)
    repeats = last(score_on_repeats(model, repeated_tokens(model))).scores
    for name, values in zip(REPEATED_SCORES, repeats, strict=True):
        close(found[name], values)
    close(found["copying"], last(copying_scores(model)))
    close(found["raw copying"], last(copying_scores(model, raw=True)))
    both = torch.stack([found["top 5"], found["bottom 5"]])
    close(both, last(copied_shares(model)))
    run = run_prompt(model, PAIR.clean_prompt)
    scores = head_scores(run.patterns(1, range(model.cfg.kv_heads)), targets(run.tokens))
    for name, values in zip(PROMPT_SCORES[:-1], scores, strict=True):
        close(found[f"{name} here"][1], values)
    close(found["edge"], last(attention_from(run, 10))[..., 4])
    close(found["norm here"], mean_output_norms(run))
    *_, swept = sweep_pair(model, PAIR, HEADS, "noising")
    close(found["breaks"], -swept.shown)


def test_over_pairs_each_is_the_mean(model):
    rows = averaging(2).rows
    names = ("attribution", "entropy here", "norm here", "edge", "induction")
    both = score_heads(model, rows, names, EDGE)
    alone = [score_heads(model, (PairRow(row.pair),), names, EDGE) for row in rows]
    for name in names:
        close(both[name], (alone[0][name] + alone[1][name]) / 2)


def test_what_is_not_there_is_one_sentence(model):
    with pytest.raises(ValueError, match="no score 'charm'; there are edge, attribution"):
        score_heads(model, ROWS, ("charm",))
    with pytest.raises(ValueError, match="name destination and source"):
        score_heads(model, ROWS, ("edge",))
