"""The value types that every layer of lensgui shares.

They are free of torch, so that the window may import them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEFAULT_MODEL = "smollm2-135m"
TOY_MODEL = "toy"
BEST_DEVICE = "best"
MEMORY = "memory:"  # begins the source of a model that somebody handed over


@dataclass(frozen=True, slots=True)
class ModelKey:
    """Which model is meant, exactly: two equal keys give the same numbers.

    Attributes:
        source: A name of `lensgui models list`, a hub name, or the path of a folder; of a model
            that was handed over in memory, "memory:" and a name of its own.
        folded: Whether LayerNorm is folded and writing weights are centred, as the field does by
            default.
        device: "best", "cpu", "cuda" or "mps".
        dtype: "float32", "bfloat16", "float16" or "float64".
    """

    source: str = DEFAULT_MODEL
    folded: bool = False
    device: str = BEST_DEVICE
    dtype: str = "float32"

    @property
    def is_in_memory(self) -> bool:
        """Whether somebody handed the model over: it can't be opened from anywhere."""
        return self.source.startswith(MEMORY)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text for the model.

    Attributes:
        text: What the user typed; spaces count.
        bos: False: nothing is put in front; True: the tokenizer's own beginning-of-sequence token;
            a string: that token.
    """

    text: str
    bos: bool | str = False


TYPED = ("clean", "corrupted", "answer", "distractor")  # of a pair: what a user types
SEPARATOR = "|"  # between the tokens of a set that counts as one answer
MetricName = Literal[
    "logit difference",
    "probability difference",
    "probability",
    "log-probability",
    "rank",
    "KL divergence",
]
NEEDS_DISTRACTOR: tuple[MetricName, ...] = ("logit difference", "probability difference")
UNITS: dict[MetricName, str] = {
    "logit difference": "logits",
    "probability difference": "probability",
    "probability": "probability",
    "log-probability": "nats",
    "rank": "ranks",
    "KL divergence": "nats",
}


@dataclass(frozen=True, slots=True)
class PromptPair:
    """A clean prompt, a corrupted one that differs in what matters, and the two answers compared.

    Attributes:
        clean: The prompt whose answer is right.
        corrupted: The prompt to patch into; "" while there is only one.
        answer: The token the clean prompt calls for, as text; "" for the likeliest token. Several
            that count as one stand with "|" between them: " 9| 8".
        distractor: What it is compared with, likewise; "" for the second likeliest token.
        bos: As `Prompt.bos`, for both prompts.
        metric: What is read at the end of each prompt.
    """

    clean: str
    corrupted: str = ""
    answer: str = ""
    distractor: str = ""
    bos: bool | str = False
    metric: MetricName = "logit difference"

    @property
    def clean_prompt(self) -> Prompt:
        """The clean text, as a prompt."""
        return Prompt(self.clean, self.bos)

    @property
    def corrupted_prompt(self) -> Prompt:
        """The corrupted text, as a prompt."""
        return Prompt(self.corrupted, self.bos)

    @property
    def is_complete(self) -> bool:
        """Whether there are two prompts to compare."""
        return bool(self.clean and self.corrupted)


@dataclass(frozen=True, slots=True)
class Role:
    """A word of a prompt with a part to play, such as the subject or the indirect object.

    Attributes:
        name: Its part: "S1", "IO", "end".
        end: Where the word ends in the clean text, in characters; its last token is what is meant.
    """

    name: str
    end: int


@dataclass(frozen=True, slots=True)
class PairRow:
    """One row of a table of prompt pairs.

    Attributes:
        pair: The pair.
        roles: Words by which positions of different prompts are matched; () if nobody named any.
        is_included: Whether it counts in averages.
    """

    pair: PromptPair
    roles: tuple[Role, ...] = ()
    is_included: bool = True


Extent = Literal["position", "all", "edge"]
Direction = Literal["denoising", "noising"]
HeadInput = Literal["q", "k", "v"]
Side = Literal["clean", "corrupted", "difference"]
AttentionMeasure = Literal["pattern", "scores", "values", "writes", "contribution"]
HEAD_SCORES = (
    "position 0",
    "entropy",
    "previous token",
    "duplicate token",
    "induction",
    "strongest edge",
)

_RESIDUAL = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")
_OF_HEADS = ("z", "q", "k", "v", "pattern")


@dataclass(frozen=True, slots=True)
class SweepKind:
    """What one cell of a patching sweep replaces.

    Attributes:
        activation: "resid_pre", "resid_mid", "resid_post", "attn_out" or "mlp_out"; or of one head
            its output "z", its "q", "k" or "v" (one key/value head), or its "pattern".
        extent: "position": at one position, of a pattern one row; "all": of one head at all
            positions; "edge": one number of one head's pattern.

    Raises:
        ValueError: If there is no such sweep.
    """

    activation: str
    extent: Extent = "position"

    def __post_init__(self) -> None:
        """Refuse what does not exist."""
        if self.activation not in _RESIDUAL + _OF_HEADS:
            known = ", ".join(_RESIDUAL + _OF_HEADS)
            raise ValueError(f"There is no sweep of {self.activation!r}; there are {known}.")
        if self.extent != "position" and self.activation in _RESIDUAL:
            raise ValueError(f"{self.activation} is swept position by position only.")
        if self.extent == "edge" and self.activation != "pattern":
            raise ValueError(f"{self.activation} has no edges; only a pattern has.")

    @property
    def is_of_heads(self) -> bool:
        """Whether a cell belongs to a head."""
        return self.activation in _OF_HEADS

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of its map, in order."""
        if not self.is_of_heads:
            return ("layer", "position")
        head = "key_value_head" if self.activation in ("k", "v") else "head"
        if self.extent == "all":
            return ("layer", head)
        if self.extent == "edge":
            return ("layer", head, "position", "source")
        is_pattern = self.activation == "pattern"
        return ("layer", head, "position") if is_pattern else ("layer", "position", head)


RESID_PRE = SweepKind("resid_pre")
HEADS = SweepKind("z", "all")
