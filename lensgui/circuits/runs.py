"""A run of the model that other computations start from, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lensgui.engine.hooks import HookPoint, NamedHook
from lensgui.engine.layers.attention import KeyValues
from lensgui.engine.layers.span import Span
from lensgui.engine.model import HookedTransformer

_BLOCK_WORK = {"cpu": 2.5e9, "mps": 1e11, "cuda": 1e12}  # FLOP that take about 50 ms
_FEWEST_ROWS = 256  # with fewer, a matrix product mostly waits for its weights


HOOKS = {
    "attn_out": "hook_attn_out",
    "mlp_out": "hook_mlp_out",
    "q": "attn.hook_q",
    "k": "attn.hook_k",
    "v": "attn.hook_v",
    "z": "attn.hook_z",
    "pattern": "attn.hook_pattern",
}


def rows_at_once(model: HookedTransformer, layer: int) -> int:
    """Return how many rows of a layer run in about 50 ms, the longest wait to cancel."""
    block = model.blocks[layer]
    parameters = sum(weight.numel() for weight in block.parameters())
    work = _BLOCK_WORK.get(model.embed.W_E.device.type, _BLOCK_WORK["cpu"])
    return max(_FEWEST_ROWS, int(work / (2 * parameters)))


class Run:
    """What one prompt leaves behind at every layer, worked out when it is first wanted.

    Prompts of equal length give bit-equal results wherever they agree, which is what sweeps call
    unchanged.

    Attributes:
        model: The model that runs.
        tokens: Token ids, [position].
        residuals: The residual stream that enters each layer known so far, and at last the one
            after the last layer, each [position, d_model].
        keys: Each layer's keys, turned, [1, position, key_value_head, d_head].
        values: Each layer's values, likewise.
        kept: Other activations of each layer, by the names asked for, without batch dimension.
    """

    @torch.no_grad()
    def __init__(
        self, model: HookedTransformer, tokens: Tensor, names: frozenset[str] = frozenset()
    ) -> None:
        """Embed a prompt; no layer has run yet.

        Args:
            model: The model.
            tokens: Token ids, [position] or [1, position].
            names: What else to keep: some of `HOOKS`.
        """
        self.model, self.names = model, names
        self.kept: list[dict[str, Tensor]] = []
        self.tokens = tokens.flatten()
        self.span = model.span(len(self.tokens))
        self.residuals = [model.to_embedding(self.tokens[None], self.span)[0]]
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self._pieces = self._run()

    @property
    def known_layers(self) -> int:
        """How many layers have run."""
        return len(self.residuals) - 1

    @property
    def nbytes(self) -> int:
        """How much memory it will take once complete."""
        embedded = self.residuals[0]
        per_layer = embedded.nbytes + 2 * len(embedded) * self.model.cfg.kv_heads * (
            self.model.cfg.d_head * embedded.element_size()
        )
        return per_layer * (self.model.cfg.n_layers + 1)

    def steps(self, layers: int | None = None) -> Iterator[None]:
        """Run until some layers are known, yielding between pieces of about 50 ms.

        Several may step the same run in turn: each piece is run once.

        Args:
            layers: How many layers to know; None for all.
        """
        wanted = self.model.cfg.n_layers if layers is None else layers
        while self.known_layers < wanted:
            next(self._pieces)
            yield

    def complete(self) -> Run:
        """Run all layers; returns self."""
        for _ in self.steps():
            pass
        return self

    @torch.no_grad()
    def _run(self) -> Iterator[None]:
        """Run layer after layer, a piece at a time."""
        for layer in range(self.model.cfg.n_layers):
            found: dict[str, list[Tensor]] = {name: [] for name in self.names}
            hooks = keeping(layer, found)
            with self.model.hooks(hooks):
                resid_mid = self._attention(layer)
            yield
            pieces: list[Tensor] = []
            some = rows_at_once(self.model, layer)
            for rows, before in zip(
                resid_mid.split(some), self.residuals[-1].split(some), strict=True
            ):
                with self.model.hooks(hooks):
                    pieces.append(self.model.blocks[layer].mlp_half(rows[None], before[None])[0])
                if sum(map(len, pieces)) < len(resid_mid):
                    yield
            self.kept.append({name: torch.cat(parts) for name, parts in found.items()})
            self.residuals.append(torch.cat(pieces))
            yield

    def _attention(self, layer: int) -> Tensor:
        """Return a layer's resid_mid, [position, d_model], keeping its keys and values."""
        kept = self._no_keys()
        block = self.model.blocks[layer]
        resid_mid = block.attention_half(self.residuals[-1][None], self.span, kept)
        self.keys.append(kept.k)
        self.values.append(kept.v)
        return resid_mid[0]

    def _no_keys(self) -> KeyValues:
        """Return room for the keys and values that a layer will leave."""
        cfg = self.model.cfg
        nothing = self.residuals[0].new_empty(1, 0, cfg.kv_heads, cfg.d_head)
        return KeyValues(nothing, nothing, grows=True)

    def before(self, layer: int, position: int) -> KeyValues:
        """Return a layer's keys and values before a position, for later rows to attend to."""
        return KeyValues(self.keys[layer][:, :position], self.values[layer][:, :position])

    @torch.no_grad()
    def pattern(self, layer: int, group: int) -> Tensor:
        """Return the attention patterns of the heads that share a key/value head.

        Args:
            layer: A layer that has run.
            group: The key/value head.

        Returns:
            [head of the group, position, source].
        """
        block = self.model.blocks[layer]
        size = self.model.cfg.n_heads // self.model.cfg.kv_heads
        q = block.attn.queries(block.ln1(self.residuals[layer][None]), self.span)
        heads = slice(group * size, (group + 1) * size)
        keys = self.keys[layer][:, :, group : group + 1]
        shown: Tensor = block.attn.pattern(q[:, :, heads], [keys], self.span, heads)
        return shown[0]

    @torch.no_grad()
    def head_output(self, layer: int, head: int, position: int) -> Tensor:
        """Return what a head adds to the residual stream at a position, [d_model].

        Where a norm stands between, its scale is taken as it was.
        """
        group = head // (self.model.cfg.n_heads // self.model.cfg.kv_heads)
        within = head % (self.model.cfg.n_heads // self.model.cfg.kv_heads)
        attention = self.pattern(layer, group)[within, position]
        return self.written_for(layer, head, position, attention @ self.values[layer][0, :, group])

    def written_for(self, layer: int, head: int, position: int, z: Tensor) -> Tensor:
        """Return what a head that puts out z [..., d_head] adds at a position, [..., d_model].

        Where a norm stands between, its scale is taken as it was.
        """
        block: Any = self.model.blocks[layer]
        written: Tensor = z @ block.attn.W_O[head]
        if self.model.cfg.has_post_norms:
            written = written / self._attention_scale(layer, position) * block.ln1_post.w
        return written * self.model.cfg.residual_multiplier

    def _attention_scale(self, layer: int, position: int) -> Tensor:
        """Return what the norm after a layer's attention divided by at a position, [1]."""
        block, row = self.model.blocks[layer], self.residuals[layer][None, position : position + 1]
        span = Span(self.model.cfg, 1, position, device=row.device)
        read = block.ln1(row)
        output = block.attn(read, read, read, span, self.before(layer, position))[0, 0]
        return block.ln1_post.scale(output)


def keeping(layer: int, found: dict[str, list[Tensor]]) -> list[NamedHook]:
    """Return hooks that keep some activations of a layer, without their batch dimension."""

    def keep(activation: Tensor, hook: HookPoint, parts: list[Tensor]) -> None:
        parts.append(activation[0])

    return [
        (f"blocks.{layer}.{HOOKS[name]}", partial(keep, parts=parts))
        for name, parts in found.items()
    ]


def read_out(
    model: HookedTransformer, residual: Tensor, columns: tuple[int, ...] | None = None
) -> Tensor:
    """Return the logits of a few tokens from the residual stream after the last layer.

    Args:
        model: The model.
        residual: [..., d_model].
        columns: Token ids; None for all.

    Returns:
        [..., token].

    Raises:
        ValueError: If there is no such token.
    """
    if columns is None:
        return model.unembed.columns(model.ln_final(residual))
    size = model.cfg.d_vocab_out
    if not all(0 <= token < size for token in columns):
        raise ValueError(f"The metric reads tokens {columns}; the vocabulary has {size}.")
    ids = torch.tensor(columns, device=residual.device)
    return model.unembed.columns(model.ln_final(residual), ids)
