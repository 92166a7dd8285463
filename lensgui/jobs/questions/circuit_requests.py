"""Questions about circuits: what edges are worth or matter exactly, how well a circuit stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.circuits.graph import Ranking
from lensgui.terms.circuits.nodes import Reference
from lensgui.terms.kinds import Head
from lensgui.terms.model_key import ModelKey

EdgeName = tuple[str, str]
"""What sends and what receives, by their labels: ("L3H1", "L5H0.q")."""

STEPS = 5  # of the integral that scores edges, as in the EAP-IG paper


@dataclass(frozen=True, slots=True)
class ScoreEdges(Request):
    """Edge attribution of all edges of a model: an `EdgeTable` that grows pair by pair.

    It is of the model itself, whatever interventions are on.

    Attributes:
        pair: The prompts.
        stand_in: What stands in for what is cut.
        rows: Pairs that are read instead of `pair`; () for the one pair.
    """

    doing: ClassVar[str] = "edge attribution"
    of_its_kind: ClassVar[Urgency] = Urgency.SWEEP
    is_of_equals: ClassVar[bool] = True

    model: ModelKey
    pair: PromptPair
    stand_in: Reference = "corrupted"
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckEdges(Request):
    """What taking out one edge at a time changes, exactly: `EdgeChecks` that grow.

    Attributes:
        pair: The prompts.
        stand_in: What stands in for what is cut.
        edges: Which.
        rows: Pairs that are read instead of `pair`; () for the one pair.
    """

    doing: ClassVar[str] = "exact effects of edges"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION
    is_of_equals: ClassVar[bool] = True

    model: ModelKey
    pair: PromptPair
    stand_in: Reference
    edges: tuple[EdgeName, ...]
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureCircuit(Request):
    """How well some heads, or some edges, stand for the model: a `CircuitReading` that grows.

    Attributes:
        pair: The prompts.
        stand_in: What stands in for what is cut.
        heads: The heads that are kept, all MLPs with them; () for a circuit of edges.
        edges: The edges that are kept; () for a circuit of heads.
        rows: Pairs that are read instead of `pair`; () for the one pair.
    """

    doing: ClassVar[str] = "faithfulness of a circuit"
    of_its_kind: ClassVar[Urgency] = Urgency.SWEEP
    is_of_equals: ClassVar[bool] = True

    model: ModelKey
    pair: PromptPair
    stand_in: Reference
    heads: tuple[Head, ...] = ()
    edges: tuple[EdgeName, ...] = ()
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureCurve(Request):
    """How faithful circuits of the best edges are by size: a `CurveReading` that grows.

    Attributes:
        pair: The prompts.
        stand_in: What stands in for what is cut.
        by: How edges are ranked.
        rows: Pairs that are read instead of `pair`; () for the one pair.
    """

    doing: ClassVar[str] = "faithfulness by size"
    of_its_kind: ClassVar[Urgency] = Urgency.SWEEP
    is_of_equals: ClassVar[bool] = True

    model: ModelKey
    pair: PromptPair
    stand_in: Reference
    by: Ranking = "size"
    rows: tuple[PairRow, ...] = ()
