"""What the parts of a model write on prompts, and what stands in for that when they are cut off.

What a head writes is its share of what reaches the residual stream. Where a norm stands between
(Gemma 2, OLMo 2), that is its share at the scale that the norm has in the run itself; so the shares
of a layer always add up to what was written, and cutting all edges is the reference's run exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lensgui.transformer.layers.block import Block
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer

Method = Literal["zero", "mean", "resample"]
_AT_ONCE = 16  # prompts that run together


@dataclass(frozen=True, slots=True, eq=False)
class Ablation:
    """What stands in for what parts write: the reference of every number of a circuit.

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

    method: Method
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


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """What the parts of a model write on some prompts, of which nothing is replaced.

    Attributes:
        embedding: The stream that enters layer 0, [batch, position, d_model].
        z: What each layer's heads put out, [batch, position, head, d_value].
        attn_out: What each layer's attention adds to the stream, [batch, position, d_model].
        mlp_out: What each layer's MLP adds to it, likewise; empty without MLPs.
        keys: Each layer's keys, turned, [batch, position, key_value_head, d_head].
        values: Each layer's values, [batch, position, key_value_head, d_value].
        final: The stream after the last layer, [batch, position, d_model].
    """

    embedding: Tensor
    z: list[Tensor]
    attn_out: list[Tensor]
    mlp_out: list[Tensor]
    keys: list[Tensor]
    values: list[Tensor]
    final: Tensor

    def part(self, rows: slice = slice(None), positions: slice = slice(None)) -> Plain:
        """Return some rows of the batch at some positions."""
        one = (self.embedding, self.final)
        many = (self.z, self.attn_out, self.mlp_out, self.keys, self.values)
        embedding, final = (each[rows, positions] for each in one)
        z, attn_out, mlp_out, keys, values = (
            [each[rows, positions] for each in listed] for listed in many
        )
        return Plain(embedding, z, attn_out, mlp_out, keys, values, final)


@torch.no_grad()
def plain_steps(model: HookedTransformer, tokens: Tensor) -> Iterator[Plain | None]:
    """Run prompts; yield None after each layer, and what their parts wrote at last.

    Args:
        model: The model; its hooks see nothing of this.
        tokens: Token ids, [batch, position].
    """
    span = model.span(tokens.shape[1])
    stream = embedding = model.to_embedding(tokens.to(model.embed.W_E.device))
    found = Plain(embedding, [], [], [], [], [], embedding)
    for block in model.blocks:
        with model.standing.at(span.where):
            q, k, v = block.projected(stream, span)
            keys = block.attn.turned_keys(k, span)
            z = block.attn.attend(block.attn.turned_queries(q, span), [keys], [v], span)
            middle = block.with_heads(stream, z)
            found.z.append(z)
            found.attn_out.append(middle - stream)
            found.keys.append(keys)
            found.values.append(v)
            if not model.cfg.attn_only:
                found.mlp_out.append(block.mlp_output(middle, stream))
                middle = middle + found.mlp_out[-1]
        stream = middle
        yield None
    yield Plain(embedding, found.z, found.attn_out, found.mlp_out, found.keys, found.values, stream)


def head_writes(block: Block, z: Tensor) -> Tensor:
    """Return what each head adds to the stream, [head, batch, position, d_model].

    All together they are what attention adds, a constant aside: where no norm stands between, the
    output bias.

    Args:
        block: The layer.
        z: What its heads put out, [batch, position, head, d_value].
    """
    each = torch.einsum("bphd,hdm->hbpm", z, block.attn.W_O)
    if block.cfg.has_post_norms:
        norm = block.post_norm("ln1_post")
        each = each + block.attn.b_O / len(each)
        each = norm.at_scale(each, norm.scale(each.sum(0)))
    return each * block.cfg.residual_multiplier


