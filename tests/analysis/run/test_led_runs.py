"""A run that takes over what another prompt of the same beginning gives."""

from __future__ import annotations

import gc
import weakref
from itertools import chain

import pytest
import torch

from lensgui.analysis.run import rows, run
from lensgui.analysis.run.predictions import logit_lens, surprisals
from lensgui.analysis.run.rows import Rows
from lensgui.analysis.run.run import KEPT, Run
from lensgui.analysis.run.together import run_together
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogitDifference
from tests.checkpoints.tiny_models import VOCABULARY
from tests.references import model_of

FAMILIES = ("gpt2", "llama", "gptj", "bloom", "opt", "gpt_neo", "mistral", "qwen3", "gpt_oss")
EXACT = {"atol": 1e-10, "rtol": 1e-10}
BASE = torch.randint(0, VOCABULARY, (14,), generator=torch.Generator().manual_seed(5))
METRIC = LogitDifference(answer=(3, 5), distractor=(7,))


def with_token(at: int, *put: int) -> torch.Tensor:
    return torch.cat([BASE[:at], torch.tensor(put, dtype=torch.long), BASE[at + len(put) :]])


EDITS = {
    "a token more": (torch.cat([BASE, BASE[3:4]]), 14),
    "another last token": (with_token(13, 60), 13),
    "another in the middle": (with_token(5, 60), 5),
    "another at the start": (with_token(0, 60), 0),
    "some put in": (torch.cat([BASE[:9], BASE[2:8], BASE[9:]]), 9),
    "some left out": (torch.cat([BASE[:6], BASE[9:]]), 6),
    "the end left out": (BASE[:8], 8),
    "the same": (BASE.clone(), 14),
}


@pytest.fixture(autouse=True)
def pieces_of_few_rows(monkeypatch):
    """So that short prompts are kept, and attended to, in pieces."""
    for module in (rows, run):
        monkeypatch.setattr(module, "FEW", 3)


def bits_of(found):
    return list(chain.from_iterable(surprisals(found)))


def first_rows(found, layer, count):
    return torch.cat(found.first(layer, count), found._axis)


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", FAMILIES)
def test_shared_rows_are_bit_equal_and_the_rest_is_what_it_is_alone(name, edit):
    model, (tokens, shared) = model_of(name), EDITS[edit]
    leader = Run(model, BASE).complete()
    led = Run(model, tokens, leader=leader)
    led.complete()
    alone = Run(model, tokens).complete()
    for layer in range(model.cfg.n_layers):
        for of in ("residuals", "keys", "values"):
            ours, theirs, own = (getattr(each, of) for each in (led, leader, alone))
            some = [first_rows(each, layer, shared) for each in (ours, theirs)] if shared else []
            assert not some or some[0].equal(some[1]), of
            torch.testing.assert_close(ours[layer], own[layer], **EXACT)
        groups = range(model.cfg.kv_heads)
        whole = alone.patterns(layer, groups)
        torch.testing.assert_close(led.patterns(layer, groups), whole, **EXACT)
        start = min(shared, len(tokens) - 1)
        torch.testing.assert_close(led.patterns(layer, groups, start), whole[:, start:], **EXACT)
    torch.testing.assert_close(led.residuals[-1], alone.residuals[-1], **EXACT)
    for position in (0, len(tokens) - 1):
        torch.testing.assert_close(logit_lens(led, position), logit_lens(alone, position), **EXACT)


@pytest.mark.parametrize("joined", ["keys", "values"])
@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_keys_and_values_may_lie_in_other_pieces(name, joined):
    """As where somebody has looked at a whole layer of the one, and not of the other."""
    model = model_of(name)
    run = Run(model, BASE).complete()
    attn, span = model.blocks[0].attn, model.span(1, len(BASE) - 1)
    q = torch.randn(1, 1, model.cfg.n_heads, model.cfg.d_head, dtype=torch.float64)
    whole = {"keys": run.keys[0], "values": run.values[0]}
    expected = attn.attend(q, [whole["keys"]], [whole["values"]], span)
    pieces = {of: list(rows.split(5, dim=1)) for of, rows in whole.items()}
    pieces[joined] = [whole[joined]]
    found = attn.attend(q, pieces["keys"], pieces["values"], span)
    torch.testing.assert_close(found, expected, **EXACT)


def test_a_led_run_keeps_other_activations_too():
    model = model_of("llama")
    leader = Run(model, BASE, KEPT).complete()
    for tokens, _ in EDITS.values():
        led = Run(model, tokens, KEPT, leader).complete()
        alone = Run(model, tokens, KEPT).complete()
        for layer, kept in enumerate(alone.kept):
            assert led.kept[layer].keys() == KEPT
            for name, activation in kept.items():
                torch.testing.assert_close(led.kept[layer][name], activation, **EXACT)


