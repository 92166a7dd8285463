"""Lenses: how the residual stream at a layer is read as if it were the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from lensgui.analysis.run.predictions import read_out
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a fitted lens comes from, as far as its file says.

    Attributes:
        model: The name of the model that it was fitted on.
        size: How much text it was fitted on, in words, such as "100 prompts"; "" if unknown.
        unembedding: A hash of that model's unembedding, as `unembedding_hash` gives; "" likewise.
    """

    model: str = ""
    size: str = ""
    unembedding: str = ""


NOTHING = Fit()


class Lens(Protocol):
    """What brings a stream from where it is to the end of the model.

    A row is the stream that enters a layer, from 0 on; the row after them, which leaves the last
    layer, is read as it is by any lens.

    Attributes:
        name: What it is called: "logit lens", "tuned lens", "Jacobian lens".
        fit: Where it comes from.
        d_model: The width of the stream that it reads; None if any.
    """

    @property
    def name(self) -> str:
        """See the class."""
        ...

    @property
    def fit(self) -> Fit:
        """See the class."""
        ...

    @property
    def d_model(self) -> int | None:
        """See the class."""
        ...

    def reads(self, row: int) -> bool:
        """Whether it can read a row; others are not made up."""
        ...

    def transport(self, stream: Tensor, row: int) -> Tensor:
        """Return what a row's stream [..., d_model] would be at the end of the model."""
        ...

    def misfit(self, n_layers: int) -> str:
        """Return why it can't be one of a model of so many layers; "" if it can."""
        ...

    def beside(self, stream: Tensor) -> Lens:
        """Return the same lens where a stream is, so that its numbers are moved there once."""
        ...


@dataclass(frozen=True, slots=True)
class LogitLens:
    """Reads every row as it is (nostalgebraist 2020)."""

    name: str = "logit lens"
    fit: Fit = NOTHING
    d_model: int | None = None

    def reads(self, row: int) -> bool:
        """Whether it can read a row: any."""
        return True

    def transport(self, stream: Tensor, row: int) -> Tensor:
        """Return the stream."""
        return stream

    def misfit(self, n_layers: int) -> str:
        """Return "": it fits any model."""
        return ""

    def beside(self, stream: Tensor) -> LogitLens:
        """Return itself: there is nothing to move."""
        return self


@dataclass(frozen=True, slots=True, eq=False)
class TunedLens:
    """Adds an affine function of each row to it: h + W h + b (Belrose et al. 2023).

    Attributes:
        weights: W of each layer, [layer, d_model, d_model].
        biases: b of each layer, [layer, d_model].
        fit: See `Lens`.
        name: Likewise.
    """

    weights: Tensor
    biases: Tensor
    fit: Fit = NOTHING
    name: str = field(default="tuned lens", init=False)

    @property
    def d_model(self) -> int | None:
        """See `Lens`."""
        return self.weights.shape[-1]

    def reads(self, row: int) -> bool:
        """Whether it has a translator for a row."""
        return 0 <= row < len(self.weights)

    def transport(self, stream: Tensor, row: int) -> Tensor:
        """Return h + W h + b, in float32 at least."""
        wide = precise(stream)
        weight, bias = (of[row].to(wide) for of in (self.weights, self.biases))
        return wide + wide @ weight.T + bias

    def misfit(self, n_layers: int) -> str:
        """Return why it can't be one of a model of so many layers."""
        has = len(self.weights)
        return "" if has == n_layers else f"it has translators of {has} layers, not of {n_layers}"

    def beside(self, stream: Tensor) -> TunedLens:
        """See `Lens`; in float32 at least."""
        wide = precise(stream)
        return replace(self, weights=self.weights.to(wide), biases=self.biases.to(wide))


