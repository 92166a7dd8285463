"""The value types that every layer of lensgui shares.

They are free of torch, so that the window may import them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DEFAULT_MODEL = "smollm2-135m"
TOY_MODEL = "toy"
BEST_DEVICE = "best"


@dataclass(frozen=True, slots=True)
class ModelKey:
    """Which model is meant, exactly: two equal keys give the same numbers.

    Attributes:
        source: A name of `lensgui models list`, a hub name, or the path of a folder.
        folded: Whether LayerNorm is folded and writing weights are centred, as the field does by
            default.
        device: "best", "cpu", "cuda" or "mps".
        dtype: "float32", "bfloat16", "float16" or "float64".
    """

    source: str = DEFAULT_MODEL
    folded: bool = False
    device: str = BEST_DEVICE
    dtype: str = "float32"


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


@dataclass(frozen=True, slots=True)
class PromptPair:
    """A clean prompt, a corrupted one that differs in what matters, and the two answers compared.

    Attributes:
        clean: The prompt whose answer is right.
        corrupted: The prompt to patch into; "" while there is only one.
        answer: The token the clean prompt calls for, as text; "" for the likeliest token.
        distractor: The token it is compared with, as text; "" for the second likeliest token.
        bos: As `Prompt.bos`, for both prompts.
    """

    clean: str
    corrupted: str = ""
    answer: str = ""
    distractor: str = ""
    bos: bool | str = False

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
class LogitDifference:
    """logit(answer) − logit(distractor): how much the model prefers one answer to another.

    In logits.

    A value that can be sent around and compared, and a function of logits that can be called.

    Attributes:
        answer: Token ids of the answer; several count as one by log-sum-exp.
        distractor: Token ids of what it is compared with.
        position: Where it is read; negative counts from the end.
    """

    answer: tuple[int, ...]
    distractor: tuple[int, ...]
    position: int = -1

    @property
    def columns(self) -> tuple[int, ...]:
        """Return the tokens whose logits it reads: the answer's, then the distractor's."""
        return self.answer + self.distractor

    def __call__(self, logits: Any) -> Any:
        """Return the metric of logits [batch, position, d_vocab]: the mean over the batch."""
        read = logits[..., self.position, :]
        return self.of_columns(read[..., list(self.columns)]).mean()

    def of_columns(self, logits: Any) -> Any:
        """Return the metric [...] of the logits of `columns` at the position read, [..., token]."""
        count = len(self.answer)
        return logits[..., :count].logsumexp(-1) - logits[..., count:].logsumexp(-1)