def test_a_leader_is_run_when_needed_and_not_held_afterwards():
    model = model_of("llama")
    leader = Run(model, BASE)
    next(leader.steps())  # its first attention has run, its MLP has not
    middle = Run(model, EDITS["a token more"][0], leader=leader)
    led = Run(model, EDITS["some put in"][0], leader=middle)
    held = weakref.ref(leader), weakref.ref(middle)
    del leader, middle
    alone = Run(model, led.tokens).complete()
    led.complete()
    torch.testing.assert_close(led.residuals[-1], alone.residuals[-1], **EXACT)
    gc.collect()
    assert [of() for of in held] == [None, None]


def test_only_rows_behind_what_is_shared_are_run():
    model, counted = model_of("llama"), []
    leader = Run(model, BASE).complete()
    hook = model.blocks[1].mlp.register_forward_pre_hook(
        lambda _, inputs: counted.append(inputs[0].shape[-2])
    )
    try:
        for tokens, shared in EDITS.values():
            counted.clear()
            Run(model, tokens, leader=leader).complete()
            assert sum(counted) == len(tokens) - shared
    finally:
        hook.remove()


def test_led_runs_go_together_and_by_themselves_while_they_wait():
    model = model_of("gpt2")
    before = Run(model, BASE).complete()
    clean = Run(model, with_token(9, 11), leader=before)
    corrupted = Run(model, with_token(9, 12), leader=clean)
    run_together([clean, corrupted])
    assert clean.complete().known_layers == corrupted.known_layers == 0 or clean.is_complete
    corrupted.complete()
    for of in (clean, corrupted):
        alone = Run(model, of.tokens).complete()
        torch.testing.assert_close(of.residuals[-1], alone.residuals[-1], **EXACT)
        assert first_rows(of.residuals, 1, 9).equal(first_rows(before.residuals, 1, 9))


@pytest.mark.parametrize("kind", [SweepKind("resid_pre"), SweepKind("z"), SweepKind("v", "all")])
def test_a_pair_typed_key_by_key_sweeps_like_one_opened_at_once(kind):
    model = model_of("llama")
    other = with_token(6, 60)
    typed: list[Run] = []
    for length in range(4, len(BASE) + 1):
        for tokens in (BASE[:length], other[:length]):
            nearest = max(
                typed, key=lambda of: run.equal_tokens(of, Run(model, tokens)), default=None
            )
            typed.append(Run(model, tokens, leader=nearest).complete())
    *_, ours = sweep(model, typed[-2], typed[-1], METRIC, kind)
    *_, fresh = sweep(model, BASE, other, METRIC, kind)
    assert ours.unchanged.equal(fresh.unchanged)
    assert not ours.values[ours.unchanged].any()
    assert kind.activation != "resid_pre" or ours.unchanged[:, :6].all()
    torch.testing.assert_close(ours.values, fresh.values, atol=1e-9, rtol=0)


def test_surprisals_are_worked_out_once():
    model = model_of("llama")
    leader = Run(model, BASE).complete()
    bits_of(leader)
    for tokens, shared in EDITS.values():
        led = Run(model, tokens, leader=leader).complete()
        assert led.surprisals == leader.surprisals[: max(0, shared - 1)]
        found = bits_of(led)
        assert found == pytest.approx(bits_of(Run(model, tokens)), abs=1e-9)
        assert found == led.surprisals == bits_of(led)


def test_a_run_that_failed_says_so_and_does_not_go_on_for_ever(monkeypatch):
    model = model_of("llama")
    failing = Run(model, BASE)

    def refuse(*_):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(model.blocks[1], "mlp_half", refuse)
        with pytest.raises(MemoryError):
            failing.complete()
    assert failing.has_failed
    with pytest.raises(RuntimeError, match="has failed before"):
        failing.complete()
    assert not Run(model, BASE).has_failed


def test_many_keys_leave_few_pieces_and_one_whole():
    found, reference = [Rows(0)], torch.randn(300, 2)
    found[0].add(reference[:100])
    for length in range(101, 300):
        found.append(Rows(0))
        before = found[-2].first(0, length - 1)
        found[-1].add(reference[length - 1 : length], before)
        assert len(found[-1].pieces(0)) <= 8
        assert first_rows(found[-1], 0, length).equal(reference[:length])
        assert found[-1].row(0, length - 1).equal(reference[length - 1])
        assert found[-1].last(0, 1).equal(reference[length - 1 : length])
    assert found[-1][0].equal(reference[:299])
    assert len(found[-1].pieces(0)) == 1
    with pytest.raises(IndexError, match="no row"):
        found[-1].row(0, 299)


def test_a_short_rest_does_not_hold_what_it_is_a_part_of():
    long, short = Rows(0), Rows(0)
    long.add(torch.randn(1000, 4))
    short.add(None, long.first(0, 400))
    assert short[0].untyped_storage().nbytes() == short[0].nbytes
    half = long.first(0, 600)[0]
    assert half.data_ptr() == long[0].data_ptr(), "most of it is shared"
