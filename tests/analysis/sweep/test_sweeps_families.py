"""In every family, a sweep's cells are what one patched forward pass each gives."""

from __future__ import annotations

import itertools

import pytest
import torch

from lensgui.analysis.heads.readout import head_output
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogitDifference
from tests.checkpoints.tiny_models import TINY, VOCABULARY
from tests.references import changes, model_of

LENGTH = 12  # longer than any sliding window of the tiny models
METRIC = LogitDifference(answer=(3, 5), distractor=(7,))
every_family = pytest.mark.parametrize("name", TINY)


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    """Two prompts that differ in two places."""
    generator = torch.Generator().manual_seed(2)
    clean = torch.randint(0, VOCABULARY, (1, LENGTH), generator=generator)
    corrupted = clean.clone()
    corrupted[0, [2, 6]] = (corrupted[0, [2, 6]] + 11) % VOCABULARY
    return clean, corrupted


@every_family
@torch.no_grad()
def test_every_cell_is_one_patched_forward(name):
    model, (clean, corrupted) = model_of(name), pair()
    *_, result = sweep(model, clean, corrupted, METRIC)
    cells = list(itertools.product(range(model.cfg.n_layers), range(LENGTH)))
    slow = changes(model, clean, corrupted, METRIC, SweepKind("resid_pre"), cells)
    scale = max(1.0, abs(result.clean - result.corrupted))
    assert (result.values - slow.view_as(result.values)).abs().max() <= 1e-9 * scale


@every_family
@torch.no_grad()
def test_a_run_has_the_models_residual_stream_and_patterns(name):
    model, (clean, _) = model_of(name), pair()
    run = Run(model, clean).complete()
    _, cache = model.run_with_cache(clean)
    heads = model.cfg.n_heads // model.cfg.kv_heads
    for layer in range(model.cfg.n_layers):
        torch.testing.assert_close(run.residuals[layer], cache["resid_pre", layer][0])
        for group in range(model.cfg.kv_heads):
            ours = cache["pattern", layer][0, group * heads : (group + 1) * heads]
            torch.testing.assert_close(run.pattern(layer, group), ours)
    torch.testing.assert_close(run.residuals[-1], cache["resid_post", model.cfg.n_layers - 1][0])


@every_family
@torch.no_grad()
def test_a_head_adds_what_the_cache_says(name):
    model, (clean, _) = model_of(name), pair()
    run = Run(model, clean).complete()
    _, cache = model.run_with_cache(clean)
    results = cache.stack_head_results()
    for layer, head, position in ((0, 1, LENGTH - 1), (2, 3, 5)):
        ours = head_output(run, layer, head, position)
        theirs = results[layer * model.cfg.n_heads + head, 0, position]
        torch.testing.assert_close(ours, theirs)
