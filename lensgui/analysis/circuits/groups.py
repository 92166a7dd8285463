"""Prompts of one length that run together, in which something is cut: what each run comes to."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.circuits.rows import Prefix, Rows, first_difference
from lensgui.analysis.circuits.stand_ins import (
    Ablation,
    Plain,
    StandIns,
    plain_steps,
    shared_prefix,
)
from lensgui.analysis.graph.measured_pair import Measure, measure
from lensgui.analysis.run.predictions import metric_logits, read_out
from lensgui.analysis.steps import finished, last
from lensgui.terms.circuits.graph import Graph, Mask
from lensgui.terms.metric import Declared, Metric, is_declared, read_positions
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer

_AT_ONCE = 16  # prompts that run together
_ROWS = 512  # of all circuits that run together
_ROOM = 3e8  # bytes, of what their senders write


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """What is cut in a run: a circuit of edges, or whole parts.

    Attributes:
        kept: Which edges are kept, [sender, receiver]; None where whole parts are taken out, and
            all else is as in a plain run.
        out: Which senders are taken out whole, [sender]; None for none.
    """

    kept: Mask | None = None
    out: Mask | None = None

    @property
    def key(self) -> bytes:
        """What is equal for equal cuts, and for no others that anyone will meet."""
        digest = blake2b(digest_size=16)
        for mask in (self.kept, self.out):
            digest.update(b"none" if mask is None else np.packbits(mask).tobytes())
        return digest.digest()


class Group:
    """Prompts of one length that run together.

    Attributes:
        tokens: Token ids, [batch, position].
        places: Which numbers of all are theirs.
        whole: The metric of the plain runs, [pair].
        of_reference: The metric of what the reference puts out, [pair].
        rows: How they run with something cut.
        plain: What their parts write in the plain run, from the first position on that differs from
            the reference.
    """

    def __init__(
        self,
        model: HookedTransformer,
        tokens: Tensor,
        metrics: list[Metric] | Measure,
        ablation: Ablation,
        places: list[int],
        mean: SharedMean,
    ) -> None:
        self._model, self.tokens, self._ablation, self._mean = model, tokens, ablation, mean
        self._metrics, self.places, self.count = metrics, places, len(places)
        self._graph = Graph.whole(model.cfg)
        self.is_ready = False
        self.whole = self.of_reference = torch.empty(0)
        self.rows: Rows  # from here on once it is ready
        self.plain: Plain
        self._before: Tensor

    @property
    def is_declared(self) -> bool:
        """Whether every metric is one of `metrics`."""
        listed = self._metrics if isinstance(self._metrics, list) else [self._metrics]
        return all(isinstance(metric, Declared) for metric in listed)

    def swapped(self) -> Group:
        """Return the same with references and prompts the other way round."""
        prompts = self._ablation.prompts
        if self._ablation.method != "resample" or prompts is None:
            raise ValueError(
                "Only a circuit whose reference is another prompt can be turned round: with a mean "
                "or zero there is no run to restore anything in."
            )
        tokens = torch.atleast_2d(prompts).cpu().expand_as(self.tokens)
        ablation = Ablation("resample", self.tokens, "clean prompts")
        metrics = list(self._metrics) if isinstance(self._metrics, list) else self._metrics
        return Group(self._model, tokens, metrics, ablation, self.places, SharedMean(tokens))

    def prepare(self) -> Iterator[None]:
        """Run the prompts plainly, and their references; yield between."""
        if self.is_ready:
            return
        model, ablation = self._model, self._ablation
        tokens, count = self.tokens, len(self.tokens)
        if ablation.method == "resample" and ablation.prompts is not None:
            tokens = torch.cat([tokens, torch.atleast_2d(ablation.prompts).cpu()])
        found = yield from last(plain_steps(model, tokens))
        if ablation.method == "resample":
            prefix = shared_prefix(self.tokens, ablation)
            stand_ins = StandIns(model, prefix, found.part(slice(count, None)))
        elif ablation.method == "mean":
            stand_ins = yield from self._mean.of(model, ablation)
        else:
            stand_ins = StandIns.nothing(model, tokens.shape[1])
        prefix = stand_ins.prefix
        plain = found.part(slice(0, count))
        before = plain.part(positions=slice(0, prefix))
        self.plain, self._before = plain.part(positions=slice(prefix, None)), before.final
        self.rows = Rows(model, self.plain.embedding, stand_ins, Prefix(before.keys, before.values))
        self._compare(plain.final)
        self.whole = self.read(self.plain.final[None])[0]
        final = stand_ins.final.to(plain.final.dtype)
        self.of_reference = self.read(final.expand_as(self.plain.final)[None])[0]
        self.is_ready = True
        yield

    def _compare(self, final: Tensor) -> None:
        """Have metrics that compare do so with the plain run."""
        if not isinstance(self._metrics, list):
            return
        for at, metric in enumerate(self._metrics):
            if metric.compares:
                position = read_positions(metric, final.shape[1]).stop - 1
                logits = read_out(self._model, final[at, position : position + 1])
                self._metrics[at] = metric.against(exact(logits)[0])

    @torch.no_grad()
    def final(self, cut: Cut) -> Tensor:
        """Return the stream after the last layer, [batch, position, d_model]."""
        out = None if cut.out is None else self._here(torch.tensor(cut.out)[None])
        if cut.kept is not None:
            kept = self._here(torch.tensor(cut.kept)[None])
            found, _ = finished(self.rows.cut_edges(kept, out))
        else:
            assert out is not None
            found = finished(self.rows.cut_nodes(out))[-1]
        return self.full(found)[0].to(self.rows.embedding.dtype)

    def full(self, final: Tensor) -> Tensor:
        """Return final streams [circuit, batch, position, d_model] at all positions."""
        before = self._before.expand(len(final), -1, -1, -1)
        return torch.cat([before.to(final.dtype), final], dim=2)

    def check_smooth(self) -> None:
        """Refuse a metric without a gradient.

        Raises:
            ValueError: If there is one.
        """
        for metric in self._metrics if isinstance(self._metrics, list) else [self._metrics]:
            if not getattr(metric, "is_smooth", True):
                name = type(metric).__name__
                raise ValueError(f"{name} has no gradient, so edges have no score.")

    def loss(self, final: Tensor) -> Tensor:
        """Return the metric of streams after the last layer, all added up, with a gradient.

        Args:
            final: [run · batch, position, d_model], from the first position on that differs.
        """
        by_run = final.unflatten(0, (-1, len(self.tokens)))
        if isinstance(self._metrics, list):
            return torch.stack([self._read(by_run, at).sum() for at in range(self.count)]).sum()
        each = [measure(self._model, one, self._metrics) for one in self.full(by_run)]
        return torch.stack(each).sum()

    @torch.no_grad()
    def read(self, final: Tensor) -> Tensor:
        """Return the metric of streams after the last layer, [circuit, pair].

        Args:
            final: [circuit, batch, position, d_model], from the first position on that differs.
        """
        final = final.to(self.rows.embedding.dtype)
        if not isinstance(self._metrics, list):
            full = self.full(final)
            each = [float(measure(self._model, one, self._metrics)) for one in full]
            return torch.tensor(each, dtype=torch.float64)[:, None]
        return torch.stack([self._read(final, at) for at in range(self.count)], dim=1)

    def _read(self, final: Tensor, at: int) -> Tensor:
        """Return the metric of one prompt in each circuit, [circuit]."""
        assert isinstance(self._metrics, list)
        metric, prefix = self._metrics[at], self.rows.stand_ins.prefix
        read = read_positions(metric, self.tokens.shape[1])
        if read.start < prefix:
            rows = self.full(final)[:, at, read]
        else:
            rows = final[:, at, read.start - prefix : read.stop - prefix]
        with self._model.standing.at(range(read.start, read.stop)):
            logits = metric_logits(self._model, rows, metric)
        value: Tensor = metric.of_columns(exact(logits))
        return value.cpu().double()

    def measured(
        self, cuts: Sequence[Cut], near: Cut | None = None
    ) -> Iterator[tuple[list[int], Tensor] | None]:
        """Yield which cuts are done with their metric [cut, pair], some at a time; None between."""
        if cuts[0].kept is None:
            yield from self._of_nodes(cuts, near)
        else:
            yield from self._of_edges(cuts, near)

    def _of_edges(
        self, cuts: Sequence[Cut], near: Cut | None
    ) -> Iterator[tuple[list[int], Tensor] | None]:
        kept = torch.from_numpy(np.stack([_mask(cut.kept) for cut in cuts]))
        out = _outs(cuts)
        known, first = None, torch.zeros(len(cuts), dtype=torch.long)
        if near is not None and out is None:  # what is out besides may write before edges differ
            base = torch.tensor(_mask(near.kept))
            if np.array_equal(_mask(near.kept), self._graph.exists):
                known = self.rows.beyond(self.plain)
            else:
                _, beyond = yield from self.rows.cut_edges(self._here(base[None]))
                known = beyond[0]
            differing = [first_difference(self._graph, base, each) for each in kept]
            first = torch.tensor(differing)
        for some in self._together(first):
            start = int(first[some].min())
            taken = None if out is None else self._here(out[some])
            run = self.rows.cut_edges(self._here(kept[some]), taken, known, start)
            final, _ = yield from run
            yield some, self.read(final)

    def _of_nodes(
        self, cuts: Sequence[Cut], near: Cut | None
    ) -> Iterator[tuple[list[int], Tensor] | None]:
        out = torch.from_numpy(np.stack([_mask(cut.out) for cut in cuts]))
        known, first = None, torch.zeros(len(cuts), dtype=torch.long)
        if near is not None:
            base = torch.tensor(_mask(near.out))
            known = yield from self.rows.cut_nodes(self._here(base[None]))
            first = torch.tensor([self._first_out(base, each) for each in out])
        for some in self._together(first):
            start = int(first[some].min())
            run = self.rows.cut_nodes(self._here(out[some]), known if start else None, start)
            streams = yield from run
            yield some, self.read(streams[-1])

    def _first_out(self, one: Tensor, other: Tensor) -> int:
        """Return the first layer in which two runs have other parts taken out."""
        rows = (one != other).nonzero().flatten().tolist()
        layers = [self._graph.senders[row].layer for row in rows]
        if None in layers:
            return 0
        return min((layer for layer in layers if layer is not None), default=len(self.plain.z) - 1)

    def _here(self, mask: Tensor) -> Tensor:
        return mask.to(self.rows.embedding.device)

    def _together(self, first: Tensor) -> Iterator[list[int]]:
        """Yield which runs to make at once: those that begin in about the same layer."""
        width = self.rows.embedding.shape[-1] * 4
        room = int(_ROOM / (len(self._graph.senders) * self.rows.size * width))
        most = max(1, min(_ROWS // self.rows.size, room))
        order: list[int] = first.argsort(stable=True).tolist()
        for at in range(0, len(order), most):
            yield order[at : at + most]


class SharedMean:
    """The mean that stands in, which groups of one length share."""

    def __init__(self, tokens: Tensor) -> None:
        self._tokens = tokens
        self._made: StandIns | None = None

    def of(self, model: HookedTransformer, ablation: Ablation) -> Generator[None, None, StandIns]:
        """Return it; yield None while it is made."""
        if self._made is None:
            assert ablation.prompts is not None
            prefix = shared_prefix(self._tokens, ablation)
            prompts = torch.atleast_2d(ablation.prompts).cpu()
            self._made = yield from last(StandIns.mean_steps(model, prompts, prefix))
        return self._made


def _mask(mask: Mask | None) -> Mask:
    assert mask is not None
    return mask


def _outs(cuts: Sequence[Cut]) -> Tensor | None:
    """Return which senders are taken out whole beside edges, [cut, sender]; None for none."""
    if all(cut.out is None for cut in cuts):
        return None
    count = len(_mask(cuts[0].kept))
    nothing = np.zeros(count, dtype=bool)
    return torch.from_numpy(np.stack([nothing if c.out is None else c.out for c in cuts]))


def groups_of(
    model: HookedTransformer,
    tokens: Tensor,
    metric: Measure | Sequence[Metric],
    ablation: Ablation,
    places: Iterable[int] | None = None,
) -> list[Group]:
    """Return prompts of one length as groups that run together."""
    numbers = list(range(len(tokens))) if places is None else list(places)
    mean = SharedMean(tokens)
    if not isinstance(metric, Sequence) and not is_declared(metric):
        return [Group(model, tokens, metric, ablation, [0], mean)]
    metrics = list(metric) if isinstance(metric, Sequence) else [metric] * len(tokens)
    each = len(Graph.whole(model.cfg).senders) * tokens.shape[1] * model.cfg.d_model * 4
    together, found = max(1, min(_AT_ONCE, int(_ROOM / each))), []
    for at in range(0, len(tokens), together):
        some = slice(at, at + together)
        part = _some_of(ablation, some, len(tokens))
        found.append(Group(model, tokens[some], metrics[some], part, numbers[some], mean))
    return found


def _some_of(ablation: Ablation, some: slice, count: int) -> Ablation:
    """Return what stands in for some of the prompts."""
    if ablation.method != "resample" or ablation.prompts is None:
        return ablation
    prompts = torch.atleast_2d(ablation.prompts)
    if len(prompts) != count or count == 1:
        return ablation
    return Ablation("resample", prompts[some], ablation.reference)
