"""Runs of prompts in which edges or whole parts are cut: many circuits at once, layer by layer.

Every receiver reads a stream of its own: the reference's, and of each sender that it hears what
that writes beyond what stands in for it. So a circuit of nothing is the reference's run, and the
circuit of everything the plain run, by another way than a plain run takes.

Positions that prompts share with their references are not run: nothing differs there. Circuits that
write alike up to some layer are run from there on.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from torch import Tensor

from lensgui.analysis.circuits.stand_ins import Plain, StandIns
from lensgui.terms.circuits.graph import Graph
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """Keys and values of each layer at the positions that prompts share with their references.

    Attributes:
        keys: Turned, each [batch, position, key_value_head, d_head].
        values: Each [batch, position, key_value_head, d_value].
    """

    keys: list[Tensor]
    values: list[Tensor]


class Rows:
    """Prompts whose streams are run with something cut.

    Attributes:
        model: What runs.
        embedding: The stream that enters layer 0, [batch, position, d_model], from the first
            position on that differs from the reference.
        stand_ins: What stands in for every part there.
        span: Where the positions stand.
        graph: The model's, whole.
    """

    def __init__(
        self, model: HookedTransformer, embedding: Tensor, stand_ins: StandIns, prefix: Prefix
    ) -> None:
        """Take what all runs share."""
        self.model, self.embedding, self.stand_ins, self._prefix = (
            model,
            embedding,
            stand_ins,
            prefix,
        )
        self.span = model.span(embedding.shape[1], stand_ins.prefix)
        self.graph = Graph.whole(model.cfg)
        self._columns = _columns(self.graph)

    @property
    def size(self) -> int:
        """How many rows a run has."""
        return self.embedding.shape[:2].numel()

    @torch.no_grad()
    def beyond(self, plain: Plain) -> Tensor:
        """Return what each sender writes in the plain run beyond what stands in for it.

        Args:
            plain: That run, at the positions that are run.

        Returns:
            [sender, batch, position, d_model].
        """
        found = [precise(plain.embedding - self.stand_ins.embedding)[None]]
        for layer, z in enumerate(plain.z):
            found.append(precise(self.stand_ins.beyond(layer, z)))
            if plain.mlp_out:
                found.append(precise(plain.mlp_out[layer] - self.stand_ins.mlp_out[layer])[None])
        return torch.cat(found)

    @torch.no_grad()
    def cut_edges(
        self, kept: Tensor, out: Tensor | None = None, known: Tensor | None = None, first: int = 0
    ) -> Generator[None, None, tuple[Tensor, Tensor]]:
        """Run circuits of edges; yield after each layer.

        Args:
            kept: Which edges each keeps, [circuit, sender, receiver].
            out: Which senders are taken out whole besides, [circuit, sender]; None for none. Behind
                the heads of a layer a norm, if there is one, is then worked out again.
            known: What each sender writes beyond what stands in for it in a run that all circuits
                share up to layer `first`, [sender, batch, position, d_model].
            first: From which layer on they differ.

        Returns:
            The stream after the last layer, [circuit, batch, position, d_model], and what each
            sender writes beyond what stands in for it, [circuit, sender, batch, position, d_model].
        """
        beyond = self._begin(kept, out, known, first)
        per_layer = self.model.cfg.n_heads + (not self.model.cfg.attn_only)
        for layer in range(first, self.model.cfg.n_layers):
            at = 1 + per_layer * layer
            with self.model.standing.at(self.span.where):
                self._heads(layer, kept, out, beyond[:, : at + self.model.cfg.n_heads])
                if not self.model.cfg.attn_only:
                    self._mlp(layer, kept, out, beyond[:, : at + per_layer])
            yield
        final = self._read(kept[:, :, -1:], beyond, self.stand_ins.final)
        return final[:, 0], beyond

    def _begin(self, kept: Tensor, out: Tensor | None, known: Tensor | None, first: int) -> Tensor:
        """Return what senders write beyond what stands in, as far as it is known."""
        written = precise(self.embedding)
        beyond = written.new_empty(*kept.shape[:2], *written.shape)
        if known is not None:
            per_layer = self.model.cfg.n_heads + (not self.model.cfg.attn_only)
            count = 1 + per_layer * first
            beyond[:, :count] = known[:count]
        else:
            beyond[:, 0] = written - precise(self.stand_ins.embedding)
        if out is not None:
            beyond[out[:, 0], 0] = 0
        return beyond

    def _read(self, kept: Tensor, beyond: Tensor, reference: Tensor) -> Tensor:
        """Return what some receivers read, [circuit, receiver, batch, position, d_model].

        Args:
            kept: Which senders each hears, [circuit, sender, receiver].
            beyond: What senders write beyond what stands in, [circuit, sender, ...].
            reference: The stream where all stands in, [batch or 1, position, d_model].
        """
        heard = kept.transpose(1, 2).to(beyond.dtype)
        added: Tensor = torch.bmm(heard, beyond.flatten(2)).unflatten(2, beyond.shape[2:])
        return added.add_(precise(reference))

    def _inputs(self, kept: Tensor, beyond: Tensor, reference: Tensor) -> Tensor:
        """Return what some receivers read, [circuit · batch, position, receiver, d_model]."""
        read = self._read(kept, beyond, reference).to(self.embedding.dtype)
        return rearrange(read, "c r b p m -> (c b) p r m")

    def _heads(self, layer: int, kept: Tensor, out: Tensor | None, beyond: Tensor) -> None:
        """Run a layer's heads, and write down what they write."""
        cfg = self.model.cfg
        first = beyond.shape[1] - cfg.n_heads
        heard, reference = kept[:, :first], self.stand_ins.streams[layer]
        inputs = [
            self._inputs(heard[:, :, self._columns[kind, layer]], beyond[:, :first], reference)
            for kind in "qkv"
        ]
        z = self.attended(layer, *inputs)
        if out is not None:
            z = self._replaced(z, out[:, first : first + cfg.n_heads], self.stand_ins.z[layer])
        written = precise(self.stand_ins.beyond(layer, z))
        beyond[:, first:] = rearrange(written, "h (c b) p m -> c h b p m", c=len(beyond))

    def attended(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Return what heads put out, given what they read, each a stream of its own.

        Args:
            layer: The layer.
            queries: [row, position, head, d_model].
            keys: [row, position, key_value_head, d_model].
            values: Likewise.

        Returns:
            [row, position, head, d_value].
        """
        block, span = self.model.blocks[layer], self.span
        attn = block.attn
        asked, keyed = (attn.with_positions(block.ln1(each), span) for each in (queries, keys))
        q, k, v = attn.projected(asked, keyed, block.ln1(values))
        return self._mixed(layer, q, k, v)

    def _mixed(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return what heads put out, [row, position, head, d_value]."""
        attn = self.model.blocks[layer].attn
        q, k = attn.turned_queries(q, self.span), attn.turned_keys(k, self.span)
        if self.stand_ins.prefix:
            before = self._prefix.keys[layer], self._prefix.values[layer]
            runs = len(q) // len(before[0])
            k, v = (
                torch.cat([one.repeat(runs, 1, 1, 1), rows], dim=1)
                for one, rows in zip(before, (k, v), strict=True)
            )
        return attn.attend(q, [k], [v], self.span)

    def _replaced(self, written: Tensor, out: Tensor, stand_in: Tensor) -> Tensor:
        """Return what parts write, with what stands in for those taken out.

        Args:
            written: [circuit · batch, position, ..., width].
            out: What is taken out, [circuit, ...].
            stand_in: [batch or 1, position, ..., width].
        """
        runs = out.repeat_interleave(len(self.embedding), 0)[:, None, ..., None]
        return torch.where(runs, _tiled(stand_in, len(written)), written)

    def _mlp(self, layer: int, kept: Tensor, out: Tensor | None, beyond: Tensor) -> None:
        """Run a layer's MLP, and write down what it writes."""
        block, row = self.model.blocks[layer], beyond.shape[1] - 1
        parallel = self.model.cfg.parallel_attn_mlp
        heard = row - self.model.cfg.n_heads if parallel else row
        reference = (self.stand_ins.streams if parallel else self.stand_ins.middles)[layer]
        columns = self._columns["mlp", layer]
        read = self._inputs(kept[:, :heard, columns], beyond[:, :heard], reference)[:, :, 0]
        stand_in = self.stand_ins.mlp_out[layer]
        written = precise(block.mlp_output(read, read))
        written = written - precise(_tiled(stand_in, len(written)))
        beyond[:, row] = rearrange(written, "(c b) p m -> c b p m", c=len(beyond))
        if out is not None:
            beyond[out[:, row], row] = 0

    @torch.no_grad()
    def cut_nodes(
        self, out: Tensor, known: list[Tensor] | None = None, first: int = 0
    ) -> Generator[None, None, list[Tensor]]:
        """Run prompts with whole parts taken out; yield after each layer.

        Args:
            out: Which senders are taken out, [circuit, sender].
            known: Streams, as returned, of a run that all share up to layer `first`; of one
                circuit.
            first: From which layer on they differ.

        Returns:
            The stream that enters each layer from `first` on, and after the last one, each
            [circuit, batch, position, d_model].
        """
        cfg, count = self.model.cfg, len(out)
        if known is not None:
            stream = known[first].expand(count, -1, -1, -1).flatten(0, 1)
        else:
            begun = repeat(self.embedding, "b p m -> (c b) p m", c=count)
            stream = self._replaced(begun, out[:, 0], self.stand_ins.embedding)
        streams = [stream]
        per_layer = cfg.n_heads + (not cfg.attn_only)
        for layer in range(first, cfg.n_layers):
            block, at = self.model.blocks[layer], 1 + per_layer * layer
            with self.model.standing.at(self.span.where):
                z = self._mixed(layer, *block.projected(stream, self.span))
                z = self._replaced(z, out[:, at : at + cfg.n_heads], self.stand_ins.z[layer])
                middle = block.with_heads(stream, z)
                if not cfg.attn_only:
                    written = block.mlp_output(middle, stream)
                    stand_in = self.stand_ins.mlp_out[layer]
                    middle = middle + self._replaced(written, out[:, at + cfg.n_heads], stand_in)
            stream = middle
            streams.append(stream)
            yield
        return [each.unflatten(0, (count, -1)) for each in streams]


def _tiled(stand_in: Tensor, rows: int) -> Tensor:
    """Return what stands in [batch or 1, ...] for so many rows, circuit by circuit."""
    return stand_in.repeat(rows // len(stand_in), *(1 for _ in stand_in.shape[1:]))


def _columns(graph: Graph) -> dict[tuple[str, int | None], slice]:
    """Return which columns are the receivers of a kind in a layer."""
    found: dict[tuple[str, int | None], slice] = {}
    for column, node in enumerate(graph.receivers):
        key = node.kind, node.layer
        found[key] = slice(found[key].start if key in found else column, column + 1)
    return found


def first_difference(graph: Graph, one: Tensor, other: Tensor) -> int:
    """Return the first layer in which a receiver hears other senders in two circuits.

    Args:
        graph: Any graph of the model.
        one: Which edges a circuit keeps, [sender, receiver].
        other: Likewise.

    Returns:
        The number of layers if only the logits do, or nothing.
    """
    columns = (one != other).any(0).nonzero().flatten().tolist()
    layers = [graph.receivers[column].layer for column in columns]
    return min((layer for layer in layers if layer is not None), default=graph.shape.n_layers)
