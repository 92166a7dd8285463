"""What the inspector knows as panels of figures: tables of numbers, and bars of attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.readings import EdgeReading, HeadReading, LensReading, MLPReading, Token
from lensgui.panes.figures.figure import Bars, Data, Panel, Sheet, numbered
from lensgui.panes.figures.shown import Shown
from lensgui.panes.inspector.numbers import Number
from lensgui.panes.python.figures import Code
from lensgui.panes.token_text import percent, precise, signed, spell, spelled

LENS = "The residual stream after each layer, decoded as if it were the last (logit lens)."
CLEAN = ", on the clean prompt"
RAISED = ("raises most", "lowers most", "looks for")


def lens(reading: LensReading, widget: QWidget, place: str, *, is_stale: bool) -> Shown:
    """Return the logit lens of a position as a table."""
    titles = ["after", "token", "probability"] + ["metric"] * bool(reading.metric)
    names = ["embedding", *(f"L{layer}" for layer in range(len(reading.top) - 1))]
    metric = reading.metric or ()
    rows = [
        [name, spell(likely.token), f"{likely.probability:.3f}", *_at(metric, at)]
        for at, (name, likely) in enumerate(zip(names, reading.top, strict=True))
    ]
    chances = np.array([likely.probability for likely in reading.top], np.float64)
    numbers = np.array(metric, np.float64) if metric else np.full(len(names), np.nan)
    data = Data(
        (Axis("layer", tuple(range(-1, len(names) - 1)), tuple(names)),),
        {"probability": chances, "metric": numbers},
        {"token": [spell(likely.token) for likely in reading.top]},
    )
    panel = Sheet("", titles, rows, data)
    code = Code(("lens.double().softmax(-1).max(-1).values",))
    return Shown(
        widget, "logit lens", (panel,), f"{LENS} Read at {place}{CLEAN}.", is_stale, code=code
    )


def _at(metric: Sequence[float], at: int) -> list[str]:
    return [signed(metric[at])] if at < len(metric) else [""] * bool(metric)


def numbers_here(found: Sequence[Number], widget: QWidget, place: str) -> Shown:
    """Return what every pane says of a place as a table."""
    rows = [[number.name, number.words] for number in found]
    axis = numbered("row", [number.name for number in found])
    words = {"number": [number.words for number in found]}
    panel = Sheet("", ["what", "number"], rows, Data((axis,), {}, words))
    return Shown(widget, "numbers", (panel,), f"What the panes say of {place}.")


def head(reading: HeadReading, widget: QWidget, place: str, *, is_stale: bool) -> Shown:
    """Return where a head looks from a position, and the tokens that it raises and lowers."""
    names = spelled(reading.tokens)[: len(reading.attention)]
    shares = np.array(reading.attention, np.float64)
    order = np.argsort(-shares, kind="stable")[:12]
    axis = Axis("source", tuple(range(len(names))), tuple(names))
    looked = Bars(
        "Attention from here",
        [names[at] for at in order],
        shares[order],
        [percent(float(shares[at])) for at in order],
        "attention",
        Data((axis,), {"attention": shares}),
        order=tuple(order.tolist()),
    )
    parts, values = _effects("head", reading.promoted, reading.suppressed)
    if reading.sought:
        parts.append(_sized(RAISED[2], reading.sought))
        values.append(f"keys.topk({len(reading.sought)}).values")
    says, code = (
        f"{place}{CLEAN}: where it looks, what it writes.",
        Code(("head.attention", *values)),
    )
    return Shown(widget, "head", (looked, *parts), says, is_stale, code=code)


def _effects(
    name: str, promoted: Sequence[tuple[Token, float]], suppressed: Sequence[tuple[Token, float]]
) -> tuple[list[Panel], list[str]]:
    """Return what is raised and lowered most, and how a script gets at these numbers.

    Args:
        name: What the copied lines call the reading.
        promoted: Tokens and sizes.
        suppressed: Likewise.
    """
    panels: list[Panel] = []
    values: list[str] = []
    for title, tokens, order in zip(
        RAISED, (promoted, suppressed), ("", ", largest=False"), strict=False
    ):
        if tokens:
            panels.append(_sized(title, tokens))
            values.append(f"{name}.effect.topk({len(tokens)}{order}).values")
    return panels, values


def edge(reading: EdgeReading, widget: QWidget, place: str, *, is_stale: bool) -> Shown:
    """Return what a head would raise and lower if it looked at a source alone."""
    panels, values = _effects("edge", reading.promoted, reading.suppressed)
    says = f"{place}{CLEAN}: what the head would write if it looked at the source alone."
    return Shown(widget, "source", tuple(panels), says, is_stale, code=Code(tuple(values)))


def mlp(reading: MLPReading, widget: QWidget, place: str, *, is_stale: bool) -> Shown:
    """Return what an MLP raises and lowers, and the neurons that do most of it."""
    panels, codes = _effects("mlp", reading.promoted, reading.suppressed)
    if reading.neurons:
        names = [f"N{neuron.index}" for neuron in reading.neurons]
        out = np.array([neuron.activation for neuron in reading.neurons], np.float64)
        direct = np.array(
            [
                np.nan if neuron.attribution is None else neuron.attribution
                for neuron in reading.neurons
            ]
        )
        is_known = bool(np.isfinite(direct).any())
        values, counted = (direct, "logits") if is_known else (out, "activation")
        axis = Axis("neuron", tuple(neuron.index for neuron in reading.neurons), tuple(names))
        data = Data((axis,), {"activation": out, "attribution": direct})
        words = [precise(float(value)) for value in values]
        panels.append(Bars("neurons", names, values, words, counted, data))
        codes.append(f"mlp.activations[{[neuron.index for neuron in reading.neurons]}]")
    says = f"What the MLP writes at {place}{CLEAN}."
    return Shown(widget, "MLP", tuple(panels), says, is_stale, code=Code(tuple(codes)))


def _sized(title: str, tokens: Sequence[tuple[Token, float]]) -> Bars:
    names = [spell(token) for token, _ in tokens]
    sizes = np.array([size for _, size in tokens], np.float64)
    ids = tuple(token.id for token, _ in tokens)
    words = [precise(float(size)) for size in sizes]
    data = Data((Axis("token", ids, tuple(names)),), {"logits": sizes})
    return Bars(title, names, sizes, words, "logits", data)
