"""Edits act on a GPU without waiting for it: runs under them, and every pass of a sweep."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.interventions import changes
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.batches import PatchedPass
from lensgui.analysis.sweep.patches import Cell
from lensgui.analysis.sweep.sweep import _patches, sweep
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import RESID_PRE, SweepKind
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.edits.edit import Edit
from lensgui.transformer.edits.intervened import ENTERING, IntervenedTransformer
from tests.accelerator.fake_device import CUDA, MPS, fake_device, there
from tests.accelerator.reads import reads
from tests.references import kinds_of, model_of

CLEAN, CORRUPTED = torch.arange(8), torch.arange(8).flip(0)
METRIC = LogitDifference(answer=(3, 5), distractor=(7,))


def edits_on(model, device):
    """One edit of each sort, at places of two layers."""
    cfg, length = model.cfg, len(CLEAN)

    def numbers(*shape):
        return torch.empty(length + 1, *shape, device=device)

    vector, chosen = torch.empty(cfg.d_model, device=device), torch.empty(length + 1, device=device)
    chosen = chosen > 0
    of_head = {"chosen": chosen, "head": 1}
    return {
        ENTERING: (Edit(changes.added(numbers(cfg.d_model)), follows_position=True),),
        "blocks.0.attn.hook_z": (Edit(changes.zero(), **of_head), Edit(changes.scaled(2.0))),
        "blocks.0.attn.hook_q": (Edit(changes.put(numbers(1, cfg.d_head)), **of_head),),
        "blocks.0.hook_resid_post": (
            Edit(changes.removed(vector), chosen),
            Edit(changes.capped(vector, -1.0, 1.0)),
            Edit(changes.added_by_norm(vector, 0.5), chosen),
            Edit(changes.moved(vector, vector)),
        ),
        "blocks.1.attn.hook_attn_scores": (Edit(changes.unseen(chosen), **of_head),),
        "blocks.1.attn.hook_pattern": (
            Edit(changes.no_rows_of_nothing(), **of_head),
            Edit(changes.unshared(chosen), **of_head),
            Edit(changes.put_pattern(numbers(1, length)), **of_head),
        ),
    }


@torch.no_grad()
@pytest.mark.parametrize(("name", "device"), [("gpt2", CUDA), ("gemma2", MPS)])
def test_runs_and_sweeps_under_edits_mix_no_devices_and_wait_for_nothing(name, device):
    real = model_of(name)
    with fake_device() as left:
        model = there(real, device)
        view = IntervenedTransformer(model, edits_on(model, device))
        runs = [Run(view, tokens).complete() for tokens in (CLEAN, CORRUPTED)]
        assert runs[0].patterns(1, range(model.cfg.kv_heads), 3).device == torch.device(device)
        assert runs[0].attention_from(1, 4).device == torch.device(device)
        for kind in kinds_of(real)[::3]:
            patches, base = _patches(runs, [kind], "denoising")
            last = [size - 1 for size in patches[0].shape]
            cells = [Cell(0, 1, tuple(last)), Cell(0, 0, (0, *last[1:]))]
            passed = PatchedPass(patches, base, cells, len(CLEAN))
            for _ in passed.through():
                pass
            assert len(passed.metric(METRIC)) == len(cells)
    assert not left


@pytest.mark.parametrize(
    "kind", [RESID_PRE, SweepKind("z", "all")], ids=lambda kind: kind.activation
)
def test_interventions_are_read_once_whatever_the_prompts_length(kind):
    model = model_of("llama")
    listed = [
        Intervention(Site("z", 0, 1), "zero", (1, 2)),
        Intervention(Site("resid_pre", 1), "scale", strength=0.5),
        Intervention(Site("mlp_out", 1), "freeze"),
    ]
    counts = []
    for length in (8, 12):
        clean = torch.arange(length)
        plain = [Run(model, ids).complete() for ids in (clean, clean.flip(0))]
        with reads() as noted:
            intervened_runs(plain[0], listed, plain[1])
            list(sweep(model, *plain, METRIC, kind, interventions=listed))
        counts.append(len(noted))
    assert counts[0] == counts[1]
