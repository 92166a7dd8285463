"""An answer to every request: which function answers which, about the model that is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from time import perf_counter
from typing import Any

import torch

from lensgui.checkpoints.devices import parameters_bytes
from lensgui.jobs import requests
from lensgui.jobs.answerer import Limits
from lensgui.jobs.answers.arrays import Sweep
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers import formats, heads, in_words, one_pair, pairs, sweeps
from lensgui.jobs.handlers.attention import answers as attention
from lensgui.jobs.handlers.circuits import edges as circuit_edges
from lensgui.jobs.handlers.circuits import kept as kept_circuits
from lensgui.jobs.handlers.interventions import answers as interventions
from lensgui.jobs.handlers.interventions import sets, strength
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.reading import (
    activations,
    attributions,
    generation,
    head_scores,
    lens_grid,
    lens_means,
    neuron_places,
    neurons,
)
from lensgui.jobs.questions import (
    activation_requests,
    attribution_requests,
    circuit_requests,
    generation_requests,
    intervention_requests,
    lens_requests,
    neuron_requests,
)
from lensgui.jobs.request import Request
from lensgui.models import recognised, speeds
from lensgui.prompts.pair import PromptPair
from lensgui.terms.kinds import RESID_PRE
from lensgui.terms.model_key import ModelKey
from lensgui.transformer.model import HookedTransformer

Handler = Callable[[Loaded, Any], Iterator[Answer | None]]
LEAST_S = 0.2  # that a sweep takes whose time says anything


def open_model(loaded: Loaded, request: requests.OpenModel) -> Iterator[Answer | None]:
    """Open a model and say what it is."""
    yield None  # lets a newer job go first, and the window see that this one has begun
    card = in_words.model_card(request.model, loaded.use(request.model, may_be_hooked=True))
    if card.content_id:
        recognised.remember(card.content_id, request.model.source)
    yield card


def patching(loaded: Loaded, request: requests.Patching) -> Iterator[Answer | None]:
    """Yield ever more of a sweep, and note how long a whole one took, between yields alone."""
    is_usual = request.kind == RESID_PRE and not request.rows and not request.model.is_in_memory
    is_timed = is_usual and not loaded.has_left(request)  # else a part was known before
    loaded.use(request.model)  # opening it is no part of the sweep
    spent, begun = 0.0, perf_counter()
    steps: Any = sweeps.patching(loaded, request)
    with closing(steps):  # what is known of a sweep that is left is kept at once
        for answer in steps:
            spent += perf_counter() - begun
            if is_timed and isinstance(answer, Sweep) and answer.done == answer.total:
                is_timed = False  # what follows only checks it
                _note_time(loaded, request, len(answer.axes[1].labels), spent)
            yield answer
            begun = perf_counter()


def _note_time(loaded: Loaded, request: requests.Patching, tokens: int, seconds: float) -> None:
    """Note how long a sweep took, once for each model and length: the first time it was swept."""
    key, model = request.model, loaded.use(request.model)
    if seconds < LEAST_S or (key, tokens) in loaded.timed:
        return
    loaded.timed.add((key, tokens))
    cfg = model.cfg
    speeds.note(
        speeds.Swept(
            key.source,
            parameters_bytes(cfg) // cfg.dtype.itemsize,
            cfg.n_layers,
            tokens,
            str(model.embed.W_E.device.type),
            key.dtype,
            torch.get_num_threads(),
            seconds,
            one_pair.work_of(request, one_pair.runs_of(loaded, request)),
        )
    )


HANDLERS: dict[type[Request], Handler] = {
    requests.OpenModel: open_model,
    requests.ReadPair: pairs.read_pair,
    requests.ReadPairs: pairs.read_pairs,
    requests.FindTokens: pairs.find_tokens,
    requests.FindReplacements: pairs.find_replacements,
    requests.AttentionGrid: attention.attention_grid,
    requests.AttentionHead: attention.attention_head,
    requests.AttentionFrom: attention.attention_rows,
    requests.ScoreHeads: head_scores.score_heads,
    requests.ReadEvidence: heads.read_evidence,
    requests.OutputNorms: head_scores.read_norms,
    requests.Patching: patching,
    requests.VerifyCell: sweeps.verify_cell,
    requests.HeadRoles: heads.head_roles,
    requests.WhoFeeds: heads.who_feeds,
    requests.PathsInto: heads.paths_into,
    requests.ReadHead: heads.read_head_at,
    requests.ReadEdge: heads.read_edge_at,
    requests.ReadMLP: heads.read_mlp_at,
    requests.LogitLens: heads.read_lens,
    requests.CompareFormats: formats.compare_formats,
    activation_requests.MapModel: activations.map_model,
    activation_requests.ReadActivation: activations.read_slice,
    attribution_requests.AttributeMetric: attributions.attribute_metric,
    attribution_requests.AttributeSources: attributions.attribute_head,
    attribution_requests.AttributeNeurons: attributions.attribute_mlp,
    intervention_requests.MakeVector: interventions.make_vector,
    intervention_requests.ReadInterventions: interventions.read_interventions,
    intervention_requests.AskStrength: strength.ask_strength,
    intervention_requests.AblateSet: sets.ablate_set,
    circuit_requests.ScoreEdges: circuit_edges.score_edges,
    circuit_requests.CheckEdges: circuit_edges.check_edges,
    circuit_requests.MeasureCircuit: circuit_edges.measure_circuit,
    circuit_requests.MeasureCurve: circuit_edges.measure_curve,
    circuit_requests.SuggestCircuit: kept_circuits.suggest,
    circuit_requests.OpenCircuit: kept_circuits.open_circuit,
    circuit_requests.SaveCircuit: kept_circuits.save_circuit,
    lens_requests.ReadLens: lens_grid.read_lens_grid,
    lens_requests.LensMetric: lens_grid.read_lens_metric,
    lens_requests.AverageLens: lens_means.average_lens,
    lens_requests.LensWorth: lens_means.read_worth,
    neuron_requests.RankNeurons: neurons.rank_neurons,
    neuron_requests.NeuronSlopes: neurons.read_slopes,
    neuron_requests.ReadNeurons: neurons.read_neurons,
    neuron_requests.NeuronOverPrompt: neurons.read_over_prompt,
    neuron_requests.FindPlaces: neuron_places.find_places,
    generation_requests.Generate: generation.generate,
}


def _asked_about(request: Request) -> tuple[ModelKey | None, PromptPair | None]:
    """Return the model and the pair whose interventions act on what is asked, if there are any.

    Of several pairs the first: what has to be known of the prompts that means are over is the same.
    """
    if isinstance(request, intervention_requests.ReadInterventions):
        return None, None  # it asks whether they can be done, which needs no mean
    asked: Any = getattr(request, "patching", request)
    under = getattr(getattr(asked, "prompt", None), "under", None)
    pairs = getattr(asked, "pairs", ())
    pair = getattr(asked, "pair", under.pair if under else next(iter(pairs), None))
    return getattr(asked, "model", None), pair


class Dispatcher:
    """Answers requests, each by its handler."""

    def __init__(
        self,
        threads: int | None = None,
        given: Mapping[ModelKey, HookedTransformer] | None = None,
    ) -> None:
        """Start without a model open; arguments as `Loaded` takes them."""
        self.loaded = Loaded(threads, given)

    def answer(self, request: Request) -> Iterator[Answer | None]:
        """Yield ever more of the answer to a request; None where only time has passed.

        Raises:
            ModelError: If the model can't be had.
            ValueError: If the question has no answer; the message is a sentence for the user.
        """
        handler = HANDLERS[type(request)]
        model, pair = _asked_about(request)
        if model is None or pair is None or not pair.interventions:
            return handler(self.loaded, request)
        return self._under(model, pair, request)

    def _under(
        self, model: ModelKey, pair: PromptPair, request: Request
    ) -> Iterator[Answer | None]:
        """Run what a pair's interventions need to know, pausing on the way, and answer."""
        with suppress(ValueError):  # a pair that can't be read: the handler says so, or goes on
            yield from self.loaded.before(self.loaded.use(model), pair)
        yield from HANDLERS[type(request)](self.loaded, request)

    def limit(self, limits: Limits) -> None:
        """Use no more of the machine than that from now on."""
        self.loaded.limit(limits)
