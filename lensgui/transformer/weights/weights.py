"""A model's weights under the field's names: stacked over layers, and multiplied into circuits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lensgui.transformer.parts import Transformer
from lensgui.transformer.weights.factored import FactoredMatrix, composition_scores


@torch.no_grad()
def fill(model: Transformer) -> None:
    """Draw every weight matrix from N(0, cfg.init_range²), and set biases to 0 and norms to 1.

    Args:
        model: A transformer; `cfg.seed` seeds torch's generator if it is set.
    """
    cfg = model.cfg
    if cfg.seed is not None:
        torch.manual_seed(cfg.seed)
    assert cfg.init_range is not None
    for name, weight in model.named_parameters():
        kind = name.rsplit(".", 1)[-1]
        if kind.startswith("W_"):
            weight.normal_(0.0, cfg.init_range)
        else:
            weight.fill_(1.0 if kind == "w" else 0.0)


class Stacked:
    """An attribute that stacks one weight of every block: layer becomes the first dimension.

    Each access makes a copy.
    """

    def __init__(self, part: str, doc: str, is_grouped: bool = False) -> None:
        """Name the part of the block that holds the weight, and say what the weight is.

        Args:
            part: "attn" or "mlp".
            doc: What it is.
            is_grouped: Whether under grouped queries a layer holds one for each group of heads; the
                stack then repeats it for every head, so that it can be indexed by head.
        """
        self.part, self.__doc__, self.is_grouped = part, doc, is_grouped

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn which weight is meant."""
        self.name = name

    def __get__(self, model: Transformer | None, owner: type) -> Tensor:
        """Return the stack, [layer, …].

        Raises:
            AttributeError: If the blocks have no such weight, or not of one shape.
        """
        if model is None:
            return self  # type: ignore[return-value]
        parts = [getattr(block, self.part, None) for block in model.blocks]
        weights = [getattr(part, self.name, None) for part in parts]
        stackable = [weight for weight in weights if isinstance(weight, Tensor)]
        if len(stackable) < len(weights) or len({weight.shape for weight in stackable}) > 1:
            raise AttributeError(self.refusal(model))
        stack = torch.stack(stackable)
        return for_each_query_head(stack, model.cfg.n_heads) if self.is_grouped else stack

    def refusal(self, model: Transformer) -> str:
        """Return the sentence for a model whose blocks have no such weight, or not of one shape."""
        if model.cfg.kv_rank is not None and self.name in ("W_Q", "W_K", "W_V"):
            return (
                f"{model.cfg.model_name} has no {self.name}, as a norm stands between the weights "
                "of its latent attention that take its place (blocks[layer].attn)."
            )
        return f"{model.cfg.model_name} has no {self.name} in every layer, or not of one shape."


def all_head_labels(model: Transformer) -> list[str]:
    """Return "L0H0", "L0H1" … for every head of every layer."""
    layers, heads = range(model.cfg.n_layers), range(model.cfg.n_heads)
    return [f"L{layer}H{head}" for layer in layers for head in heads]


def switch(name: str) -> Callable[[Transformer, bool], None]:
    """Return a method that turns a field of the config on or off."""

    def turn(model: Transformer, on: bool) -> None:
        setattr(model.cfg, name, on)

    turn.__doc__ = f"Turn `cfg.{name}` on or off."
    return turn


