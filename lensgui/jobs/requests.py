"""What a pane can ask for: frozen, self-contained values. Equal requests have equal answers."""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.prompts.pair import PairRow, Prompt, PromptPair
from lensgui.terms.kinds import RESID_PRE, AttentionMeasure, Direction, HeadInput, Side, SweepKind
from lensgui.terms.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class OpenModel:
    """Load a model and say what it is: one `ModelCard`."""

    model: ModelKey


@dataclass(frozen=True, slots=True)
class ReadPair:
    """Tokens, likeliest next tokens, metric, warnings: a `PairReading`, first of tokens only."""

    model: ModelKey
    pair: PromptPair


@dataclass(frozen=True, slots=True)
class AttentionGrid:
    """Every head's attention pattern, layer by layer: an `Atlas`.

    Attributes:
        side: Whose: the clean run's, the corrupted run's, or clean − corrupted.
        hide_first: Leave position 0 out and renormalise each row: it is an attention sink that
            swamps the rest.
        rows: Pairs to average over in the place of `pair`; () for the one pair.
    """

    model: ModelKey
    pair: PromptPair
    side: Side = "clean"
    hide_first: bool = True
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AttentionHead:
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

    model: ModelKey
    pair: PromptPair
    heads: tuple[tuple[int, int], ...]
    side: Side = "clean"
    measure: AttentionMeasure = "pattern"
    hide_first: bool = False
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Patching:
    """Where the answer lives: one run's activations patched into the other, one at a time.

    A `Sweep` over the axes of its kind, filled in as it is computed.

    Attributes:
        kind: What a cell replaces.
        direction: "denoising" patches clean into corrupted, "noising" corrupted into clean.
        rows: Pairs to average over in the place of `pair`; () for the one pair.
        layer: Of edges, the layer of the one head whose edges are wanted; else None.
        head: Likewise the head.
        is_estimated: Whether a slow sweep shows first-order estimates first, which costs some time.
    """

    model: ModelKey
    pair: PromptPair
    kind: SweepKind = RESID_PRE
    direction: Direction = "denoising"
    rows: tuple[PairRow, ...] = ()
    layer: int | None = None
    head: int | None = None
    is_estimated: bool = True


@dataclass(frozen=True, slots=True)
class VerifyCell:
    """One cell of a sweep worked out again by plain forward passes: a `Verification`.

    Attributes:
        patching: The sweep.
        index: The cell, on the axes of the sweep's answer.
    """

    patching: Patching
    index: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HeadRoles:
    """Each head's direct attribution, and what its mean ablation does: a `HeadEffects`.

    Attributes:
        reference: Rows of the table whose prompts the mean is taken over too, as far as they have
            as many tokens.
    """

    model: ModelKey
    pair: PromptPair
    reference: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class WhoFeeds:
    """Path patching of every sender into one head's queries, keys or values: a `Feeding`."""

    model: ModelKey
    pair: PromptPair
    layer: int
    head: int
    input: HeadInput = "q"


@dataclass(frozen=True, slots=True)
class ReadHead:
    """What one head reads and writes at one position of the clean run: a `HeadReading`."""

    model: ModelKey
    pair: PromptPair
    layer: int
    head: int
    position: int


@dataclass(frozen=True, slots=True)
class ReadEdge:
    """What one head takes from one source to one position of the clean run: an `EdgeReading`."""

    model: ModelKey
    pair: PromptPair
    layer: int
    head: int
    position: int
    source: int


@dataclass(frozen=True, slots=True)
class ReadMLP:
    """What one layer's MLP does at one position of the clean run: an `MLPReading`."""

    model: ModelKey
    pair: PromptPair
    layer: int
    position: int


@dataclass(frozen=True, slots=True)
class LogitLens:
    """What one position of the clean run would predict after each layer: a `LensReading`."""

    model: ModelKey
    pair: PromptPair
    position: int


@dataclass(frozen=True, slots=True)
class ReadPairs:
    """The metric of every pair of a table: a `PairsReading` that grows row by row."""

    model: ModelKey
    pairs: tuple[PromptPair, ...]


@dataclass(frozen=True, slots=True)
class FindTokens:
    """Which tokens of the vocabulary contain a text: a `TokenMatches`.

    Attributes:
        prompt: Its end is where their probabilities are read.
        text: What is sought, "" for the likeliest tokens; letters of either case match.
    """

    model: ModelKey
    prompt: Prompt
    text: str


@dataclass(frozen=True, slots=True)
class FindReplacements:
    """What could stand in the corrupted prompt so that it has as many tokens: a `Replacements`."""

    model: ModelKey
    pair: PromptPair


Request = (
    OpenModel
    | ReadPair
    | AttentionGrid
    | AttentionHead
    | Patching
    | VerifyCell
    | HeadRoles
    | WhoFeeds
    | ReadHead
    | ReadEdge
    | ReadMLP
    | LogitLens
    | ReadPairs
    | FindTokens
    | FindReplacements
)


_ORDER: tuple[tuple[type, ...], ...] = (
    (OpenModel, AttentionGrid),
    (ReadPair, FindTokens),
    (AttentionHead, ReadHead, ReadEdge, ReadMLP, LogitLens, FindReplacements, VerifyCell),
)


def urgency(request: Request) -> int:
    """Return how long a question may wait: 0 for the most urgent.

    A job runs only while nothing more urgent is left to do; all the urgent ones are short, and
    averages over many pairs are not.
    """
    if getattr(request, "rows", ()):
        return len(_ORDER)
    return next(
        (rank for rank, kinds in enumerate(_ORDER) if isinstance(request, kinds)), len(_ORDER)
    )


def is_slow(request: Request) -> bool:
    """Whether a question takes long enough to wait for the user to pause."""
    return urgency(request) == len(_ORDER)
