"""Both prompts run as one batch, with the cells, and agree to the bit where they must."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.run.run import KEPT, Run
from lensgui.analysis.run.together import run_together
from lensgui.analysis.sweep.batches import PatchedPass
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogitDifference
from tests.checkpoints.tiny_models import TINY, VOCABULARY
from tests.references import model_of

LENGTH, DIFFERS = 12, 5
METRIC = LogitDifference(answer=(3, 5), distractor=(7,))


def prompts() -> tuple[torch.Tensor, torch.Tensor]:
    clean = torch.randint(0, VOCABULARY, (LENGTH,), generator=torch.Generator().manual_seed(4))
    corrupted = clean.clone()
    corrupted[DIFFERS] = (corrupted[DIFFERS] + 11) % VOCABULARY
    return clean, corrupted


def forwards_of(model, run):
    """How many times a layer's MLP is called while something runs."""
    calls = []
    hook = model.blocks[1].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    run()
    hook.remove()
    return len(calls)


@pytest.mark.parametrize("name", TINY)
def test_equal_beginnings_stay_bit_equal_and_the_rest_is_what_it_is_alone(name):
    model, names = model_of(name), KEPT
    together = [Run(model, tokens, names) for tokens in prompts()]
    run_together(together)
    together[1].complete()
    for run, tokens in zip(together, prompts(), strict=True):
        alone = Run(model, tokens, names).complete()
        assert run.known_layers == model.cfg.n_layers
        for layer in range(model.cfg.n_layers):
            torch.testing.assert_close(run.residuals[layer + 1], alone.residuals[layer + 1])
            torch.testing.assert_close(run.keys[layer], alone.keys[layer])
            torch.testing.assert_close(run.values[layer], alone.values[layer])
            for kept in names:
                torch.testing.assert_close(run.kept[layer][kept], alone.kept[layer][kept])
    clean, corrupted = together
    for layer in range(model.cfg.n_layers):
        assert clean.residuals[layer + 1][:DIFFERS].equal(corrupted.residuals[layer + 1][:DIFFERS])
        assert clean.keys[layer][:, :DIFFERS].equal(corrupted.keys[layer][:, :DIFFERS])
        assert clean.values[layer][:, :DIFFERS].equal(corrupted.values[layer][:, :DIFFERS])
        for kept in names - {"pattern"}:
            ours, others = (run.kept[layer][kept][:DIFFERS] for run in together)
            assert ours.equal(others)
        ours, others = (run.kept[layer]["pattern"][:, :DIFFERS] for run in together)
        assert ours.equal(others)
        assert not clean.residuals[layer + 1].equal(corrupted.residuals[layer + 1])


def test_a_layer_runs_once_for_both_and_a_run_that_exists_is_not_run_again():
    model = model_of("llama")
    clean, corrupted = (Run(model, tokens) for tokens in prompts())
    run_together([clean, corrupted])
    assert forwards_of(model, clean.complete) == 1
    assert forwards_of(model, corrupted.complete) == 0
    another = Run(model, prompts()[1])
    run_together([clean, another])
    assert forwards_of(model, another.complete) == 1
    assert another.residuals[-1].shape == clean.residuals[-1].shape


def test_runs_that_stand_at_different_layers_or_are_long_go_alone(monkeypatch):
    model = model_of("llama")
    ahead, behind = (Run(model, tokens) for tokens in prompts())
    for _ in ahead.steps(1):
        pass
    run_together([ahead, behind])
    behind.complete()
    assert ahead.known_layers == 1
    monkeypatch.setattr("lensgui.analysis.run.together.rows_at_once", lambda *_: 2 * LENGTH - 1)
    runs = [Run(model, tokens) for tokens in prompts()]
    run_together(runs)
    runs[0].complete()
    assert runs[1].known_layers == 0


