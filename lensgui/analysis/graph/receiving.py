"""What a set of heads reads while a sweep is under way: replaced for each cell, a layer at a time.

Cells enter, unchanged, where their first receiver reads. There, and in every later layer that has
receivers, these get other queries, keys or values than the rows at hand would give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from lensgui.analysis.checks import acting_on_stream
from lensgui.analysis.run.recording import Recording
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.patches import Patch, consecutive
from lensgui.terms.circuits.nodes import Node, inputs_of, read_at, senders, written_at
from lensgui.terms.kinds import HeadInput, SweepKind
from lensgui.transformer.layers.parameters import exact, exact_dtype
from lensgui.transformer.layers.span import Span

_WRITTEN = frozenset({"z", "mlp_out"})
_KIND = SweepKind("q", "all")  # whose cells need as much room
INPUTS: tuple[HeadInput, ...] = ("q", "k", "v", "pattern")


class ReceivingPatch(Patch):
    """Cells that change nothing but what receivers read.

    Attributes:
        receivers: Those of each layer that has any.
        first: The first of these layers.
        last: The last of them.
    """

    def __init__(self, receivers: Sequence[Node], clean: Run, corrupted: Run) -> None:
        """Patch into the corrupted run; both runs must be complete."""
        recordings = [Recording(run, _WRITTEN) for run in (clean, corrupted)]
        super().__init__(_KIND, corrupted, *recordings)
        self.receivers: dict[int, list[Node]] = {}
        for node in receivers:
            if node.layer is not None:
                self.receivers.setdefault(node.layer, []).append(node)
        self.receiving = frozenset(self.receivers)
        self.first, self.last = min(self.receiving), max(self.receiving)
        self.stage = "pre"

    def rows(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        """Return the corrupted run's stream, once for each cell."""
        stream = self.run.residuals[layer][span.past : span.past + span.length]
        return stream.repeat(len(indices), 1, 1)

    def projected(self, layer: int, stream: Tensor, span: Span) -> dict[str, Tensor]:
        """Return the queries, keys and values of streams [cell, position, d_model] of a span."""
        with self.model.standing.at(span.where):
            found = self.model.blocks[layer].projected(stream, span)
        return dict(zip("qkv", found, strict=True))


class TotalPatch(ReceivingPatch):
    """Receivers read all that they read in the clean run: a cell for each of `INPUTS`."""

    def __init__(self, heads: Sequence[tuple[int, int]], clean: Run, corrupted: Run) -> None:
        """Patch into the corrupted run; both runs must be complete."""
        cfg = corrupted.model.cfg
        self._of = [frozenset(inputs_of(cfg, heads, name)) for name in INPUTS]
        super().__init__(sorted(frozenset[Node]().union(*self._of), key=str), clean, corrupted)
        self._clean = clean
        self.shape = (len(INPUTS),)

    def receive(
        self,
        layer: int,
        cells: Mapping[int, tuple[int, ...]],
        stream: Tensor,
        span: Span,
        projected: Mapping[str, Tensor],
    ) -> None:
        """Give each cell's receivers what they read in the clean run."""
        found = self.projected(layer, self._clean.residuals[layer][None], self._clean.span)
        for node in self.receivers[layer]:
            into, head = projected[node.kind], node.head
            until = span.past + span.length
            value = found[node.kind][0, until - into.shape[1] : until, head]
            for row, (number,) in cells.items():
                if node in self._of[number]:
                    into[row, :, head] = value


