"""Answers of several tokens: a cell is the log-probability of all of them in one plain forward."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.pairs.answers import continued
from lensgui.analysis.sweep.estimates.attribution import attribution_patch
from lensgui.analysis.sweep.result import of_prompt
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import ContinuationLogProbability, LogProbability
from lensgui.transformer.hooks.names import get_act_name
from tests.checkpoints.tiny_models import VOCABULARY
from tests.references import changes, model_of

PROMPT, ANSWER = 7, (4, 9, 2)
METRIC = ContinuationLogProbability(ANSWER)
KINDS = [
    SweepKind("resid_pre"),
    SweepKind("mlp_out"),
    SweepKind("z"),
    SweepKind("z", "all"),
    SweepKind("v"),
    SweepKind("pattern", "edge"),
]


def prompts() -> list[torch.Tensor]:
    clean = torch.randint(0, VOCABULARY, (PROMPT,), generator=torch.Generator().manual_seed(8))
    corrupted = clean.clone()
    corrupted[3] = (corrupted[3] + 5) % VOCABULARY
    return [clean, corrupted]


def said(model, tokens, hooks=()):
    """log p(answer | prompt), one forward for each of its tokens."""
    total = 0.0
    for count, token in enumerate(ANSWER):
        logits = model.run_with_hooks(continued(tokens, ANSWER[: count + 1])[None], fwd_hooks=hooks)
        total += logits[0, -1].log_softmax(-1)[token]
    return total


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_neox"])
@torch.no_grad()
def test_every_cell_is_one_patched_forward(name, kind):
    model = model_of(name)
    longer = [continued(tokens, ANSWER) for tokens in prompts()]
    *_, result = sweep(model, *longer, METRIC, kind)
    clean, corrupted = (tokens[None] for tokens in longer)
    assert abs(result.corrupted - METRIC(model(corrupted))) <= 1e-9
    cells = torch.ones_like(result.unchanged).nonzero()[::3]
    slow = changes(model, clean, corrupted, METRIC, kind, cells.tolist())
    assert (result.values[tuple(cells.T)] - slow).abs().max() <= 1e-9
    assert result.values.abs().max() > 1e-3


@torch.no_grad()
def test_it_is_the_sum_over_tokens_each_given_those_before():
    model = model_of("llama")
    clean, corrupted = prompts()
    *_, result = sweep(model, continued(clean, ANSWER), continued(corrupted, ANSWER), METRIC)
    assert abs(result.clean - said(model, clean)) <= 1e-9
    assert abs(result.corrupted - said(model, corrupted)) <= 1e-9


def test_the_map_is_cut_to_the_prompt_and_fills_in():
    model = model_of("llama")
    longer = [continued(tokens, ANSWER) for tokens in prompts()]
    results = sweep(model, *longer, METRIC, SweepKind("pattern", "edge"))
    shown = of_prompt(next(results), PROMPT)
    assert shown.values.shape[-2:] == (PROMPT, PROMPT)
    for result in results:
        shown = of_prompt(result, PROMPT)
    assert shown.values.isfinite().all()
    assert shown.values.equal(result.values[..., :PROMPT, :PROMPT])
    *_, first = sweep(model, *longer, METRIC)
    assert of_prompt(first, PROMPT).unchanged.shape == (model.cfg.n_layers, PROMPT)


def test_one_token_is_the_log_probability():
    model = model_of("gpt2")
    *_, ours = sweep(model, *prompts(), ContinuationLogProbability((4,)))
    *_, plain = sweep(model, *prompts(), LogProbability((4,)))
    torch.testing.assert_close(ours.values, plain.values)
    assert continued(prompts()[0], (4,)).equal(prompts()[0])
    logits = torch.randn(2, 9, VOCABULARY, dtype=torch.float64)
    torch.testing.assert_close(
        ContinuationLogProbability((4,))(logits), LogProbability((4,))(logits)
    )


@torch.no_grad()
def test_the_estimate_has_the_gradient_of_the_sum():
    model, kind = model_of("llama"), SweepKind("resid_pre")
    longer = [continued(tokens, ANSWER) for tokens in prompts()]
    (estimate,) = attribution_patch(model, *longer, METRIC, [kind])
    _, cache = model.run_with_cache(longer[0][None])
    base, step = METRIC(model(longer[1][None])), 1e-5
    for layer, position in ((0, 3), (1, 4), (2, PROMPT)):

        def nudge(x, hook, position=position):
            x = x.clone()
            x[:, position] += step * (cache[hook.name][:, position] - x[:, position])
            return x

        hook = get_act_name("resid_pre", layer)
        nudged = METRIC(model.run_with_hooks(longer[1][None], fwd_hooks=[(hook, nudge)]))
        assert (
            abs((nudged - base) / step - estimate[layer, position]) <= 1e-3 * estimate.abs().max()
        )


def test_prompts_that_are_too_short_and_answers_of_nothing_are_refused():
    model, short = model_of("llama"), torch.tensor([1, 2])
    with pytest.raises(ValueError, match="reads 3 positions, and only 2"):
        list(sweep(model, short, short + 1, METRIC))
    with pytest.raises(ValueError, match="no tokens"):
        continued(short, ())
