"""How each pane is set: what its own switches say, as values that the document holds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from lensgui.state.selection import Cursor
from lensgui.terms.circuits.graph import Ranking
from lensgui.terms.circuits.nodes import Reference
from lensgui.terms.kinds import AttentionMeasure, Head, HeadInput, OneSide, Side
from lensgui.terms.scores import TABLE_SCORES

Drawing = Literal["map", "lines", "text"]
Arrangement = Literal["layers", "ranked", "map"]
Compared = Literal["A", "B", "A − B"]
Stream = Literal["resid_pre", "resid_mid", "resid_post"]
AttributedBy = Literal["head", "component"]
LensValue = Literal[
    "token", "metric", "probability", "logit", "rank", "entropy", "divergence", "surprisal"
]

AblationOp = Literal["resample", "mean", "zero"]
SetOf = Literal["heads", "interventions"]
NeuronOrder = Literal["effect", "gradient", "activation"]
PlacesOf = Literal["pairs", "text"]
BoardNodes = Literal["strongest", "selected", "pinned", "circuit"]
Measured = Literal["", "heads", "edges", "sizes"]
Beside = Literal["minimality", "completeness", "parts"]


@dataclass(frozen=True, slots=True)
class Range:
    """How far the colours of a picture reach, as the user chose it.

    Attributes:
        end: What full colour stands for.
        counted: What the picture counted then: one that counts something else has its own range.
    """

    end: float
    counted: str


@dataclass(frozen=True, slots=True)
class PromptView:
    """How the prompts are shown.

    Attributes:
        shows_surprisal: Whether tokens are coloured by how surprising they are.
    """

    shows_surprisal: bool = False


@dataclass(frozen=True, slots=True)
class AttentionView:
    """How attention is shown.

    Attributes:
        side: Which prompt's attention, or clean minus corrupted.
        hides_first: Whether position 0 is left out of the grid.
        score: The key of what ranks and filters the heads.
        arrangement: Whether heads stand by layer, ranked by their score, or by layer as mere
            scores.
        least_score: What the score's size must be at least.
        measure: What is counted, in the grid and of the selected head.
        drawing: How the selected head is drawn.
        head_hides_first: Whether position 0 is left out of the selected head.
        is_from: Whether a token's attention is what it attends to, rather than what attends to it.
        least_line: The weakest line that is drawn, as a share of the scale's end.
    """

    side: Side = "clean"
    hides_first: bool = True
    score: str = "attribution"
    arrangement: Arrangement = "layers"
    least_score: float = 0.0
    measure: AttentionMeasure = "pattern"
    drawing: Drawing = "map"
    head_hides_first: bool = False
    is_from: bool = True
    least_line: float = 0.1


@dataclass(frozen=True, slots=True)
class PatchingView:
    """How the sweep that is looked at is shown.

    Attributes:
        side: The sweep that was kept or is compared with, the present one, or their difference.
        shows_table: Whether the strongest cells are listed.
        shows_estimates: Whether estimates are plotted against exact numbers.
        shows_intervals: Whether the strongest cells of a mean are plotted with their intervals.
        place: Where the picture stands on an axis that it does not show, where nothing that is
            selected says so; None for its end.
        range: How far its colours reach; None as it fits.
    """

    side: Compared = "B"
    shows_table: bool = False
    shows_estimates: bool = False
    shows_intervals: bool = False
    place: int | None = None
    range: Range | None = None


@dataclass(frozen=True, slots=True)
class AllKindsView:
    """How the sweeps of all kinds are shown.

    Attributes:
        stream: Where the residual stream is patched.
        enlarged: The number of the map that is shown alone; None for all.
        range: As of `PatchingView`.
    """

    stream: Stream = "resid_pre"
    enlarged: int | None = None
    range: Range | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """What was asked about: an input of some heads.

    Attributes:
        heads: (layer, head) of each, in order.
        input: Which input.
    """

    heads: tuple[Head, ...]
    input: HeadInput


@dataclass(frozen=True, slots=True)
class FeedersView:
    """What is asked about who feeds a head.

    Attributes:
        input: Which input of the receivers.
        hear_each_other: Whether receivers hear each other.
        held: Receivers that stay while a sender is selected; () where the selected heads are.
        sender: Layer, head and heads of the selection while that is so: with any other, the
            selected heads are the receivers, and there is no question before theirs.
        before: What was asked about before the present question, the first one first.
        range: As of `PatchingView`.
    """

    input: HeadInput = "q"
    hear_each_other: bool = False
    held: tuple[Head, ...] = ()
    sender: Cursor | None = None
    before: tuple[Link, ...] = ()
    range: Range | None = None


@dataclass(frozen=True, slots=True)
class LensView:
    """What is shown of each layer and position, read as if it were the last.

    Attributes:
        value: What is read.
        side: Of which prompt, or clean minus corrupted.
        token: Of which token it is read, where it is read of one: 0 for the answer, 1 for the
            distractor, then those that are followed.
        words_only: Whether tokens that are no words are left out.
        lens: The file of a fitted lens among those that are here; "" for the logit lens.
        mid: Whether the stream between attention and MLP is read too.
        shows_curves: Whether trajectories stand beside the grid.
        followed: Tokens that are followed beside answer and distractor, as text.
    """

    value: LensValue = "token"
    side: Side = "clean"
    token: int = 0
    words_only: bool = False
    lens: str = ""
    mid: bool = False
    shows_curves: bool = True
    followed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NeuronsView:
    """What is shown of the neurons of a layer.

    Attributes:
        order: What they are ranked by: the direct effect on the answer, activation × gradient of
            the metric, or the activation.
        side: Of which prompt, or of one neuron clean minus corrupted.
        count: How many are listed.
        places: Where the strongest places are looked for: in the table of pairs, or in a text file,
            which no document names.
    """

    order: NeuronOrder = "effect"
    side: Side = "clean"
    count: int = 20
    places: PlacesOf = "pairs"


@dataclass(frozen=True, slots=True)
class AttributionView:
    """What is shown of what each part adds to the metric.

    Attributes:
        by: Whether each head has a cell, or attention and MLP of a layer have one each.
        side: Of which prompt, or clean minus corrupted.
        shows_curve: Whether the sum so far stands beside the grid.
    """

    by: AttributedBy = "head"
    side: Side = "clean"
    shows_curve: bool = True


UNSCORED = ("", "role", "label")  # what orders heads beside their scores; "" for layer by layer


@dataclass(frozen=True, slots=True)
class HeadsView:
    """How the table of heads is shown.

    Attributes:
        columns: The keys of the scores that are columns, in their order.
        sort: What orders the rows: the key of a score, or one of `UNSCORED`.
        is_descending: Whether the largest comes first.
        filter: The conditions that heads must meet, as they were typed.
    """

    columns: tuple[str, ...] = TABLE_SCORES
    sort: str = ""
    is_descending: bool = True
    filter: str = ""


@dataclass(frozen=True, slots=True)
class ActivationView:
    """Which activation is shown, and how.

    Attributes:
        name: The hook point within its layer, such as "attn.hook_q"; in full outside of layers.
        side: Of which prompt, or clean minus corrupted.
        down: The axis from top to bottom; "" for the usual one.
        across: The axis from left to right; likewise.
        places: Where axes stand that are neither shown nor selected, by name.
    """

    name: str = "hook_resid_pre"
    side: Side = "clean"
    down: str = ""
    across: str = ""
    places: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StrengthView:
    """What is shown of an intervention by its strength.

    Attributes:
        which: The number of the intervention; of one that is not done by degrees, the last that is.
        is_wide: Whether strengths go farther than the stream's median norm.
        has_random: Whether random directions stand beside the vector.
        is_like_stream: Whether these have the stream's covariance there.
    """

    which: int = 0
    is_wide: bool = False
    has_random: bool = False
    is_like_stream: bool = False


@dataclass(frozen=True, slots=True)
class GenerationView:
    """How the model goes on behind a prompt.

    Attributes:
        side: Which prompt is continued.
        count: How many tokens are written at most.
        temperature: Logits are divided by it before a token is drawn; 0 takes the likeliest.
        top_k: Draw from so many likeliest tokens only; 0 for all.
        top_p: Draw from the fewest likeliest tokens that have this share together; 1 for all.
        seed: Of what draws.
    """

    side: OneSide = "clean"
    count: int = 20
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AblationView:
    """Which set is ablated, and how.

    Attributes:
        of: Whether it is of heads, or all interventions that are on.
        heads: The heads that were taken; () for those that are selected.
        op: What is done to them.
    """

    of: SetOf = "heads"
    heads: tuple[Head, ...] = ()
    op: AblationOp = "resample"


@dataclass(frozen=True, slots=True)
class BoardView:
    """What of the model's graph is on the circuit board, and how.

    Attributes:
        reference: What stands in for what is cut.
        nodes: Whether the nodes are those of the strongest edges, of those that leave or enter what
            is selected, the pinned ones alone, or those of the circuit that is kept.
        by: Whether edges are ranked by the size of their scores or by sign.
        most: How many edges are drawn at most.
        is_exact: Whether the exact effect of every edge that is drawn is worked out.
        fades: Whether what is on no path through the selected node is faint.
        is_free: Whether nodes stand at their heads' numbers, rather than at the position that
            carries most.
        places: How far from the left nodes were dragged, by their labels, 0 to 1.
        groups: Nodes that are drawn as one: its name, and their labels.
        measured: Whether the heads on the board, or the edges that are drawn, are measured as a
            circuit, or circuits of the best edges by size; "" for none.
        beside: What is shown below the faithfulness of what is measured: what each node matters,
            what is left of circuit and model without sets of nodes, or what part each node plays.
        band: How far the faithfulness of a circuit that is suggested may be from 1.
    """

    reference: Reference = "corrupted"
    nodes: BoardNodes = "strongest"
    by: Ranking = "size"
    most: int = 40
    is_exact: bool = False
    fades: bool = False
    is_free: bool = False
    places: tuple[tuple[str, float], ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    measured: Measured = ""
    beside: Beside = "minimality"
    band: float = 0.1


@dataclass(frozen=True, slots=True)
class Views:
    """How every pane is set, by pane."""

    prompt: PromptView = PromptView()
    attention: AttentionView = AttentionView()
    patching: PatchingView = PatchingView()
    all_kinds: AllKindsView = AllKindsView()
    feeders: FeedersView = FeedersView()
    lens: LensView = LensView()
    neurons: NeuronsView = NeuronsView()
    attribution: AttributionView = AttributionView()
    heads: HeadsView = HeadsView()
    activation: ActivationView = ActivationView()
    strength: StrengthView = StrengthView()
    generation: GenerationView = GenerationView()
    ablation: AblationView = AblationView()
    board: BoardView = BoardView()


AT_FIRST = Views()
VIEW_FIELDS = frozenset(field.name for field in fields(Views))
