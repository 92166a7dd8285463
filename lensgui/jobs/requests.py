"""What a pane can ask for: frozen, self-contained values. Equal requests have equal answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PairRow, Prompt, PromptPair
from lensgui.terms.kinds import RESID_PRE, AttentionMeasure, Direction, HeadInput, Side, SweepKind
from lensgui.terms.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class OpenModel(Request):
    """Load a model and say what it is: one `ModelCard`."""

    doing: ClassVar[str] = "opening the model"
    can_be_kept: ClassVar[bool] = False
    reported: ClassVar[int] = 0
    of_its_kind: ClassVar[Urgency] = Urgency.VIEW

    model: ModelKey


@dataclass(frozen=True, slots=True)
class ReadPair(Request):
    """Tokens, likeliest next tokens, metric, warnings: a `PairReading`, first of tokens only."""

    doing: ClassVar[str] = "reading the prompts"
    of_its_kind: ClassVar[Urgency] = Urgency.TYPING
    finishes: ClassVar[bool] = True

    model: ModelKey
    pair: PromptPair


@dataclass(frozen=True, slots=True)
class AttentionGrid(Request):
    """Every head's attention pattern, layer by layer: an `Atlas`.

    Attributes:
        side: Whose: the clean run's, the corrupted run's, or the difference of two runs.
        hide_first: Leave position 0 out, an attention sink that swamps the rest; a pattern's rows
            are renormalised.
        rows: Pairs to average over instead of `pair`; () for the one pair.
        measure: As of `AttentionHead`.
    """

    doing: ClassVar[str] = "attention of all heads"
    reported: ClassVar[int] = 3
    of_its_kind: ClassVar[Urgency] = Urgency.VIEW

    model: ModelKey
    pair: PromptPair
    side: Side = "clean"
    hide_first: bool = True
    rows: tuple[PairRow, ...] = ()
    measure: AttentionMeasure = "pattern"


@dataclass(frozen=True, slots=True)
class AttentionHead(Request):
    """What one head takes from where, exactly, or the mean of several heads: a `HeadSlice`.

    Attributes:
        heads: (layer, head) of each head that is averaged over.
        side: As of `AttentionGrid`.
        measure: "pattern" for attention, "scores" for what stands before the softmax; attention
            times the size of the value, "values", or of what the head writes for it, "writes";
            or the signed "contribution" to the logit difference.
        hide_first: Leave position 0 out; a pattern's rows are renormalised.
        rows: As of `AttentionGrid`.
    """

    doing: ClassVar[str] = "attention of one head"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    heads: tuple[tuple[int, int], ...]
    side: Side = "clean"
    measure: AttentionMeasure = "pattern"
    hide_first: bool = False
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AttentionFrom(Request):
    """What every head attends to from one position, raw: a `HeadRows`.

    Attributes:
        position: The destination; of prompts that are matched by role, the number of the role.
        side: As of `AttentionGrid`.
        rows: As of `AttentionGrid`.
    """

    doing: ClassVar[str] = "attention of all heads from one position"
    of_its_kind: ClassVar[Urgency] = Urgency.VIEW

    model: ModelKey
    pair: PromptPair
    position: int
    side: Side = "clean"
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreHeads(Request):
    """What each head does whatever the prompt: a `ModelScores`, copying of either kind later.

    Attributes:
        from_a_part: Whether all is estimated from a part of what it is read of, in a second or two,
            unless it is known already.
    """

    doing: ClassVar[str] = "scoring heads"

    model: ModelKey
    from_a_part: bool = False

    @property
    def urgency(self) -> Urgency:
        """How long it may wait: what takes seconds waits for all else."""
        return Urgency.SELECTION if self.from_a_part else Urgency.LAST


@dataclass(frozen=True, slots=True)
class OutputNorms(Request):
    """How large what each head writes is, the mean over positions after 0: a `Slice` of heads.

    Attributes:
        side: As of `AttentionGrid`.
        rows: Likewise.
    """

    doing: ClassVar[str] = "what heads write"

    model: ModelKey
    pair: PromptPair
    side: Side = "clean"
    rows: tuple[PairRow, ...] = ()

    @property
    def urgency(self) -> Urgency:
        """One prompt is read at once, once it has run."""
        return Urgency.SWEEP if self.rows else Urgency.SELECTION


@dataclass(frozen=True, slots=True)
class ReadEvidence(Request):
    """What heads do about the answers of some pairs: an `Evidence` that grows pair by pair."""

    doing: ClassVar[str] = "what heads do about the answer"

    model: ModelKey
    pairs: tuple[PromptPair, ...]

    @property
    def urgency(self) -> Urgency:
        """One pair is read at once; of many, nobody waits for the last."""
        return Urgency.SELECTION if len(self.pairs) == 1 else Urgency.LAST


@dataclass(frozen=True, slots=True)
class Patching(Request):
    """Where the answer lives: one run's activations patched into the other, one at a time.

    A `Sweep` over the axes of its kind, filled in as it is computed.

    Attributes:
        kind: What a cell replaces.
        direction: "denoising" patches clean into corrupted, "noising" corrupted into clean.
        rows: Pairs to average over instead of `pair`; () for the one pair.
        layer: Of edges, the layer of the one head whose edges are wanted; else None.
        head: Likewise the head.
        is_estimated: Whether a slow sweep shows first-order estimates first, which costs some time.
        is_whole: Whether a long sweep by position runs all cells, not only until it has settled.
    """

    is_of_equals: ClassVar[bool] = True
    doing: ClassVar[str] = "activation patching"
    reported: ClassVar[int] = 1

    model: ModelKey
    pair: PromptPair
    kind: SweepKind = RESID_PRE
    direction: Direction = "denoising"
    rows: tuple[PairRow, ...] = ()
    layer: int | None = None
    head: int | None = None
    is_estimated: bool = True
    is_whole: bool = False

    @property
    def fuller(self) -> Patching:
        """The same sweep with its estimates; of one that has them, all cells."""
        return replace(self, is_estimated=True, is_whole=self.is_estimated)


@dataclass(frozen=True, slots=True)
class VerifyCell(Request):
    """One cell of a sweep worked out again by plain forward passes: a `Verification`.

    Attributes:
        patching: The sweep.
        index: The cell, on the axes of the sweep's answer.
    """

    is_of_equals: ClassVar[bool] = True
    doing: ClassVar[str] = "checking a cell"
    can_be_kept: ClassVar[bool] = False
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    patching: Patching
    index: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HeadRoles(Request):
    """Each head's direct attribution, attention to the answer and mean ablation: a `HeadEffects`.

    Attributes:
        reference: Rows of the table whose prompts the mean is taken over too, as far as they have
            as many tokens.
    """

    is_of_equals: ClassVar[bool] = True
    doing: ClassVar[str] = "ablation of all heads"

    model: ModelKey
    pair: PromptPair
    reference: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class WhoFeeds(Request):
    """Path patching of every sender into an input of a set of heads: a `Feeding`.

    Attributes:
        heads: (layer, head) of each that receives, in order; at least one.
        input: What of them receives; "pattern" for queries and keys at once.
        hear_each_other: Whether later heads also receive what earlier ones changed.
    """

    is_of_equals: ClassVar[bool] = True
    doing: ClassVar[str] = "path patching"

    model: ModelKey
    pair: PromptPair
    heads: tuple[tuple[int, int], ...]
    input: HeadInput = "q"
    hear_each_other: bool = False


@dataclass(frozen=True, slots=True)
class PathsInto(Request):
    """What all paths into a set of heads carry together: a `Sweep` with an axis of inputs.

    Attributes:
        heads: As of `WhoFeeds`.
    """

    is_of_equals: ClassVar[bool] = True
    doing: ClassVar[str] = "path patching of all senders"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    heads: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ReadHead(Request):
    """What one head reads and writes at one position of the clean run: a `HeadReading`."""

    doing: ClassVar[str] = "reading a head"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    layer: int
    head: int
    position: int


@dataclass(frozen=True, slots=True)
class ReadEdge(Request):
    """What one head takes from one source to one position of the clean run: an `EdgeReading`."""

    doing: ClassVar[str] = "reading an edge"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    layer: int
    head: int
    position: int
    source: int


@dataclass(frozen=True, slots=True)
class ReadMLP(Request):
    """What one layer's MLP does at one position of the clean run: an `MLPReading`."""

    doing: ClassVar[str] = "reading an MLP"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    layer: int
    position: int


