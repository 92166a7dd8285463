"""How often each head copies: for how many tokens it raises, or lowers, that very token most.

The copy score of Wang et al. 2022, over tokens drawn at random rather than names. Where
`copying_scores` says what a head's circuit does on the whole, this says what it does to a token.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from lensgui.analysis.checks import check_unhooked
from lensgui.analysis.heads.copying import final_directions, read_alone, writing_weights
from lensgui.analysis.heads.repeated import ordinary_tokens
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer

TOKENS = 100
FIRST = 512  # columns of the vocabulary that most tokens are compared with, and no more
GROWTH = 8  # how many times as many they are compared with next
AT_ONCE = 1 << 21  # logits


def drawn_tokens(model: HookedTransformer, count: int = TOKENS, seed: int = 0) -> Tensor:
    """Draw different tokens of the vocabulary, control tokens left out.

    Args:
        model: The model.
        count: How many; fewer where the model knows fewer.
        seed: Of the draw.

    Returns:
        Token ids, [token].
    """
    ids = ordinary_tokens(model)
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(seed))
    return ids[order[:count]].to(model.embed.W_E.device)


@torch.no_grad()
def copied_shares(
    model: HookedTransformer, tokens: Tensor | None = None, k: int = 5
) -> Iterator[Tensor | None]:
    """Count the tokens that each head, attending to one alone, raises or lowers most of all.

    A head reads a token alone in a prompt after the first block (of layer 0: its embedding), as in
    `copying_scores`, and moves it to the logits, with the weights of all norms and without biases.
    Wang et al. 2022 call the first share the copy score of name movers (k = 5), and take it of −OV
    for negative name movers, which is the second.

    Args:
        model: The model.
        tokens: Token ids, [token]; None for `drawn_tokens`.
        k: How many places at either end count.

    Yields:
        None between pieces, and at last [2, layer, head], in float64: the share of tokens that are
        among their own k largest logits, and among their own k smallest; NaN where values are
        made in two steps (multi-head latent attention).

    Raises:
        ValueError: If hooks are attached.
    """
    check_unhooked(model)
    cfg = model.cfg
    chosen = drawn_tokens(model) if tokens is None else tokens.to(model.embed.W_E.device)
    embedded, later = read_alone(model, chosen)
    W_U = model.unembed.W_U[:, : cfg.d_vocab]
    order = torch.randperm(W_U.shape[1], generator=torch.Generator().manual_seed(0)).to(W_U.device)
    directions = precise(final_directions(model.ln_final, W_U[:, order]))
    places = order.argsort()[chosen]  # of each token in that order
    found = torch.full((2, cfg.n_layers, cfg.n_heads), torch.nan, dtype=torch.float64)
    yield None
    for layer, block in enumerate(model.blocks):
        if hasattr(block.attn, "W_V"):
            stream = embedded if layer == 0 else later
            written = _written(model, layer, stream)
            found[:, layer] = yield from _shares(written, directions, places, k)
        yield None
    yield found


def _written(model: HookedTransformer, layer: int, stream: Tensor) -> Tensor:
    """Return what each head writes that attends to one token alone, [head, token, d_model].

    Args:
        model: The model.
        layer: The heads' layer.
        stream: What enters the layer, [token, d_model].
    """
    block, size = model.blocks[layer], model.cfg.heads_per_group
    norm = block.ln1
    read = norm.weighted(norm.unweighted(stream)) if isinstance(norm, Norm) else stream
    values = precise(read) @ precise(block.attn.W_V)  # [key/value head, token, d_value]
    return values.repeat_interleave(size, 0) @ precise(writing_weights(model, layer))


def _shares(
    written: Tensor, directions: Tensor, places: Tensor, k: int
) -> Generator[None, None, Tensor]:
    """Return for how many of its tokens each head has the token at either end, [2, head].

    Tokens that are neither among the largest nor among the smallest of some columns are compared
    with no others.

    Args:
        written: What heads write for tokens, [head, token, d_model].
        directions: [d_model, column].
        places: The column of each token.
        k: How many places at either end count.
    """
    heads, count, _ = written.shape
    rows, own = written.flatten(0, 1), places.repeat(heads)
    column = directions.T.index_select(0, places)  # [token, d_model]
    logits = (written * column).sum(-1).flatten()
    above = torch.zeros(2, len(rows), dtype=torch.long, device=rows.device)
    left = torch.arange(len(rows), device=rows.device)
    start, size, total = 0, FIRST, directions.shape[1]
    while start < total and len(left):
        stop = min(total, start + size)
        seen = rows[left] @ directions[:, start:stop]
        mine = logits[left, None]
        here = own[left, None] == torch.arange(start, stop, device=rows.device)
        above[0, left] += ((seen > mine) & ~here).sum(-1)
        above[1, left] += ((seen < mine) & ~here).sum(-1)
        left = left[(above[:, left] < k).any(0)]
        start, size = stop, max(FIRST, min(size * GROWTH, AT_ONCE // max(1, len(left))))
        yield None
    shares: Tensor = (above < k).unflatten(1, (heads, count)).double().mean(-1).cpu()
    return shares
