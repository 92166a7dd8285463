"""A run of the model that other computations start from, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
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
        self._queries: tuple[int, Tensor] | None = None
        self._pieces = _layers([self])

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

    def before(self, layer: int, position: int) -> KeyValues:
        """Return a layer's keys and values before a position, for later rows to attend to."""
        return KeyValues(self.keys[layer][:, :position], self.values[layer][:, :position])

    def pattern(self, layer: int, group: int) -> Tensor:
        """Return the attention patterns of the heads that share a key/value head.

        Args:
            layer: A layer that has run.
            group: The key/value head.

        Returns:
            [head of the group, position, source].
        """
        return self.patterns(layer, range(group, group + 1))

    @torch.no_grad()
    def patterns(self, layer: int, groups: range) -> Tensor:
        """Return the attention patterns of neighbouring groups of heads.

        Args:
            layer: A layer that has run.
            groups: Key/value heads.

        Returns:
            [head of these groups, position, source].
        """
        block = self.model.blocks[layer]
        size = self.model.cfg.n_heads // self.model.cfg.kv_heads
        heads = slice(groups.start * size, groups.stop * size)
        keys = self.keys[layer][:, :, groups.start : groups.stop]
        q = self._queries_of(layer)[:, :, heads]
        shown: Tensor = block.attn.pattern(q, [keys], self.span, heads)
        return shown[0]

    def _queries_of(self, layer: int) -> Tensor:
        """Return a layer's queries, turned, [1, position, head, d_head]; the last ones are kept."""
        if self._queries is None or self._queries[0] != layer:
            block = self.model.blocks[layer]
            read = block.ln1(self.residuals[layer][None])
            self._queries = layer, block.attn.queries(read, self.span)
        return self._queries[1]

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


def run_together(runs: Sequence[Run]) -> None:
    """Let runs go through the layers that they lack as one batch: weights are read once for all.

    Stepping any of them steps all. Their equal first positions stay bit-equal. Nothing happens if
    they do not stand at the same layer, or are so long that a batch gains nothing.

    Args:
        runs: Runs of one model, of equal length.
    """
    first = runs[0]
    alike = len({id(run) for run in runs}) == len(runs) and all(
        (run.known_layers, run.names) == (first.known_layers, first.names) for run in runs
    )
    rows = sum(len(run.tokens) for run in runs)
    if alike and rows <= rows_at_once(first.model, 0):
        pieces = _layers(runs)
        for run in runs:
            run._pieces = pieces


@torch.no_grad()
def _layers(runs: Sequence[Run]) -> Iterator[None]:
    """Run layer after layer of runs that stand at the same one, a piece at a time."""
    model, cfg = runs[0].model, runs[0].model.cfg
    equal = [int((run.tokens == runs[0].tokens).cumprod(0).sum()) for run in runs]
    for layer in range(runs[0].known_layers, cfg.n_layers):
        block = model.blocks[layer]
        found: dict[str, list[Tensor]] = {name: [] for name in runs[0].names}
        hooks = keeping(layer, found)
        before = torch.stack([run.residuals[-1] for run in runs])
        nothing = before.new_empty(len(runs), 0, cfg.kv_heads, cfg.d_head)
        left = KeyValues(nothing, nothing, grows=True)
        with _attached(model, hooks):
            middle = block.attention_half(before, runs[0].span, left)
        yield
        pieces: list[Tensor] = []
        some = rows_at_once(model, layer)
        rows = middle.flatten(0, 1)
        for mid, pre in zip(rows.split(some), before.flatten(0, 1).split(some), strict=True):
            with _attached(model, hooks):
                pieces.append(block.mlp_half(mid[None], pre[None])[0])
            if sum(map(len, pieces)) < len(rows):
                yield
        kept = {name: torch.cat(of) for name, of in found.items()}
        _keep(runs, equal, torch.cat(pieces), left, kept)
        yield


def _attached(model: HookedTransformer, hooks: list[NamedHook]) -> AbstractContextManager[object]:
    """Return a context with hooks attached; without any it costs nothing."""
    return model.hooks(hooks) if hooks else nullcontext()


def _keep(
    runs: Sequence[Run],
    equal: list[int],
    rows: Tensor,
    left: KeyValues,
    found: dict[str, Tensor],
) -> None:
    """Give each run what a layer of all left behind.

    Args:
        runs: The runs.
        equal: How many tokens at the start of each are the first run's.
        rows: Their residual streams, one behind the other, [run · position, d_model].
        left: Their keys and values, [run, position, key_value_head, d_head].
        found: What else they keep, likewise one behind the other.
    """
    kept = {name: _shared(of, equal, int(name == "pattern")) for name, of in found.items()}
    residuals, keys, values = (
        _shared(of, equal) for of in (rows, left.k.flatten(0, 1), left.v.flatten(0, 1))
    )
    for at, run in enumerate(runs):
        run.residuals.append(residuals[at])
        run.keys.append(keys[at][None])
        run.values.append(values[at][None])
        run.kept.append({name: of[at] for name, of in kept.items()})


def _shared(whole: Tensor, equal: list[int], axis: int = 0) -> list[Tensor]:
    """Return each run's part of an activation, with the first run's numbers where they are equal.

    Rows of one product may round differently by their place in it.

    Args:
        whole: The activations of the runs, one behind the other.
        equal: How many positions of each are the first run's, by causality.
        axis: Which axis of a part are the positions.
    """
    if len(equal) == 1:
        return [whole]
    parts = [part.clone() for part in whole.chunk(len(equal))]  # each may outlive the others
    for part, count in zip(parts[1:], equal[1:], strict=True):
        part.narrow(axis, 0, count).copy_(parts[0].narrow(axis, 0, count))
    return parts


def keeping(layer: int, found: dict[str, list[Tensor]]) -> list[NamedHook]:
    """Return hooks that keep some activations of a layer, the batch's one behind the other."""

    def keep(activation: Tensor, hook: HookPoint, parts: list[Tensor]) -> None:
        parts.append(activation.flatten(0, 1))

    return [
        (f"blocks.{layer}.{HOOKS[name]}", partial(keep, parts=parts))
        for name, parts in found.items()
    ]
