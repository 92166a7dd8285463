"""What is changed in a model on its way: interventions, as values that say what, where and how.

An intervention holds no numbers but its own few: a vector is a name and the hash of its content, so
that two equal interventions give the same numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

Op = Literal[
    "zero", "mean", "resample", "noise", "scale", "add", "add_median", "add_norm", "remove", "cap",
    "set", "move", "exchange", "knock_out", "freeze",
]  # fmt: skip
Runs = Literal["clean", "corrupted", "both"]
Where = Literal["all", "last", "generated"] | tuple[int, ...]

STREAMS = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")
HEAD_SITES = ("q", "k", "v", "z")
OF_ATTENTION = ("pattern", "attn_scores")
SCALES = ("norms", "final_norm")
"""What norms divide by: all those that read the stream or stand behind attention, or the last."""
OF_NO_LAYER = ("embed", *SCALES)
SITES = ("embed", *STREAMS, *HEAD_SITES, "post", *OF_ATTENTION, *SCALES)
ALONG: frozenset[Op] = frozenset(
    {"add", "add_median", "add_norm", "remove", "cap", "set", "move", "exchange"}
)
"""What needs a vector of the stream."""
TWO_VECTORS: frozenset[Op] = frozenset({"move", "exchange"})
SETTING: frozenset[Op] = frozenset({"zero", "mean", "resample", "freeze"})
"""What leaves nothing of what stood there, so that what was done there before has no effect."""
FROM_RUNS: frozenset[Op] = frozenset({"mean", "resample", "freeze"})
"""What takes its values from runs without interventions."""
HAVE_STRENGTH: frozenset[Op] = frozenset(
    {"noise", "scale", "add", "add_median", "add_norm", "set", "exchange"}
)
"""What is done more or less."""
STRENGTHS = tuple(sorted({0.0, *(sign * size for sign in (-1, 1) for size in (
    0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 2.0,
))}))  # fmt: skip
"""Shares of the stream's median norm: close together where answers still make sense."""
OFF_DISTRIBUTION = 2.0
"""Nats of KL(without ‖ with) beyond which the next token is no longer that of such a prompt."""
OF_WORDS: dict[Op, str] = {
    "zero": "set to 0 (off-distribution)",
    "mean": "set to its mean over prompts",
    "resample": "as in the other prompt",
    "noise": "with noise added",
    "scale": "times a number",
    "add": "with a vector added",
    "add_median": "with a vector added, as a share of the stream's median norm",
    "add_norm": "with a vector added, as a share of each position's norm",
    "remove": "without a direction",
    "cap": "held between two bounds along a direction",
    "set": "set along a direction",
    "move": "moved from one direction to another",
    "exchange": "with two directions exchanged",
    "knock_out": "kept from attending",
    "freeze": "frozen as it was",
}


def words(one: Intervention, prompts: int = 0) -> str:
    """Return what an intervention does, such as “L5H1.z set to 0 (off-distribution)”.

    Args:
        one: The intervention.
        prompts: How many prompts its mean is over; 0 where that is not known, or it is no mean.
    """
    done = OF_WORDS[one.op]
    if one.op == "mean" and prompts:
        done = f"set to its mean over {prompts} prompts"
    amount = f" ({one.strength:g})" * (one.op in HAVE_STRENGTH)
    named = "".join(f" “{of.name}”" for of in (one.vector, one.target) if of is not None)
    listed = ", ".join(map(str, one.where)) if isinstance(one.where, tuple) else one.where
    where = f" at {listed}" * (one.where != "all")
    whose = f", {one.runs} prompt only" * (one.runs != "both")
    sources = f" to {', '.join(map(str, one.sources))}" * bool(one.sources)
    return f"{one.site} {done}{amount}{named}{sources}{where}{whose}"


@dataclass(frozen=True, slots=True)
class Vector:
    """Which vector is meant.

    Attributes:
        name: What it is called.
        content: The hash of its numbers, as `lensgui.Vectors` gives it.
    """

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Site:
    """What part of which activation is changed.

    Attributes:
        name: The activation: one of `SITES`.
        layer: Its layer; None of the embedding, and of what norms divide by.
        head: Which head, or key/value head of "k" and "v"; None for all.
        neuron: Which neuron of "post"; None for all.
    """

    name: str
    layer: int | None = None
    head: int | None = None
    neuron: int | None = None

    @property
    def fault(self) -> str:
        """What is wrong with it, in words; "" for nothing."""
        if self.name not in SITES:
            return f"there is no place called {self.name}; there are {', '.join(SITES)}."
        if (self.layer is None) != (self.name in OF_NO_LAYER):
            return "name the layer." if self.layer is None else f"{self.name} is of no layer."
        if self.head is not None and self.name not in (*HEAD_SITES, *OF_ATTENTION):
            return f"{self.name} has no heads."
        if self.neuron is not None and self.name != "post":
            return f"{self.name} has no neurons."
        return ""

    def __str__(self) -> str:
        """Return what it is called, such as L5H1.z."""
        layer = "" if self.layer is None else f"L{self.layer}"
        head = "" if self.head is None else f"H{self.head}"
        neuron = "" if self.neuron is None else f"N{self.neuron}"
        place = f"{layer}{head}{neuron}"
        return f"{place}.{self.name}" if place else self.name


