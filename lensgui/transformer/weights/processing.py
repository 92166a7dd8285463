"""Equivalent weights that are easier to read: norms folded, writers centred, heads rewritten.

Every step leaves the log-probabilities as they are. Work is done in float64, a piece at a time,
then rounded to the model's dtype. No step needs more than a layer, or more than what is of none: a
model can be folded as it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lensgui.transformer.layers.attention import Attention, Reader
from lensgui.transformer.layers.block import Block
from lensgui.transformer.layers.mlp import MLP, Experts, ExpertsAndShared
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.parameters import parameter
from lensgui.transformer.parts import Transformer
from lensgui.transformer.weights import rules
from lensgui.transformer.weights.factored import FactoredMatrix
from lensgui.transformer.weights.rules import Rule

PIECE = 1 << 17  # numbers in float64 at a time: a megabyte stays in the processor's cache


@torch.no_grad()
def rewrite_heads(model: Transformer) -> str:
    """Rewrite W_Q, W_K, W_V and W_O by singular vectors, in place, in float64.

    Args:
        model: A `HookedTransformer`.

    Returns:
        What was done, or why it was skipped.
    """
    applies, words = rules.heads(model.cfg)
    if applies:
        with _in_float64(model):
            for block in model.blocks:
                _refactor(block.attn)
    return words


def _refactor(attn: Attention) -> None:
    _refactor_qk(attn)
    _refactor_ov(attn)


def _with_bias(weight: Tensor, bias: Tensor) -> Tensor:
    """Return [head, d_model + 1, d_head]: the bias is the weight of a constant."""
    return torch.cat([weight, bias[:, None]], dim=1).double()


def _refactor_qk(attn: Attention) -> None:
    """Share the singular values of W_Q W_Kᵀ, biases included, evenly between queries and keys."""
    queries, keys = _with_bias(attn.W_Q, attn.b_Q), _with_bias(attn.W_K, attn.b_K)
    even = FactoredMatrix(queries, keys.transpose(1, 2)).make_even()
    for weight, bias, value in (
        (attn.W_Q, attn.b_Q, even.A),
        (attn.W_K, attn.b_K, even.B.transpose(1, 2)),
    ):
        weight.data.copy_(value[:, :-1])
        bias.data.copy_(value[:, -1])


def _refactor_ov(attn: Attention) -> None:
    """Make W_V the left singular vectors of W_V W_O, and W_O the rest; value biases move along."""
    values = attn.b_V.double()
    written = torch.einsum("hd,hdm->m", values, attn.W_O.double())
    u, s, v = FactoredMatrix(attn.W_V.double(), attn.W_O.double()).svd()
    attn.W_V.data.copy_(u)
    attn.W_O.data.copy_(s[..., None] * v.transpose(1, 2))
    attn.b_V.data.zero_()
    attn.b_O.data.copy_(attn.b_O.double() + written)


def _centre(weight: nn.Parameter) -> None:
    """Take the mean of the last dimension off a weight."""
    data = weight.data
    if data.ndim == 3 and data.stride(0) == max(data.stride()):  # of experts
        for one in data:
            _centre_one(one)
    else:
        _centre_one(data)


def _centre_one(data: Tensor) -> None:
    """Take the mean of the last dimension off, going through memory as it lies."""
    if data.stride(-1) == 1:
        count = max(PIECE // data.shape[-1], 1)
        for rows in data.split(count) if data.ndim > 1 else [data]:
            whole = rows.double()
            rows.copy_(whole - whole.mean(-1, keepdim=True))
        return
    columns = data.movedim(-1, 0)
    pieces = columns.split(max(PIECE * len(columns) // data.numel(), 1))
    total = torch.zeros(columns.shape[1:], dtype=torch.float64, device=data.device)
    for piece in pieces:
        total += piece.sum(0, dtype=torch.float64)
    mean = total / len(columns)
    for piece in pieces:
        piece.copy_(piece.double().sub_(mean))


@torch.no_grad()
def fold(
    model: Transformer,
    fold_ln: bool = True,
    center_writing_weights: bool = True,
    center_unembed: bool = True,
    fold_value_biases: bool = True,
    refactor_factored_attn_matrices: bool = False,
) -> None:
    """Rewrite a model's weights in place.

    `cfg.processing` then says what was done and what was skipped.

    Args:
        model: A `HookedTransformer` with weights as they came.
        fold_ln: Whether norms' weights move into what reads them.
        center_writing_weights: Whether everything that writes to the residual stream gets mean 0
            (LayerNorm only).
        center_unembed: Whether logits get mean 0, which softmax does not see.
        fold_value_biases: Whether value biases move into the output bias, since attention sums to
            1.
        refactor_factored_attn_matrices: Whether heads are rewritten by singular vectors; see
            `rewrite_heads`.
    """
    steps = (fold_ln, center_writing_weights, center_unembed, fold_value_biases)
    with _in_float64(model):
        folding = Folding(model, *steps, refactor_factored_attn_matrices)
        folding.untie()
        folding.fold(None)
        for layer in range(model.cfg.n_layers):
            folding.fold(layer)
        folding.finish()


@contextmanager
def _in_float64(model: Transformer) -> Iterator[None]:
    """Have a model where float64 is: one on MPS, which has none, comes to the CPU meanwhile."""
    device = model.embed.W_E.device
    if device.type != "mps":
        yield
        return
    model.to("cpu")
    try:
        yield
    finally:
        model.to(device)


class Folding:
    """How a model is folded, part by part: known from its config before it has any weights.

    Attributes:
        does: The steps that are done; those that would change the log-probabilities are not.
        changes: The names of the parameters that are written to.
    """

    def __init__(
        self,
        model: Transformer,
        fold_ln: bool = True,
        center_writing_weights: bool = True,
        center_unembed: bool = True,
        fold_value_biases: bool = True,
        refactor_factored_attn_matrices: bool = False,
    ) -> None:
        """See what is to be done.

        Args:
            model: A `HookedTransformer`, with or without weights.
            fold_ln: As in `fold`, and so are the others.
            center_writing_weights: Likewise.
            center_unembed: Likewise.
            fold_value_biases: Likewise.
            refactor_factored_attn_matrices: Likewise.
        """
        chosen: dict[Rule, bool] = {
            rules.norms: fold_ln,
            rules.writers: center_writing_weights,
            rules.unembed: center_unembed,
            rules.value_biases: fold_value_biases,
            rules.heads: refactor_factored_attn_matrices,
        }
        found = {rule: rule(model.cfg) for rule, is_chosen in chosen.items() if is_chosen}
        self._model = model
        self._said = [words for _, words in found.values()]
        self.does = frozenset(rule for rule, (applies, _) in found.items() if applies)
        self._unties = not self.does.isdisjoint((rules.norms, rules.writers, rules.unembed))
        parts = (self._written(layer) for layer in (None, *range(model.cfg.n_layers)))
        written = {id(parameter) for part in parts for parameter in part}
        named = model.named_parameters()
        self.changes = frozenset(name for name, each in named if id(each) in written)

    def _written(self, layer: int | None) -> Iterator[Tensor | None]:
        """Yield the parameters of a layer, or those of none, that some step writes to."""
        if layer is None:
            yield from self._written_outside()
            return
        block = self._model.blocks[layer]
        attn = block.attn
        if rules.norms in self.does:
            for norm, readers in _norms(block):
                for weight, bias in readers:
                    yield from (weight, bias if norm.b is not None else None)
        if rules.writers in self.does:
            yield from _writers(block)
        if rules.value_biases in self.does:
            yield from (attn.b_V, attn.b_O)
        if rules.heads in self.does:
            yield from (attn.W_Q, attn.W_K, attn.W_V, attn.W_O)
            yield from (attn.b_Q, attn.b_K, attn.b_V, attn.b_O)

    def _written_outside(self) -> Iterator[Tensor | None]:
        model = self._model
        if self._unties and model.cfg.tied_embeddings:
            yield model.unembed.W_U
        if rules.norms in self.does or rules.unembed in self.does:
            yield from (model.unembed.W_U, model.unembed.b_U)
        if rules.norms in self.does and model.embed.multiplier != 1.0:
            yield model.embed.W_E
        if rules.writers in self.does:
            yield from _outer_writers(model)

    def untie(self) -> None:
        """Give the unembedding memory of its own where folding makes it differ from the embedding.

        Only once both have their values.
        """
        if not self._unties or not self._model.cfg.tied_embeddings:
            return
        embed, unembed = self._model.embed.W_E, self._model.unembed
        if unembed.W_U.untyped_storage().data_ptr() == embed.untyped_storage().data_ptr():
            own = torch.empty_strided(
                unembed.W_U.shape, unembed.W_U.stride(), dtype=embed.dtype, device=embed.device
            )
            unembed.W_U = parameter(own.copy_(unembed.W_U.data))

    @torch.no_grad()
    def fold(self, layer: int | None) -> None:
        """Fold a layer, or what is of no layer, in place.

        Args:
            layer: Which, all of its parameters having their values; None for what is of none.
        """
        if layer is None:
            self._fold_outside()
            return
        block = self._model.blocks[layer]
        if rules.norms in self.does:
            for norm, readers in _norms(block):
                _fold_norm(norm, readers)
        if rules.writers in self.does:
            for weight in _writers(block):
                _centre(weight)
        if rules.value_biases in self.does:
            _fold_values(block.attn)
        if rules.heads in self.does:
            _refactor(block.attn)

    def _fold_outside(self) -> None:
        model = self._model
        if rules.norms in self.does:
            if model.embed.multiplier != 1.0:
                _scale_embedding(model)
            _fold_norm(model.ln_final, [(model.unembed.W_U, model.unembed.b_U)])
        if rules.writers in self.does:
            for weight in _outer_writers(model):
                _centre(weight)
        if rules.unembed in self.does:
            for weight in (model.unembed.W_U, model.unembed.b_U):
                _centre(weight)

    def finish(self) -> None:
        """Let go of the norms' weights, and say in `cfg.processing` what was done and skipped."""
        model, cfg = self._model, self._model.cfg
        self.untie()
        if self._unties:
            cfg.tied_embeddings = False
        if rules.norms in self.does:
            model.embed.multiplier = cfg.embedding_multiplier = 1.0
            for block in model.blocks:
                for norm, _ in _norms(block):
                    norm.fold()
            model.ln_final.fold()
            cfg.normalization_type = "RMSPre" if cfg.is_rms else "LNPre"
        cfg.processing += self._said