@dataclass(frozen=True, slots=True)
class LogitLens(Request):
    """What one position of the clean run would predict after each layer: a `LensReading`."""

    doing: ClassVar[str] = "logit lens"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    position: int


@dataclass(frozen=True, slots=True)
class ReadPairs(Request):
    """The metric of every pair of a table: a `PairsReading` that grows row by row."""

    doing: ClassVar[str] = "reading the table of pairs"
    reported: ClassVar[int] = 2

    model: ModelKey
    pairs: tuple[PromptPair, ...]


@dataclass(frozen=True, slots=True)
class FindTokens(Request):
    """Which tokens of the vocabulary contain a text: a `TokenMatches`.

    Attributes:
        prompt: Its end is where their probabilities are read.
        text: What is sought, "" for the likeliest tokens; letters of either case match.
    """

    doing: ClassVar[str] = "searching the vocabulary"
    of_its_kind: ClassVar[Urgency] = Urgency.TYPING

    model: ModelKey
    prompt: Prompt
    text: str


@dataclass(frozen=True, slots=True)
class FindReplacements(Request):
    """What could stand in the corrupted prompt so that it has as many tokens: a `Replacements`."""

    doing: ClassVar[str] = "looking for words that fit"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair


@dataclass(frozen=True, slots=True)
class CompareFormats(Request):
    """What each number format gives on a pair, next to float32: a `FormatReadings`, row by row.

    Attributes:
        model: Which, in whatever format: all are tried.
    """

    doing: ClassVar[str] = "comparing number formats"

    model: ModelKey
    pair: PromptPair
