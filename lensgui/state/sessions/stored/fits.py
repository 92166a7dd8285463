"""Whether answers about interventions, and texts that go on, fit their questions and themselves.

A phrase says what does not fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers import circuits, generation, interventions
from lensgui.jobs.questions.circuit_requests import (
    CheckEdges,
    MeasureCircuit,
    MeasureCurve,
    ScoreEdges,
)
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.jobs.questions.intervention_requests import AblateSet, AskStrength, ReadInterventions
from lensgui.terms.circuits.nodes import receivers, senders

MOST_SENDERS = 100_000  # heads of a model


def check(is_right: bool, what: str) -> None:
    """Refuse what is not right.

    Raises:
        ValueError: Saying what is not.
    """
    if not is_right:
        raise ValueError(what)


def check_shapes(shape: tuple[int, ...], *others: NDArray[Any] | None) -> None:
    """Refuse arrays of another shape than the first; None is none."""
    check(all(of is None or of.shape == shape for of in others), "two arrays differ in shape")


def check_interventions(
    request: ReadInterventions, found: interventions.InterventionsReading
) -> None:
    """Refuse what is said of other interventions than were asked about."""
    check(len(found.of) == len(request.pair.interventions), "not every intervention has an answer")


def check_strength(request: AskStrength, found: interventions.StrengthReading) -> None:
    """Refuse curves that do not fit their strengths and tokens."""
    count = len(found.strengths)
    check(request.which < len(request.pair.interventions), "there is no such intervention")
    check(count == len({*request.strengths}), "an answer has other strengths than its question")
    check(found.shares is None or len(found.shares) == count, "not every strength has a share")
    check(list(found.strengths) == sorted(found.strengths), "strengths stand in no order")
    check_shapes((count,), found.metric, found.divergence)
    check_shapes((count, len(found.followed)), found.probabilities)
    check(found.placebos.ndim == 2, "an array has an odd shape")
    check(len(found.placebos) in (0, request.placebos), "there are other random directions")
    check_shapes((len(found.placebos), count), found.placebos)
    numbers = found.metric, found.divergence, found.probabilities, found.placebos
    check(all(bool(np.isfinite(of).all()) for of in numbers), "a known number is not finite")


def check_set(request: AblateSet, found: interventions.SetReading) -> None:
    """Refuse numbers that do not fit the pairs and members that were asked about."""
    pairs, members = len(found.pairs), len(request.members)
    check(0 < pairs <= (len(request.rows) or 1), "a set is read over other pairs")
    check_shapes((pairs,), found.before, found.after)
    check_shapes((members, pairs), found.last, found.first)
    check_shapes((2,), found.change_ends)
    check_shapes((2, members), found.last_ends)
    numbers = found.before, found.after, found.last, found.first
    check(all(bool(np.isfinite(of).all()) for of in numbers), "a known number is not finite")


def check_edge_table(request: ScoreEdges, found: circuits.EdgeTable) -> None:
    """Refuse a table of edges that does not fit the architecture that it is said to be of."""
    shape = found.shape
    check(shape.n_heads % shape.kv_heads == 0, "heads do not share keys evenly")
    check(shape.n_layers * shape.n_heads <= MOST_SENDERS, "a graph is too large")
    check_shapes((len(senders(shape)), len(receivers(shape))), found.scores, found.sizes)
    check(found.places.ndim == 2, "an array has an odd shape")
    check(len(found.places) == len(found.scores), "not every sender has its positions")
    is_named = len(found.labels) in (0, found.places.shape[1])
    check(is_named, "positions are not as many as their names")
    check(len(found.pairs) == found.total <= (len(request.rows) or 1), "edges are of other pairs")
    numbers = found.scores, found.sizes, found.places
    check(all(bool(np.isfinite(of).all()) for of in numbers), "a known number is not finite")


def check_edge_checks(request: CheckEdges, found: circuits.EdgeChecks) -> None:
    """Refuse effects of other edges than were asked about."""
    check(found.edges == request.edges, "effects are of other edges")
    check_shapes((len(found.edges),), found.changes)
    check_shapes((2, len(found.edges)), found.ends)
    check(bool(np.isfinite(found.changes).all()), "a known number is not finite")


def check_circuit(request: MeasureCircuit, found: circuits.CircuitReading) -> None:
    """Refuse numbers of a circuit that do not fit its parts and pairs."""
    check(found.pairs == found.total_pairs <= (len(request.rows) or 1), "pairs are missing")
    check_shapes((len(found.parts),), found.minimality)
    check_shapes((2, len(found.knockouts)), found.completeness)
    most = len(request.sets) + request.draws
    check(len(found.knockouts) <= most, "more is taken out than was asked about")
    check(bool(np.isfinite(found.completeness).all()), "a known number is not finite")
    check(bool(np.isfinite(found.minimality).all()), "a known number is not finite")


def check_curve(request: MeasureCurve, found: circuits.CurveReading) -> None:
    """Refuse curves whose parts do not fit each other."""
    count = len(found.shares)
    check(len(found.counts) == count > 0, "a curve has other sizes than numbers")
    check(all(0 < share <= 1 for share in found.shares), "a size is no share of the edges")
    check(list(found.shares) == sorted(set(found.shares)), "sizes stand in no order")
    check_shapes((count,), found.faithfulness)
    check_shapes((2, count), found.ends)
    check(found.drawn.ndim == 2 and len(found.drawn) == count, "an array has an odd shape")
    numbers = found.faithfulness, found.drawn
    check(all(bool(np.isfinite(of).all()) for of in numbers), "a known number is not finite")


def check_continuations(request: Generate, found: generation.Continuations) -> None:
    """Refuse texts that are not what was asked for."""
    for side in (found.without, found.under):
        count = request.count if side is None else len(side.tokens)
        is_whole = count == request.count or (
            side is not None and side.end and count <= request.count
        )
        check(bool(is_whole), "a text is not as long as it was asked for")
    check(found.prompt <= found.context, "a prompt is longer than its model takes")
    is_under = any(one.acts_on(request.side) for one in request.pair.interventions)
    check(is_under or found.under is None, "a text is under interventions that do not act")
