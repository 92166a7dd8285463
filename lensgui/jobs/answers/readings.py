"""What the worker says in words: tokens, and what prompts, heads, layers and rows read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    r"""One token of a prompt or of the vocabulary.

    Attributes:
        id: Its number in the vocabulary.
        text: What it decodes to, spaces and all; "\ufffd" where it is part of a character only.
        raw: The tokenizer's own bytes of it.
        special: Whether it is a control token, such as a beginning-of-sequence marker.
    """

    id: int
    text: str
    raw: bytes = b""
    special: bool = False

    @property
    def label(self) -> str:
        """Its text, or its bytes where they are no characters by themselves: <0xE2><0x80>."""
        is_part = "\ufffd" in self.text and self.raw
        return "".join(f"<0x{byte:02X}>" for byte in self.raw) if is_part else self.text


@dataclass(frozen=True, slots=True)
class Likely:
    """A token with its probability and its logit.

    Attributes:
        token: The token.
        probability: Of it, 0 to 1.
        logit: Its logit.
        before: Of a prompt under interventions, the probability without them; None for others.
    """

    token: Token
    probability: float
    logit: float
    before: float | None = None


@dataclass(frozen=True, slots=True)
class PromptReading:
    """What the model makes of one prompt.

    Attributes:
        tokens: Its tokens, beginning-of-sequence included.
        has_bos: Whether the first token was put in front rather than typed.
        top: The likeliest next tokens, likeliest first; empty until the forward pass is done.
        metric: What the pair's metric reads at the last position; None where that isn't known.
        surprisals: −log2 of each token's probability given those before it, in bits, [token]; None
            for the first, which nothing predicts. Empty until known.
        metric_before: Of a pair under interventions, the metric without them; None for others.
    """

    tokens: tuple[Token, ...]
    has_bos: bool = False
    top: tuple[Likely, ...] = ()
    metric: float | None = None
    surprisals: tuple[float | None, ...] = ()
    metric_before: float | None = None


@dataclass(frozen=True, slots=True)
class PairReading:
    """What the model makes of a prompt pair.

    Attributes:
        clean: The clean prompt.
        corrupted: The corrupted one; None while there is only one prompt.
        differing: Positions at which the two differ; empty when their lengths do.
        answer: The answer token, typed or defaulted, the first of a set; None until known, or
            where it is not a token.
        distractor: Likewise.
        warnings: What is wrong or surprising, a sentence each.
        complete: Whether the forward passes are done.
    """

    clean: PromptReading
    corrupted: PromptReading | None = None
    differing: tuple[int, ...] = ()
    answer: Token | None = None
    distractor: Token | None = None
    warnings: tuple[str, ...] = ()
    complete: bool = False

    @property
    def is_unequal(self) -> bool:
        """Whether there are two prompts, and they have not as many tokens."""
        corrupted = self.corrupted
        return corrupted is not None and len(corrupted.tokens) != len(self.clean.tokens)


@dataclass(frozen=True, slots=True)
class HeadReading:
    """What one head does at one position of the clean run.

    Attributes:
        attention: Attention from the position to each source, [source].
        attribution: Its direct logit attribution to answer − distractor from that position, in
            logits (final norm's scale frozen); None without answers.
        promoted: The tokens its output raises most when read through the unembedding, with the size
            in logits.
        suppressed: The tokens it lowers most.
        sought: The tokens of the vocabulary that its query there would match best as keys, with the
            score before softmax above the vocabulary's mean; empty until known.
    """

    tokens: tuple[Token, ...]
    attention: tuple[float, ...]
    attribution: float | None
    promoted: tuple[tuple[Token, float], ...]
    suppressed: tuple[tuple[Token, float], ...]
    sought: tuple[tuple[Token, float], ...] = ()


@dataclass(frozen=True, slots=True)
class EdgeReading:
    """What one head takes from one source to one position of the clean run.

    Attributes:
        attention: Attention from the position to the source.
        contribution: What it brings to answer − distractor directly, in logits; None without
            answers.
        promoted: The tokens that the head would raise most if it looked at this source alone, with
            the size in logits.
        suppressed: The tokens it would lower most.
    """

    attention: float
    contribution: float | None
    promoted: tuple[tuple[Token, float], ...]
    suppressed: tuple[tuple[Token, float], ...]


@dataclass(frozen=True, slots=True)
class Neuron:
    """One neuron at one position: what it puts out, and its part of the metric in logits."""

    index: int
    activation: float
    attribution: float | None


@dataclass(frozen=True, slots=True)
class MLPReading:
    """What one layer's MLP does at one position of the clean run.

    Attributes:
        attribution: Its direct logit attribution to answer − distractor, in logits; None without
            answers.
        promoted: The tokens it raises most directly, with the size in logits.
        suppressed: The tokens it lowers most.
        neurons: Those with the largest part of the attribution, else the largest output; empty for
            mixtures of experts.
    """

    attribution: float | None
    promoted: tuple[tuple[Token, float], ...]
    suppressed: tuple[tuple[Token, float], ...]
    neurons: tuple[Neuron, ...]


@dataclass(frozen=True, slots=True)
class LensReading:
    """The logit lens of one position of the clean run.

    A row for the embedding and one after each layer.

    Attributes:
        top: The likeliest token of each row and its probability.
        metric: logit(answer) − logit(distractor) of each row, each with its own final-norm scale;
            empty without answers.
    """

    top: tuple[Likely, ...]
    metric: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RowReading:
    """What the model makes of one row of a table of pairs.

    Attributes:
        clean: The metric at the end of the clean prompt; None where it can't be said.
        corrupted: Likewise of the corrupted prompt.
        lengths: How many tokens clean and corrupted have, beginning-of-sequence included.
        is_right: Whether the clean run prefers the answer to the distractor, and the corrupted run
            less so; None where that can't be said.
        warning: Why there is no number, as a sentence; "" if there is one.
    """

    clean: float | None = None
    corrupted: float | None = None
    lengths: tuple[int, int] = (0, 0)
    is_right: bool | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class PairsReading:
    """The rows that have been read so far, first to last.

    Attributes:
        rows: One for each pair that is known already.
        total: How many pairs were asked about.
    """

    rows: tuple[RowReading, ...]
    total: int


@dataclass(frozen=True, slots=True)
class TokenMatches:
    """Tokens of the vocabulary in which a text occurs.

    Attributes:
        found: The likeliest at the end of the clean prompt first; a token that equals the text,
            with or without a leading space, before all others.
        total: How many there are, shown or not.
        sought: The text.
    """

    found: tuple[Likely, ...]
    total: int
    sought: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """A corrupted prompt that has as many tokens as the clean one.

    Attributes:
        old: The words that are replaced, spaces included.
        new: What stands in their place.
        corrupted: The whole prompt.
        probability: Of the first new token, where it stands.
    """

    old: str
    new: str
    corrupted: str
    probability: float


@dataclass(frozen=True, slots=True)
class Replacements:
    """Ways to give two prompts as many tokens, likeliest first."""

    found: tuple[Replacement, ...]
