"""A run of the model that other computations start from, layer by layer."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import nullcontext
from inspect import GEN_CLOSED, getgeneratorstate

import torch
import torch.nn.functional as F
from torch import Tensor

from lensgui.analysis.run.passes import through
from lensgui.analysis.run.rows import FEW, Rows
from lensgui.transformer.edits.intervened import IntervenedTransformer
from lensgui.transformer.hooks.hook_point import HookPoint, only_reading
from lensgui.transformer.layers.span import KeyValues, Span
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import refuse_padding

KEPT = frozenset({"attn_out", "mlp_out", "q", "k", "v", "z", "pattern"})
"""The activations that a run can keep; a `Recording` makes others from its residual stream."""


class Run:
    """What one prompt leaves behind at every layer, worked out when first needed.

    Prompts of equal length give bit-equal results wherever they agree, which is what sweeps call
    unchanged. Prompts of any lengths do so up to the first token that differs, if each takes over
    what it can from the one before it that shares most with it.

    Attributes:
        model: The model that runs.
        ids: Token ids, in host memory.
        tokens: The same where the model is, [position].
        residuals: The residual stream that enters each layer known so far, and at last the one
            after the last layer, each [position, d_model].
        keys: Each layer's keys, turned, [1, position, key_value_head, d_head].
        values: Each layer's values, likewise.
        kept: Other activations of each layer, by the names asked for, without batch dimension.
        surprisals: Those known so far, in bits, from position 1 on; `predictions` adds to them.
    """

    @torch.no_grad()
    def __init__(
        self,
        model: HookedTransformer,
        tokens: Tensor,
        names: frozenset[str] = frozenset(),
        leader: Run | None = None,
        plain: Run | None = None,
    ) -> None:
        """Embed a prompt; no layer has run yet.

        Args:
            model: The model.
            tokens: Token ids, [position] or [1, position].
            names: What else to keep: those of them that are `KEPT`.
            leader: A run of this model that keeps these too, of any length and perhaps not yet
                complete: what it gives up to the first token that differs is taken over.
            plain: Of a model under interventions, a complete run of the model itself on the same
                tokens, which keeps these too: what comes before the first intervention is taken
                over.

        Raises:
            ValueError: If the prompt is padded, or the model is in a context of `intervened`.
        """
        self.model, self.names = model, names & KEPT
        self.kept: list[dict[str, Tensor]] = []
        self.ids = tuple(tokens.flatten().tolist())
        refuse_padding(model, torch.tensor([self.ids]))
        if model.is_in_context:
            raise ValueError(
                "The model is under interventions for a while: leave that context, and give them "
                "as interventions=, or take runs of intervened_runs."
            )
        self.tokens = tokens.flatten().to(model.embed.W_E.device)
        self.span = model.span(len(self.tokens))
        self._spans = {0: self.span}
        start = equal_tokens(self, leader) if leader else 0
        self.residuals, self.keys, self.values = Rows(axis=0), Rows(axis=1), Rows(axis=1)
        if plain is None:
            _embed(self, leader, start)
        else:
            self._begin_as(plain)
        self.surprisals: list[float] = leader.surprisals[: max(0, start - 1)] if leader else []
        self._queries: tuple[int, int, Tensor] | None = None
        self._batch = RunBatch(self, leader, start)
        self._pieces = self._batch.pieces()

    def _begin_as(self, plain: Run) -> None:
        """Know what comes before the first intervention."""
        assert isinstance(self.model, IntervenedTransformer)
        first = self.model.first_layer
        if first == 0:
            _embed(self, None, 0)
            return
        self.residuals.add(None, plain.residuals.pieces(0))
        for layer in range(first):
            self.residuals.add(None, plain.residuals.pieces(layer + 1))
            self.keys.add(None, plain.keys.pieces(layer))
            self.values.add(None, plain.values.pieces(layer))
            self.kept.append({name: plain.kept[layer][name] for name in self.names})

    @property
    def known_layers(self) -> int:
        """How many layers have run."""
        return len(self.residuals) - 1

    @property
    def start(self) -> int:
        """How many positions at the start are another run's."""
        return self._batch.start

    @property
    def is_complete(self) -> bool:
        """Whether all layers have run."""
        return self.known_layers == self.model.cfg.n_layers

    @property
    def has_failed(self) -> bool:
        """Whether an error has ended it half way, such as too little memory: it can't go on."""
        is_ended = getgeneratorstate(self._pieces) == GEN_CLOSED or self._batch.lost_its_leader
        return is_ended and not self.is_complete

    @property
    def nbytes(self) -> int:
        """How much memory it will take once complete, if it shares none."""
        cfg, size = self.model.cfg, self.residuals.pieces(0)[0].element_size()
        width = cfg.d_model + cfg.kv_heads * (cfg.d_head + cfg.d_value)
        return len(self.tokens) * width * size * (cfg.n_layers + 1)

    def steps(self, layers: int | None = None) -> Iterator[None]:
        """Run until some layers are known, yielding between pieces of about 50 ms.

        Several may step the same run in turn: each piece is run once.

        Args:
            layers: How many layers to know; None for all.

        Raises:
            RuntimeError: If an error has ended it before.
        """
        needed = self.model.cfg.n_layers if layers is None else layers
        while self.known_layers < needed:
            if self.has_failed:
                raise RuntimeError("This run has failed before: make another of the same tokens.")
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
    def patterns(self, layer: int, groups: range, start: int = 0) -> Tensor:
        """Return the attention patterns of neighbouring groups of heads.

        Args:
            layer: A layer that has run.
            groups: Key/value heads.
            start: The first position that is looked from.

        Returns:
            [head of these groups, position from `start` on, source].
        """
        block = self.model.blocks[layer]
        size = self.model.cfg.heads_per_group
        heads = slice(groups.start * size, groups.stop * size)
        every = range(self.model.cfg.kv_heads)
        is_edited = block.attn.hook_attn_scores.is_watched or block.attn.hook_pattern.is_watched
        if is_edited and groups != every:  # edits know heads by their numbers among all
            return self.patterns(layer, every, start)[heads]
        keys = [of[:, :, groups.start : groups.stop] for of in self.keys.pieces(layer)]
        q = self.queries(layer, start)[:, :, heads]
        with self.model.standing.at(self.span.where):
            return block.attn.pattern(q, keys, self.span, heads)[0]

    @torch.no_grad()
    def attention_from(self, layer: int, position: int) -> Tensor:
        """Return what each head of a layer attends to from one position, [head, source].

        Sources end at the position. Only its own query is worked out, whatever the prompt's length.
        """
        block, row = self.model.blocks[layer], self.residuals.row(layer, position)
        span = Span(self.model.cfg, 1, position, device=row.device)
        keys = list(self.keys.first(layer, position + 1))
        with self.model.standing.at(span.where):
            read = block.ln1(row[None, None])
            return block.attn.pattern(block.attn.queries(read, span), keys, span)[0, :, 0]

    @torch.no_grad()
    def queries(self, layer: int, start: int = 0) -> Tensor:
        """Return a layer's queries, turned, [1, position from `start` on, head, d_head].

        The last ones are kept.
        """
        if self._queries is None or self._queries[:2] != (layer, start):
            block = self.model.blocks[layer]
            if start not in self._spans:
                self._spans[start] = self.model.span(len(self.tokens) - start, start)
            with self.model.standing.at(self.span.where):
                read = block.ln1(self.residuals.last(layer, len(self.tokens) - start)[None])
                self._queries = layer, start, block.attn.queries(read, self._spans[start])
        return self._queries[2]


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

    def __init__(self, run: Run, leader: Run | RunBatch | None = None, start: int = 0) -> None:
        """Start at the layer that the run has come to.

        Args:
            run: The run.
            leader: A run that has gone the same way, goes it when it is needed, or, as a batch,
                just before this one.
            start: How many of their first positions are equal by causality; these are run once,
                and so are bit-equal.
        """
        self.residuals, self.keys, self.values = run.residuals, run.keys, run.values
        self.kept, self.start = run.kept, start
        self._model, self._names, self._length = run.model, run.names, len(run.tokens)
        self._leader = leader if start else None
        self.span = run.model.span(self._length - start, start)
        self.records = run.names & {"attn_out", "mlp_out"}
        self.rows = run.residuals.last(-1, self._length - start)[None]
        self.middle = self.before = self.rows

    @property
    def lost_its_leader(self) -> bool:
        """Whether the run that it waits for can't go on."""
        return isinstance(self._leader, Run) and self._leader.has_failed

    @property
    def can_join(self) -> bool:
        """Whether it can go with other batches: it has rows to run, and waits for no other run."""
        is_ready = not isinstance(self._leader, Run) or self._leader.is_complete
        return self.start < self._length and is_ready

    def pieces(self) -> Generator[None]:
        """Run all layers without other batches, yielding between pieces of about 50 ms."""
        for layer in range(len(self.residuals) - 1, self._model.cfg.n_layers):
            if isinstance(self._leader, Run):
                yield from self._leader.steps(layer + 1)
            if self.start < self._length:
                yield from through(self._model, [self], range(layer, layer + 1))
            else:
                self._repeat(layer)

    def _repeat(self, layer: int) -> None:
        """Take a whole layer over."""
        self.enter(layer)
        self._keep_sources(layer, None, None)
        for name in self._names:
            self.kept[layer][name] = self._taken(layer, name).clone()
        self.leave(layer, self.rows)

    def queries(self, layer: int) -> int:
        """All positions are needed everywhere."""
        return self.rows.shape[1]

    def enter(self, layer: int) -> None:
        """Forget what a piece of this layer that was run before has left."""
        self.keys.forget(layer)
        self.values.forget(layer)
        self.kept[layer:] = [{}]

    def heads(self, layer: int, some: slice, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return what the heads put out, and keep keys, values and what else is requested."""
        attn = self._model.blocks[layer].attn
        found: dict[str, Tensor] = {"q": q, "k": k, "v": v}

        @only_reading
        def keep(pattern: Tensor, hook: HookPoint) -> None:
            found["pattern"] = pattern

        watching = "pattern" in self._names
        hooks = self._model.hooks([(attn.hook_pattern.name, keep)]) if watching else None
        turned = attn.turned_queries(q, self.span)
        self._keep_sources(layer, attn.turned_keys(k, self.span), v)
        with hooks or nullcontext():
            z = attn.hook_z(attn.attend(turned, *self._sources(layer), self.span))
        for name, activation in (found | {"z": z}).items():
            self.record(layer, name, activation)
        return z

    def _sources(self, layer: int) -> tuple[list[Tensor], list[Tensor]]:
        """Return keys and values: in pieces for a few queries, which joining them would outlast."""
        if self._length - self.start <= FEW:
            return list(self.keys.pieces(layer)), list(self.values.pieces(layer))
        return [self.keys[layer]], [self.values[layer]]

    def _keep_sources(self, layer: int, k: Tensor | None, v: Tensor | None) -> None:
        """Keep a layer's keys and values, those of the leader's positions in front."""
        leader, start = self._leader, self.start
        self.keys.add(k, leader.keys.first(layer, start) if leader else ())
        self.values.add(v, leader.values.first(layer, start) if leader else ())

    def arrive(self, layer: int, attended: Tensor) -> None:
        """Take the stream behind a layer's attention."""
        self.middle = attended

    def leave(self, layer: int, rows: Tensor) -> None:
        """Take the stream behind a layer's MLP: the layer is known."""
        before = self._leader.residuals.first(layer + 1, self.start) if self._leader else ()
        self.residuals.add(rows[0] if self.start < self._length else None, before)
        self.rows = self.middle = self.before = rows
        if layer == self._model.cfg.n_layers - 1:
            self._leader = None  # and those that led it: each was held by the next

    def record(self, layer: int, name: str, activation: Tensor) -> None:
        """Keep an activation of all positions, if it was requested."""
        if name not in self._names:
            return
        whole = activation[0].clone()
        if self._leader is not None:
            whole = torch.cat([self._taken(layer, name), whole], dim=int(name == "pattern"))
        self.kept[layer][name] = whole

    def _taken(self, layer: int, name: str) -> Tensor:
        """Return what of a leader's activation belongs to this run too."""
        assert self._leader is not None
        activation = self._leader.kept[layer][name]
        if name != "pattern":
            return activation[: self.start]
        return F.pad(activation[:, : self.start, : self.start], (0, self._length - self.start))


def _embed(run: Run, leader: Run | None, start: int) -> None:
    """Know the stream before the first layer."""
    own: Tensor | None = None
    if start < len(run.tokens):
        span = run.model.span(len(run.tokens) - start, start) if start else run.span
        own = run.model.to_embedding(run.tokens[None, start:], span)[0]
    run.residuals.add(own, leader.residuals.first(0, start) if leader and start else ())


def equal_tokens(run: Run, leader: Run) -> int:
    """Return how many tokens at the start of two runs are equal, so that these give the same.

    Runs of models that are not one, such as under different interventions, share nothing.
    """
    return shared(run.ids, leader.ids) if run.model is leader.model else 0


def shared(some: Sequence[int], others: Sequence[int]) -> int:
    """Return how many token ids at the start are equal."""
    pairs = enumerate(zip(some, others, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(some), len(others)))
