"""Gradients that go back through a run a piece of a layer at a time.

No more than one layer's graph is held at once: each layer runs again from the residual stream that
the run left, and its gradient is handed on to the layer before.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.run.passes import rows_at_once
from lensgui.analysis.run.predictions import metric_logits
from lensgui.analysis.run.run import Run
from lensgui.terms.metric import Metric, read_positions
from lensgui.transformer.hooks.hook_point import only_reading
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.layers.parameters import exact


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some rows of half a layer, with their graph.

    Attributes:
        writes: The stream after it, [1, position, d_model].
        watched: What it read, and the activations inside, by short name; batch dimensions of 1.
    """

    writes: Tensor
    watched: dict[str, Tensor]

    def back(self, gradient: Tensor) -> dict[str, Tensor]:
        """Return the gradient of all that is watched, given that of what is written."""
        found = torch.autograd.grad(
            self.writes,
            list(self.watched.values()),
            gradient[None],
            retain_graph=True,
            materialize_grads=True,
        )
        return {name: part[0] for name, part in zip(self.watched, found, strict=True)}


class LayerGraph:
    """One layer of a complete run, run again so that gradients can go back through it.

    Activations and gradients have short names, such as "z", and no batch dimension. "resid_pre",
    "resid_mid" and "resid_post" are always among them.
    """

    def __init__(self, run: Run, layer: int, names: frozenset[str]) -> None:
        """Watch some activations of attention, or "mlp_out"; nothing has run yet."""
        self._run, self._layer, self._names = run, layer, names
        self._some = rows_at_once(run.model, layer)
        self._mlp: list[_Piece] = []

    def forward(self) -> Iterator[None]:
        """Run the layer, yielding between pieces."""
        block, before = self._run.model.blocks[self._layer], self._run.residuals[self._layer]
        inside = self._names - {"mlp_out"}
        attention = partial(block.attention_half, span=self._run.span)
        self._attention = self._piece(attention, inside, self._run.span.where, resid_pre=before)
        yield
        middle = self._attention.writes[0]
        outside, first = self._names & {"mlp_out"}, 0
        for mid, pre in zip(middle.split(self._some), before.split(self._some), strict=True):
            where = range(first, first + len(mid))
            piece = self._piece(block.mlp_half, outside, where, resid_mid=mid, resid_pre=pre)
            self._mlp.append(piece)
            first = where.stop
            yield

    @torch.enable_grad()
    def _piece(
        self, half: Callable[..., Tensor], names: frozenset[str], where: range, **streams: Tensor
    ) -> _Piece:
        watched = {name: x[None].detach().requires_grad_() for name, x in streams.items()}
        read = list(watched.values())

        def keep(activation: Tensor, hook: Any, name: str) -> None:
            watched[name] = activation

        hooks = [
            (get_act_name(name, self._layer), only_reading(partial(keep, name=name)))
            for name in sorted(names)
        ]
        with self._run.model.hooks(hooks), self._run.model.standing.at(where):
            return _Piece(half(*read), watched)

    def activations(self) -> dict[str, Tensor]:
        """Return what is watched, once the layer has run."""
        parts = [{n: x.detach()[0] for n, x in piece.watched.items()} for piece in self._mlp]
        inside = {name: x.detach()[0] for name, x in self._attention.watched.items()}
        after = self._run.residuals[self._layer + 1]
        return _together(parts) | inside | {"resid_post": after}

    def backward(self, gradient: Tensor) -> Generator[None, None, dict[str, Tensor]]:
        """Take a gradient back through the layer, yielding between pieces.

        Args:
            gradient: Of anything with respect to the stream after the layer, [position, d_model].

        Returns:
            The gradient with respect to each activation.
        """
        parts: list[dict[str, Tensor]] = []
        for piece, rows in zip(self._mlp, gradient.split(self._some), strict=True):
            parts.append(piece.back(rows))
            yield
        after = _together(parts)
        inside = self._attention.back(after["resid_mid"])
        before = inside["resid_pre"] + after["resid_pre"]  # which the MLP of a parallel block reads
        return after | inside | {"resid_pre": before, "resid_post": gradient}

    def around(self, gradient: Tensor) -> dict[str, Tensor]:
        """Take a gradient back past the layer, as if what it adds to the stream were constant."""
        streams = dict.fromkeys(("resid_pre", "resid_mid", "resid_post"), gradient)
        return {name: torch.zeros_like(x) for name, x in self.activations().items()} | streams


def _together(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Put the rows of pieces one after another."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


@torch.enable_grad()
def gradient_at_the_end(run: Run, metric: Metric) -> Tensor:
    """Return the metric's gradient in the stream after the last layer, [position, d_model]."""
    residual = run.residuals[-1].detach().requires_grad_()
    read = read_positions(metric, len(residual))
    with run.model.standing.at(range(read.start, read.stop)):
        logits = metric_logits(run.model, residual[read], metric)
    (gradient,) = torch.autograd.grad(metric.of_columns(exact(logits)), residual)
    return gradient
