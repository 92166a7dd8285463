"""Where in many prompts, or in a long text, each neuron of a layer is on most, and how often.

All neurons of the layer are read at once: that takes hardly longer than one of them, since the
layers before take most of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from lensgui.analysis.neurons.activations import (
    UsedNeurons,
    mlp_inputs,
    rows_in_a_step,
    used_neurons,
)
from lensgui.analysis.neurons.numbering import neuron_count
from lensgui.analysis.run.run import Run
from lensgui.analysis.run.together import run_together
from lensgui.transformer.model import HookedTransformer

AT_ONCE = 256  # tokens of short prompts that go through the layers together
LOWEST_POWER, HIGHEST_POWER = -6, 8
HISTOGRAM_EDGES = tuple(
    sign * 2.0 ** (half / 2)
    for sign in (-1, 1)
    for half in range(2 * LOWEST_POWER, 2 * HIGHEST_POWER + 1)[::sign]
)
"""Where a bin of activations ends and the next begins: ±2^−6, ±2^−5.5 … ±2^8, rising."""


class StrongestPlaces:
    """The strongest activations of each neuron so far, of either sign, and how often which occur.

    The two ends are apart, since a gated neuron, act(gate) · linear, means one thing where it is
    positive and another where it is negative. Of equals the earliest places are kept.

    Attributes:
        highest: The largest activations above 0, largest first, [neuron, place]; −inf where there
            are fewer.
        highest_at: Where they are, by the number of the token among all that were read; −1 where
            there are fewer.
        lowest: The smallest activations below 0, smallest first, likewise; inf where there are
            fewer.
        lowest_at: Where they are.
        histogram: How many activations lie in each bin of `HISTOGRAM_EDGES`, [neuron, bin]; the
            first and the last bin have no end.
        read: How many tokens were read, those that count for nothing too.
    """

    def __init__(self, count: int, top: int, device: torch.device | str = "cpu") -> None:
        """Start with nothing read.

        Args:
            count: How many neurons there are.
            top: How many places are kept of either end.
            device: Where activations come from.
        """
        self.highest = torch.full((count, top), -torch.inf, device=device)
        self.lowest = torch.full((count, top), torch.inf, device=device)
        self.highest_at = torch.full((count, top), -1, dtype=torch.long, device=device)
        self.lowest_at = self.highest_at.clone()
        bins = len(HISTOGRAM_EDGES) + 1
        self.histogram = torch.zeros(count, bins, dtype=torch.long, device=device)
        self.read = 0
        self._edges = torch.tensor(HISTOGRAM_EDGES, device=device)

    def take(self, start: int, activations: Tensor, places: Tensor) -> None:
        """Take activations of neighbouring neurons.

        Args:
            start: The number of the first of these neurons.
            activations: [place, neuron].
            places: The numbers of the tokens, rising and after all before, [place].
        """
        if not len(places):
            return
        values = activations.T.to(self.highest.dtype).contiguous()
        self._count(start, values)
        self._merge(self.highest, self.highest_at, start, values, places, sign=1)
        self._merge(self.lowest, self.lowest_at, start, values, places, sign=-1)

    def _count(self, start: int, values: Tensor) -> None:
        bins = self.histogram.shape[1]
        at = torch.bucketize(values, self._edges, right=True)
        at += bins * torch.arange(len(values), device=values.device)[:, None]
        counts = torch.bincount(at.flatten(), minlength=bins * len(values))
        self.histogram[start : start + len(values)] += counts.view(-1, bins)

    @staticmethod
    def _merge(
        kept: Tensor, kept_at: Tensor, start: int, values: Tensor, places: Tensor, *, sign: int
    ) -> None:
        """Keep what is stronger than what is kept; most neurons have nothing of that sort."""
        signed, known = values * sign, kept[start : start + len(values)] * sign
        strongest = signed.amax(1)
        some = ((strongest > known[:, -1]) & (strongest > 0)).nonzero()[:, 0]
        if not len(some):
            return
        top = kept.shape[1]
        new = signed[some]
        joined = torch.cat([known[some], new.where(new > 0, -torch.inf)], 1)
        at = torch.cat([kept_at[start + some], places.expand(len(some), -1)], 1)
        ordered, order = joined.sort(dim=1, descending=True, stable=True)
        at = at.gather(1, order[:, :top])
        ordered = ordered[:, :top]
        kept[start + some] = ordered * sign
        kept_at[start + some] = at.where(ordered > 0, -1)


@torch.no_grad()
def strongest_places(
    model: HookedTransformer,
    layer: int,
    contexts: Iterable[Sequence[int]],
    top: int = 10,
    skipped: int = 1,
) -> Iterator[StrongestPlaces | None]:
    """Find where each neuron of a layer is on most, and how often how far.

    Memory does not grow with the text: a context is run at a time, or a few short ones together, as
    far as the layer.

    Args:
        model: The model.
        layer: The layer.
        contexts: Prompts, or pieces of a text, as token ids; each is run by itself.
        top: How many places are kept of either end.
        skipped: How many first positions of each context count for nothing: the first is an
            attention sink in most models, where neurons do what they do nowhere else.

    Yields:
        None between pieces, and after each context what is known, which goes on growing: copy what
        is to stay. Places are counted over the tokens of all contexts, those skipped too.

    Raises:
        ValueError: If there is no such layer, or the model has no MLPs.
    """
    device = model.embed.W_E.device
    found = StrongestPlaces(neuron_count(model, layer), top, device)
    some = rows_in_a_step(model, layer)
    for together in _together(contexts):
        runs = [Run(model, torch.tensor(list(context))) for context in together]
        run_together(runs)
        for run in runs:
            yield from run.steps(layer)
            read = mlp_inputs(run, layer)
            yield None
            for first in range(skipped, len(read), some):
                for used in used_neurons(model, layer, read[first : first + some]):
                    _take(found, used, found.read + first)
                yield None
            found.read += len(read)
            yield found


def _together(contexts: Iterable[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    """Yield contexts that follow each other, those of one length as long as they are few tokens."""
    waiting: list[Sequence[int]] = []
    for context in contexts:
        is_alike = bool(waiting) and len(waiting[0]) == len(context)
        if waiting and not (is_alike and (len(waiting) + 1) * len(context) <= AT_ONCE):
            yield waiting
            waiting = []
        waiting.append(context)
    if waiting:
        yield waiting


def _take(found: StrongestPlaces, used: UsedNeurons, begun: int) -> None:
    rows = used.rows
    if rows is None:
        rows = torch.arange(len(used.activations), device=used.activations.device)
    found.take(used.group.start, used.activations, rows + begun)
