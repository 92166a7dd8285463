"""Made-up vectors, and what is to be known of interventions."""

from __future__ import annotations

import numpy as np

from lensgui.jobs.answers.interventions import (
    InterventionReading,
    InterventionsReading,
    MadeVectors,
)
from lensgui.jobs.questions.intervention_requests import MakeVector, ReadInterventions
from lensgui.terms import vectors
from lensgui.terms.interventions import Intervention, Vector
from lensgui.terms.recipes import OfFile
from tests import fakes

UNIT = 2.0  # the strength that is one median norm
WIDTH = 8


def read(request: ReadInterventions) -> InterventionsReading:
    """Layers that the model lacks are a fault; means are over the prompts that are given."""
    return InterventionsReading(tuple(_reading(one, request) for one in request.pair.interventions))


def _reading(one: Intervention, request: ReadInterventions) -> InterventionReading:
    lacks = (one.site.layer or 0) >= fakes.LAYERS
    fault = f"{one.site}: this model has {fakes.LAYERS} layers, from 0 on." if lacks else ""
    unit = {"add": UNIT, "set": UNIT, "add_median": 1.0, "add_norm": 1.0}.get(one.op)
    return InterventionReading(fault, unit, len(request.pair.reference) * (one.op == "mean"))


def made(request: MakeVector) -> MadeVectors:
    """One vector; of a file one for each of two layers."""
    layers = (1, 2) if isinstance(request.recipe, OfFile) else (None,)
    found = []
    for layer in layers:
        numbers = fakes.noise(f"{request.recipe} {layer}", WIDTH) - np.float32(0.5)
        found.append((layer, Vector("a vector", vectors.keep("a vector", numbers))))
    return MadeVectors(tuple(found))
