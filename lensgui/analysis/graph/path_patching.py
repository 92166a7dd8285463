"""Path patching: what one part of a model tells another, exactly.

The corrupted run, but chosen receivers get, of chosen senders, what those wrote in the clean run
(Wang et al. 2022; Goldowsky-Dill et al. 2023). Everything else is worked out again: a receiver that
changed changes all that comes after it. So every edge from a sender to a receiver is replaced and
no other, and replacing all the edges that leave a sender is activation patching of it.

Any senders and receivers are two whole streams side by side, a plain pass with hooks. All senders
into one set of heads, one at a time, are a sweep, the same numbers faster: `path_patch_into`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.graph.measured_pair import (
    Measure,
    Written,
    against,
    check_pair,
    measure,
    through_layers,
    written,
)
from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.under import Given, intervened_runs
from lensgui.analysis.run.run import Run
from lensgui.analysis.shares import Shares
from lensgui.terms.circuits.nodes import Node, check_nodes, read_at, written_at
from lensgui.terms.metric import MetricName
from lensgui.transformer.edits.intervened import IntervenedTransformer
from lensgui.transformer.hooks.hook_point import NamedHook
from lensgui.transformer.model import HookedTransformer

LOGITS = Node("logits")


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """A clean and a corrupted run, and what the metric says of them.

    Attributes:
        model: What ran the corrupted prompt.
        clean: What its parts wrote in the clean run.
        corrupted: What they wrote in the corrupted run.
        residuals: The corrupted run's residual stream before each layer, and at last after them
            all, each [batch, position, d_model].
        metric: What is read.
        at_clean: The metric of the clean run.
        at_corrupted: The metric of the corrupted run.
    """

    model: HookedTransformer
    clean: Written
    corrupted: Written
    residuals: list[Tensor]
    metric: Measure
    at_clean: float
    at_corrupted: float

    @classmethod
    def of(
        cls,
        model: HookedTransformer,
        clean: Tensor,
        corrupted: Tensor,
        metric: Measure,
        interventions: Given = (),
    ) -> Runs:
        """Run two prompts, or as many of each; arguments as in `path_patch`."""
        tokens = check_pair(clean, corrupted)
        models = _models(model, tokens, Interventions.of(interventions))
        runs = [written(one, ids) for one, ids in zip(models, tokens, strict=True)]
        metric = against(models[0], metric, runs[0].final)
        values = [
            float(measure(one, run.final, metric)) for one, run in zip(models, runs, strict=True)
        ]
        residuals = list(models[1].residual_stream(tokens[1].to(model.embed.W_E.device)))
        return cls(models[1], runs[0], runs[1], residuals, metric, values[0], values[1])


def _models(
    model: HookedTransformer, tokens: tuple[Tensor, Tensor], given: Interventions
) -> list[HookedTransformer]:
    """Return what runs the clean prompt, and what the corrupted one.

    Raises:
        ValueError: If there are interventions, and several prompts.
    """
    if not given.acting:
        return [model, model]
    if len(tokens[0]) > 1:
        raise ValueError(
            f"There are {len(tokens[0])} pairs: under interventions paths are patched in one at a "
            "time, so give [position]."
        )
    clean, corrupted = (Run(model, ids[0]) for ids in tokens)
    runs = intervened_runs(clean, given, corrupted)
    return [run.model for run in runs if run is not None]


class Paths:
    """Edges from some senders to some receivers, and the two streams that run side by side.

    The run is what the model does once the receivers have read what the senders wrote; what is
    received is the corrupted run's stream with what senders wrote in the clean run.
    """

    def __init__(
        self,
        runs: Runs,
        senders: Iterable[Node],
        receivers: Iterable[Node],
        freeze_mlps: bool,
        hear_each_other: bool = True,
    ) -> None:
        """Choose the edges; arguments as in `path_patch`."""
        self.runs, self.model, cfg = runs, runs.model, runs.model.cfg
        self.senders = check_nodes(senders, cfg, "sender")
        self.receivers = check_nodes(receivers, cfg, "receiver")
        self.freeze_mlps, self.hear_each_other = freeze_mlps, hear_each_other
        layers = [cfg.n_layers if node.layer is None else node.layer for node in self.receivers]
        self._first_read, self._last_read = min(layers, default=0), max(layers, default=0)

    @property
    def reaches(self) -> bool:
        """Whether a sender comes before any receiver."""
        read = [read_at(node, self.model.cfg) for node in self.receivers]
        return any(written_at(sender) < max(read, default=-1) for sender in self.senders)

    @torch.no_grad()
    def final(self) -> Tensor:
        """Return the patched residual stream after the last layer, [batch, position, d_model]."""
        received = self._received()
        both = torch.cat([self.runs.residuals[self._first_read], received])
        past_last = min(self._last_read + 1, self.model.cfg.n_layers)
        with self.model.hooks(list(self._hooks(past_last))):
            both = through_layers(self.model, both, self._first_read, past_last)
        run, received = both.chunk(2)
        return through_layers(self.model, received if LOGITS in self.receivers else run, past_last)

    def _received(self) -> Tensor:
        """Return what is received before the first receiver, [batch, position, d_model]."""
        first, last = min(node.layer or 0 for node in self.senders), self._first_read
        residuals = self.runs.residuals
        sends_embedding = Node("embed") in self.senders
        received = self.runs.clean.embedding if sends_embedding else residuals[min(first, last)]
        sending = [node.layer for node in self.senders if node.layer is not None]
        is_sum = self.freeze_mlps and not isinstance(self.model, IntervenedTransformer)
        for layer in range(first, last):
            if is_sum and layer > max(sending, default=-1):
                return received + (residuals[last] - residuals[layer])
            with self.model.hooks(list(self._sent(layer))):
                received = through_layers(self.model, received, layer, layer + 1)
        return received

    def _sent(self, layer: int) -> Iterator[NamedHook]:
        """Yield the hooks that carry what is received through a layer.

        Its heads write what they wrote in the corrupted run, and senders what they wrote in the
        clean run.
        """

        def heads(z: Tensor, hook: Any) -> Tensor:
            z = self.runs.corrupted.z[layer].clone()
            self._send_heads(z, layer)
            return z

        def mlp(mlp_out: Tensor, hook: Any) -> Tensor:
            mlp_out = (self.runs.corrupted.mlp_out[layer] if self.freeze_mlps else mlp_out).clone()
            self._send_mlp(mlp_out, layer)
            return mlp_out

        yield f"blocks.{layer}.attn.hook_z", heads
        if not self.model.cfg.attn_only:
            yield f"blocks.{layer}.hook_mlp_out", mlp

    def _send_heads(self, z: Tensor, layer: int) -> None:
        """Put senders' clean outputs into [batch, position, head, d_head]."""
        heads = [node.head for node in self.senders if (node.kind, node.layer) == ("head", layer)]
        z[:, :, heads] = self.runs.clean.z[layer][:, :, heads]

    def _send_mlp(self, mlp_out: Tensor, layer: int) -> None:
        """Put a sender's clean output into [batch, position, d_model]."""
        if Node("mlp", layer) in self.senders:
            mlp_out.copy_(self.runs.clean.mlp_out[layer])

    def _hooks(self, past_last: int) -> Iterator[NamedHook]:
        """Yield the hooks that keep both streams, of the layers in which receivers are."""
        for layer in range(self._first_read, past_last):
            for kind in ("q", "k", "v"):
                here = [node for node in self.receivers if (node.kind, node.layer) == (kind, layer)]
                if here:
                    yield f"blocks.{layer}.attn.hook_{kind}", _receive([node.head for node in here])
            yield f"blocks.{layer}.attn.hook_z", self._heads(layer)
            if not self.model.cfg.attn_only:
                yield f"blocks.{layer}.hook_mlp_out", self._mlp(layer)

    def _heads(self, layer: int) -> Any:
        """Return a hook that lets the run's heads be received, the senders among them clean."""

        def on_hook(activation: Tensor, hook: Any) -> Tensor:
            activation = activation.clone()
            run, received = activation.chunk(2)
            received.copy_(run if self.hear_each_other else self.runs.corrupted.z[layer])
            self._send_heads(received, layer)
            return activation

        return on_hook

    def _mlp(self, layer: int) -> Any:
        """Return a hook that does likewise for an MLP, which may itself be a receiver."""
        is_receiver = Node("mlp", layer) in self.receivers

        def on_hook(activation: Tensor, hook: Any) -> Tensor:
            activation = activation.clone()
            run, received = activation.chunk(2)
            if is_receiver:
                run.copy_(received)
            if self.freeze_mlps and not self.hear_each_other:
                received.copy_(self.runs.corrupted.mlp_out[layer])
            elif self.freeze_mlps and not is_receiver:
                received.copy_(run)
            self._send_mlp(received, layer)
            return activation

        return on_hook


