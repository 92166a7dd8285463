"""What a metric is: a value that reads logits, says which positions and columns, and is declared.

Free of torch, so that the window may import it: it uses tensors' own methods only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeGuard

MetricName = Literal[
    "logit difference",
    "probability difference",
    "probability",
    "log-probability",
    "rank",
    "KL divergence",
]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well an estimate agrees with exact values, over the cells that change anything.

    Attributes:
        pearson: Their correlation; NaN where one of them is constant.
        rank: Spearman's correlation of their sizes.
        cells: How many cells that is.
    """

    pearson: float
    rank: float
    cells: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What a sweep has run that stopped when the cells that matter were exact.

    Attributes:
        exact: How many cells were run.
        total: How many a whole sweep would run.
        drawn: How many of them were drawn at random at last, and changed next to nothing.
        largest: The largest change of those, as a share of clean − corrupted.
    """

    exact: int
    total: int
    drawn: int
    largest: float

    @property
    def bound(self) -> float:
        """The share of the cells not run that at most change more, with 95 % confidence."""
        return float(1 - 0.05 ** (1 / self.drawn))


class Metric(Protocol):
    """What a sweep reads from a run.

    Attributes:
        name: What it is called; None for one that is not lensgui's.
        position: Where it reads; negative counts from the end.
        reads: How many positions it reads, `position` being the last of them.
        columns: The tokens whose logits it reads; None for all of the vocabulary.
        is_smooth: Whether it has a gradient, and so a first-order estimate.
        compares: Whether it must be given the clean run's logits before it can be read.
    """

    @property
    def name(self) -> MetricName | None:
        """Return what it is called."""
        ...

    @property
    def position(self) -> int:
        """Return where it reads."""
        ...

    @property
    def reads(self) -> int:
        """Return how many positions it reads."""
        ...

    @property
    def columns(self) -> tuple[int, ...] | None:
        """Return the tokens whose logits it reads."""
        ...

    @property
    def is_smooth(self) -> bool:
        """Return whether it has a gradient."""
        ...

    @property
    def compares(self) -> bool:
        """Return whether it must be given the clean run's logits, with `against`."""
        ...

    def of_columns(self, logits: Any) -> Any:
        """Return the metric [...] of the logits of `columns`, [..., token].

        Where it reads several positions: [..., position, token].
        """
        ...

    def against(self, clean: Any) -> Metric:
        """Return the metric, comparing with the clean run's logits [d_vocab] if it compares."""
        ...

    def __call__(self, logits: Any) -> Any:
        """Return the mean over the batch of the metric of logits [batch, position, d_vocab]."""
        ...


AnyMetric = Callable[[Any], Any]
"""A notebook's own metric: from logits [batch, position, d_vocab] to one number."""


def is_declared(metric: Metric | AnyMetric) -> TypeGuard[Metric]:
    """Return whether a metric says what it reads; any other function of logits does not."""
    return hasattr(metric, "of_columns")


def _number(token: Any) -> Any:
    """Return a number that an array or a tensor may hold."""
    return token.item() if hasattr(token, "item") else token


def as_tokens(given: Any) -> tuple[int, ...]:
    """Return one token id or several as a tuple.

    Raises:
        ValueError: If they are no token ids.
    """
    listed = given.tolist() if hasattr(given, "tolist") else given
    several = isinstance(listed, Iterable) and not isinstance(listed, str)
    ids = tuple(_number(token) for token in (listed if several else (listed,)))
    if not all(isinstance(token, int) and token >= 0 for token in ids):
        raise ValueError(
            f"A metric reads tokens by their ids, whole numbers from 0, not {given!r}."
        )
    return ids


class Declared:
    """What all metrics share.

    Where they take token ids, one does as well as several, and as a tensor too.
    """

    __slots__ = ()
    position: int

    def __post_init__(self) -> None:
        """Make tuples of token ids.

        Raises:
            ValueError: If some are no token ids.
        """
        for name in self.token_fields():
            object.__setattr__(self, name, as_tokens(getattr(self, name)))

    def token_fields(self) -> list[str]:
        """Return which of the metric's fields are token ids."""
        names = ("answer", "distractor", "continuation")
        return [name for name in names if hasattr(self, name)]

    @property
    def tokens(self) -> tuple[int, ...]:
        """Every token that it reads by id."""
        return tuple(token for name in self.token_fields() for token in getattr(self, name))

    @property
    def name(self) -> MetricName | None:
        """Only lensgui's own metrics have one."""
        return None

    @property
    def reads(self) -> int:
        """Most metrics read one position."""
        return 1

    @property
    def columns(self) -> tuple[int, ...] | None:
        """All of the vocabulary."""
        return None

    @property
    def is_smooth(self) -> bool:
        """Most metrics have a gradient."""
        return True

    @property
    def compares(self) -> bool:
        """Most metrics compare with nothing."""
        return False

    def of_columns(self, logits: Any) -> Any:
        """Return the metric [...] of logits [..., token], or [..., position, token] of several."""
        raise NotImplementedError

    def against(self, clean: Any) -> Any:
        """Return the metric itself: most compare with nothing."""
        return self

    def __call__(self, logits: Any) -> Any:
        """Return the mean over the batch of the metric of logits [batch, position, d_vocab].

        Raises:
            ValueError: If there is no such position or no such token.
        """
        check_tokens(self, logits.shape[-1])
        read = logits[..., read_positions(self, logits.shape[-2]), :]
        read = read[..., 0, :] if self.reads == 1 else read
        if self.columns is not None:
            read = read[..., list(self.columns)]
        return self.of_columns(read).mean()


def read_positions(metric: Metric | Declared, length: int) -> slice:
    """Return which positions of a prompt a metric reads.

    Raises:
        ValueError: If the prompt has too few.
    """
    if not -length <= metric.position < length:
        raise ValueError(
            f"The metric reads position {metric.position} of a prompt of {length} tokens: give it "
            "a position that is there."
        )
    end = range(length)[metric.position] + 1
    if end < metric.reads:
        raise ValueError(
            f"The metric reads {metric.reads} positions, and only {end} are there: use a longer "
            "prompt, or a later position."
        )
    return slice(end - metric.reads, end)


def check_tokens(metric: Metric | Declared, size: int) -> None:
    """Refuse a metric of tokens that a vocabulary of some size does not have.

    Raises:
        ValueError: If there is no such token.
    """
    tokens = metric.tokens if isinstance(metric, Declared) else metric.columns or ()
    if not all(0 <= token < size for token in tokens):
        raise ValueError(f"The metric reads tokens {tokens}; the vocabulary has {size}.")