@dataclass(frozen=True, slots=True)
class Intervention:
    """A change that is made to an activation wherever a model runs.

    Attributes:
        site: What is changed.
        op: How: "zero" sets it to 0. "mean" sets it to its mean over reference prompts, at each
            position; "resample" to what it is in the other prompt; "freeze" to what it is in the
            same prompt without interventions, of "norms" only where all MLPs are set: a gated MLP
            behind a norm whose scale does not follow overflows. "noise" adds normal noise,
            `strength` times as large as the standard deviation of all token embeddings (Meng et al.
            2022: 3). "scale" multiplies it with `strength`. "add" adds `strength` times the vector;
            "add_median" so much of its direction as is that share of the stream's median norm over
            positions after 0, and "add_norm" of each position's own norm. "remove" takes away what
            points along the vector, "cap" holds that between `bounds`, "set" sets it to `strength`.
            "move" turns what points along the vector to `target`; "exchange" swaps the two
            coordinates, as far as `strength` says. "knock_out" keeps positions `where` from
            attending to `sources`: −∞ before the softmax. "zero" of "pattern" with `sources` sets
            shares to 0 after it.
        where: Which positions: all, the last of the prompt, those that are generated, or a list.
        strength: What the op says; 1 elsewhere.
        vector: The direction that the op says, of the stream.
        target: The second direction of "move" and "exchange".
        bounds: Of "cap": the least and the most.
        sources: Positions that are attended to; () for all.
        runs: Whether it acts on the clean prompt, the corrupted one, or both.
        is_on: Whether it acts at all.
        seed: Of "noise".
        skips_special: Whether a vector is kept from control tokens, such as that of the beginning.
    """

    site: Site
    op: Op
    where: Where = "all"
    strength: float = 1.0
    vector: Vector | None = None
    target: Vector | None = None
    bounds: tuple[float, float] | None = None
    sources: tuple[int, ...] = ()
    runs: Runs = "both"
    is_on: bool = True
    seed: int = 0
    skips_special: bool = True

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            ValueError: If it has none; the sentence says why.
        """
        if sentence := self._fault():
            raise ValueError(f"{self.site} {OF_WORDS.get(self.op, self.op)}: {sentence}")

    def _fault(self) -> str:
        """Return what is wrong with it; "" for nothing."""
        if words := self._fault_of_words() or self.site.fault:
            return words
        return self._fault_of_op() or self._fault_of_vector() or self._fault_of_numbers()

    def _fault_of_words(self) -> str:
        if self.op not in OF_WORDS:
            return f"there is no way called {self.op}; there are {', '.join(OF_WORDS)}."
        if self.runs not in get_args(Runs):
            return f"it acts on {', '.join(get_args(Runs))}, not on “{self.runs}”."
        where = self.where
        if isinstance(where, str) and where in ("all", "last", "generated"):
            return ""
        if not isinstance(where, tuple) or not all(type(at) is int for at in where):
            return "say where: all, last, generated, or a tuple of positions."
        return ""

    def _fault_of_op(self) -> str:
        name, op = self.site.name, self.op
        if (op == "knock_out") != (name == "attn_scores"):
            return (
                "edges are knocked out where attention is scored, at attn_scores, and only there."
            )
        if name == "pattern" and op not in ("zero", "freeze"):
            return "a pattern can be set to 0, or frozen."
        if name in SCALES and op != "freeze":
            return "what norms divide by can be frozen."
        if op == "noise" and name != "embed":
            return "noise is added to the embedding, at embed."
        if self.sources and name not in OF_ATTENTION:
            return "only attention has sources."
        return ""

    def _fault_of_vector(self) -> str:
        if self.op in ALONG and self.site.name not in ("embed", *STREAMS):
            return "a vector of the stream has no meaning there: choose a place of the stream."
        if (self.vector is not None) != (self.op in ALONG):
            return "name the vector." if self.vector is None else "it takes no vector."
        if (self.target is not None) != (self.op in TWO_VECTORS):
            return "name the second vector." if self.target is None else "it takes one vector."
        return ""

    def _fault_of_numbers(self) -> str:
        if not math.isfinite(self.strength):
            return f"the strength is {self.strength}: give a number."
        if (self.bounds is not None) != (self.op == "cap"):
            return "give the least and the most." if self.op == "cap" else "it takes no bounds."
        if self.bounds is not None and not self.bounds[0] <= self.bounds[1]:
            return f"the least, {self.bounds[0]:g}, is above the most, {self.bounds[1]:g}."
        listed = (*(self.where if isinstance(self.where, tuple) else ()), *self.sources)
        if any(at < 0 for at in listed):
            return "positions count from 0."
        return ""

    def acts_on(self, side: Literal["clean", "corrupted"]) -> bool:
        """Whether it is on, and acts on this prompt."""
        return self.is_on and self.runs in (side, "both")

    def on(self, is_on: bool = True) -> Intervention:
        """Return the same, on or off."""
        return replace(self, is_on=is_on)


def direct_path_of(n_layers: int, *, has_mlps: bool) -> tuple[Intervention, ...]:
    """Return what leaves the direct path only in a model of so many layers: all else is frozen."""
    layers = range(n_layers)
    patterns = [Site("pattern", layer) for layer in layers]
    mlps = [Site("mlp_out", layer) for layer in layers if has_mlps]
    return tuple(Intervention(site, "freeze") for site in (*patterns, *mlps, Site("norms")))