class StandIns:
    """What stands in for every part of a model, at the positions from `prefix` on.

    Attributes:
        prefix: How many positions at the beginning the prompts share with their references:
            nothing that stands in differs there.
        embedding: For the embedding, [batch or 1, position, d_model].
        z: For what each layer's heads put out, [batch or 1, position, head, d_value].
        mlp_out: For what each layer's MLP adds, [batch or 1, position, d_model].
        streams: The stream that enters each layer where all stands in, and after the last one,
            likewise.
        middles: The same between attention and MLP.
    """

    def __init__(self, model: HookedTransformer, prefix: int, written: Plain) -> None:
        """Take what the reference wrote, or the mean of that, at all positions."""
        self._model, self.prefix = model, prefix
        found = written.part(positions=slice(prefix, None))
        self.embedding, self.z, self.mlp_out = found.embedding, found.z, found.mlp_out
        self._heads: list[Tensor] | None = None
        self._add_up(found.attn_out)

    def _add_up(self, attn_out: list[Tensor]) -> None:
        stream = precise(self.embedding)
        self.streams, self.middles = [stream], list[Tensor]()
        for layer, written in enumerate(attn_out):
            stream = stream + written
            self.middles.append(stream)
            if self.mlp_out:
                stream = stream + self.mlp_out[layer]
            self.streams.append(stream)

    @property
    def final(self) -> Tensor:
        """The stream after the last layer, [batch or 1, position, d_model]."""
        return self.streams[-1]

    @classmethod
    @torch.no_grad()
    def nothing(cls, model: HookedTransformer, length: int) -> StandIns:
        """Return zeros, the output biases aside, which belong to no head."""
        cfg = model.cfg
        none = model.embed.W_E.new_zeros(1, length, cfg.d_model)
        z = none.new_zeros(1, length, cfg.n_heads, cfg.d_value)
        blocks = list(model.blocks)
        added = [block.with_heads(none, z) - none for block in blocks]
        mlps = [] if cfg.attn_only else [none] * cfg.n_layers
        return cls(model, 0, Plain(none, [z] * cfg.n_layers, added, mlps, [], [], none))

    @classmethod
    def mean_steps(
        cls, model: HookedTransformer, prompts: Tensor, prefix: int
    ) -> Iterator[StandIns | None]:
        """Run prompts; yield None meanwhile, and the mean of what their parts write at last."""
        total: list[Tensor] = []
        heads: list[Tensor] = []
        layers = model.cfg.n_layers
        mlps = 0 if model.cfg.attn_only else layers
        for some in prompts.split(_AT_ONCE):
            steps = plain_steps(model, some)
            while (found := next(steps)) is None:
                yield None
            lists = (found.z, found.attn_out, found.mlp_out)
            total = _added(total, [found.embedding, *(one for each in lists for one in each)])
            if model.cfg.has_post_norms:
                each = map(head_writes, model.blocks, found.z)
                heads = _added(heads, [writes.transpose(0, 1) for writes in each])
        embedding, *rest = (each / len(prompts) for each in total)
        z, attn_out = rest[:layers], rest[layers : 2 * layers]
        mlp_out = rest[2 * layers : 2 * layers + mlps]
        stand_ins = cls(model, prefix, Plain(embedding, z, attn_out, mlp_out, [], [], embedding))
        if heads:
            means = [each / len(prompts) for each in heads]
            stand_ins._heads = [each.transpose(0, 1)[:, :, prefix:] for each in means]
        yield stand_ins

    def beyond(self, layer: int, z: Tensor) -> Tensor:
        """Return what each head adds to the stream beyond what stands in for it.

        Args:
            layer: The layer.
            z: What its heads put out, [run · batch, position, head, d_value].

        Returns:
            [head, run · batch, position, d_model].
        """
        block = self._model.blocks[layer]
        runs = len(z) // len(self.z[layer])
        stand_in = self.z[layer].repeat(runs, 1, 1, 1)
        if not self._model.cfg.has_post_norms:
            return head_writes(block, z - stand_in)
        if self._heads is not None:
            return head_writes(block, z) - self._heads[layer]
        return head_writes(block, z) - head_writes(block, self.z[layer]).repeat(1, runs, 1, 1)


def _added(total: list[Tensor], written: list[Tensor]) -> list[Tensor]:
    """Return sums over prompts, kept as a batch of 1, with those of more prompts."""
    sums = [each.sum(0, keepdim=True) for each in written]
    return [a + b for a, b in zip(total, sums, strict=True)] if total else sums


def shared_prefix(tokens: Tensor, ablation: Ablation) -> int:
    """Return how many positions at the beginning prompts share with what stands in for them.

    At least one is left.

    Args:
        tokens: Token ids of the prompts, [batch, position].
        ablation: What stands in.
    """
    if ablation.prompts is None:
        return 0
    prompts = torch.atleast_2d(ablation.prompts).cpu()
    ids = tokens.cpu()
    if ablation.method == "mean":
        differs = (ids[:, None] != prompts[None]).flatten(0, 1)
    else:
        differs = ids != prompts
    first = differs.any(0).int().argmax() if differs.any() else torch.tensor(ids.shape[1])
    return min(int(first), ids.shape[1] - 1)
