"""See how a language model computes: a hooked-transformer library and a desktop app on it."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from lensgui._version import __version__ as __version__

_HOMES = {  # each public name, and where it is defined: nothing else needs to know
    "Ablation": "lensgui.analysis.circuits.stand_ins",
    "ActivationCache": "lensgui.transformer.cache.cache",
    "Agreement": "lensgui.terms.metric",
    "Answers": "lensgui.analysis.pairs.answers",
    "Attribution": "lensgui.analysis.attribution.components",
    "AttributionAverage": "lensgui.analysis.attribution.averages",
    "Average": "lensgui.analysis.pairs.averages",
    "Case": "lensgui.analysis.pairs.averages",
    "AttributionGraph": "lensgui.models.attribution_graphs",
    "CircuitFile": "lensgui.models.circuit_files",
    "CircuitRuns": "lensgui.analysis.circuits.runs",
    "CircuitScores": "lensgui.analysis.circuits.faithfulness",
    "Component": "lensgui.analysis.attribution.components",
    "Continuation": "lensgui.analysis.continuation",
    "ContinuationLogProbability": "lensgui.terms.metrics",
    "Directions": "lensgui.analysis.interventions.directions",
    "Edge": "lensgui.terms.circuits.nodes",
    "EdgeReadout": "lensgui.analysis.heads.readout",
    "EdgeScores": "lensgui.analysis.circuits.edges",
    "ExactEffects": "lensgui.analysis.circuits.effects",
    "ExpertAttribution": "lensgui.analysis.attribution.parts",
    "FactoredMatrix": "lensgui.transformer.weights.factored",
    "FaithfulnessCurve": "lensgui.analysis.circuits.curve",
    "Graph": "lensgui.terms.circuits.graph",
    "HISTOGRAM_EDGES": "lensgui.analysis.neurons.places",
    "HeadEvidence": "lensgui.analysis.heads.evidence",
    "HeadReadout": "lensgui.analysis.heads.readout",
    "HookPoint": "lensgui.transformer.hooks.hook_point",
    "HookedPlace": "lensgui.analysis.activations.hook_points",
    "HookedRootModule": "lensgui.hook_points",
    "HookedTransformer": "lensgui.transformer.model",
    "HookedTransformerConfig": "lensgui.transformer.config",
    "Intervention": "lensgui.terms.interventions",
    "Interventions": "lensgui.analysis.interventions.listed",
    "JacobianFit": "lensgui.analysis.lenses.fitting",
    "JacobianLens": "lensgui.analysis.lenses.lens",
    "KLDivergence": "lensgui.terms.metrics",
    "Knockout": "lensgui.analysis.circuits.faithfulness",
    "LensCells": "lensgui.analysis.lenses.cells",
    "LensRow": "lensgui.analysis.lenses.cells",
    "LogProbability": "lensgui.terms.metrics",
    "LogitDifference": "lensgui.terms.metrics",
    "LogitLens": "lensgui.analysis.lenses.lens",
    "MLPReadout": "lensgui.analysis.heads.readout",
    "Metric": "lensgui.terms.metric",
    "ModelError": "lensgui.terms.errors",
    "ModelKey": "lensgui.terms.model_key",
    "NeuronAttribution": "lensgui.analysis.attribution.parts",
    "NeuronDirections": "lensgui.analysis.neurons.directions",
    "NeuronGroup": "lensgui.analysis.neurons.numbering",
    "NeuronTokens": "lensgui.analysis.neurons.directions",
    "Node": "lensgui.terms.circuits.nodes",
    "PairRow": "lensgui.prompts.pair",
    "PathScores": "lensgui.analysis.graph.path_patching",
    "PathTotals": "lensgui.analysis.graph.senders",
    "Probability": "lensgui.terms.metrics",
    "Prompt": "lensgui.prompts.pair",
    "PromptPair": "lensgui.prompts.pair",
    "Rank": "lensgui.terms.metrics",
    "RepeatedScores": "lensgui.analysis.heads.repeated",
    "Role": "lensgui.prompts.pair",
    "RoleBounds": "lensgui.terms.roles",
    "Run": "lensgui.analysis.run.run",
    "SVDInterpreter": "lensgui.analysis.svd",
    "SetEffects": "lensgui.analysis.interventions.sets",
    "SetPair": "lensgui.analysis.interventions.sets",
    "Settled": "lensgui.terms.metric",
    "Settling": "lensgui.analysis.sweep.estimates.settling",
    "Shape": "lensgui.terms.circuits.nodes",
    "Site": "lensgui.terms.interventions",
    "StrengthCurve": "lensgui.analysis.interventions.strength",
    "StrongestPlaces": "lensgui.analysis.neurons.places",
    "Suggestion": "lensgui.analysis.circuits.suggest",
    "SweepKind": "lensgui.terms.kinds",
    "SweepResult": "lensgui.analysis.sweep.result",
    "TASKS": "lensgui.prompts.tasks",
    "Task": "lensgui.prompts.tasks",
    "TextContexts": "lensgui.analysis.neurons.texts",
    "TokenEnds": "lensgui.analysis.neurons.directions",
    "TunedFit": "lensgui.analysis.lenses.fitting",
    "TunedLens": "lensgui.analysis.lenses.lens",
    "Vector": "lensgui.terms.interventions",
    "WrittenToken": "lensgui.analysis.continuation",
    "ablate_heads": "lensgui.analysis.heads.necessity",
    "ablate_set": "lensgui.analysis.pairs.typed_pairs",
    "agreement": "lensgui.analysis.sweep.estimates.attribution",
    "answers": "lensgui.analysis.pairs.answers",
    "attention_from": "lensgui.analysis.heads.evidence",
    "attribute": "lensgui.analysis.attribution.components",
    "attribute_cases": "lensgui.analysis.attribution.averages",
    "attribute_heads": "lensgui.analysis.heads.necessity",
    "attribute_neurons": "lensgui.analysis.attribution.parts",
    "attribute_sources": "lensgui.analysis.attribution.parts",
    "attribution_patch": "lensgui.analysis.sweep.estimates.attribution",
    "case_of": "lensgui.analysis.pairs.cases",
    "check_lens": "lensgui.analysis.lenses.lens",
    "circuit_scores": "lensgui.analysis.circuits.faithfulness",
    "continue_prompt": "lensgui.analysis.continuation",
    "continued": "lensgui.analysis.pairs.answers",
    "control_tokens": "lensgui.analysis.interventions.strength",
    "copied_shares": "lensgui.analysis.heads.copied",
    "copying_scores": "lensgui.analysis.heads.copying",
    "direct_path": "lensgui.analysis.interventions.edits",
    "drawn_tokens": "lensgui.analysis.heads.copied",
    "edge_attribution": "lensgui.analysis.circuits.edges",
    "edge_attribution_steps": "lensgui.analysis.circuits.edges",
    "edge_composition": "lensgui.analysis.circuits.composition",
    "exact_effects": "lensgui.analysis.circuits.effects",
    "faithfulness_curve": "lensgui.analysis.circuits.curve",
    "get_act_name": "lensgui.transformer.hooks.names",
    "halves": "lensgui.analysis.circuits.suggest",
    "head_evidence": "lensgui.analysis.heads.evidence",
    "head_scores": "lensgui.analysis.heads.scores",
    "held_out_worth": "lensgui.analysis.lenses.held_out",
    "hide_first_source": "lensgui.analysis.heads.readout",
    "hooked_places": "lensgui.analysis.activations.hook_points",
    "import_lens": "lensgui.analysis.lenses.files",
    "inputs_of": "lensgui.terms.circuits.nodes",
    "intervened": "lensgui.analysis.interventions.under",
    "intervened_runs": "lensgui.analysis.interventions.under",
    "interventions_of": "lensgui.analysis.pairs.under",
    "ioi_eval": "lensgui.analysis.evaluations",
    "ioi_prompts": "lensgui.prompts.ioi",
    "keep_vector": "lensgui.analysis.interventions.listed",
    "kept_vector": "lensgui.analysis.interventions.listed",
    "lens_logits": "lensgui.analysis.lenses.lens",
    "lens_metric": "lensgui.analysis.lenses.reading",
    "lens_rows": "lensgui.analysis.lenses.cells",
    "lens_worth": "lensgui.analysis.lenses.reading",
    "load_lens": "lensgui.analysis.lenses.files",
    "logit_lens": "lensgui.analysis.run.predictions",
    "mean_attention": "lensgui.analysis.pairs.typed_pairs",
    "mean_difference": "lensgui.analysis.interventions.directions",
    "mean_interval": "lensgui.analysis.interventions.sets",
    "neuron_activations": "lensgui.analysis.neurons.activations",
    "neuron_count": "lensgui.analysis.neurons.numbering",
    "neuron_directions": "lensgui.analysis.neurons.directions",
    "neuron_effects": "lensgui.analysis.neurons.gradients",
    "neuron_gradients": "lensgui.analysis.neurons.gradients",
    "neuron_groups": "lensgui.analysis.neurons.numbering",
    "neuron_tokens": "lensgui.analysis.neurons.directions",
    "node_of": "lensgui.terms.circuits.nodes",
    "open": "lensgui.opening",
    "open_model": "lensgui.checkpoints.loading",
    "output_norms": "lensgui.analysis.heads.evidence",
    "other_names": "lensgui.analysis.circuits.other_names",
    "path_patch": "lensgui.analysis.graph.path_patching",
    "path_patch_into": "lensgui.analysis.graph.senders",
    "path_totals": "lensgui.analysis.graph.senders",
    "placebo_vectors": "lensgui.analysis.interventions.strength",
    "placebos": "lensgui.analysis.interventions.strength",
    "prompts_of": "lensgui.analysis.lenses.fitting",
    "propose_roles": "lensgui.analysis.pairs.head_roles",
    "random_like": "lensgui.terms.circuits.drawn",
    "read_activation": "lensgui.analysis.activations.reading",
    "read_attribution_graph": "lensgui.models.attribution_graphs",
    "read_circuit": "lensgui.models.circuit_files",
    "read_directions": "lensgui.analysis.interventions.direction_files",
    "read_edge": "lensgui.analysis.heads.readout",
    "read_head": "lensgui.analysis.heads.readout",
    "read_lens": "lensgui.analysis.lenses.reading",
    "read_lens_of_pairs": "lensgui.analysis.pairs.lens_readings",
    "read_mlp": "lensgui.analysis.heads.readout",
    "read_pair": "lensgui.analysis.pairs.typed_pairs",
    "read_pairs": "lensgui.prompts.pair_files",
    "receivers": "lensgui.terms.circuits.nodes",
    "recompute_cells": "lensgui.analysis.sweep.slowly",
    "repeated_tokens": "lensgui.analysis.heads.repeated",
    "run_ablated": "lensgui.analysis.circuits.ablation",
    "run_prompt": "lensgui.analysis.pairs.typed_pairs",
    "sampled_knockouts": "lensgui.analysis.circuits.faithfulness",
    "save_lens": "lensgui.analysis.lenses.files",
    "score_heads": "lensgui.analysis.pairs.score_table",
    "score_keys": "lensgui.analysis.heads.readout",
    "score_on_repeats": "lensgui.analysis.heads.repeated",
    "senders": "lensgui.terms.circuits.nodes",
    "set_effects": "lensgui.analysis.interventions.sets",
    "stream_at_site": "lensgui.analysis.interventions.doses",
    "strength_curve": "lensgui.analysis.interventions.strength",
    "strongest_places": "lensgui.analysis.neurons.places",
    "suggest_circuit": "lensgui.analysis.circuits.suggest",
    "surprisals": "lensgui.analysis.run.predictions",
    "sweep": "lensgui.analysis.sweep.sweep",
    "sweep_cases": "lensgui.analysis.pairs.averages",
    "sweep_many": "lensgui.analysis.sweep.sweep",
    "sweep_pair": "lensgui.analysis.pairs.typed_pairs",
    "table": "lensgui.analysis.pairs.typed_pairs",
    "token_direction": "lensgui.analysis.interventions.directions",
    "weighted_attention": "lensgui.analysis.heads.attention",
    "write_circuit": "lensgui.models.circuit_files",
    "write_directions": "lensgui.analysis.interventions.direction_files",
}
_MODULES = ("evals", "head_detector", "hook_points", "patching", "utils")
__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import lensgui` does not wait for torch."""
    if name in _MODULES:
        return import_module(f"lensgui.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    from lensgui.import_paths import find  # takes as long as all the rest

    return find("", name, __all__)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)


class _Package(ModuleType):
    """A public name may be spelled like a module that notebooks import: the name stays its own."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, as the import of a module does on its package."""
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


class _ImportPaths:
    """Finds the modules that notebooks import and that have no file."""

    @staticmethod
    def find_spec(full: str, path: object = None, target: object = None) -> Any:
        """Return how a module is made; None if it is another package's, or none."""
        if not full.startswith("lensgui."):
            return None
        from lensgui.import_paths import spec_of

        return spec_of(full)


sys.modules[__name__].__class__ = _Package
sys.meta_path.append(_ImportPaths)
