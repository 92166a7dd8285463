"""What a pane can ask for: frozen, self-contained values. Equal requests have equal answers."""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.circuits.questions import (
    RESID_PRE,
    Direction,
    ModelKey,
    PairRow,
    Prompt,
    PromptPair,
    SweepKind,
)


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
        hide_first: Leave position 0 out and renormalise each row: it is an attention sink that
            swamps the rest.
    """

    model: ModelKey
    prompt: Prompt
    hide_first: bool = True


@dataclass(frozen=True, slots=True)
class AttentionHead:
    """One head's attention, exactly: a `Slice` [position, source]."""

    model: ModelKey
    prompt: Prompt
    layer: int
    head: int
    hide_first: bool = False


@dataclass(frozen=True, slots=True)
class Patching:
    """Where the answer lives: one run's activations patched into the other, one at a time.

    A `Sweep` over the axes of its kind, filled in as it is computed.

    Attributes:
        kind: What a cell replaces.
        direction: "denoising" patches clean into corrupted, "noising" corrupted into clean.
        rows: Pairs to average over in the place of `pair`; () for the one pair.
    """

    model: ModelKey
    pair: PromptPair
    kind: SweepKind = RESID_PRE
    direction: Direction = "denoising"
    rows: tuple[PairRow, ...] = ()


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


Request = (
    OpenModel
    | ReadPair
    | AttentionGrid
    | AttentionHead
    | Patching
    | ReadHead
    | ReadEdge
    | ReadMLP
    | LogitLens
)
