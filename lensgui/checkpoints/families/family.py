"""What it takes to read a Hugging Face architecture: a config map and a weight map, as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from einops import rearrange
from torch import Tensor

from lensgui.transformer.config import HookedTransformerConfig


@dataclass(frozen=True, slots=True)
class Weight:
    """Where a parameter comes from.

    Attributes:
        source: The Hugging Face tensor; "{l}" stands for the layer. With "{i}" there is one for
            each index of our first dimension, such as the expert, and they are stacked.
        pattern: An einops pattern from its shape to ours; "" where they are the same.
        split: Names of the sizes into which the pattern's first output dimension is cut.
        pick: Which of those parts is meant, or without `split` which index of the pattern's first
            output dimension; None for all of it.
        then: Another pattern, for what was picked.
        plus: What is added to every number.
        skip: How many of the first rows of the tensor hold nothing.
        is_optional: Whether it may be missing, in every layer; it is 0 then.
        otherwise: Where it comes from in a checkpoint without this source.
    """

    source: str
    pattern: str = ""
    split: tuple[str, ...] = ()
    pick: int | None = None
    then: str = ""
    plus: float = 0.0
    skip: int = 0
    is_optional: bool = False
    otherwise: Weight | None = None

    def read(self, tensor: Tensor, sizes: Mapping[str, int]) -> Tensor:
        """Return our parameter as a view of the Hugging Face tensor, where it can be one.

        Args:
            tensor: The Hugging Face tensor.
            sizes: Sizes of named dimensions, such as head and d_head; those that a pattern names
                are used.
        """
        tensor = _rearranged(tensor[self.skip :], self.pattern, sizes)
        if self.split:
            assert self.pick is not None
            tensor = tensor.split([sizes[name] for name in self.split])[self.pick]
        elif self.pick is not None:
            tensor = tensor[self.pick]
        tensor = _rearranged(tensor, self.then, sizes)
        return tensor + self.plus if self.plus else tensor

    def sources(self, count: int) -> list[str]:
        """Return the names of the tensors that it is made of: one, or one for each index."""
        if "{i}" not in self.source:
            return [self.source]
        return [self.source.replace("{i}", str(index)) for index in range(count)]

    def of_layer(self, layer: int) -> Weight:
        """Return where a layer's parameter comes from."""
        otherwise = self.otherwise and self.otherwise.of_layer(layer)
        source = self.source.replace("{l}", str(layer))
        return replace(self, source=source, otherwise=otherwise)


def _rearranged(tensor: Tensor, pattern: str, sizes: Mapping[str, int]) -> Tensor:
    """Return a tensor as an einops pattern says; "" leaves it."""
    if not pattern:
        return tensor
    left = pattern.split("->", maxsplit=1)[0]
    named = set(re.findall(r"[a-z_]+", left))
    known = {name: size for name, size in sizes.items() if name in named}
    arranged: Tensor = rearrange(tensor, pattern, **known)
    return arranged


@dataclass(frozen=True, slots=True)
class Family:
    """One or more Hugging Face `model_type`s that share their maps.

    Attributes:
        model_types: Their names.
        config: From a Hugging Face config to the fields of `HookedTransformerConfig` that differ
            from its defaults; raises ValueError with a sentence for a feature that is not
            supported.
        weights: From our parameter names, "{l}" for the layer, to where each comes from. What is
            not named is 0.
        prefix: What some checkpoints put in front of every name but the unembedding's, and others
            leave out.
        ignored: Regular expressions of tensors that hold no parameter.
        worked_out: From names of our parameters that no checkpoint stores to what works them out.
        prepend_bos: Whether text gets a beginning-of-sequence token when nobody says; None to do as
            the tokenizer does.
    """

    model_types: tuple[str, ...]
    config: Callable[[Any], dict[str, Any]]
    weights: Mapping[str, Weight]
    prefix: str = ""
    ignored: tuple[str, ...] = ()
    worked_out: Mapping[str, Callable[[HookedTransformerConfig], Tensor]] = field(
        default_factory=dict
    )
    prepend_bos: bool | None = True

    def parameters(self, cfg: HookedTransformerConfig) -> dict[str, Weight]:
        """Return where each parameter of a model with these numbers comes from.

        Layers written out.
        """
        written: dict[str, Weight] = {}
        for name, weight in self.weights.items():
            layers = range(cfg.n_layers) if "{l}" in name else [0]
            for layer in layers:
                written[name.replace("{l}", str(layer))] = weight.of_layer(layer)
        return written


def sizes(cfg: HookedTransformerConfig) -> dict[str, int]:
    """Return the sizes that weight patterns may name.

    A group is the query heads that share a key/value head; what is still does not rotate.
    """
    return {
        "d_head": cfg.d_head,
        "d_value": cfg.d_value,
        "rotary": cfg.rotary_dim or 0,
        "still": cfg.d_head - (cfg.rotary_dim or 0),
        "kv_rank": cfg.kv_rank or 0,
        "head": cfg.n_heads,
        "kv": cfg.kv_heads,
        "group": cfg.heads_per_group,
        "one": 1,
        "two": 2,
        "three": 3,
        "four": 4,
    }