def test_runs_parted_in_the_middle_of_a_layer_are_joined_without_harm():
    model = model_of("gpt2")
    runs = [Run(model, tokens) for tokens in prompts()]
    next(runs[0].steps())  # its attention has run, its MLP has not
    run_together(runs)
    for run, tokens in zip(runs, prompts(), strict=True):
        run.complete()
        alone = Run(model, tokens).complete()
        assert len(run.keys) == model.cfg.n_layers
        torch.testing.assert_close(run.residuals[-1], alone.residuals[-1])


@pytest.mark.parametrize("kind", [SweepKind("resid_pre"), SweepKind("z"), SweepKind("k")])
def test_what_comes_before_the_first_difference_is_free_however_the_runs_were_made(kind):
    model, (clean, corrupted) = model_of("llama"), prompts()
    runs = [Run(model, tokens).complete() for tokens in (clean, corrupted)]
    for residual in runs[0].residuals[1:]:
        residual += 1e-13  # as if another batch had rounded otherwise
    *_, result = sweep(model, *runs, METRIC, kind)
    *_, exact = sweep(model, clean, corrupted, METRIC, kind)
    assert result.unchanged[:, :DIFFERS].all()
    torch.testing.assert_close(result.values, exact.values, atol=1e-9, rtol=0)


KINDS = (
    *(SweepKind(name) for name in ("resid_pre", "resid_post", "attn_out", "mlp_out")),
    *(SweepKind(name, "all") for name in ("z", "q", "k", "v", "pattern")),
    SweepKind("z"),
)


@pytest.mark.parametrize("name", TINY)
def test_cells_that_join_on_the_way_give_what_complete_runs_give(name):
    model, (clean, corrupted) = model_of(name), prompts()
    runs = [Run(model, tokens).complete() for tokens in (clean, corrupted)]
    for kind in KINDS:
        *_, joined = sweep(model, clean, corrupted, METRIC, kind)
        *_, apart = sweep(model, *runs, METRIC, kind)
        assert joined.unchanged.equal(apart.unchanged)
        torch.testing.assert_close(joined.values, apart.values, atol=1e-9, rtol=0)
        assert joined.clean == pytest.approx(apart.clean, abs=1e-9)
        assert joined.corrupted == pytest.approx(apart.corrupted, abs=1e-9)


def test_a_small_sweep_reads_a_layer_once_for_runs_and_cells():
    model, (clean, corrupted) = model_of("llama"), prompts()

    def swept():
        return list(sweep(model, clean, corrupted, METRIC, SweepKind("z", "all")))

    assert forwards_of(model, swept) == 1


def test_memory_refused_on_the_way_is_tried_again_in_pieces(monkeypatch):
    model, (clean, corrupted) = model_of("gpt2"), prompts()
    *_, expected = sweep(model, clean, corrupted, METRIC)
    read, refused = PatchedPass.metric, []

    def refuse(walk, metric):
        if len(walk.cells) > 3:
            refused.append(len(walk.cells))
            raise torch.OutOfMemoryError
        return read(walk, metric)

    monkeypatch.setattr(PatchedPass, "metric", refuse)
    *_, result = sweep(model, clean, corrupted, METRIC)
    assert len(refused) > 1
    torch.testing.assert_close(result.values, expected.values, atol=1e-9, rtol=0)


def test_equal_prompts_share_one_run_and_need_no_cell():
    model, (clean, _) = model_of("llama"), prompts()
    calls = forwards_of(model, lambda: list(sweep(model, clean, clean, METRIC)))
    assert calls == 1
    *_, result = sweep(model, clean, clean, METRIC)
    assert result.unchanged.all()
    assert (result.values == 0).all()


def test_a_sweep_abandoned_while_its_prompts_run_leaves_no_hooks():
    model, (clean, corrupted) = model_of("llama"), prompts()
    going = sweep(model, clean, corrupted, METRIC, SweepKind("mlp_out"))
    next(going)
    going.close()
    assert not any(point.is_watched for point in model.hook_points())