def _receive(heads: list[int | None]) -> Any:
    """Return a hook that makes some heads read what is received."""

    def receive(activation: Tensor, hook: Any) -> Tensor:
        activation = activation.clone()
        run, received = activation.chunk(2)
        run[..., heads, :] = received[..., heads, :]
        return activation

    return receive


@torch.no_grad()
def path_patch(
    model: HookedTransformer,
    clean: Tensor,
    corrupted: Tensor,
    metric: Measure,
    senders: Iterable[Node],
    receivers: Iterable[Node],
    freeze_mlps: bool = True,
    freeze_final_scale: bool = False,
    hear_each_other: bool = True,
    interventions: Given = (),
) -> float:
    """Patch all edges from some senders to some receivers at once.

    With one receiver, or several heads of one layer, this is the path patching of Wang et al.
    (2022), who hold all else at the corrupted run while the receivers' inputs are recorded. With
    receivers in several layers it is theirs if receivers do not hear each other.

    Args:
        model: The model; hooks attached to it must not be.
        clean: Token ids, [position] or [batch, position].
        corrupted: As many.
        metric: A metric, or any function from logits [batch, position, d_vocab] to one number.
        senders: Nodes "embed", "head" and "mlp".
        receivers: Nodes "q", "k", "v", "mlp" and "logits".
        freeze_mlps: Whether an edge is the residual stream alone. Otherwise it also runs through
            every MLP between sender and receiver.
        freeze_final_scale: Whether the final norm divides by what it divides by in the corrupted
            run. Then a sender's edge to the logits is its direct logit attribution, clean −
            corrupted.
        hear_each_other: Whether a receiver also receives what earlier receivers changed, so that
            every edge from a sender is replaced and no other; otherwise it receives what was
            recorded while nothing but the senders had changed.
        interventions: What both prompts are run under, as in `sweep`; then they are [position].
            Those on the stream act on what a sender changes of it as it passes them. What the
            embedding sends is the stream that enters layer 0 as they leave it.

    Returns:
        Patched − corrupted, in the unit of the metric.

    Raises:
        ValueError: If a node is not in the model, no sender reaches any receiver, the prompts are
            not of one length, or hooks are attached.
    """
    runs = Runs.of(model, clean, corrupted, metric, interventions)
    paths = Paths(runs, senders, receivers, freeze_mlps, hear_each_other)
    if not paths.reaches:
        raise ValueError("None of the senders comes before any of the receivers.")
    with _final_scale_of(runs) if freeze_final_scale else nullcontext():
        return float(measure(model, paths.final(), runs.metric)) - runs.at_corrupted


