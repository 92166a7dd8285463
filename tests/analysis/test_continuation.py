"""What is written is what whole forward passes would write, whoever takes turns with whom."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from lensgui.analysis.continuation import TOP, Continuation, continue_prompt, run_behind
from lensgui.analysis.interventions.listed import Interventions, keep_vector
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.run.predictions import read_out
from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import Intervention, Site
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from tests.analysis.interventions.plain import Known, caches, hooks_of
from tests.checkpoints.tiny_models import TINY, tiny
from tests.references import attached, close, model_of

FAMILIES = ["gpt2", "llama", "gemma2", "gpt_neox", "gpt_oss"]
PROMPT = torch.tensor([5, 9, 2, 11, 4, 8])
OTHER = torch.tensor([5, 9, 3, 11, 4, 8])
COUNT = 6
DRAWN = {"temperature": 1.5, "top_k": 12, "top_p": 0.9, "seed": 3}


def run_of(name):
    return Run(model_of(name), PROMPT)


def ids(written):
    return [one.token for one in written]


def steps_by_hand(count, logits_of):
    """The likeliest tokens of forward passes over all of the text, and their logits."""
    text, found = PROMPT, []
    for _ in range(count):
        found.append(logits_of(text)[0, -1])
        text = torch.cat([text, found[-1].argmax()[None]])
    return found


def assert_is(written, logits):
    """Whether tokens, probabilities, ranks and alternatives are those of logits."""
    for one, row in zip(written, logits, strict=True):
        chances = row.softmax(-1)
        order = row.argsort(descending=True)
        assert one.token == int(order[0])
        assert one.rank == 1
        assert ids_of(one.top) == order[:TOP].tolist()
        expected = [float(chances[token]) for token in order[:TOP]]
        assert [share for _, share in one.top] == pytest.approx(expected, rel=1e-5, abs=1e-9)
        assert one.probability == one.top[0][1]


def ids_of(top):
    return [token for token, _ in top]


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_greedily_it_is_the_likeliest_token_of_whole_forward_passes(name):
    model = model_of(name)
    written = list(continue_prompt(run_of(name), COUNT, stop_at_eos=False))
    assert_is(written, steps_by_hand(COUNT, lambda text: model(text[None])))
    assert attached(model) == 0


def everywhere(model):
    """Interventions that act on new positions as on the prompt's own."""
    vector = keep_vector("v", torch.randn(model.cfg.d_model, generator=seeded()))
    return (
        Intervention(Site("z", 1, 1), "zero"),
        Intervention(Site("mlp_out", 0), "scale", strength=0.3),
        Intervention(Site("resid_pre", 1), "add", strength=0.7, vector=vector),
        Intervention(Site("attn_scores", 0, 1), "knock_out", sources=(2,)),
        Intervention(Site("pattern", 1, 0), "zero", sources=(1, 3)),
    )


def at_the_prompt(model):
    """Interventions that act on the prompt's positions, and reach new ones by way of its keys."""
    return (
        Intervention(Site("resid_post", 0), "resample"),
        Intervention(Site("z", 1, 0), "freeze"),
        Intervention(Site("v", 1, 0), "scale", (2, 3), -2.0),
        Intervention(Site("mlp_out", 1), "zero", "last"),
    )


def seeded():
    return torch.Generator().manual_seed(1)


def known_of(model):
    own, other = caches(model, [PROMPT, OTHER])
    return Known(own, other, own, ())