class FedPatch(ReceivingPatch):
    """Receivers read the corrupted stream with one sender's change added, a cell for each sender.

    A cell's index is its sender's place among those that come before any receiver. Interventions on
    the stream act on the change as it passes them.

    Attributes:
        senders: These, in order.

    Raises:
        ValueError: If receivers are to hear each other past an intervention on the stream that
            does more than add: what it makes of a change depends on all that they changed.
    """

    def __init__(
        self, receivers: Sequence[Node], clean: Run, corrupted: Run, hear_each_other: bool
    ) -> None:
        """Patch into the corrupted run; both runs must be complete."""
        super().__init__(receivers, clean, corrupted)
        self._hears, cfg = hear_each_other, self.model.cfg
        self._acted = acting_on_stream(corrupted)
        between = self._acted.intersection(range(self.first, self.last))
        if hear_each_other and between:
            raise ValueError(
                f"An intervention changes the stream in layer {min(between)} by more than it adds, "
                "and receivers on both sides of it are to hear each other: switch either off."
            )
        ends = {layer: read_at(nodes[0], cfg) for layer, nodes in self.receivers.items()}
        written = [(node, written_at(node)) for node in senders(cfg)]
        self.senders = [node for node, at in written if at < max(ends.values())]
        self.enters = [
            min(layer for layer, end in ends.items() if written_at(node) < end)
            for node in self.senders
        ]
        self.shape = (len(self.senders),)
        device = self.run.residuals[0].device
        self._squares = torch.zeros(self.shape, dtype=exact_dtype(device), device=device)

    def prepare(self) -> Iterator[None]:
        """Work out how far each sender moves what receivers make, yielding after each layer."""
        self._weigh([0])
        for layer in range(self.last):
            self._weigh([at for at, node in enumerate(self.senders) if node.layer == layer])
            yield

    def importance(self) -> Tensor:
        """Return that, once prepared, [layer, sender]: where a sender enters, elsewhere NaN."""
        rows = torch.full((self.model.cfg.n_layers, *self.shape), torch.nan, dtype=torch.float64)
        rows[self.enters, torch.arange(len(self.senders))] = self._squares.sqrt().cpu().double()
        return rows

    def receive(
        self,
        layer: int,
        cells: Mapping[int, tuple[int, ...]],
        stream: Tensor,
        span: Span,
        projected: Mapping[str, Tensor],
    ) -> None:
        """Give each cell's receivers what they make of its sender.

        Where they hear each other, its change is added to the cell's own stream, which earlier
        receivers have changed; otherwise to the corrupted run's.
        """
        rows, numbers = list(cells), [number for (number,) in cells.values()]
        here = slice(span.past, span.past + span.length)
        before = stream if self._hears else self.run.residuals[layer][here]
        made = self.projected(layer, before + self._changes(numbers, layer)[:, here], span)
        for node in self.receivers[layer]:
            into = projected[node.kind]
            into[consecutive(rows), :, node.head] = made[node.kind][:, -into.shape[1] :, node.head]

    def _weigh(self, numbers: list[int]) -> None:
        """Add up how far some senders of one layer move what later receivers make."""
        if not numbers:
            return
        sent = written_at(self.senders[numbers[0]])
        for layer, nodes in self.receivers.items():
            if sent < read_at(nodes[0], self.model.cfg):
                stream = self.run.residuals[layer][None]
                changes = self._changes(numbers, layer)
                was = self.projected(layer, stream, self.run.span)
                made = self.projected(layer, stream + changes, self.run.span)
                for node in nodes:
                    moved = exact((made[node.kind] - was[node.kind])[:, :, node.head])
                    self._squares[consecutive(numbers)] += moved.square().flatten(1).sum(1)

    def _changes(self, numbers: list[int], layer: int) -> Tensor:
        """Return clean − corrupted of what some senders write, [sender, position, d_model].

        As it is before a layer that reads it.
        """
        found = self.run.residuals[0].new_empty(len(numbers), *self.run.residuals[0].shape)
        by_layer: dict[int | None, list[int]] = {}
        for at, number in enumerate(numbers):
            by_layer.setdefault(self.senders[number].layer, []).append(at)
        with self.model.standing.at(self.run.span.where):
            for written, places in by_layer.items():
                if written is None:
                    change = (self.source.residual(0) - self.base.residual(0))[None]
                else:
                    change = self._of_layer(written, [self.senders[numbers[at]] for at in places])
                found[consecutive(places)] = self._carried(change, written, layer)
        return found

    def _carried(self, change: Tensor, written: int | None, layer: int) -> Tensor:
        """Return changes [sender, position, d_model] as interventions leave them until a layer.

        Args:
            change: What senders change of the stream.
            written: The layer that wrote it, behind whose attention it stands; None for the
                embedding, before layer 0.
            layer: The layer that reads it.
        """
        for passed in sorted(self._acted.intersection(range(written or 0, layer))):
            block, z = self.model.blocks[passed], self.base("z", passed)[None]
            stream = self.base.residual(passed)[None]
            streams = torch.cat([stream, stream + change])
            if passed == written:
                middle = block.with_heads(stream, z)
                streams = torch.cat([middle, middle + change])
            else:
                streams = block.with_heads(streams, z)
            if not self.model.cfg.attn_only:
                streams = streams + self.base("mlp_out", passed)
            behind = block.hook_resid_post(streams)
            change = behind[1:] - behind[:1]
        return change

    def _of_layer(self, layer: int, nodes: list[Node]) -> Tensor:
        """Return the same of senders of one layer, whose heads are written at once."""
        heads = [at for at, node in enumerate(nodes) if node.kind == "head"]
        z, clean = (recording("z", layer) for recording in (self.base, self.source))
        each = z.repeat(len(heads) + 1, 1, 1, 1)  # the last row stays as it was
        for row, at in enumerate(heads):
            each[row, :, nodes[at].head] = clean[:, nodes[at].head]
        stream = self.base.residual(layer)[None]
        added = self.model.blocks[layer].with_heads(stream, each)
        found = stream.new_empty(len(nodes), *stream.shape[1:])
        found[heads] = added[:-1] - added[-1:]
        mlps = [at for at, node in enumerate(nodes) if node.kind == "mlp"]
        if mlps:
            found[mlps] = self.source("mlp_out", layer) - self.base("mlp_out", layer)
        return found