def _scale_embedding(model: Transformer) -> None:
    """Multiply W_E by what embeddings are multiplied by, so that it is what enters the stream."""
    multiplier = torch.tensor(model.embed.multiplier, dtype=model.embed.W_E.dtype)
    model.embed.W_E.data.mul_(multiplier)


def _norms(block: Block) -> Iterator[tuple[Norm, list[Reader]]]:
    """Yield a block's norms that can be folded, each with what reads it."""
    mlp = None if block.cfg.attn_only else block.mlp
    pairs = [(block.ln1, block.attn.readers())]
    pairs += [] if mlp is None else [(block.ln2, _mlp_readers(mlp))]
    if isinstance(mlp, MLP) and mlp.has_norm:
        pairs.append((mlp.ln, [(mlp.W_out, mlp.b_out)]))
    for norm, readers in pairs:
        if isinstance(norm, Norm) and norm.w is not None:
            yield norm, readers


def _mlp_readers(mlp: MLP | Experts) -> list[Reader]:
    """Return the weights that read ln2, each with its bias: of every expert, and the router's."""
    readers: list[Reader] = []
    for name in ("in", "gate", "router"):
        if hasattr(mlp, f"W_{name}"):
            readers.append((getattr(mlp, f"W_{name}"), getattr(mlp, f"b_{name}")))
    if isinstance(mlp, ExpertsAndShared):
        readers += _mlp_readers(mlp.shared)
        readers += [] if mlp.W_shared_gate is None else [(mlp.W_shared_gate, None)]
    return readers


