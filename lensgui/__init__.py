"""See how a language model computes: a hooked-transformer library and a desktop app on it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lensgui._version import __version__ as __version__

_HOMES = {  # each public name, and where it is defined: nothing else needs to know
    "Ablation": "lensgui.circuits.ablation",
    "ActivationCache": "lensgui.transformer.cache.cache",
    "Agreement": "lensgui.circuits.attribution",
    "Answers": "lensgui.circuits.answers",
    "Average": "lensgui.circuits.averages",
    "Case": "lensgui.circuits.averages",
    "CircuitScores": "lensgui.circuits.scoring",
    "ContinuationLogProbability": "lensgui.terms.metrics",
    "Edge": "lensgui.circuits.nodes",
    "EdgeReadout": "lensgui.circuits.cards",
    "EdgeScores": "lensgui.circuits.edges",
    "FactoredMatrix": "lensgui.transformer.weights.factored",
    "HeadReadout": "lensgui.circuits.heads",
    "HookPoint": "lensgui.transformer.hooks.hook_point",
    "HookedRootModule": "lensgui.hook_points",
    "HookedTransformer": "lensgui.transformer.model",
    "HookedTransformerConfig": "lensgui.transformer.config",
    "KLDivergence": "lensgui.terms.metrics",
    "LogProbability": "lensgui.terms.metrics",
    "LogitDifference": "lensgui.terms.metrics",
    "MLPReadout": "lensgui.circuits.cards",
    "Metric": "lensgui.terms.metrics",
    "ModelError": "lensgui.terms.errors",
    "ModelKey": "lensgui.terms.questions",
    "Node": "lensgui.circuits.nodes",
    "PairRow": "lensgui.terms.questions",
    "PathScores": "lensgui.circuits.paths",
    "Probability": "lensgui.terms.metrics",
    "Prompt": "lensgui.terms.questions",
    "PromptPair": "lensgui.terms.questions",
    "Rank": "lensgui.terms.metrics",
    "Role": "lensgui.terms.questions",
    "Run": "lensgui.circuits.runs",
    "SVDInterpreter": "lensgui.circuits.svd",
    "SweepKind": "lensgui.terms.questions",
    "SweepResult": "lensgui.circuits.sweeps",
    "TASKS": "lensgui.prompts.tasks",
    "Task": "lensgui.prompts.tasks",
    "ablate_heads": "lensgui.circuits.headroles",
    "agreement": "lensgui.circuits.attribution",
    "answers": "lensgui.circuits.answers",
    "attribute_heads": "lensgui.circuits.headroles",
    "attribution_patch": "lensgui.circuits.attribution",
    "case_of": "lensgui.circuits.cases",
    "circuit_scores": "lensgui.circuits.scoring",
    "continued": "lensgui.circuits.continuations",
    "edge_attribution": "lensgui.circuits.edges",
    "get_act_name": "lensgui.transformer.hooks.names",
    "head_scores": "lensgui.circuits.headscores",
    "hide_first_source": "lensgui.circuits.heads",
    "ioi_eval": "lensgui.circuits.evaluations",
    "ioi_prompts": "lensgui.prompts.ioi",
    "logit_lens": "lensgui.circuits.lens",
    "mean_attention": "lensgui.circuits.typed_pairs",
    "open": "lensgui.opening",
    "open_model": "lensgui.checkpoints.loading",
    "path_patch": "lensgui.circuits.paths",
    "path_patch_into": "lensgui.circuits.feeding",
    "read_edge": "lensgui.circuits.cards",
    "read_head": "lensgui.circuits.heads",
    "read_mlp": "lensgui.circuits.cards",
    "read_pair": "lensgui.circuits.typed_pairs",
    "read_pairs": "lensgui.prompts.pair_files",
    "receivers": "lensgui.circuits.nodes",
    "recompute_cells": "lensgui.circuits.verification",
    "refusal": "lensgui.terms.shares",
    "run_ablated": "lensgui.circuits.ablation",
    "run_prompt": "lensgui.circuits.typed_pairs",
    "sampled_knockouts": "lensgui.circuits.scoring",
    "score_keys": "lensgui.circuits.cards",
    "senders": "lensgui.circuits.nodes",
    "surprisals": "lensgui.circuits.surprisal",
    "sweep": "lensgui.circuits.sweeps",
    "sweep_cases": "lensgui.circuits.averages",
    "sweep_many": "lensgui.circuits.sweeps",
    "sweep_pair": "lensgui.circuits.typed_pairs",
    "table": "lensgui.circuits.typed_pairs",
    "weighted_attention": "lensgui.circuits.patterns",
}
_MODULES = ("evals", "head_detector", "hook_points", "patching", "utils")
__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import lensgui` does not wait for torch."""
    if name in _MODULES:
        return import_module(f"lensgui.{name}")
    if name not in _HOMES:
        known = ", ".join(sorted(__all__))
        raise AttributeError(f"lensgui has no {name!r}; its names are {known}.")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
