"""The names under which the field finds a model's weights."""

from __future__ import annotations

import torch

from lensgui.transformer.weights.weights import Stacked, ov_circuit, qk_circuit


class NamedWeights:
    """A model's weights by name, those of blocks stacked over layers.

    Under grouped queries keys and values are repeated for every head of their group; what a layer
    itself holds is `blocks[layer].attn.W_K`, [key_value_head, d_model, d_head].
    """

    W_Q = Stacked("attn", "Query weights, [layer, head, d_model, d_head].")
    W_K = Stacked("attn", "Key weights, [layer, head, d_model, d_head].", is_grouped=True)
    W_V = Stacked("attn", "Value weights, [layer, head, d_model, d_head].", is_grouped=True)
    W_O = Stacked("attn", "Output weights, [layer, head, d_head, d_model].")
    b_Q = Stacked("attn", "Query biases, [layer, head, d_head].")
    b_K = Stacked("attn", "Key biases, [layer, head, d_head].", is_grouped=True)
    b_V = Stacked("attn", "Value biases, [layer, head, d_head].", is_grouped=True)
    b_O = Stacked("attn", "Attention output biases, [layer, d_model].")
    W_in = Stacked("mlp", "MLP input weights, [layer, d_model, d_mlp].")
    W_gate = Stacked("mlp", "Gate weights of a gated MLP, [layer, d_model, d_mlp].")
    W_out = Stacked("mlp", "MLP output weights, [layer, d_mlp, d_model].")
    b_in = Stacked("mlp", "MLP input biases, [layer, d_mlp].")
    b_out = Stacked("mlp", "MLP output biases, [layer, d_model].")

    W_E = property(lambda self: self.embed.W_E, doc="Embedding, [d_vocab, d_model].")
    W_pos = property(lambda self: self.pos_embed.W_pos, doc="Position embedding, [n_ctx, d_model].")
    W_E_pos = property(
        lambda self: torch.cat([self.W_E, self.W_pos]),
        doc="Token and position embedding, one after the other, [d_vocab + n_ctx, d_model].",
    )
    W_U = property(lambda self: self.unembed.W_U, doc="Unembedding, [d_model, d_vocab_out].")
    b_U = property(lambda self: self.unembed.b_U, doc="Unembedding bias, [d_vocab_out].")

    QK = property(qk_circuit, doc=qk_circuit.__doc__)
    OV = property(ov_circuit, doc=ov_circuit.__doc__)
