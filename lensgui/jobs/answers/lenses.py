"""What a lens says of every row and position of a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Axis, Slice
from lensgui.jobs.answers.readings import Token


@dataclass(frozen=True, slots=True, eq=False)
class LensGrid:
    """What each row and position would predict, as far as it is known; nobody writes to it.

    A row is the stream that enters a layer; those between attention and MLP, and the end of the
    model, select no layer.

    Attributes:
        axes: Rows and positions.
        states: The `CellState` of each cell, [row, position].
        tokens: The ids of the likeliest tokens, likeliest first, [row, position, k].
        log_probs: Their log-probabilities in nats, likewise.
        entropy: Of the whole distribution, in nats, [row, position].
        divergence: KL(the model's own distribution there ‖ this one), in nats, likewise.
        surprisal: Of the token that stands next, in bits, likewise; NaN at the last position.
        chosen: Answer and distractor, then what is followed beside them, at last the selected
            token; None for what is not one token, of which nothing is known.
        logits: Theirs, [row, position, chosen].
        chosen_log_probs: Theirs in nats, likewise.
        ranks: Theirs: how many tokens are likelier, likewise.
        names: The tokens of ids.
        through: What the lens is called, and where it comes from.
        unread: Rows that the lens has nothing for.
        remark: What has to be known of the lens, as a sentence; "" if nothing.
    """

    axes: tuple[Axis, Axis]
    states: NDArray[np.uint8]
    tokens: NDArray[np.int32]
    log_probs: NDArray[np.float32]
    entropy: NDArray[np.float32]
    divergence: NDArray[np.float32]
    surprisal: NDArray[np.float32]
    chosen: tuple[Token | None, ...]
    logits: NDArray[np.float32]
    chosen_log_probs: NDArray[np.float32]
    ranks: NDArray[np.float32]
    names: Mapping[int, Token] = field(default_factory=dict)
    through: str = "logit lens"
    unread: frozenset[int] = frozenset()
    remark: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LensMean(Slice):
    """What each row and position would read, as a mean over the prompts of some pairs.

    Attributes:
        values: The mean, [row, position]; positions are roles where prompts are matched by these.
        deviation: The standard deviation over pairs, likewise; NaN of a single pair.
        pairs: How many pairs the mean is over so far.
        total: How many it is to be over.
    """

    deviation: NDArray[np.float32]
    pairs: int
    total: int
