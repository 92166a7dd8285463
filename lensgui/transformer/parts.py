"""Transformer: what a decoder-only transformer is made of, from embedding to unembedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import nn

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooked_module import HookedModule
from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.hooks.standing import Standing
from lensgui.transformer.layers.block import Block
from lensgui.transformer.layers.embed import Embed, PosEmbed, Unembed
from lensgui.transformer.layers.norms import Norm


def _moving(name: str) -> Any:
    """Return a method of modules after which the config says where the model is, and in what."""

    def move(model: Transformer, *args: Any, **kwargs: Any) -> Transformer:
        getattr(nn.Module, name)(model, *args, **kwargs)
        weight = model.embed.W_E
        model.cfg.device, model.cfg.dtype = str(weight.device), weight.dtype
        return model

    move.__doc__ = f"Do what `torch.nn.Module.{name}` does; `cfg.device` and `cfg.dtype` follow."
    return move


class Transformer(HookedModule):
    """The parts of a decoder-only transformer; `HookedTransformer` runs them.

    Functions that become its methods take this, so that they need not import what imports them.

    Attributes:
        cfg: Its numbers.
        tokenizer: A Hugging Face tokenizer; None for a model that takes token ids only.
        is_in_context: Whether it acts under interventions for a while.
        standing: Where the rows stand that run now, for edits that ask.
        pos_embed: The position embedding; only if it is learned.
    """

    to, cpu, cuda, float, double = map(_moving, ("to", "cpu", "cuda", "float", "double"))
    half, bfloat16, to_empty = map(_moving, ("half", "bfloat16", "to_empty"))

    def __init__(
        self, cfg: HookedTransformerConfig | dict[str, Any], tokenizer: Any = None
    ) -> None:
        """Make uninitialised parts."""
        super().__init__()
        cfg = HookedTransformerConfig.from_dict(cfg) if isinstance(cfg, dict) else cfg
        if cfg.d_vocab == -1:
            cfg.d_vocab = cfg.d_vocab_out = len(tokenizer)
        self.cfg, self.tokenizer = cfg, tokenizer
        self.embed, self.hook_embed = Embed(cfg), HookPoint()
        if cfg.has_pos_embed:
            self.pos_embed, self.hook_pos_embed = PosEmbed(cfg), HookPoint()
        blocks = nn.ModuleList(Block(cfg, layer) for layer in range(cfg.n_layers))
        self.blocks = cast(Sequence[Block], blocks)
        if cfg.positional_embedding_type == "shortformer":
            for block in self.blocks:
                block.attn.pos_embed = (self.pos_embed,)
        self.ln_final = Norm(cfg, is_last=True)
        self.standing = Standing()
        self.is_in_context = False
        self.unembed = Unembed(cfg)
