"""Means over many pairs are under each pair's interventions."""

from __future__ import annotations

from dataclasses import replace

import torch

from lensgui.analysis.attribution.averages import attribute_cases
from lensgui.analysis.attribution.components import attribute
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.pairs.averages import Case, sweep_by_strength, sweep_cases
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind
from tests.analysis.interventions.plain import drawn
from tests.analysis.interventions.test_laws import ZERO
from tests.analysis.interventions.test_under import CLEAN, CORRUPTED, LENGTH, METRIC, asked
from tests.answering import last
from tests.references import close, model_of


def test_averages_and_attributions_of_many_pairs_are_under_them():
    model = model_of("gpt2")
    listed = drawn(model, LENGTH, 50, 3)
    given, _ = asked("gpt2", listed)
    prompts = (CLEAN, CORRUPTED), (CORRUPTED, CLEAN)
    cases = [Case(*pair, METRIC, interventions=given) for pair in prompts]
    kind = SweepKind("z", "all")
    alone = [
        last(sweep(model, case.clean, case.corrupted, METRIC, kind, interventions=given))
        for case in cases
    ]
    expected = torch.stack([one.values for one in alone])
    mean = last(sweep_cases(model, cases, kind))
    close(mean.changes, expected)
    staged = last(sweep_by_strength(model, cases, kind))
    close(staged.changes, expected)
    close(staged.clean, torch.tensor([one.clean for one in alone], dtype=torch.float64))
    off = [replace(case, interventions=(ZERO,)) for case in cases]
    found = last(attribute_cases(model, off))
    for case, one in zip(off, found.cases, strict=True):
        runs = intervened_runs(Run(model, case.clean), [ZERO], Run(model, case.corrupted))
        close(one.heads, last(attribute(runs[0].complete(), METRIC)).heads)
