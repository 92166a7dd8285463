"""Two prompts of one length, and a metric of the model on them: what circuits are found with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.checks import check_one_length, check_unhooked
from lensgui.analysis.run.predictions import metric_logits, read_out
from lensgui.terms.metric import Declared, read_positions
from lensgui.transformer.hooks.hook_point import NamedHook
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import refuse_padding

Measure = Callable[[Tensor], Any]
"""From logits [batch, position, d_vocab] to one number; metrics of `metrics` need not read all."""


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What the parts of a model wrote in one run.

    Attributes:
        embedding: The residual stream that enters layer 0, [batch, position, d_model].
        z: Each layer's head outputs, [batch, position, head, d_head].
        mlp_out: Each layer's MLP output, as it is added, [batch, position, d_model].
        final: The residual stream after the last layer, [batch, position, d_model].
    """

    embedding: Tensor
    z: list[Tensor]
    mlp_out: list[Tensor]
    final: Tensor

    def rows(self, where: slice) -> Written:
        """Return some rows of the batch."""
        z, mlp_out = ([each[where] for each in kept] for kept in (self.z, self.mlp_out))
        return Written(self.embedding[where], z, mlp_out, self.final[where])


@torch.no_grad()
def written(model: HookedTransformer, tokens: Tensor) -> Written:
    """Run a prompt, or a batch of them, and keep what every head and MLP wrote.

    Args:
        model: The model; hooks attached to it must not be.
        tokens: Token ids, [batch, position].

    Raises:
        ValueError: If hooks are attached, or prompts are padded.
    """
    check_unhooked(model)
    refuse_padding(model, tokens)
    kept: dict[str, list[Tensor]] = {"hook_z": [], "hook_mlp_out": []}

    def keep(activation: Tensor, hook: Any) -> None:
        kept[hook.name.rpartition(".")[2]].append(activation)

    embedding = model.to_embedding(tokens.to(model.embed.W_E.device))
    hooks: list[NamedHook] = [(lambda name: name.endswith(tuple(kept)), keep)]
    with model.hooks(hooks):
        final = through_layers(model, embedding)
    return Written(embedding, kept["hook_z"], kept["hook_mlp_out"], final)


def through_layers(
    model: HookedTransformer, residual: Tensor, first: int = 0, end: int | None = None
) -> Tensor:
    """Run a residual stream [batch, position, d_model] through some layers.

    Args:
        model: The model.
        residual: What enters the first of them.
        first: That layer.
        end: The first layer not to run; None to run all that are left.
    """
    end = model.cfg.n_layers if end is None else end
    final: Tensor = model(residual, start_at_layer=first, stop_at_layer=end)
    return final


@contextmanager
def copied_inputs(model: HookedTransformer) -> Iterator[None]:
    """Give every receiver a copy of the residual stream to read, for as long as this lasts."""
    names = ("use_attn_in", "use_split_qkv_input", "use_hook_mlp_in")
    before = [getattr(model.cfg, name) for name in names]
    try:
        for name, on in zip(names, (False, True, True), strict=True):
            setattr(model.cfg, name, on)
        yield
    finally:
        for name, on in zip(names, before, strict=True):
            setattr(model.cfg, name, on)


def check_pair(clean: Tensor, corrupted: Tensor) -> tuple[Tensor, Tensor]:
    """Return two prompts, or as many of each, as [batch, position].

    Raises:
        ValueError: If they differ in length or number.
    """
    clean, corrupted = torch.atleast_2d(clean), torch.atleast_2d(corrupted)
    check_one_length(clean.shape[1], corrupted.shape[1])
    if len(clean) != len(corrupted):
        raise ValueError(
            f"There are {len(clean)} clean prompts and {len(corrupted)} corrupted ones: patching "
            "needs as many in both, so give one for each."
        )
    return clean, corrupted


def measure(model: HookedTransformer, final: Tensor, metric: Measure) -> Tensor:
    """Return a metric of the residual stream after the last layer.

    Args:
        model: The model.
        final: [batch, position, d_model].
        metric: A metric of `metrics`, which costs only the logits it reads; or any function of
            logits [batch, position, d_vocab].

    Returns:
        A single number, the mean over the batch where the metric is one of `metrics`.
    """
    if isinstance(metric, Declared):
        read = read_positions(metric, final.shape[1])
        with model.standing.at(range(read.start, read.stop)):
            logits = metric_logits(model, final[:, read], metric)
        value: Tensor = metric.of_columns(precise(logits)).mean()
        return value
    with model.standing.at(range(final.shape[1])):
        logits = model.to_logits(final)
    return torch.as_tensor(metric(logits))


@torch.no_grad()
def against(model: HookedTransformer, metric: Measure, final: Tensor) -> Measure:
    """Return a metric that compares, if it does at all, with a final residual stream."""
    if not isinstance(metric, Declared):
        return metric
    at = read_positions(metric, final.shape[1]).stop - 1
    with model.standing.at(range(at, at + 1)):
        compared: Measure = metric.against(precise(read_out(model, final[:, at])))
    return compared