def _fold_norm(norm: Norm, readers: list[Reader]) -> None:
    """Fold a norm into all that reads it."""
    if norm.w is not None:
        for weight, bias in readers:
            _fold_into(norm, norm.w, weight, bias)


def _fold_into(norm: Norm, w: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Fold a norm's w and b into a reader [..., d_model, out] and its bias [..., out]."""
    if norm.b is None and not norm.centres and w.dtype == weight.dtype:
        weight.data.mul_(w.data[:, None])  # a single product is rounded the same in float64
        return
    width = max(PIECE * weight.shape[-1] // weight.numel(), 1)
    biases = [None] * weight.shape[-1] if bias is None else bias.data.split(width, -1)
    for piece, its_bias in zip(weight.data.split(width, -1), biases, strict=False):
        reader = piece.double()
        if norm.b is not None and its_bias is not None:
            its_bias.copy_(its_bias.double() + (norm.b.double()[:, None] * reader).sum(-2))
        reader = reader * w.double()[:, None]
        if norm.centres:
            reader = reader - reader.mean(-2, keepdim=True)
        piece.copy_(reader)


def _outer_writers(model: Transformer) -> list[nn.Parameter]:
    """Return what writes to the residual stream before the first layer."""
    writers = [] if model.cfg.post_embedding_ln else [model.embed.W_E]
    is_standard = model.cfg.positional_embedding_type == "standard"
    return [*writers, model.pos_embed.W_pos] if is_standard else writers


def _writers(block: Block) -> list[nn.Parameter]:
    """Return what a block writes to the residual stream with."""
    own = [block.attn.W_O, block.attn.b_O]
    return own if block.cfg.attn_only else [*own, block.mlp.W_out, block.mlp.b_out]


def _fold_values(attn: Attention) -> None:
    """Move value biases [key_value_head, d_head] into the output bias."""
    if not attn.b_V.any():
        return
    group = attn.W_O.shape[0] // attn.b_V.shape[0]
    values = attn.b_V.double().repeat_interleave(group, dim=0)
    count = max(PIECE // values.numel(), 1)
    rows = attn.W_O.data.movedim(-1, 0).split(count)  # as they lie in memory
    written = torch.cat([(piece.double() * values).sum((1, 2)) for piece in rows])
    attn.b_O.data.copy_(attn.b_O.double() + written)
    attn.b_V.data.zero_()