def at_positions(hooks):
    """The same hooks, kept from positions behind the prompt."""

    def of(name, hook):
        def act(x, hook_point):
            is_pattern = name.endswith(("pattern", "attn_scores"))
            count = x.shape[2 if is_pattern else 1]
            if count <= len(PROMPT):
                return hook(x, hook_point)
            at = 2 if is_pattern else 1
            first = hook(x.narrow(at, 0, len(PROMPT)), hook_point)
            return torch.cat([first, x.narrow(at, len(PROMPT), count - len(PROMPT))], at)

        return name, lambda x, hook: act(x, hook)

    return [of(name, hook) for name, hook in hooks]


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_under_interventions_everywhere_it_is_whole_passes_with_plain_hooks(name):
    model, given = model_of(name), everywhere(model_of(name))
    under, _ = intervened_runs(run_of(name), given)
    written = list(continue_prompt(under, COUNT, stop_at_eos=False))

    def logits_of(text):
        # the hooks count positions by the cache they know, so here of the whole text
        known = Known(*caches(model, [text, text]), *caches(model, [text]), ())
        return model.run_with_hooks(text[None], fwd_hooks=hooks_of(model, given, known))

    assert_is(written, steps_by_hand(COUNT, logits_of))
    assert ids(written) != ids(continue_prompt(run_of(name), COUNT, stop_at_eos=False))


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_what_is_done_at_the_prompts_positions_lives_on_and_new_ones_are_free(name):
    model, given = model_of(name), at_the_prompt(model_of(name))
    runs = [Run(model, tokens) for tokens in (PROMPT, OTHER)]
    under, _ = intervened_runs(runs[0], Interventions(given), runs[1])
    written = list(continue_prompt(under, COUNT, stop_at_eos=False))
    hooks = at_positions(hooks_of(model, given[:2] + given[3:], known_of(model)))
    hooks += hooks_of(model, given[2:3], known_of(model))  # which lists its positions

    def logits_of(text):
        return model.run_with_hooks(text[None], fwd_hooks=hooks)

    assert_is(written, steps_by_hand(COUNT, logits_of))


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_generated_positions_alone_are_changed_where_that_is_said(name):
    model = model_of(name)
    vector = torch.randn(model.cfg.d_model, generator=seeded())
    one = Intervention(
        Site("resid_post", 0), "add", "generated", 1.5, vector=keep_vector("g", vector)
    )
    under, _ = intervened_runs(run_of(name), one)
    written = list(continue_prompt(under, COUNT, stop_at_eos=False))

    def add(x, hook):
        x = x.clone()
        x[:, len(PROMPT) :] += 1.5 * vector
        return x

    def logits_of(text):
        return model.run_with_hooks(text[None], fwd_hooks=[(get_act_name("resid_post", 0), add)])

    assert_is(written, steps_by_hand(COUNT, logits_of))
    assert written[0] == next(continue_prompt(run_of(name), 1))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("settings", [{}, DRAWN])
def test_taking_turns_changes_not_a_bit(name, settings):
    given = everywhere(model_of(name))
    plain = run_of(name)
    runs = plain, intervened_runs(plain, given)[0]
    alone = [list(continue_prompt(run, COUNT, **settings)) for run in runs]
    both = [Continuation(run, **settings) for run in runs]
    going = [one.steps(COUNT) for one in both]
    while going:  # a layer of one, a layer of the other
        going = [one for one in going if next(one, 0) is None]
    assert [one.tokens for one in both] == alone
    assert attached(plain.model) == 0


def test_the_same_seed_draws_the_same_and_touches_no_other_random_numbers():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = list(continue_prompt(run_of("llama"), COUNT, **DRAWN))
    assert torch.equal(torch.rand(3), expected)
    assert list(continue_prompt(run_of("llama"), COUNT, **DRAWN)) == first
    drawn = {
        tuple(ids(continue_prompt(run_of("llama"), COUNT, temperature=1.5, seed=seed)))
        for seed in range(5)
    }
    assert len(drawn) > 1
    assert all(1 <= one.rank <= 12 for one in first)


def test_at_temperature_0_the_other_settings_change_nothing():
    plain = list(continue_prompt(run_of("llama"), COUNT))
    other = continue_prompt(run_of("llama"), COUNT, top_k=3, top_p=0.1, seed=5)
    assert list(other) == plain


@pytest.mark.parametrize("left_at", [0, 1, 3, 10])
@pytest.mark.parametrize("settings", [{}, DRAWN])
def test_stopped_anywhere_and_gone_on_with_it_is_as_at_once(left_at, settings):
    whole = list(continue_prompt(run_of("gemma2"), COUNT, **settings))
    parts = Continuation(run_of("gemma2"), **settings)
    some = parts.steps(3)
    for _ in range(left_at):
        next(some, None)
    some.close()
    for count in (2, COUNT):
        for _ in parts.steps(count):
            pass
    assert parts.tokens == whole


def test_it_ends_where_the_context_is_full():
    model = model_of("gpt2")
    prompt = torch.arange(model.cfg.n_ctx - 2) % 20
    parts = Continuation(Run(model, prompt), stop_at_eos=False)
    for _ in parts.steps(COUNT):
        pass
    assert (len(parts.tokens), parts.end) == (2, "context")
    full = Continuation(Run(model, torch.arange(model.cfg.n_ctx) % 20))
    assert list(full.steps(3)) is not None
    assert (full.tokens, full.end, full.has_failed) == ([], "context", False)


def test_it_ends_at_the_end_of_sequence(toy, monkeypatch):
    run = Run(toy, toy.to_tokens(" river stone river", prepend_bos=False)[0])
    free = list(continue_prompt(run, COUNT, stop_at_eos=False))
    monkeypatch.setattr(toy, "tokenizer", SimpleNamespace(eos_token_id=free[2].token))
    first = ids(free).index(free[2].token) + 1
    assert list(continue_prompt(run, COUNT)) == free[:first]


def test_settings_out_of_their_range_are_refused_at_once():
    for settings, words in (
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
    ):
        with pytest.raises(ValueError, match=words):
            next(continue_prompt(run_of("llama"), 1, **settings))


