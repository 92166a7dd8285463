"""Made-up readings of edges and MLPs, for the fake answerer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lensgui.jobs.answers.arrays import Axis, CellState, Evidence, ModelScores, Slice
from lensgui.jobs.answers.readings import EdgeReading, MLPReading, Neuron, Token
from lensgui.jobs.requests import OutputNorms, ReadEdge, ReadEvidence, ReadMLP, ScoreHeads
from lensgui.terms.roles import ModelMeasures, PairMeasures
from lensgui.terms.scores import MODEL_SCORES
from tests import fakes

MOVER, INDUCTION = (4, 2), (2, 1)  # the heads that have a role
WORDS = tuple((Token(at, f" word{at}"), 3.0 - at) for at in range(6))


def edge(request: ReadEdge) -> EdgeReading:
    return EdgeReading(0.25, 0.5, WORDS[:3], WORDS[:2:-1])


def mlp(request: ReadMLP) -> MLPReading:
    neurons = (Neuron(17, 1.5, 0.25), Neuron(3, -0.5, -0.125))
    return MLPReading(-0.75, WORDS[:3], WORDS[:2:-1], neurons)


def scores(request: ScoreHeads) -> Iterator[ModelScores]:
    made_up = fakes.noise(f"{request}", 4, fakes.LAYERS, fakes.HEADS) * np.float32(0.3)
    previous, duplicate, induction, copying = made_up
    induction[INDUCTION], copying[MOVER] = 0.9, 0.8
    unknown = np.full(copying.shape, np.nan, np.float32)
    measures = ModelMeasures(previous, duplicate, induction, unknown)
    found = ModelScores(measures, (396, 196, 200), 4, unsettled=MODEL_SCORES[3:])
    yield found
    raw, top, bottom = fakes.noise(f"raw{request}", 3, fakes.LAYERS, fakes.HEADS)
    found = replace(found, copied=np.stack([top, bottom]), tokens=100, unsettled=MODEL_SCORES[5:])
    yield found
    raw, copying = raw - np.float32(0.5), replace(measures, copying=copying)
    if request.from_a_part:
        found = replace(found, vocabulary=24, unsettled=MODEL_SCORES)
        yield replace(found, raw_copying=raw, measures=copying)
        return
    yield replace(found, raw_copying=raw, unsettled=MODEL_SCORES[-1:])
    yield replace(found, raw_copying=raw, measures=copying, unsettled=())


def norms(request: OutputNorms) -> Slice:
    axes = (
        Axis(name, tuple(range(count)), tuple(f"{name[0].upper()}{at}" for at in range(count)))
        for name, count in (("layer", fakes.LAYERS), ("head", fakes.HEADS))
    )
    values = 50 * fakes.noise(f"{request}", fakes.LAYERS, fakes.HEADS)
    return Slice(tuple(axes), values, np.full(values.shape, CellState.EXACT, np.uint8))


def evidence(request: ReadEvidence) -> Evidence:
    attribution = fakes.noise(f"{request}", fakes.LAYERS, fakes.HEADS) - np.float32(0.5)
    attribution[MOVER] = 2.0
    looks = np.zeros((3, fakes.LAYERS, fakes.HEADS), np.float32)
    looks[0][MOVER] = 0.6
    to_answer, to_distractor, to_repeat = looks
    share = attribution / np.float32(8)
    of_each = PairMeasures(to_answer, to_distractor, to_repeat, share)
    count = len(request.pairs)
    return Evidence((of_each,) * count, attribution, count, count)
