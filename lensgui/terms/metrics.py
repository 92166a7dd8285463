"""Metrics as values: what each reads, and a table of what is known of each by its name.

They are free of torch, so that the window may import them: they use tensors' own methods only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, ClassVar

from lensgui.terms.metric import AnyMetric, Declared, Metric, MetricName, is_declared


def _of(numbers: Any, tokens: tuple[int, ...]) -> Iterator[Any]:
    """Yield the numbers [...] of tokens of [..., d_vocab].

    One by one: an accelerator waits for lists of indices.
    """
    return (numbers[..., token] for token in tokens)


@dataclass(frozen=True, slots=True)
class LogitDifference(Declared):
    """logit(answer) − logit(distractor): which answer the model prefers, and how much, in logits.

    Attributes:
        answer: Token ids of the answer; several count as one by log-sum-exp.
        distractor: Token ids of what it is compared with.
        position: Where it is read; negative counts from the end.
    """

    name: ClassVar[MetricName] = "logit difference"
    answer: tuple[int, ...]
    distractor: tuple[int, ...]
    position: int = -1

    @property
    def columns(self) -> tuple[int, ...]:
        """The answer's tokens, then the distractor's."""
        return self.answer + self.distractor

    def of_columns(self, logits: Any) -> Any:
        """Return the difference [...] of the logits of `columns`, [..., token]."""
        count = len(self.answer)
        return logits[..., :count].logsumexp(-1) - logits[..., count:].logsumexp(-1)


@dataclass(frozen=True, slots=True)
class Probability(Declared):
    """The probability of the answer; of several tokens, their sum.

    Attributes:
        answer: Token ids.
        distractor: Token ids whose probability is subtracted; () for none.
        position: Where it is read.
    """

    answer: tuple[int, ...]
    distractor: tuple[int, ...] = ()
    position: int = -1

    @property
    def name(self) -> MetricName:
        """A difference, if something is subtracted."""
        return "probability difference" if self.distractor else "probability"

    def of_columns(self, logits: Any) -> Any:
        """Return the probability [...] of logits [..., d_vocab]."""
        share = logits.softmax(-1)
        return sum(_of(share, self.answer)) - sum(_of(share, self.distractor))


@dataclass(frozen=True, slots=True)
class LogProbability(Declared):
    """The log-probability of the answer in nats; of several tokens, that of any of them.

    Attributes:
        answer: Token ids.
        position: Where it is read.
    """

    name: ClassVar[MetricName] = "log-probability"
    answer: tuple[int, ...]
    position: int = -1

    def of_columns(self, logits: Any) -> Any:
        """Return the log-probability [...] of logits [..., d_vocab]."""
        chances = logits.log_softmax(-1)
        return reduce(lambda one, other: one.logaddexp(other), _of(chances, self.answer))


@dataclass(frozen=True, slots=True)
class ContinuationLogProbability(Declared):
    """log p(continuation | prompt) = Σ log p(tokenᵢ | prompt, the tokens before it), in nats.

    The prompt that is run ends with all of the continuation but its last token: `continued`.

    Attributes:
        continuation: Token ids, in order.
        position: Where its last token is predicted.
    """

    name: ClassVar[MetricName] = "log-probability"
    continuation: tuple[int, ...]
    position: int = -1

    @property
    def reads(self) -> int:
        """A position for each token."""
        return len(self.continuation)

    def of_columns(self, logits: Any) -> Any:
        """Return the log-probability [...] of logits [..., position, d_vocab].

        Of one token [..., d_vocab].
        """
        chances = logits.log_softmax(-1)
        if self.reads == 1:
            return chances[..., self.continuation[0]]
        return sum(chances[..., at, token] for at, token in enumerate(self.continuation))


@dataclass(frozen=True, slots=True)
class Rank(Declared):
    """How many tokens are likelier than the answer; 0 is likeliest.

    Attributes:
        answer: Token ids; of several the likeliest counts.
        position: Where it is read.
    """

    name: ClassVar[MetricName] = "rank"
    answer: tuple[int, ...]
    position: int = -1

    @property
    def is_smooth(self) -> bool:
        """A rank jumps, so it has no estimate."""
        return False

    def of_columns(self, logits: Any) -> Any:
        """Return the rank [...] of logits [..., d_vocab]."""
        best = reduce(lambda one, other: one.maximum(other), _of(logits, self.answer))
        return (logits > best[..., None]).sum(-1).to(logits.dtype)


@dataclass(frozen=True, slots=True)
class KLDivergence(Declared):
    """KL(clean ‖ patched): how far the prediction is from the clean run's, in nats.

    Attributes:
        position: Where it is read.
        clean: The clean run's log-probabilities, [d_vocab]; sweeps fill it in with `against`.
    """

    name: ClassVar[MetricName] = "KL divergence"
    position: int = -1
    clean: Any = None

    @property
    def compares(self) -> bool:
        """It compares with the clean run."""
        return True

    def against(self, clean: Any) -> KLDivergence:
        """Return the divergence from a run with logits [d_vocab]."""
        return replace(self, clean=clean.log_softmax(-1))

    def of_columns(self, logits: Any) -> Any:
        """Return the divergence [...] of logits [..., d_vocab].

        Raises:
            ValueError: If there is nothing to compare with.
        """
        if self.clean is None:
            raise ValueError("A KL divergence compares with a run: use against(its logits) first.")
        return (self.clean.exp() * (self.clean - logits.log_softmax(-1))).sum(-1)


@dataclass(frozen=True, slots=True)
class MetricKind:
    """What is known of a metric by its name: a row of `METRICS`.

    Attributes:
        make: Returns it, given the token ids of each of `needs`.
        unit: Its unit.
        least: The smallest clean − corrupted, in its unit, of which a share is no noise.
        about: One sentence about it, for a menu.
        needs: Which of "answer" and "distractor" it reads.
        is_lower_better: Whether less of it is better.
    """

    make: Callable[..., Metric]
    unit: str
    least: float
    about: str
    needs: tuple[str, ...] = ("answer",)
    is_lower_better: bool = False


METRICS: dict[MetricName, MetricKind] = {
    "logit difference": MetricKind(
        LogitDifference,
        "logits",
        0.5,
        "logit(answer) − logit(distractor): which answer is preferred, in logits.",
        ("answer", "distractor"),
    ),
    "probability difference": MetricKind(
        Probability, "probability", 0.02, "P(answer) − P(distractor).", ("answer", "distractor")
    ),
    "probability": MetricKind(
        Probability, "probability", 0.02, "P(answer), summed over a set of answers."
    ),
    "log-probability": MetricKind(
        LogProbability, "nats", 0.1, "ln P(answer), in nats; several tokens are read as a whole."
    ),
    "rank": MetricKind(
        Rank, "ranks", 1.0, "How many tokens are likelier: 0 is likeliest.", is_lower_better=True
    ),
    "KL divergence": MetricKind(
        KLDivergence,
        "nats",
        0.02,
        "How far the prediction is from the clean run's, in nats; needs no answer.",
        needs=(),
        is_lower_better=True,
    ),
}
"""Every metric that can be chosen, in the order of the menu."""


def answer_sets(metric: Metric | AnyMetric) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the tokens whose logits a metric weighs against each other.

    Args:
        metric: One that reads an answer at one position.

    Returns:
        Those of the answer, and those of the distractor, () without one.

    Raises:
        ValueError: If it has no such tokens, and so says nothing of single logits.
    """
    choice = "choose a logit difference, a probability or a log-probability of one token."
    if is_declared(metric) and metric.reads != 1:
        raise ValueError(
            f"This metric reads {metric.reads} positions, and logits are taken apart at one: "
            f"{choice}"
        )
    answer = getattr(metric, "answer", ()) or getattr(metric, "continuation", ())
    if not (is_declared(metric) and answer and metric.is_smooth and not metric.compares):
        whose = "A metric without an answer"
        if is_declared(metric) and (answer or metric.compares):
            whose = f"A {metric.name}"
        raise ValueError(
            f"{whose} is not read off single logits, so that they can't be taken apart for it: "
            f"{choice}"
        )
    return tuple(answer), tuple(getattr(metric, "distractor", ()))