@dataclass(frozen=True, slots=True, eq=False)
class JacobianLens:
    """Multiplies each row by what a change of it does to the end, on average (Gurnee et al. 2026).

    Attributes:
        jacobians: By layer l, from the stream that leaves it, ∂ end / ∂ stream,
            [d_model of the end, d_model]; layers that were not fitted are not there.
        fit: See `Lens`.
        name: Likewise.
    """

    jacobians: Mapping[int, Tensor]
    fit: Fit = NOTHING
    name: str = field(default="Jacobian lens", init=False)

    @property
    def d_model(self) -> int | None:
        """See `Lens`."""
        return next(iter(self.jacobians.values())).shape[-1]

    def reads(self, row: int) -> bool:
        """Whether it was fitted where a row leaves the layer before; none does before the first."""
        return row - 1 in self.jacobians

    def transport(self, stream: Tensor, row: int) -> Tensor:
        """Return J h, in float32 at least."""
        wide = precise(stream)
        return wide @ self.jacobians[row - 1].to(wide).T

    def misfit(self, n_layers: int) -> str:
        """Return why it can't be one of a model of so many layers."""
        last = max(self.jacobians)
        if last == n_layers - 1:
            return (
                f"it has layer {last}, the last one, which no lens of layers has: it is one of "
                "heads, which is not read"
            )
        if last >= n_layers or min(self.jacobians) < 0:
            return f"it has layer {last}, and the model's last is {n_layers - 1}"
        return ""

    def beside(self, stream: Tensor) -> JacobianLens:
        """See `Lens`; in float32 at least."""
        wide = precise(stream)
        return replace(self, jacobians={at: of.to(wide) for at, of in self.jacobians.items()})


def check_lens(model: HookedTransformer, lens: Lens) -> str:
    """Refuse a lens that is not one of a model.

    Args:
        model: The model.
        lens: The lens.

    Returns:
        A sentence to be warned by: it was fitted on another model by its name or unembedding; ""
        if nothing says so.

    Raises:
        ValueError: If its width or layers are another model's, its numbers are not finite, or the
            model's stream is not the one that lenses are fitted on.
    """
    if lens.d_model is None:
        return ""
    cfg, called = model.cfg, f"This {lens.name}"
    if lens.d_model != cfg.d_model:
        raise ValueError(
            f"{called} does not fit {cfg.model_name}: it is {lens.d_model} wide, and the model's "
            f"stream {cfg.d_model}. Choose one that was fitted on this model."
        )
    if why := lens.misfit(cfg.n_layers):
        raise ValueError(f"{called} does not fit {cfg.model_name}: {why}.")
    if is_centred(model):
        raise ValueError(
            f"{called} was fitted on raw weights, and what this model writes to its stream was "
            "centred: open the model with raw weights."
        )
    known = lens.fit.unembedding
    if known and not cfg.is_folded and known != unembedding_hash(model):
        return f"{called} was fitted on a model with another unembedding ({lens.fit.model})."
    return ""


def is_centred(model: HookedTransformer) -> bool:
    """Whether a model's writing weights have lost their mean, which norms that centre don't see."""
    if not model.ln_final.centres:
        return False
    embedding = precise(model.embed.W_E[:64])
    return bool((embedding.mean(-1).abs() <= 1e-5 * embedding.std(-1)).all())


def unembedding_hash(model: HookedTransformer) -> str:
    """Return the hash that tuned lenses know a model's unembedding by.

    It is the SHA-256 of how numpy prints the matrix with one decimal, as the package tuned-lens
    has it.
    """
    import hashlib

    import numpy as np

    matrix = precise(model.unembed.W_U.detach().T).float().cpu().numpy()
    return hashlib.sha256(np.array_str(matrix, precision=1).encode()).hexdigest()


@torch.no_grad()
def lens_logits(
    model: HookedTransformer,
    lens: Lens,
    stream: Tensor,
    row: int,
    columns: tuple[int, ...] | None = None,
) -> Tensor:
    """Return what a lens reads of a row: its transport, final norm, unembedding and soft cap.

    The norm's statistics are worked out anew.

    Args:
        model: The model.
        lens: The lens; of the row after the last layer it changes nothing.
        stream: The row's stream, [..., d_model].
        row: Which row: the layer that it enters, n_layers for the one after the last.
        columns: Token ids; None for all.

    Returns:
        [..., token].

    Raises:
        ValueError: If the lens can't read that row.
    """
    if row < model.cfg.n_layers:
        if not lens.reads(row):
            raise ValueError(f"The {lens.name} has nothing for the stream that enters layer {row}.")
        stream = lens.transport(stream, row).to(stream.dtype)
    return read_out(model, stream, columns)
