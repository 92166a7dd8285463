"""What neurons read and write, in the vocabulary.

Both are of weights alone: what a neuron's output does to the logits directly (its value, Geva et
al. 2022), and which tokens' embeddings its input directions match best (its keys, Geva et al.
2021).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.neurons.numbering import check_neurons, neuron_groups
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer

NUMBERS_AT_ONCE = 1 << 21  # of weights that are read in a step of less than about 50 ms


@dataclass(frozen=True, slots=True, eq=False)
class NeuronDirections:
    """Directions of the stream that belong to neurons.

    Attributes:
        writes: What each adds to the stream as it puts out 1: its row of W_out, with the weights of
            a norm behind the MLP at a scale of 1, and the multiplier, [neuron, d_model].
        reads: Its column of W_in, which is multiplied with the normalised stream, likewise.
        gates: Its column of W_gate, likewise; None of an MLP without a gate.
    """

    writes: Tensor
    reads: Tensor
    gates: Tensor | None


@torch.no_grad()
def neuron_directions(
    model: HookedTransformer, layer: int, neurons: Sequence[int]
) -> NeuronDirections:
    """Return the directions that some neurons of a layer read and write.

    Args:
        model: The model.
        layer: The layer.
        neurons: Their numbers in the layer, as `neuron_groups` counts them.

    Raises:
        ValueError: If there is no such layer or neuron, or the model has no MLPs.
    """
    check_neurons(model, layer, neurons)
    groups, block = neuron_groups(model, layer), model.blocks[layer]
    written, read, gated = list[Tensor](), list[Tensor](), list[Tensor]()
    for neuron in neurons:
        group = next(of for of in groups if neuron < of.end)
        at = neuron - group.start
        written.append(group.W_out[at])
        read.append(group.W_in[:, at])
        if group.W_gate is not None:
            gated.append(group.W_gate[:, at])
    empty = model.embed.W_E.new_zeros(0, model.cfg.d_model)
    writes = torch.stack(written) if written else empty
    if model.cfg.has_post_norms:
        writes = block.post_norm("ln2_post").at_scale(writes, torch.ones_like(writes[:, :1]))
    return NeuronDirections(
        writes * model.cfg.residual_multiplier,
        torch.stack(read) if read else empty,
        torch.stack(gated) if gated else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class TokenEnds:
    """The tokens at both ends of some directions, in host memory.

    Attributes:
        most: Ids of the tokens with the largest numbers, largest first, [direction, token].
        highest: Their numbers, likewise.
        least: Ids of those with the smallest numbers, smallest first, likewise.
        lowest: Their numbers, likewise.
    """

    most: Tensor
    highest: Tensor
    least: Tensor
    lowest: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class NeuronTokens:
    """What neurons read and write, as tokens.

    Attributes:
        writes: The logits that each raises and lowers most as it puts out 1, at a final scale of 1,
            centred over the vocabulary; biases and soft cap are left aside.
        reads: The tokens whose embeddings match W_in best and worst: products with the embedding as
            this layer's MLP would read it if it were all of the stream (with its multiplier and
            norm, through the norm before the MLP, weights and all), centred over the vocabulary.
        gates: The same of W_gate; None of an MLP without a gate.
    """

    writes: TokenEnds
    reads: TokenEnds
    gates: TokenEnds | None


class _Ends:
    """The largest and smallest of numbers that come a piece of the vocabulary at a time."""

    def __init__(self, top: int) -> None:
        self._top, self._begun = top, 0
        self._high: tuple[Tensor, Tensor] | None = None
        self._low: tuple[Tensor, Tensor] | None = None
        self._sum: Tensor | float = 0.0

    def take(self, numbers: Tensor) -> None:
        """Take the numbers of the next tokens, [direction, token]."""
        self._sum = self._sum + numbers.sum(1, keepdim=True)
        self._high = self._joined(self._high, numbers, largest=True)
        self._low = self._joined(self._low, numbers, largest=False)
        self._begun += numbers.shape[1]

    def _joined(
        self, kept: tuple[Tensor, Tensor] | None, numbers: Tensor, *, largest: bool
    ) -> tuple[Tensor, Tensor]:
        values, at = numbers.topk(min(self._top, numbers.shape[1]), largest=largest)
        tokens = at + self._begun
        if kept is not None:
            values, tokens = torch.cat([kept[0], values], 1), torch.cat([kept[1], tokens], 1)
        values, order = values.topk(min(self._top, values.shape[1]), largest=largest)
        return values, tokens.gather(1, order)

    def found(self) -> TokenEnds:
        """Return both ends, centred over all tokens that came."""
        assert self._high is not None
        assert self._low is not None
        mean = self._sum / self._begun
        return TokenEnds(
            self._high[1].cpu(), (self._high[0] - mean).cpu(),
            self._low[1].cpu(), (self._low[0] - mean).cpu(),
        )  # fmt: skip


@torch.no_grad()
def neuron_tokens(
    model: HookedTransformer, layer: int, neurons: Sequence[int], top: int = 10
) -> Iterator[NeuronTokens | None]:
    """Read what neurons write and read off in the vocabulary.

    Args:
        model: The model.
        layer: The layer.
        neurons: Their numbers in the layer.
        top: How many tokens of each end are named.

    Yields:
        None between pieces, and at last the tokens.

    Raises:
        ValueError: As `neuron_directions`.
    """
    directions = neuron_directions(model, layer, neurons)
    block, unembed, embed = model.blocks[layer], model.unembed, model.embed
    some = max(64, NUMBERS_AT_ONCE // model.cfg.d_model)
    along = model.ln_final.at_scale(directions.writes, torch.ones_like(directions.writes[:, :1]))
    writes, reads, gates = _Ends(top), _Ends(top), _Ends(top)
    for columns in unembed.W_U.split(some, 1):
        writes.take(exact(along @ columns) * unembed.scale)
        yield None
    for ids in torch.arange(len(embed.W_E), device=embed.W_E.device).split(some):
        read = block.ln2(embed(ids[None])[0])
        reads.take(exact(directions.reads @ read.T))
        if directions.gates is not None:
            gates.take(exact(directions.gates @ read.T))
        yield None
    has_gates = directions.gates is not None
    yield NeuronTokens(writes.found(), reads.found(), gates.found() if has_gates else None)
