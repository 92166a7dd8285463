"""Made-up answers about hook points and what they hold."""

from __future__ import annotations

import numpy as np

from lensgui.jobs.answers.activations import ActivationSlice, MappedPoint, ModelMap
from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.jobs.questions.activation_requests import MapModel, ReadActivation
from lensgui.prompts.sides import one_side
from tests import fakes

WIDTH = 5  # of the stream
SHORTS = (
    "hook_resid_pre",
    "ln1.hook_scale",
    "ln1.hook_normalized",
    "attn.hook_q",
    "attn.hook_k",
    "attn.hook_pattern",
    "hook_resid_post",
)


def model_map(request: MapModel) -> ModelMap:
    """Some hook points of a layer, and one outside."""
    length = len(fakes.tokens(getattr(request.pair, one_side(request.side))))
    points = [
        MappedPoint(
            f"blocks.{request.layer}.{short}",
            short,
            request.layer,
            ("position", "d_model"),
            (length, WIDTH),
            "a + b",
            "What it is.",
            1.5,
        )
        for short in SHORTS
    ]
    embed = MappedPoint(
        "hook_embed", "hook_embed", None, ("position", "d_model"), (length, WIDTH), "", "", None
    )
    position = length - 1 if request.position is None else request.position
    return ModelMap((embed, *points), request.layer, position)


def piece(request: ReadActivation) -> ActivationSlice:
    """Positions and heads, at some place of a third axis."""
    tokens = fakes.tokens(getattr(request.pair, one_side(request.side)))
    labels = tuple(token.text for token in tokens)
    position = Axis("position", tuple(range(len(labels))), labels)
    heads = Axis("head", tuple(range(fakes.HEADS)), tuple(f"H{at}" for at in range(fakes.HEADS)))
    width = Axis("d_head", tuple(range(WIDTH)), tuple(map(str, range(WIDTH))))
    place = dict(request.places).get("head", 0)
    values = fakes.noise(f"activation{request}", len(position), len(width)) - 0.5
    return ActivationSlice(
        (position, width),
        values,
        np.full(values.shape, CellState.EXACT, np.uint8),
        ("position", "head", "d_head"),
        ((heads, place),),
        0.25,
        12.5,
        (("position 1, head H0, d_head 2", 3.5), ("position 0, head H0, d_head 1", -2.5)),
    )
