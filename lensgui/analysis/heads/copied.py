"""How often each head copies: for how many tokens it raises, or lowers, that very token most.

The copy score of Wang et al. 2022, over tokens drawn at random rather than names. Where
`copying_scores` says what a head's circuit does on the whole, this says what it does to a token.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from lensgui.analysis.checks import check_unhooked
from lensgui.analysis.heads.copying import read_alone, writing_weights
from lensgui.analysis.heads.repeated import ordinary_tokens
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer

TOKENS = 100
FIRST = 512  # random columns of the vocabulary that most tokens are compared with, and no more
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
    found = torch.full((2, cfg.n_layers, cfg.n_heads), torch.nan, dtype=torch.float64)
    yield None
    W_U = model.unembed.W_U[:, : cfg.d_vocab]
    for layer, block in enumerate(model.blocks):
        if hasattr(block.attn, "W_V"):
            stream = embedded if layer == 0 else later
            written = _written(model, layer, stream)
            yield None
            found[:, layer] = yield from _shares(written, W_U, chosen, k)
        yield None
    yield found


def _written(model: HookedTransformer, layer: int, stream: Tensor) -> Tensor:
    """Return what the unembedding reads of heads that attend to one token, [head, token, d_model].

    The final norm's weights are part of it; what it divides by, which orders nothing, is not.

    Args:
        model: The model.
        layer: The heads' layer.
        stream: What enters the layer, [token, d_model].
    """
    block, size = model.blocks[layer], model.cfg.heads_per_group
    norm = block.ln1
    read = norm.weighted(norm.unweighted(stream)) if isinstance(norm, Norm) else stream
    values = precise(read) @ precise(block.attn.W_V)  # [key/value head, token, d_value]
    written = values.repeat_interleave(size, 0) @ precise(writing_weights(model, layer))
    return model.ln_final.at_scale(written, written.new_ones(()))


def _shares(written: Tensor, W_U: Tensor, tokens: Tensor, k: int) -> Generator[None, None, Tensor]:
    """Return for how many of its tokens each head has the token at either end, [2, head].

    Most tokens are at neither end of a few random columns, and so are compared with no others:
    which ones are left is asked of an accelerator once a step.

    Args:
        written: What the unembedding reads of heads, [head, token, d_model].
        W_U: [d_model, d_vocab].
        tokens: The tokens, [token].
        k: How many places at either end count.
    """
    heads, count, _ = written.shape
    rows, own = written.flatten(0, 1), tokens.repeat(heads)
    mine = (written * precise(W_U.T.index_select(0, tokens))).sum(-1).flatten()[:, None]

    def beyond(of: Tensor, columns: Tensor, seen: Tensor) -> Tensor:
        """Return how many columns are above, and how many below, a row's own, [2, row]."""
        logits, is_other = rows[of] @ precise(seen), own[of, None] != columns
        above, below = (logits > mine[of]) & is_other, (logits < mine[of]) & is_other
        return torch.stack([above.sum(-1), below.sum(-1)])

    every = torch.arange(len(rows), device=rows.device)
    draw = torch.randperm(W_U.shape[1], generator=torch.Generator().manual_seed(0))[:FIRST]
    few = draw.to(W_U.device)
    left = every[(beyond(every, few, W_U.T.index_select(0, few).T) < k).any(0)]
    yield None
    found = torch.full((2, len(rows)), k, dtype=torch.long, device=rows.device)
    found[:, left] = 0
    start, size = 0, FIRST
    while start < W_U.shape[1] and len(left):
        size = max(FIRST, min(size * GROWTH, AT_ONCE // len(left)))
        columns = torch.arange(start, min(W_U.shape[1], start + size), device=rows.device)
        found[:, left] += beyond(left, columns, W_U[:, start : start + size])
        left = left[(found[:, left] < k).any(0)]
        start += size
        yield None
    shares: Tensor = (found < k).unflatten(1, (heads, count)).cpu().double().mean(-1)
    return shares
