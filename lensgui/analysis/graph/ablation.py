"""Ablation: the model with some of its parts taken out, and something else in their place.

What stands in decides what the result means: zero takes the model off its distribution; a mean
over prompts, at each position, keeps what those prompts share; resampling puts in what a part
writes on other prompts, whole.

Any set of parts may go, in all layers and at all positions, so a run shares nothing with another
and is a plain pass of a batch of prompts with hooks. Taking out one head at a time is a sweep, the
same numbers faster: `ablate_heads`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from lensgui.analysis.checks import check_unhooked
from lensgui.analysis.graph.measured_pair import Written, copied_inputs, through_layers, written
from lensgui.analysis.graph.nodes import Edge, Node, check_edges, check_nodes, receivers, senders
from lensgui.transformer.hooks.hook_point import NamedHook
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import refuse_padding

Part = Node | Edge
_INPUTS = {"q": "hook_q_input", "k": "hook_k_input", "v": "hook_v_input", "mlp": "hook_mlp_in"}
_AT_ONCE = 16  # prompts whose activations are kept in memory together


@dataclass(frozen=True, slots=True, eq=False)
class Ablation:
    """What stands in for what parts write.

    Attributes:
        method: "zero"; "mean" at each position over `prompts`; "resample" what is written on
            `prompts`, row by row.
        prompts: The reference set, token ids [prompt, position], with the same layout of tokens as
            the prompts that are run; None for zero. For "resample" one for each prompt, or one for
            all.
        reference: What the prompts are, in a few words, for captions.

    Raises:
        ValueError: If prompts are missing, or there are some that nothing is taken from.
    """

    method: Literal["zero", "mean", "resample"]
    prompts: Tensor | None = None
    reference: str = ""

    def __post_init__(self) -> None:
        """Refuse what can't be carried out."""
        if self.method == "zero" and self.prompts is not None:
            raise ValueError("Zero ablation takes nothing from prompts: leave them out.")
        if self.method != "zero" and (self.prompts is None or not self.prompts.numel()):
            raise ValueError(f"A {self.method} ablation needs a reference set of prompts.")

    def __str__(self) -> str:
        """What it is, as captions name it."""
        if self.prompts is None:
            return "zero ablation (off-distribution)"
        count = len(torch.atleast_2d(self.prompts))
        named = f"{self.reference}, " if self.reference else ""
        reference = f"({named}{count} prompt{'s' * (count > 1)})"
        if self.method == "mean":
            return f"mean ablation, per position over the reference set {reference}"
        return f"resample ablation from the reference set {reference}"


@torch.no_grad()
def run_ablated(
    model: HookedTransformer, tokens: Tensor, parts: Iterable[Part], ablation: Ablation
) -> Tensor:
    """Run prompts with some parts taken out.

    Args:
        model: The model; hooks attached to it must not be.
        tokens: Token ids, [position] or [batch, position].
        parts: Senders ("embed", "head", "mlp"), or edges as (sender, receiver), or both. Taking a
            node out is taking out all the edges that leave it.
        ablation: What stands in for them.

    Returns:
        Logits, [batch, position, d_vocab_out].

    Raises:
        ValueError: If a part is not in the model, prompts differ in length, hooks are attached, or
            an edge leaves a head whose output a norm mixes with others' (Gemma 2, OLMo 2).
    """
    logits: Tensor = model.to_logits(Ablated(model, tokens, ablation).final(parts))
    return logits


class Ablated:
    """Runs of some prompts with parts taken out, which share what stands in for them.

    Attributes:
        model: What runs.
        tokens: Token ids, [batch, position].
        stand_ins: What stands in for every part, each [batch or 1, position or 1, …].
    """

    @torch.no_grad()
    def __init__(self, model: HookedTransformer, tokens: Tensor, ablation: Ablation) -> None:
        """Work out what stands in; arguments as in `run_ablated`."""
        check_unhooked(model)
        self.model, self.tokens = model, torch.atleast_2d(tokens).to(model.embed.W_E.device)
        refuse_padding(model, self.tokens)
        self.stand_ins = _stand_ins(model, self.tokens, ablation)

    @torch.no_grad()
    def final(self, parts: Iterable[Part]) -> Tensor:
        """Return the residual stream after the last layer, [batch, position, d_model].

        Args:
            parts: What is taken out.
        """
        parts = frozenset(parts)
        cfg = self.model.cfg
        nodes = check_nodes((part for part in parts if isinstance(part, Node)), cfg, "sender")
        edges = frozenset(part for part in parts if not isinstance(part, Node))
        check_unhooked(self.model)
        residual = self.model.to_embedding(self.tokens)
        if Node("embed") in nodes:
            residual = self.stand_ins.embedding.expand_as(residual)
        if not edges:
            with self.model.hooks(list(self._hooks(nodes))):
                return through_layers(self.model, residual)
        cut = _Cut(self.model, edges, self.stand_ins, residual)
        with copied_inputs(self.model), self.model.hooks([*self._hooks(nodes), *cut.hooks()]):
            return cut.read(through_layers(self.model, residual), [Node("logits")])

    def _hooks(self, nodes: frozenset[Node]) -> Iterator[NamedHook]:
        """Yield the hooks that put in what stands in for heads and MLPs."""
        for layer in {node.layer for node in nodes if node.layer is not None}:
            heads = [node.head for node in nodes if (node.kind, node.layer) == ("head", layer)]
            if heads:
                yield f"blocks.{layer}.attn.hook_z", _put(self.stand_ins.z[layer], heads)
            if Node("mlp", layer) in nodes:
                yield f"blocks.{layer}.hook_mlp_out", _put(self.stand_ins.mlp_out[layer], None)


