"""Which kinds of questions a session file keeps, with what answers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from lensgui.jobs import requests
from lensgui.jobs.answers import (
    activations,
    arrays,
    attributions,
    circuits,
    generation,
    interventions,
    lenses,
    neurons,
    readings,
)
from lensgui.jobs.answers.reply import Answer
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
from lensgui.state.sessions.bounds import Name, Record
from lensgui.state.sessions.manifest import Rows
from lensgui.state.sessions.stored import arrays as stored_arrays
from lensgui.state.sessions.stored import questions
from lensgui.state.sessions.stored import readings as stored_readings

MOST_ANSWERS = 1_000


class Kept(Record, frozen=True):
    """A question with its answer, each of the types that its kind has in `KINDS`."""

    question: Name
    asked: msgspec.Raw
    answer: msgspec.Raw


class Answers(Record, frozen=True):
    """The section of answers.

    Attributes:
        tables: Rows that questions are about; the first has number 1.
        kept: The questions with their answers.
    """

    tables: Annotated[tuple[Rows, ...], Meta(max_length=questions.MOST_TABLES)] = ()
    kept: Annotated[tuple[Kept, ...], Meta(max_length=MOST_ANSWERS)] = ()


@dataclass(frozen=True, slots=True)
class StoredKind:
    """A kind of question whose answers a session file can keep: a row of `KINDS`.

    Attributes:
        request: The app's question.
        asked: The same in a file.
        answer: The app's answer.
        answered: The same in a file.
    """

    request: type[Request]
    asked: type[Record]
    answer: type[Answer]
    answered: type[Record]


KINDS = {
    "patching": StoredKind(
        requests.Patching, questions.Patching, arrays.Sweep, stored_arrays.Sweep
    ),
    "who feeds": StoredKind(
        requests.WhoFeeds, questions.WhoFeeds, arrays.Feeding, stored_arrays.Feeding
    ),
    "paths into": StoredKind(
        requests.PathsInto, questions.PathsInto, arrays.Sweep, stored_arrays.Sweep
    ),
    "attention grid": StoredKind(
        requests.AttentionGrid, questions.AttentionGrid, arrays.Atlas, stored_arrays.Atlas
    ),
    "attention head": StoredKind(
        requests.AttentionHead, questions.AttentionHead, arrays.HeadSlice, stored_arrays.HeadSlice
    ),
    "attention from": StoredKind(
        requests.AttentionFrom, questions.AttentionFrom, arrays.HeadRows, stored_arrays.HeadRows
    ),
    "pair": StoredKind(
        requests.ReadPair, questions.ReadPair, readings.PairReading, stored_readings.PairReading
    ),
    "pairs": StoredKind(
        requests.ReadPairs, questions.ReadPairs, readings.PairsReading, stored_readings.PairsReading
    ),
    "head roles": StoredKind(
        requests.HeadRoles, questions.HeadRoles, arrays.HeadEffects, stored_arrays.HeadEffects
    ),
    "head scores": StoredKind(
        requests.ScoreHeads, questions.ScoreHeads, arrays.ModelScores, stored_arrays.ModelScores
    ),
    "output norms": StoredKind(
        requests.OutputNorms, questions.OutputNorms, arrays.Slice, stored_arrays.Slice
    ),
    "evidence": StoredKind(
        requests.ReadEvidence, questions.ReadEvidence, arrays.Evidence, stored_arrays.Evidence
    ),
    "model map": StoredKind(
        activation_requests.MapModel,
        questions.MapModel,
        activations.ModelMap,
        stored_readings.ModelMap,
    ),
    "activation": StoredKind(
        activation_requests.ReadActivation,
        questions.ReadActivation,
        activations.ActivationSlice,
        stored_arrays.ActivationSlice,
    ),
    "attribution": StoredKind(
        attribution_requests.AttributeMetric,
        questions.AttributeMetric,
        attributions.Parts,
        stored_arrays.Parts,
    ),
    "attribution of sources": StoredKind(
        attribution_requests.AttributeSources,
        questions.AttributeSources,
        attributions.Terms,
        stored_arrays.Terms,
    ),
    "attribution of neurons": StoredKind(
        attribution_requests.AttributeNeurons,
        questions.AttributeNeurons,
        attributions.Terms,
        stored_arrays.Terms,
    ),
    "lens": StoredKind(
        requests.LogitLens, questions.LogitLens, readings.LensReading, stored_readings.LensReading
    ),
    "lens grid": StoredKind(
        lens_requests.ReadLens, questions.ReadLens, lenses.LensGrid, stored_readings.LensGrid
    ),
    "lens metric": StoredKind(
        lens_requests.LensMetric, questions.LensMetric, arrays.Slice, stored_arrays.Slice
    ),
    "lens mean": StoredKind(
        lens_requests.AverageLens, questions.AverageLens, lenses.LensMean, stored_arrays.LensMean
    ),
    "lens worth": StoredKind(
        lens_requests.LensWorth, questions.LensWorth, arrays.Slice, stored_arrays.Slice
    ),
    "neurons": StoredKind(
        neuron_requests.RankNeurons,
        questions.RankNeurons,
        neurons.NeuronRanking,
        stored_readings.NeuronRanking,
    ),
    "neurons' slopes": StoredKind(
        neuron_requests.NeuronSlopes,
        questions.NeuronSlopes,
        neurons.NeuronProducts,
        stored_readings.NeuronProducts,
    ),
    "neurons in words": StoredKind(
        neuron_requests.ReadNeurons,
        questions.ReadNeurons,
        neurons.NeuronWords,
        stored_readings.NeuronWords,
    ),
    "neuron over prompt": StoredKind(
        neuron_requests.NeuronOverPrompt,
        questions.NeuronOverPrompt,
        arrays.Slice,
        stored_arrays.Slice,
    ),
    "interventions": StoredKind(
        intervention_requests.ReadInterventions,
        questions.ReadInterventions,
        interventions.InterventionsReading,
        stored_readings.InterventionsReading,
    ),
    "strength": StoredKind(
        intervention_requests.AskStrength,
        questions.AskStrength,
        interventions.StrengthReading,
        stored_readings.StrengthReading,
    ),
    "set": StoredKind(
        intervention_requests.AblateSet,
        questions.AblateSet,
        interventions.SetReading,
        stored_readings.SetReading,
    ),
    "edges": StoredKind(
        circuit_requests.ScoreEdges,
        questions.ScoreEdges,
        circuits.EdgeTable,
        stored_readings.EdgeTable,
    ),
    "exact edges": StoredKind(
        circuit_requests.CheckEdges,
        questions.CheckEdges,
        circuits.EdgeChecks,
        stored_readings.EdgeChecks,
    ),
    "circuit": StoredKind(
        circuit_requests.MeasureCircuit,
        questions.MeasureCircuit,
        circuits.CircuitReading,
        stored_readings.CircuitReading,
    ),
    "faithfulness by size": StoredKind(
        circuit_requests.MeasureCurve,
        questions.MeasureCurve,
        circuits.CurveReading,
        stored_readings.CurveReading,
    ),
    "continuations": StoredKind(
        generation_requests.Generate,
        questions.Generate,
        generation.Continuations,
        stored_readings.Continuations,
    ),
    "MLP": StoredKind(
        requests.ReadMLP, questions.ReadMLP, readings.MLPReading, stored_readings.MLPReading
    ),
    "head": StoredKind(
        requests.ReadHead, questions.ReadHead, readings.HeadReading, stored_readings.HeadReading
    ),
    "edge": StoredKind(
        requests.ReadEdge, questions.ReadEdge, readings.EdgeReading, stored_readings.EdgeReading
    ),
}
"""Every kind of question whose answers a file keeps, by its name there."""
