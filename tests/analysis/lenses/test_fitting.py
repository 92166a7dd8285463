"""A fitted lens is better than the logit lens on text it has not seen; Jacobians are autograd's."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.lenses.fitting import JacobianFit, TunedFit, prompts_of
from lensgui.analysis.lenses.jacobians import prompt_jacobians, valid_positions
from lensgui.analysis.lenses.lens import LogitLens, check_lens
from lensgui.analysis.lenses.reading import lens_worth
from lensgui.analysis.run.run import Run
from tests.answering import last
from tests.checkpoints.tiny_models import prompts
from tests.references import close


def run_through(fit, steps=None):
    for _ in range(fit.total if steps is None else steps):
        for _ in fit.step():
            pass
    return fit


def test_jacobians_are_what_autograd_gives_in_full(model):
    tokens = prompts(1)[0, :9]
    found = last(prompt_jacobians(model, tokens, skipped=2, at_once=5))
    valid = list(valid_positions(9, 2))
    assert valid == [2, 3, 4, 5, 6, 7]
    n_layers = model.cfg.n_layers
    streams = list(model.residual_stream(tokens[None]))
    assert found.keys() == set(range(n_layers - 1))
    for layer in range(n_layers - 1):

        def end(stream, layer=layer):
            span = model.span(9)
            *_, ended = model.run_blocks(stream[None], range(layer + 1, n_layers), span)
            return ended[0, valid].sum(0)

        whole = torch.autograd.functional.jacobian(end, streams[layer + 1][0])
        close(found[layer], whole[:, valid].mean(1))


def test_weights_ask_for_gradients_as_before(toy):
    before = [weight.requires_grad for weight in toy.parameters()]
    last(prompt_jacobians(toy, torch.arange(20) + 3))
    assert [weight.requires_grad for weight in toy.parameters()] == before
    assert all(weight.grad is None for weight in toy.parameters())


def test_a_prompt_with_no_position_that_counts_is_refused(toy):
    with pytest.raises(ValueError, match="takes at least 18"):
        next(prompt_jacobians(toy, torch.arange(17) + 3))
    with pytest.raises(ValueError, match="Every prompt is too short"):
        JacobianFit(toy, [torch.arange(17) + 3])


def repeated(toy, count, seed):
    """Random words said twice, which is what the toy knows."""
    generator = torch.Generator().manual_seed(seed)
    some = torch.randint(3, toy.cfg.d_vocab, (count, 20), generator=generator)
    return torch.cat([some, some], 1)


def words(toy, count, seed):
    """Texts of words that are not said twice."""
    generator = torch.Generator().manual_seed(seed)
    some = [torch.randperm(toy.cfg.d_vocab - 3, generator=generator)[:40] for _ in range(count)]
    return torch.stack(some) + 3


def test_a_fitted_lens_of_the_toy_is_worth_more_than_the_logit_lens_on_text_it_has_not_seen(toy):
    fit = run_through(TunedFit(toy, list(words(toy, 1600, 0))))
    lens = fit.lens()
    assert check_lens(toy, lens) == ""
    runs = [Run(toy, tokens) for tokens in words(toy, 12, 1)]
    tuned, logit = (
        torch.stack([lens_worth(run.complete(), one) for run in runs]).mean(0)
        for one in (lens, LogitLens())
    )
    assert (tuned <= logit + 0.001).all()
    assert tuned[0] <= logit[0] / 2


@pytest.mark.parametrize("kind", [TunedFit, JacobianFit])
def test_a_fit_that_goes_on_ends_where_it_would_have(toy, kind):
    some = list(repeated(toy, 12, 2))
    whole = run_through(kind(toy, some)).lens()
    begun = run_through(kind(toy, some), 2)
    arrays, numbers = begun.state()
    kept = {name: tensor.clone() for name, tensor in arrays.items()}
    again = kind(toy, some)
    again.restore(kept, numbers)
    assert again.done == 2
    lens = run_through(again, again.total - 2).lens()
    for row in range(1, toy.cfg.n_layers):
        stream = torch.randn(3, toy.cfg.d_model)
        assert lens.transport(stream, row).equal(whole.transport(stream, row))
    assert lens.fit == whole.fit
    assert "12 prompts" in lens.fit.size


def test_a_jacobian_fit_counts_a_prompt_whole_or_not_at_all(toy):
    fit = run_through(JacobianFit(toy, list(repeated(toy, 3, 2))), 1)
    (before, _), steps = fit.state(), 0
    for _ in fit.step():
        steps += 1
        assert fit.state() == (before, {"done": 1})
    assert steps > 1
    after, numbers = fit.state()
    assert numbers == {"done": 2}
    assert not any(after[layer].equal(before[layer]) for layer in before)


def test_what_was_fitted_of_another_model_is_not_gone_on_with(toy, model):
    for kind in (TunedFit, JacobianFit):
        arrays, numbers = run_through(kind(toy, list(repeated(toy, 4, 2))), 1).state()
        with pytest.raises(ValueError, match="of another model"):
            kind(model, [prompts(1)[0]]).restore(arrays, numbers)


def test_a_jacobian_lens_of_no_prompt_is_none(toy):
    with pytest.raises(ValueError, match="take a step first"):
        JacobianFit(toy, list(repeated(toy, 1, 0))).lens()


def test_text_is_cut_into_prompts_of_one_length():
    text = torch.arange(100)
    found = prompts_of(text, 30, start=0)
    assert [len(prompt) for prompt in found] == [30, 30, 30]
    assert torch.cat([prompt[1:] for prompt in found]).equal(text[:87])
    assert [len(prompt) for prompt in prompts_of(text, 50)] == [50, 50]
    with pytest.raises(ValueError, match="has 10 tokens, and a prompt takes 29"):
        prompts_of(text[:10], 30, start=0)
