"""Random lists of interventions: sweeps under them are one forward a cell with plain hooks."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from lensgui.analysis.sweep.estimates.attribution import attribution_patch
from lensgui.analysis.sweep.sweep import sweep
from tests.analysis.interventions.plain import drawn
from tests.analysis.interventions.test_under import (
    CLEAN,
    CORRUPTED,
    FAMILIES,
    LENGTH,
    METRIC,
    asked,
    by_hand,
)
from tests.references import close, kinds_of, model_of

LISTS, CELLS = 150, 12


@torch.no_grad()
@pytest.mark.parametrize("name", FAMILIES)
def test_sweeps_under_random_lists(name, share):
    model = model_of(name)
    kinds = kinds_of(model)
    for seed in range(1000, 1000 + max(1, round(LISTS * share))):
        dice = random.Random(seed)
        listed = drawn(model, LENGTH, seed, dice.randint(1, 6))
        given, hooks = asked(name, listed)
        kind, direction = dice.choice(kinds), dice.choice(["denoising", "noising"])
        *_, found = sweep(model, CLEAN, CORRUPTED, METRIC, kind, direction, interventions=given)
        cells = list(np.ndindex(*found.values.shape))
        cells = dice.sample(cells, min(CELLS, len(cells)))
        expected, _ = by_hand(model, kind, direction, hooks, cells)
        close(torch.stack([found.values[cell] for cell in cells]), expected)
        estimates = attribution_patch(
            model, CLEAN, CORRUPTED, METRIC, [kind], direction, interventions=given
        )
        assert estimates[0].isfinite().all()
