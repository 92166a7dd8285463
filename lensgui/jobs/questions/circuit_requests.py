"""Questions about circuits: what edges are worth or matter exactly, how well a circuit stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.circuits.graph import Ranking
from lensgui.terms.circuits.kept import EdgeName, KeptCircuit
from lensgui.terms.circuits.nodes import Reference
from lensgui.terms.kinds import Head
from lensgui.terms.model_key import ModelKey

DRAWS = 20  # sets of nodes that completeness takes out beside groups of the board
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
        within: The edges of the circuit that they are taken out of; () for the whole model.
    """

    doing: ClassVar[str] = "exact effects of edges"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION
    is_of_equals: ClassVar[bool] = True

    model: ModelKey
    pair: PromptPair
    stand_in: Reference
    edges: tuple[EdgeName, ...]
    rows: tuple[PairRow, ...] = ()
    within: tuple[EdgeName, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureCircuit(Request):
    """How well some heads, or some edges, stand for the model: a `CircuitReading` that grows.

    Attributes:
        pair: The prompts.
        stand_in: What stands in for what is cut.
        heads: The heads that are kept, all MLPs with them; () for a circuit of edges.
        edges: The edges that are kept; () for a circuit of heads.
        sets: Sets of nodes that are taken out of the circuit and of the whole model: what each is
            called, and their labels.
        draws: How many more such sets are drawn, each node of the circuit with even odds.
        has_parts: Whether it is measured without each of its nodes, too.
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
    sets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    draws: int = 0
    has_parts: bool = True
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


@dataclass(frozen=True, slots=True)
class SuggestCircuit(Request):
    """A small circuit that stands for the model: a `SuggestionReading` that shrinks.

    Of several pairs it is found on one half and measured on the other.

    Attributes:
        pair: The prompts.
        stand_in: What stands in for what is cut.
        by: How edges are ranked.
        band: How far its faithfulness may be from 1, either way.
        rows: Pairs that are read instead of `pair`; () for the one pair.
    """

    doing: ClassVar[str] = "suggesting a circuit"
    of_its_kind: ClassVar[Urgency] = Urgency.SWEEP
    is_of_equals: ClassVar[bool] = True

    model: ModelKey
    pair: PromptPair
    stand_in: Reference = "corrupted"
    by: Ranking = "size"
    band: float = 0.1
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenCircuit(Request):
    """Read a circuit of the EAP-IG package, an `OpenedCircuit`; or an attribution graph.

    The latter is of any model: an `OpenedGraph`.

    Attributes:
        path: The file.
        stamp: When it was changed, in nanoseconds: a file that is another by now is read anew.
    """

    doing: ClassVar[str] = "reading a circuit"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    path: str
    stamp: int = 0


@dataclass(frozen=True, slots=True)
class SaveCircuit(Request):
    """Write a circuit as the EAP-IG package reads it: a `SavedCircuit`.

    Attributes:
        path: The file.
        circuit: What is written.
        stamp: When that was asked, in nanoseconds: who asks again wants it written again.
    """

    doing: ClassVar[str] = "writing a circuit"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    path: str
    circuit: KeptCircuit
    stamp: int = 0
