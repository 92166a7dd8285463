"""A run of the model that other computations start from, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from lensgui.analysis.run.passes import rows_at_once, through
from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.layers.span import KeyValues, Span
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import refuse_padding

KEPT = frozenset({"attn_out", "mlp_out", "q", "k", "v", "z", "pattern"})
"""The activations that a run can keep; a `Recording` makes others from its residual stream."""


class Run:
    """What one prompt leaves behind at every layer, worked out when first needed.

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
            names: What else to keep: those of them that are `KEPT`.

        Raises:
            ValueError: If the prompt is padded.
        """
        self.model, self.names = model, names & KEPT
        self.kept: list[dict[str, Tensor]] = []
        self.tokens = tokens.flatten()
        refuse_padding(model, self.tokens[None])
        self.span = model.span(len(self.tokens))
        self.residuals = [model.to_embedding(self.tokens[None], self.span)[0]]
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self._queries: tuple[int, Tensor] | None = None
        self._pieces = through(model, [RunBatch(self)], range(model.cfg.n_layers))

    @property
    def known_layers(self) -> int:
        """How many layers have run."""
        return len(self.residuals) - 1

    @property
    def nbytes(self) -> int:
        """How much memory it will take once complete."""
        embedded, cfg = self.residuals[0], self.model.cfg
        width = cfg.kv_heads * (cfg.d_head + cfg.d_value)
        per_layer = embedded.nbytes + len(embedded) * width * embedded.element_size()
        return per_layer * (cfg.n_layers + 1)

    def steps(self, layers: int | None = None) -> Iterator[None]:
        """Run until some layers are known, yielding between pieces of about 50 ms.

        Several may step the same run in turn: each piece is run once.

        Args:
            layers: How many layers to know; None for all.
        """
        needed = self.model.cfg.n_layers if layers is None else layers
        while self.known_layers < needed:
            next(self._pieces, None)  # the last layer is known when nothing is left to run
            yield

    def complete(self, layers: int | None = None) -> Run:
        """Run all layers, or until some are known; returns self."""
        for _ in self.steps(layers):
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

    def head_pattern(self, layer: int, head: int) -> Tensor:
        """Return a head's attention pattern, [position, source]."""
        group, within = divmod(head, self.model.cfg.heads_per_group)
        return self.pattern(layer, group)[within]

    def head_values(self, layer: int, head: int) -> Tensor:
        """Return the values that a head moves, [position, d_head]."""
        return self.values[layer][0, :, head // self.model.cfg.heads_per_group]

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
        size = self.model.cfg.heads_per_group
        heads = slice(groups.start * size, groups.stop * size)
        keys = self.keys[layer][:, :, groups.start : groups.stop]
        q = self._queries_of(layer)[:, :, heads]
        return block.attn.pattern(q, [keys], self.span, heads)[0]

    @torch.no_grad()
    def attention_from(self, layer: int, position: int) -> Tensor:
        """Return what each head of a layer attends to from one position, [head, source].

        Sources end at the position. Only its own query is worked out, whatever the prompt's length.
        """
        block = self.model.blocks[layer]
        read = block.ln1(self.residuals[layer][None, position : position + 1])
        span = Span(self.model.cfg, 1, position, device=read.device)
        keys = self.keys[layer][:, : position + 1]
        return block.attn.pattern(block.attn.queries(read, span), [keys], span)[0, :, 0]

    def _queries_of(self, layer: int) -> Tensor:
        """Return a layer's queries, turned, [1, position, head, d_head]; the last ones are kept."""
        if self._queries is None or self._queries[0] != layer:
            block = self.model.blocks[layer]
            read = block.ln1(self.residuals[layer][None])
            self._queries = layer, block.attn.queries(read, self.span)
        return self._queries[1]


class RunBatch:
    """A run on its way through the layers: a batch of one cell.

    It fills the run's lists and does not hold the run, which holds it: a run that is left half way
    goes with its last user, and the model with it.

    Attributes:
        rows: The stream between two layers, [1, position, d_model], without the positions that are
            another run's.
        middle: The same between attention and MLP.
        before: What the MLP of a parallel block reads instead.
        records: Which of "attn_out" and "mlp_out" the run keeps.
    """

    def __init__(self, run: Run, leader: RunBatch | None = None, start: int = 0) -> None:
        """Start at the layer that the run has come to.

        Args:
            run: The run.
            leader: A run that goes the same way just before this one.
            start: How many of their first positions are equal by causality; these are run once,
                and so are bit-equal.
        """
        self.residuals, self.keys, self.values = run.residuals, run.keys, run.values
        self.kept = run.kept
        self._model, self._names, self._leader, self._start = run.model, run.names, leader, start
        self.span = run.model.span(len(run.tokens) - self._start, self._start)
        self.records = run.names & {"attn_out", "mlp_out"}
        self.rows = self.middle = self.before = run.residuals[-1][None, self._start :]

    def queries(self, layer: int) -> int:
        """All positions are needed everywhere."""
        return self.rows.shape[1]

    def enter(self, layer: int) -> None:
        """Forget what a piece of this layer that was run before has left."""
        for kept in (self.keys, self.values, self.kept):
            del kept[layer:]
        self.kept.append({})

    def heads(self, layer: int, some: slice, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return what the heads put out, and keep keys, values and what else is requested."""
        attn = self._model.blocks[layer].attn
        found: dict[str, Tensor] = {"q": q, "k": k, "v": v}

        def keep(pattern: Tensor, hook: HookPoint) -> None:
            found["pattern"] = pattern

        watching = "pattern" in self._names
        hooks = self._model.hooks([(attn.hook_pattern.name, keep)]) if watching else None
        past = self._past(layer, k, v)
        with hooks or nullcontext():
            z = attn.mixed(q, k, v, self.span, past)
        self.keys.append(past.k)
        self.values.append(past.v)
        for name, activation in (found | {"z": z}).items():
            self.record(layer, name, activation)
        return z

    def _past(self, layer: int, k: Tensor, v: Tensor) -> KeyValues:
        """Return keys and values of the leader's positions, to which this run's are added."""
        if self._leader is None:
            return KeyValues(k[:, :0], v[:, :0], grows=True)
        keys, values = self._leader.keys[layer], self._leader.values[layer]
        return KeyValues(keys[:, : self._start], values[:, : self._start], grows=True)

    def arrive(self, layer: int, attended: Tensor) -> None:
        """Take the stream behind a layer's attention."""
        self.middle = attended

    def leave(self, layer: int, rows: Tensor) -> None:
        """Take the stream behind a layer's MLP: the layer is known."""
        before = self._leader.residuals[layer + 1] if self._leader else None
        self.residuals.append(self._whole(rows[0], before))
        self.rows = self.before = rows

    def record(self, layer: int, name: str, activation: Tensor) -> None:
        """Keep an activation of all positions, if it was requested."""
        if name in self._names:
            before = self._leader.kept[layer][name] if self._leader else None
            whole = self._whole(activation[0], before, int(name == "pattern"))
            self.kept[layer][name] = whole

    def _whole(self, part: Tensor, before: Tensor | None, axis: int = 0) -> Tensor:
        """Return an activation of all positions, in memory of its own.

        Args:
            part: That of the positions that are run.
            before: The leader's.
            axis: Which axis are the positions.
        """
        if before is None:
            return part.clone()
        return torch.cat([before.narrow(axis, 0, self._start), part], dim=axis)


def equal_tokens(run: Run, leader: Run) -> int:
    """Return how many tokens at the start of two runs are equal."""
    return int((run.tokens == leader.tokens).cumprod(0).sum())


def are_alike(runs: Sequence[Run]) -> bool:
    """Return whether runs can go through the layers as one batch, and gain from it."""
    first = runs[0]
    rows = sum(len(run.tokens) for run in runs)
    return (
        len({id(run) for run in runs}) == len(runs)
        and rows <= rows_at_once(first.model, 0)
        and all((run.known_layers, run.names) == (first.known_layers, first.names) for run in runs)
    )


def batches_of(runs: Sequence[Run]) -> list[RunBatch]:
    """Return batches of runs that are alike; the first leads.

    A run of the same tokens as the first has no batch: it shares what the first has.
    """
    first, *others = runs
    batches = [RunBatch(first)]
    for run in others:
        if equal_tokens(run, first) == len(run.tokens):
            run.residuals, run.keys, run.values = first.residuals, first.keys, first.values
            run.kept = first.kept
        else:
            batches.append(RunBatch(run, batches[0], equal_tokens(run, first)))
    return batches


def run_together(runs: Sequence[Run]) -> None:
    """Let runs go through the layers that they lack as one batch: weights are read once for all.

    Stepping any of them steps all. Their equal first positions are run once. Nothing happens if
    they do not stand at the same layer, or are so long that a batch gains nothing.

    Args:
        runs: Runs of one model, of equal length.
    """
    if are_alike(runs):
        model, known = runs[0].model, runs[0].known_layers
        pieces = through(model, batches_of(runs), range(known, model.cfg.n_layers))
        for run in runs:
            run._pieces = pieces