def for_each_query_head(weight: Tensor, heads: int) -> Tensor:
    """Repeat key or value weights [layer, key_value_head, …] for every head of their group."""
    return weight.repeat_interleave(heads // weight.shape[1], dim=1)


@torch.no_grad()
def all_composition_scores(model: NamedWeights, mode: Literal["Q", "K", "V"]) -> Tensor:
    """Return how much each head's output composes with each later head's input.

    Args:
        model: A `HookedTransformer`.
        mode: Whether with the later head's queries, keys or values.

    Returns:
        Frobenius ratios, [layer, head, later layer, later head]; 0 where it is not later.

    Raises:
        ValueError: If the mode is another.
    """
    if mode not in ("Q", "K", "V"):
        raise ValueError(f"mode is {mode!r}; it must be 'Q', 'K' or 'V'.")
    QK, OV = model.QK, model.OV
    scores = composition_scores(OV, {"Q": QK, "K": QK.T, "V": OV}[mode])
    layers = torch.arange(model.cfg.n_layers, device=scores.device)
    is_later = layers[:, None, None, None] < layers[None, None, :, None]
    return torch.where(is_later, scores, torch.zeros_like(scores))


@torch.no_grad()
def accumulated_bias(
    model: Transformer, layer: int, mlp_input: bool = False, include_mlp_biases: bool = True
) -> Tensor:
    """Return what output biases have added to the residual stream before a layer, [d_model].

    Args:
        model: A `HookedTransformer` without post-norms.
        layer: The layer, exclusive; n_layers for the whole model.
        mlp_input: Whether the attention bias of `layer` itself counts too.
        include_mlp_biases: Whether those of MLPs count; those of experts never do, since they
            depend on the token.
    """
    total = torch.zeros_like(model.blocks[0].attn.b_O)
    for index, block in enumerate(model.blocks[: layer + mlp_input]):
        total = total + block.attn.b_O
        has_bias = not (model.cfg.attn_only or model.cfg.has_experts(index))
        if include_mlp_biases and index < layer and has_bias:
            total = total + block.mlp.b_out
    return total * model.cfg.residual_multiplier


def as_kept_here(model: Transformer, saved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights that TransformerLens saved under the names that they have here.

    Masks and rotations are no weights, grouped keys and values lose their underscore, and gates
    have no bias there.

    Args:
        model: The model that they are for.
        saved: Weights by name, of either library.

    Raises:
        ValueError: If an MLP adds its input bias to the product, as gated ones do there.
    """
    named = {
        re.sub(r"attn\._([Wb]_[KV])$", r"attn.\1", name): weight
        for name, weight in saved.items()
        if not re.search(r"\.attn\.(mask|IGNORE|alibi|rotary_sin|rotary_cos)$", name)
    }
    for name, weight in model.named_parameters():
        b_in = named.get(name.replace("b_gate", "b_in"))
        if name.endswith("mlp.b_gate") and name not in named and b_in is not None:
            if b_in.any():
                raise ValueError(f"{name} is missing, and the input bias beside it is not 0.")
            named[name] = torch.zeros_like(weight)
    return named


_FACTORS = {"QK": ("W_Q", "W_K"), "OV": ("W_V", "W_O")}


class NamedWeights(Transformer):
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

    def __getattr__(self, name: str) -> Tensor | nn.Module:
        """Return a parameter or a part.

        Raises:
            AttributeError: If there is none; where that is known, the sentence says why.
        """
        try:
            return super().__getattr__(name)
        except AttributeError:
            if why := self.reason(name):
                raise AttributeError(why) from None
            raise

    def reason(self, name: str) -> str:
        """Return why the model has no attribute of a name, in a sentence; "" if that is unknown."""
        for needed in _FACTORS.get(name, ()):
            getattr(self, needed)
        stacked = vars(NamedWeights).get(name)
        return stacked.refusal(self) if isinstance(stacked, Stacked) else ""

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Do what `torch.nn.Module.load_state_dict` does, for what TransformerLens saved too."""
        return super().load_state_dict(as_kept_here(self, state_dict), strict, assign)

    @property
    def W_E(self) -> Tensor:
        """Embedding, [d_vocab, d_model]."""
        return self.embed.W_E

    @property
    def W_pos(self) -> Tensor:
        """Position embedding, [n_ctx, d_model]."""
        return self.pos_embed.W_pos

    @property
    def W_E_pos(self) -> Tensor:
        """Token and position embedding, one after the other, [d_vocab + n_ctx, d_model]."""
        return torch.cat([self.W_E, self.W_pos])

    @property
    def W_U(self) -> Tensor:
        """Unembedding, [d_model, d_vocab_out]."""
        return self.unembed.W_U

    @property
    def b_U(self) -> Tensor:
        """Unembedding bias, [d_vocab_out]."""
        return self.unembed.b_U

    @property
    def QK(self) -> FactoredMatrix:
        """Every head's W_Q W_Kᵀ, factored, [layer, head, d_model, d_model] (Elhage et al. 2021)."""
        return FactoredMatrix(self.W_Q, self.W_K.transpose(-2, -1))

    @property
    def OV(self) -> FactoredMatrix:
        """Every head's W_V W_O, factored, [layer, head, d_model, d_model] (Elhage et al. 2021)."""
        return FactoredMatrix(self.W_V, self.W_O)