@contextmanager
def _final_scale_of(runs: Runs) -> Iterator[None]:
    """Let the final norm divide by what it divides by in the corrupted run."""
    name, kept = "ln_final.hook_scale", list[Tensor]()
    with runs.model.hooks([(name, lambda scale, hook: kept.append(scale))]):
        measure(runs.model, runs.corrupted.final, runs.metric)
    with runs.model.hooks([(name, lambda scale, hook: kept[0])]):
        yield


@dataclass(frozen=True, slots=True, eq=False)
class PathScores(Shares):
    """Path patching from every sender into one set of receivers, as far as it is known.

    Attributes:
        receivers: What receives, all of it at once.
        heads: Patched − corrupted from each head, [layer, head]; NaN where not yet known, and where
            a head comes before none of the receivers.
        mlps: Likewise from each MLP, [layer].
        embed: Likewise from the embedding.
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        metric: What is read; None for a metric that is not lensgui's.
    """

    receivers: tuple[Node, ...]
    heads: Tensor
    mlps: Tensor
    embed: float
    clean: float
    corrupted: float
    metric: MetricName | None = None

    @property
    def shown(self) -> Tensor:
        """The changes, MLPs in the last column, [layer, head + 1]: shares, or raw where refused."""
        return torch.cat([self.heads, self.mlps[:, None]], 1) / self.scale
