"""Circuits the slow, obvious way: plain hooks that take from a stream what should not be heard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.terms.circuits.nodes import Edge, Node, NodeKind
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer

INPUTS: dict[NodeKind, str] = {
    "q": "hook_q_input",
    "k": "hook_k_input",
    "v": "hook_v_input",
    "mlp": "hook_mlp_in",
}


class Writes:
    """Hooks that note what each sender of a run writes into the stream, and may cut edges."""

    def __init__(self, model: HookedTransformer) -> None:
        self.model = model
        self.by_node: dict[Node, Tensor] = {}

    def embed(self, x: Tensor, hook: Any) -> None:
        self.by_node[Node("embed")] = x.clone()

    def heads(self, z: Tensor, hook: Any) -> None:
        layer = int(hook.name.split(".")[1])
        block = self.model.blocks[layer]
        for head in range(self.model.cfg.n_heads):
            written = z[:, :, head] @ block.attn.W_O[head] + block.attn.b_O / z.shape[2]
            written = written * self.model.cfg.residual_multiplier
            self.by_node[Node("head", layer, head)] = written

    def scale(self, scale: Tensor, hook: Any) -> None:
        """A norm behind attention: each head's share of what it leaves."""
        layer = int(hook.name.split(".")[1])
        norm = self.model.blocks[layer].ln1_post
        for head in range(self.model.cfg.n_heads):
            written = self.by_node[Node("head", layer, head)]
            if norm.centres:
                written = written - written.mean(-1, keepdim=True)
            self.by_node[Node("head", layer, head)] = norm.weighted(written / scale)

    def mlp(self, x: Tensor, hook: Any) -> None:
        self.by_node[Node("mlp", int(hook.name.split(".")[1]))] = x.clone()

    def hooks(self) -> list[Any]:
        cfg = self.model.cfg
        found: list[Any] = [("blocks.0.hook_resid_pre", self.embed)]
        for layer in range(cfg.n_layers):
            found.append((f"blocks.{layer}.attn.hook_z", self.heads))
            if cfg.has_post_norms:
                found.append((f"blocks.{layer}.ln1_post.hook_scale", self.scale))
            if not cfg.attn_only:
                found.append((f"blocks.{layer}.hook_mlp_out", self.mlp))
        return found


def written(model: HookedTransformer, tokens: Tensor, ablation: Ablation) -> dict[Node, Tensor]:
    """What stands in for each sender, [batch or 1, position, d_model]."""
    if ablation.method == "zero":
        writes = Writes(model)
        nothing = [(lambda name: name.endswith("hook_z"), lambda z, hook: torch.zeros_like(z))]
        with model.hooks(nothing), model.hooks(writes.hooks()):
            model(tokens)
        rest = {node: torch.zeros_like(x) for node, x in writes.by_node.items()}
        heads = {node: x for node, x in writes.by_node.items() if node.kind == "head"}
        return rest | heads
    writes = Writes(model)
    with model.hooks(writes.hooks()):
        model(torch.atleast_2d(ablation.prompts))
    if ablation.method == "resample":
        return writes.by_node
    return {node: x.mean(0, keepdim=True) for node, x in writes.by_node.items()}


@torch.no_grad()
def logits_without(
    model: HookedTransformer, tokens: Tensor, removed: Iterable[Edge], ablation: Ablation
) -> Tensor:
    """Logits where each receiver reads the stream less what removed edges carry too much."""
    stand_ins, writes = written(model, tokens, ablation), Writes(model)
    heard: dict[Node, list[Node]] = {}
    for sender, receiver in removed:
        heard.setdefault(receiver, []).append(sender)

    def less(receiver: Node, x: Tensor) -> Tensor:
        for sender in heard.get(receiver, ()):
            x = x - (writes.by_node[sender] - stand_ins[sender])
        return x

    def read(x: Tensor, hook: Any) -> Tensor:
        _, layer, name = hook.name.split(".")
        kind = next(kind for kind, input_ in INPUTS.items() if input_ == name)
        if kind == "mlp":
            return less(Node("mlp", int(layer)), x)
        x = x.clone()
        for head in range(x.shape[2]):
            x[:, :, head] = less(Node(kind, int(layer), head), x[:, :, head])
        return x

    last = f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"
    hooks = [
        *writes.hooks(),
        (lambda name: name.endswith(tuple(INPUTS.values())), read),
        (last, lambda x, hook: less(Node("logits"), x)),
    ]
    model.set_use_split_qkv_input(True)
    model.set_use_hook_mlp_in(not model.cfg.attn_only)
    try:
        return model.run_with_hooks(tokens, fwd_hooks=hooks)
    finally:
        model.set_use_split_qkv_input(False)
        model.set_use_hook_mlp_in(False)


def last_of(steps: Iterable[Any]) -> Any:
    """What a generator yields last that is not None."""
    found = None
    for step in steps:
        found = found if step is None else step
    return found


TOKENS, POSITIONS, JUNK = 10, 8, 6
WIDTH = 3 * TOKENS + POSITIONS + JUNK
KNOWN = (
    (Node("embed"), Node("v", 0, 0)),
    (Node("head", 0, 0), Node("k", 1, 0)),
    (Node("embed"), Node("q", 1, 0)),
    (Node("embed"), Node("v", 1, 0)),
    (Node("head", 1, 0), Node("logits")),
)


def induction_model(leak: float = 0.02) -> HookedTransformer:
    """Two layers wired by hand to do induction with one head each; three heads beside leak a bit.

    L0H0 attends to the token before and writes down what it is; L1H0 looks where what it stands on
    was written down, and copies what stands there. `KNOWN` are the edges that carry tokens.
    """
    cfg = HookedTransformerConfig(
        n_layers=2,
        d_model=WIDTH,
        n_ctx=POSITIONS,
        d_head=TOKENS,
        n_heads=4,
        d_vocab=TOKENS,
        attn_only=True,
        normalization_type=None,
        dtype=torch.float64,
        init_range=leak,
        seed=0,
    )
    model = HookedTransformer(cfg)
    token, before, out = (slice(at * TOKENS, (at + 1) * TOKENS) for at in range(3))
    place = slice(3 * TOKENS, 3 * TOKENS + POSITIONS)
    same = torch.eye(TOKENS, dtype=torch.float64)
    with torch.no_grad():
        for weight in (model.embed.W_E, model.pos_embed.W_pos, model.unembed.W_U):
            weight.zero_()
        model.embed.W_E[:, token] = same
        model.pos_embed.W_pos[:, place] = torch.eye(POSITIONS, dtype=torch.float64)
        model.unembed.W_U[out] = 8 * same
        first, second = (model.blocks[layer].attn for layer in range(2))
        for attn in (first, second):
            for weight in (attn.W_Q, attn.W_K, attn.W_V, attn.W_O):
                weight[0].zero_()
        first.W_K[0, place, :POSITIONS] = torch.eye(POSITIONS, dtype=torch.float64)
        first.W_Q[0, place, :POSITIONS] = 40 * torch.diag(
            torch.ones(POSITIONS - 1, dtype=torch.float64), -1
        )
        first.W_V[0, token], first.W_O[0, :, before] = same, same
        second.W_Q[0, token], second.W_K[0, before] = 12 * same, same
        second.W_V[0, token], second.W_O[0, :, out] = same, same
    return model.requires_grad_(False)