def test_numbers_that_overflow_are_refused_in_a_sentence():
    one = Intervention(Site("resid_post", 1), "scale", "generated", 1e308)
    under, _ = intervened_runs(run_of("llama"), (one, one))
    parts = Continuation(under, stop_at_eos=False)
    with pytest.raises(ValueError, match="behind 1 new tokens is not finite"):
        list(parts.steps(3))
    assert parts.has_failed
    with pytest.raises(RuntimeError, match="failed before"):
        list(parts.steps(3))


OPS = {
    "everywhere": everywhere,
    "the prompt's positions": at_the_prompt,
    "generated": lambda model: (Intervention(Site("mlp_out", 0), "scale", "generated", 2.0),),
    "all patterns": lambda model: (
        Intervention(Site("pattern", 0), "freeze"),
        Intervention(Site("pattern", 1, 0), "zero", (2, 4), sources=(1,)),
        Intervention(Site("attn_scores", 1, 1), "knock_out", "last", sources=(1, 2)),
    ),
    "noise": lambda model: (Intervention(Site("embed"), "noise", strength=2.0),),
    "direct path": lambda model: (
        *(Intervention(Site("pattern", layer), "freeze") for layer in range(model.cfg.n_layers)),
        *(Intervention(Site("mlp_out", layer), "freeze") for layer in range(model.cfg.n_layers)),
        Intervention(Site("norms"), "freeze"),
        Intervention(Site("z", 0, 0), "zero", (3,)),
    ),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("ops", OPS)
@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_the_run_up_to_a_token_is_the_one_that_wrote_it(name, ops, dtype):
    model = model_of(name) if dtype == torch.float64 else in_float32(name)
    runs = [Run(model, tokens) for tokens in (PROMPT, OTHER)]
    under, _ = intervened_runs(runs[0], OPS[ops](model), runs[1])
    bar = 1e-10 if dtype == torch.float64 else 1e-6
    for run in (runs[0], under):
        writing = Continuation(run, stop_at_eos=False)
        for _ in writing.steps(COUNT):
            pass
        more = ids(writing.tokens)
        whole = run_behind(run, more).complete()
        assert whole.ids == (*PROMPT.tolist(), *more)
        assert torch.equal(whole.residuals[-1][: len(PROMPT)], run.residuals[-1])
        assert_chances(whole, writing.tokens)
        for layer in range(model.cfg.n_layers):  # patterns, which are worked out anew
            every = whole.patterns(layer, range(model.cfg.kv_heads))
            short = run.patterns(layer, range(model.cfg.kv_heads))
            length = len(PROMPT)
            torch.testing.assert_close(every[:, :length, :length], short, atol=bar, rtol=bar)
            assert not every[:, :length, length:].any()
            last = whole.attention_from(layer, len(whole.ids) - 1)
            torch.testing.assert_close(every[:, -1], last, atol=bar, rtol=bar)
    assert attached(model) == 0


def in_float32(name):
    return HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny(name), device="cpu", dtype=torch.float32
    ).requires_grad_(False)


def assert_chances(run, written):
    """Whether a run gives the tokens that were written their probabilities."""
    rows = slice(len(PROMPT) - 1, len(run.ids) - 1)
    with run.model.standing.at(range(rows.start, rows.stop)):
        chances = read_out(run.model, run.residuals[-1][rows]).softmax(-1)
    for one, row in zip(written, chances, strict=True):
        # probabilities are told in float32, whatever the model's number format
        assert one.probability == pytest.approx(float(row[one.token]), abs=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_behind_interventions_it_is_to_ten_digits_what_plain_hooks_give(name):
    model, given = model_of(name), at_the_prompt(model_of(name))
    runs = [Run(model, tokens) for tokens in (PROMPT, OTHER)]
    under, _ = intervened_runs(runs[0], Interventions(given), runs[1])
    more = torch.tensor([3, 7, 1])
    hooks = at_positions(hooks_of(model, given[:2] + given[3:], known_of(model)))
    hooks += hooks_of(model, given[2:3], known_of(model))
    expected = model.run_with_hooks(torch.cat([PROMPT, more])[None], fwd_hooks=hooks)[0]
    found = run_behind(under, more.tolist()).complete()
    close(found.model.to_logits(found.residuals[-1][None])[0], expected)


def test_what_does_not_fit_behind_a_prompt_is_refused():
    run = run_of("gpt2")
    most = run.model.cfg.n_ctx
    assert len(run_behind(run, [1] * (most - len(PROMPT))).ids) == most
    with pytest.raises(ValueError, match=f"have {most + 1} tokens, and this model takes {most}"):
        run_behind(run, [1] * (most - len(PROMPT) + 1))