# Of linear layers, whose weights are [out, in].
MATRIX = "d_out d_in -> d_in d_out"
READER = "(head d_head) d_model -> head d_model d_head"
BIAS = "(head d_head) -> head d_head"
GROUP_READER = "(kv d_head) d_model -> kv d_model d_head"
GROUP_BIAS = "(kv d_head) -> kv d_head"
WRITER = "d_model (head d_head) -> head d_head d_model"


def norm(ours: str, theirs: str, has_bias: bool = False) -> dict[str, Weight]:
    """Return the map of a norm's weight, and of its bias if it has one."""
    weights = {f"{ours}.w": Weight(f"{theirs}.weight")}
    if has_bias:
        weights[f"{ours}.b"] = Weight(f"{theirs}.bias")
    return weights


def linear(ours: str, weight: str, theirs: str, is_optional: bool = False) -> dict[str, Weight]:
    """Return the map of a linear layer without heads: its weight, and its bias if it has one.

    Args:
        ours: What holds the parameters, such as "blocks.{l}.mlp".
        weight: Which they are, such as "in" for W_in and b_in.
        theirs: The Hugging Face layer.
        is_optional: Whether the bias may be missing.
    """
    return {
        f"{ours}.W_{weight}": Weight(f"{theirs}.weight", MATRIX),
        f"{ours}.b_{weight}": Weight(f"{theirs}.bias", is_optional=is_optional),
    }


def attention(
    theirs: str, q: str, k: str, v: str, o: str, is_optional: bool = True
) -> dict[str, Weight]:
    """Return the map of attention with a linear layer each for queries, keys, values and output.

    Args:
        theirs: The Hugging Face module, such as "layers.{l}.self_attn".
        q: Its layer for queries; k, v and o likewise.
        k: For keys.
        v: For values.
        o: For the output.
        is_optional: Whether biases may be missing.
    """
    ours = "blocks.{l}.attn"
    return {
        f"{ours}.W_Q": Weight(f"{theirs}.{q}.weight", READER),
        f"{ours}.W_K": Weight(f"{theirs}.{k}.weight", GROUP_READER),
        f"{ours}.W_V": Weight(f"{theirs}.{v}.weight", GROUP_READER),
        f"{ours}.W_O": Weight(f"{theirs}.{o}.weight", WRITER),
        f"{ours}.b_Q": Weight(f"{theirs}.{q}.bias", BIAS, is_optional=is_optional),
        f"{ours}.b_K": Weight(f"{theirs}.{k}.bias", GROUP_BIAS, is_optional=is_optional),
        f"{ours}.b_V": Weight(f"{theirs}.{v}.bias", GROUP_BIAS, is_optional=is_optional),
        f"{ours}.b_O": Weight(f"{theirs}.{o}.bias", is_optional=is_optional),
    }


def fused_attention(theirs: str, qkv: str, o: str, order: str) -> dict[str, Weight]:
    """Return the map of attention with one linear layer for queries, keys and values, by heads.

    Biases may be missing.

    Args:
        theirs: The Hugging Face module.
        qkv: Its layer for all three.
        o: Its layer for the output.
        order: How they lie in the layer's output, such as "head three d_head": each head's
            query, key and value side by side.
    """
    ours = "blocks.{l}.attn"
    reader = f"({order}) d_model -> three head d_model d_head"
    bias = f"({order}) -> three head d_head"
    weights = {
        f"{ours}.W_O": Weight(f"{theirs}.{o}.weight", WRITER),
        f"{ours}.b_O": Weight(f"{theirs}.{o}.bias", is_optional=True),
    }
    for index, letter in enumerate("QKV"):
        weights[f"{ours}.W_{letter}"] = Weight(f"{theirs}.{qkv}.weight", reader, pick=index)
        weights[f"{ours}.b_{letter}"] = Weight(
            f"{theirs}.{qkv}.bias", bias, pick=index, is_optional=True
        )
    return weights


def stacked_attention(theirs: str, qkv: str, o: str) -> dict[str, Weight]:
    """Return the map of attention with one linear layer for all queries, then all keys, all values.

    Biases may be missing.

    Args:
        theirs: The Hugging Face module.
        qkv: Its layer for all three.
        o: Its layer for the output.
    """
    ours, split = "blocks.{l}.attn", ("head", "kv", "kv")
    reader = "(every d_head) d_model -> every d_model d_head"
    bias = "(every d_head) -> every d_head"
    weights = {
        f"{ours}.W_O": Weight(f"{theirs}.{o}.weight", WRITER),
        f"{ours}.b_O": Weight(f"{theirs}.{o}.bias", is_optional=True),
    }
    for index, letter in enumerate("QKV"):
        weights[f"{ours}.W_{letter}"] = Weight(
            f"{theirs}.{qkv}.weight", reader, split=split, pick=index
        )
        weights[f"{ours}.b_{letter}"] = Weight(
            f"{theirs}.{qkv}.bias", bias, split=split, pick=index, is_optional=True
        )
    return weights