def _put(stand_in: Tensor, heads: list[int | None] | None) -> Any:
    """Return a hook that puts a tensor instead of some heads, or of everything."""

    def put(activation: Tensor, hook: Any) -> Tensor:
        if heads is None:
            return stand_in.expand_as(activation)
        activation = activation.clone()
        activation[:, :, heads] = stand_in[:, :, heads]
        return activation

    return put


def _stand_ins(model: HookedTransformer, tokens: Tensor, ablation: Ablation) -> Written:
    """Return what stands in for what every part writes."""
    cfg = model.cfg
    if ablation.prompts is None:
        nothing = model.embed.W_E.new_zeros(1, 1, cfg.d_model)
        z = nothing.new_zeros(1, 1, cfg.n_heads, cfg.d_value)
        return Written(nothing, [z] * cfg.n_layers, [nothing] * cfg.n_layers, nothing)
    prompts = torch.atleast_2d(ablation.prompts)
    if prompts.shape[1] != tokens.shape[1]:
        raise ValueError(
            f"The reference prompts have {prompts.shape[1]} tokens and the prompts that are run "
            f"{tokens.shape[1]}; ablation goes position by position."
        )
    if ablation.method == "mean":
        return _mean(model, prompts)
    if len(prompts) not in (1, len(tokens)):
        raise ValueError(
            f"There are {len(prompts)} prompts to resample from and {len(tokens)} to run: give one "
            "for each, or one for all."
        )
    return written(model, prompts)


def _mean(model: HookedTransformer, prompts: Tensor) -> Written:
    """Return the mean over prompts of what every part writes at each position, as a batch of 1."""
    total: list[Tensor] = []
    for some in prompts.split(_AT_ONCE):
        run = written(model, some)
        sums = [each.sum(0, keepdim=True) for each in (run.embedding, *run.z, *run.mlp_out)]
        total = [a + b for a, b in zip(total, sums, strict=True)] if total else sums
    embedding, *rest = (each / len(prompts) for each in total)
    layers = model.cfg.n_layers
    return Written(embedding, rest[:layers], rest[layers:], embedding)


class _Cut:
    """Edges taken out of a run: each receiver reads the stream less what it should not hear."""

    def __init__(
        self,
        model: HookedTransformer,
        edges: frozenset[Edge],
        stand_ins: Written,
        embedding: Tensor,
    ) -> None:
        cfg = self.cfg = model.cfg
        check_edges(edges, cfg)
        if cfg.has_post_norms and any(sender.kind == "head" for sender, _ in edges):
            raise ValueError(
                f"{cfg.model_name} normalises what the heads of a layer write together, so an edge "
                "can't be taken from one of them; take the whole head."
            )
        self.model, self.stand_ins = model, stand_ins
        self.rows = {node: row for row, node in enumerate(senders(cfg))}
        self.columns = {node: column for column, node in enumerate(receivers(cfg))}
        removed = torch.zeros(len(self.columns), len(self.rows))
        for sender, receiver in edges:
            removed[self.columns[receiver], self.rows[sender]] = 1
        self.removed = removed.to(embedding)
        self.surplus = embedding.new_zeros(len(self.rows), *embedding.shape)
        self.surplus[0] = embedding - stand_ins.embedding

    def hooks(self) -> Iterator[NamedHook]:
        """Yield the hooks that note what senders write and take it from what receivers read."""
        for layer, block in enumerate(self.model.blocks):
            yield f"blocks.{layer}.attn.hook_z", self._record_heads(layer, block.attn.W_O)
            if not self.cfg.attn_only:
                yield f"blocks.{layer}.hook_mlp_out", self._record_mlp(layer)
        for kind in _INPUTS:
            for layer in range(self.cfg.n_layers):
                nodes = [node for node in self.columns if (node.kind, node.layer) == (kind, layer)]
                yield from self._input_hooks(nodes)

    def _input_hooks(self, nodes: list[Node]) -> Iterator[NamedHook]:
        """Yield the hook for what some receivers of a layer read, if anything is taken from it."""
        if nodes and self.removed[[self.columns[node] for node in nodes]].any():
            name = f"blocks.{nodes[0].layer}.{_INPUTS[nodes[0].kind]}"
            yield name, lambda stream, hook: self.read(stream, nodes)

    def read(self, stream: Tensor, nodes: list[Node]) -> Tensor:
        """Return what receivers read of a stream, [batch, position, receiver if more, d_model]."""
        removed = self.removed[[self.columns[node] for node in nodes]]
        less: Tensor = torch.tensordot(removed, self.surplus, 1)
        return stream - (less.permute(1, 2, 0, 3) if stream.ndim == 4 else less[0])

    def _record_heads(self, layer: int, W_O: Tensor) -> Any:
        """Return a hook that notes what heads write beyond what stands in for it."""
        first = self.rows[Node("head", layer, 0)]

        def record(z: Tensor, hook: Any) -> None:
            surplus = torch.einsum("bphd,hdm->hbpm", z - self.stand_ins.z[layer], W_O)
            self.surplus[first : first + len(surplus)] = surplus * self.cfg.residual_multiplier

        return record

    def _record_mlp(self, layer: int) -> Any:
        """Return a hook that notes what an MLP writes beyond what stands in for it."""

        def record(mlp_out: Tensor, hook: Any) -> None:
            self.surplus[self.rows[Node("mlp", layer)]] = mlp_out - self.stand_ins.mlp_out[layer]

        return record
