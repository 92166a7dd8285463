"""How far each head copies: whether it raises the very tokens that it looks at.

The score is that of Elhage et al. 2021, taken where it means something in a deep model: from what
layers read of a token once the first block has worked on it, the *effective* embedding, rather
than from the embedding itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from lensgui.analysis.checks import check_unhooked
from lensgui.analysis.run.passes import rows_at_once
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.layers.span import Span
from lensgui.transformer.model import HookedTransformer

TOKENS_AT_ONCE = 4096  # of the vocabulary, at most
Reading = tuple[bool, bool, bool, float]  # of the embedding or not, and how a norm works


@torch.no_grad()
def copying_scores(
    model: HookedTransformer, tokens: Tensor | None = None, *, raw: bool = False
) -> Iterator[Tensor | None]:
    """Score how far each head raises the tokens that it attends to.

    A head's OV circuit takes what its layer reads of each token of the vocabulary, alone in a
    prompt and after the first block, to logits; a head of layer 0 reads the embedding. The score is
    Σ Re λ / Σ |λ| over the eigenvalues λ of that matrix [token, token], with the weights of all
    norms and without biases. A change of all logits alike is invisible: their mean is taken out.

    Args:
        model: The model.
        tokens: Token ids that stand for the vocabulary, [token], each of them once, as
            `drawn_tokens` draws them; None for all. On SmolLM2-135M 4,096 of 49,152 take a seventh
            of the time, and are off by .02 in the mean.
        raw: Whether heads of all layers read the embedding itself, as Elhage et al. 2021 have it
            for models of one or two layers; in a deep model that says little.

    Yields:
        None between pieces, and at last [layer, head], in float64: 1 for a head that copies, −1
        for one that lowers what it looks at; NaN where a norm stands between two steps that make
        values (multi-head latent attention), so that there is no one matrix.

    Raises:
        ValueError: If hooks are attached.
    """
    check_unhooked(model)
    cfg = model.cfg
    products: dict[Reading, Tensor] = {}
    ids = torch.arange(cfg.d_vocab) if tokens is None else tokens
    yield from _read_vocabulary(model, ids.to(model.embed.W_E.device), products, raw=raw)
    found = torch.full((cfg.n_layers, cfg.n_heads), torch.nan, dtype=torch.float64)
    for layer, block in enumerate(model.blocks):
        if hasattr(block.attn, "W_V"):
            read = products[_reading(layer, block.ln1, raw=raw)]
            if isinstance(block.ln1, Norm):
                read = block.ln1.weighted(read)
            found[layer] = _scores(model, layer, read)
        yield None
    yield found


def _reading(layer: int, norm: nn.Module, *, raw: bool = False) -> Reading:
    is_first = raw or layer == 0
    if not isinstance(norm, Norm):
        return is_first, False, False, 0.0
    return is_first, norm.normalizes, norm.centres, norm.eps


def _read_vocabulary(
    model: HookedTransformer, tokens: Tensor, products: dict[Reading, Tensor], *, raw: bool
) -> Iterator[None]:
    """Sum each token's logit direction times what layers read of it, [d_model, d_model].

    Args:
        model: The model.
        tokens: The tokens, [token].
        products: Is filled, for each way of reading.
        raw: As in `copying_scores`.
    """
    blocks = enumerate(model.blocks)
    norms = {_reading(layer, block.ln1, raw=raw): block.ln1 for layer, block in blocks}
    W_U = model.unembed.W_U[:, : model.cfg.d_vocab]
    mean = W_U.mean(1, keepdim=True, dtype=torch.promote_types(W_U.dtype, torch.float32))
    size = min(TOKENS_AT_ONCE, rows_at_once(model, 0))
    for some in tokens.split(size):
        embedded, later = read_alone(model, some, raw=raw)
        yield
        directions = _directions(model.ln_final, W_U[:, some] - mean)
        for reading, norm in norms.items():
            stream = precise(embedded if reading[0] else later)
            read = norm.unweighted(stream) if isinstance(norm, Norm) else stream
            part = directions.to(read.dtype) @ read
            products[reading] = products[reading] + part if reading in products else part
            yield


def read_alone(
    model: HookedTransformer, tokens: Tensor, *, raw: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the stream of tokens that are alone in a prompt, before and after the first block.

    Args:
        model: The model.
        tokens: Token ids, [token].
        raw: Whether the first block is left out.

    Returns:
        The embedding and the effective embedding, each [token, d_model].
    """
    span = Span(model.cfg, 1, device=tokens.device)
    embedded = model.to_embedding(tokens[:, None], span)
    later = embedded if raw else model.blocks[0](embedded, span)
    return embedded[:, 0], later[:, 0]


def _directions(norm: Norm, columns: Tensor) -> Tensor:
    """Return the directions of the stream that the final norm turns into some, [d_model, token]."""
    directions = columns if norm.w is None else columns * norm.w[:, None]
    return directions - directions.mean(0) if norm.centres else directions


def writing_weights(model: HookedTransformer, layer: int) -> Tensor:
    """Return what takes a layer's outputs of heads to the stream, [head, d_value, d_model].

    The weights of a norm behind attention are part of it; what it divides by is not.
    """
    block = model.blocks[layer]
    W_O: Tensor = block.attn.W_O
    return block.ln1_post.weighted(W_O) if model.cfg.has_post_norms else W_O


def _scores(model: HookedTransformer, layer: int, read: Tensor) -> Tensor:
    """Return the score of each head of a layer.

    The eigenvalues of a product do not depend on where it begins, but for zeros, so those of
    [d_value, d_value] stand for those of [token, token].

    Args:
        model: The model.
        layer: The layer.
        read: What `_read_vocabulary` sums, with the weights of the layer's norm.
    """
    block, size = model.blocks[layer], model.cfg.heads_per_group
    W_O = writing_weights(model, layer)
    values = (read @ block.attn.W_V.to(read.dtype)).repeat_interleave(size, 0)
    circuit = (W_O.to(read.dtype) @ values).cpu().double()
    eigenvalues = torch.linalg.eigvals(circuit)
    sizes = eigenvalues.abs().sum(-1).clamp(min=torch.finfo(torch.float64).tiny)
    scores: Tensor = eigenvalues.real.sum(-1) / sizes
    return scores
