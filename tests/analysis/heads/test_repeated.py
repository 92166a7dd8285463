"""Scores on repeated tokens, by looking each query up in the cache."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lensgui.analysis.heads.repeated import repeated_tokens, score_on_repeats
from lensgui.checkpoints.loading import open_model
from lensgui.terms.model_key import TOY_MODEL
from lensgui.terms.scores import REPEATED_SCORES
from tests.answering import last
from tests.references import model_of


@pytest.fixture(scope="module")
def toy():
    return open_model(TOY_MODEL)


@pytest.mark.parametrize("in_front", [False, True])
def test_scores_are_means_over_the_queries_that_have_such_a_target(in_front):
    model, length = model_of("llama"), 4
    once = torch.tensor([[3, 8, 5, 11], [7, 2, 9, 4]])
    front = torch.full((2, int(in_front)), 1)
    tokens = torch.cat([front, once, once], 1)
    found = last(score_on_repeats(model, tokens))
    expected: dict[str, list[list[float]]] = {name: [] for name in REPEATED_SCORES}
    start = int(in_front)
    for prompt in tokens:
        _, cache = model.run_with_cache(prompt[None])
        pattern = cache["pattern", 1][0, 2]
        places = range(len(prompt))
        expected["previous token"].append([pattern[q, q - 1] for q in places[2:]])
        again = places[start + length :]
        expected["duplicate token"].append([pattern[q, q - length] for q in again if q > length])
        expected["induction"].append(
            [pattern[q, q - length + 1] for q in again if q - length + 1 > start]
        )
    for at, name in enumerate(REPEATED_SCORES):
        values = [float(value) for row in expected[name] for value in row]
        assert float(found.scores[at, 1, 2]) == pytest.approx(sum(values) / len(values), abs=1e-12)
        assert found.queries[at] == len(values)


def test_what_is_drawn_is_said_twice_and_no_control_token(toy):
    tokens = repeated_tokens(toy, 10, prompts=3)
    half = tokens.shape[1] // 2
    front = tokens.shape[1] - 2 * half
    assert tokens.shape[0] == 3
    assert torch.equal(tokens[:, front : front + half], tokens[:, front + half :])
    assert all(len(set(row.tolist())) == half for row in tokens[:, front : front + half])
    special = set(toy.tokenizer.all_special_ids)
    assert not special & set(tokens[:, front:].flatten().tolist())
    assert torch.equal(tokens, repeated_tokens(toy, 10, prompts=3))
    assert not torch.equal(tokens, repeated_tokens(toy, 10, prompts=3, seed=50))


def test_the_heads_that_the_toy_learnt_are_found(toy):
    found = last(score_on_repeats(toy, repeated_tokens(toy)))
    previous, _, induction = found.scores
    assert float(induction[1].min()) > 0.6
    assert float(induction[0].max()) < 0.1
    assert divmod(int(previous.argmax()), toy.cfg.n_heads) == (0, 0)


def test_a_model_that_takes_too_few_tokens_is_refused():
    model = model_of("llama")
    tiny = type("Model", (), {"cfg": replace(model.cfg, n_ctx=3), "tokenizer": None})
    with pytest.raises(ValueError, match="too few tokens to repeat any"):
        repeated_tokens(tiny)
