"""Made-up checkpoints as the teaching models are published, and a slow way to run them.

The sizes are small; fields, names, shapes and layouts are those of the published files. The slow
way reads the published tensors itself, one head and one position after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import erf, exp, pi, sqrt, tanh
from typing import Any

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]
_SIZES = {"d_model": 12, "n_heads": 3, "d_head": 4, "n_ctx": 9, "d_vocab": 23, "d_mlp": 20}
_PRE = {"act_fn": "solu_ln", "attn_only": False, "normalization": "LNPre"}
_OLD = {**_PRE, "normalization": "LN"}
_RUN = {"lr": 1e-3, "seed": 3, "use_bfloat16": True, "tokenizer_name": None, "n_devices": 8}


@dataclass(frozen=True)
class Teaching:
    """How a teaching model is published.

    Attributes:
        repository: The hub's name of it.
        fields: What its config.json says, beside the sizes.
        turned: Which matrices are [out, in]: "all", "positions" or "none".
        norms: What norms are called, the last one included.
        kind: "hooked" or "mingpt".
    """

    repository: str
    fields: dict[str, Any]
    turned: str = "none"
    norms: tuple[str, str, str, str] = ("ln1", "ln2", "mlp.ln", "ln_final")
    kind: str = "hooked"
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds."""
        return {**_RUN, **_SIZES, **self.sizes, **self.fields}


_NORM = ("norm1", "norm2", "mlp.norm", "norm")
_SQUARE = {"n_ctx": 12}  # as wide as d_model, so that a turned matrix has the same shape
TEACHING = {
    "attn-only-1l": Teaching(
        "NeelNanda/Attn_Only_1L512W_C4_Code",
        {"n_layers": 1, "act_fn": "solu_ln", "attn_only": True, "normalization": "LN"},
    ),
    "attn-only-2l-demo": Teaching(
        "NeelNanda/Attn-Only-2L512W-Shortformer-6B-big-lr",
        {
            **{"n_layers": 2, "act_fn": "solu_ln", "attn_only": True, "normalization": None},
            "shortformer_pos": True,
        },
    ),
    "redwood_attn_2l": Teaching(
        "ArthurConmy/redwood_attn_2l",
        {
            **{"n_layers": 2, "act_fn": "gelu_new", "attn_only": True, "d_mlp": -1},
            **{"normalization_type": "LN", "shortformer_pos": True},
        },
    ),
    "gelu-2l": Teaching(
        "NeelNanda/GELU_2L512W_C4_Code",
        {"n_layers": 2, "act_fn": "gelu", "attn_only": False, "normalization": "LN"},
    ),
    "solu-3l": Teaching(
        "NeelNanda/SoLU_3L512W_C4_Code",
        {"n_layers": 3, "act_fn": "solu_ln", "attn_only": False, "normalization": "LN"},
    ),
    "solu-1l-pile": Teaching(
        "NeelNanda/SoLU_1L_v9_old",
        {"n_layers": 1, "final_rms": True, **_OLD},
        "all",
        _NORM,
        sizes=_SQUARE,
    ),
    "solu-2l-pile": Teaching(
        "NeelNanda/SoLU_2L_v10_old", {"n_layers": 2, "final_rms": True, **_PRE}, "all", _NORM
    ),
    "solu-6l-pile": Teaching(
        "NeelNanda/SoLU_6L_v13_old", {"n_layers": 6, "final_rms": True, **_PRE}, "all", _NORM
    ),
    "solu-8l-pile": Teaching(
        "NeelNanda/SoLU_8L_v21_old", {"n_layers": 8, **_PRE}, "positions", _NORM, sizes=_SQUARE
    ),
    "solu-10l-pile": Teaching("NeelNanda/SoLU_10L_v22_old", {"n_layers": 10, **_PRE}, norms=_NORM),
    "solu-12l-pile": Teaching(
        "NeelNanda/SoLU_12L_v23_old", {"n_layers": 12, **_OLD}, "none", _NORM
    ),
    "othello-gpt": Teaching(
        "Baidicoot/Othello-GPT-Transformer-Lens",
        {
            **{"n_layers": 2, "act_fn": "gelu", "attn_only": False, "normalization": "LN"},
            "architecture": "mingpt",
        },
        norms=("ln1", "ln2", "", "ln_f"),
        kind="mingpt",
    ),
}


def tensors_of(model: Teaching, seed: int = 0) -> dict[str, Tensor]:
    """Return random tensors by the names, and in the shapes, that the published file has."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64) * 0.4
        for name, shape in _shapes(model).items()
    } | {
        f"blocks.{layer}.attn.{name}": value
        for layer in range(model.config["n_layers"])
        for name, value in _masks(model).items()
    }


def _masks(model: Teaching) -> dict[str, Tensor]:
    count = model.config["n_ctx"]
    mask = torch.ones(count, count).tril().bool()
    if model.kind == "mingpt":
        return {"mask": mask[None, None].float()}
    return {"mask": mask, "IGNORE": torch.tensor(-1e5)}


def _shapes(model: Teaching) -> Shapes:
    if model.kind == "mingpt":
        return _mingpt_shapes(model)
    shapes = _norm_shapes(model)
    for name, shape in _weight_shapes(model.config).items():
        is_turned = model.turned == "all" and ".W_" in name
        is_turned |= model.turned == "positions" and name == "pos_embed.W_pos"
        shapes[name] = (*shape[:-2], shape[-1], shape[-2]) if is_turned else shape
    return shapes


def _weight_shapes(c: dict[str, Any]) -> Shapes:
    d_model, heads, d_head, d_mlp = c["d_model"], c["n_heads"], c["d_head"], c["d_mlp"]
    shapes: Shapes = {
        "embed.W_E": (c["d_vocab"], d_model),
        "pos_embed.W_pos": (c["n_ctx"], d_model),
        "unembed.W_U": (d_model, c["d_vocab"]),
        "unembed.b_U": (c["d_vocab"],),
    }
    for layer in range(c["n_layers"]):
        block = f"blocks.{layer}"
        for letter in "QKV":
            shapes[f"{block}.attn.W_{letter}"] = (heads, d_model, d_head)
            shapes[f"{block}.attn.b_{letter}"] = (heads, d_head)
        shapes[f"{block}.attn.W_O"] = (heads, d_head, d_model)
        shapes[f"{block}.attn.b_O"] = (d_model,)
        if not c["attn_only"]:
            shapes[f"{block}.mlp.W_in"], shapes[f"{block}.mlp.b_in"] = (d_model, d_mlp), (d_mlp,)
            shapes[f"{block}.mlp.W_out"], shapes[f"{block}.mlp.b_out"] = (
                (d_mlp, d_model),
                (d_model,),
            )
    return shapes


def _norm_shapes(model: Teaching) -> Shapes:
    c = model.config
    if c.get("normalization", c.get("normalization_type")) != "LN":
        return {}
    widths = {f"{model.norms[3]}": c["d_model"]}
    for layer in range(c["n_layers"]):
        widths[f"blocks.{layer}.{model.norms[0]}"] = c["d_model"]
        if not c["attn_only"]:
            widths[f"blocks.{layer}.{model.norms[1]}"] = c["d_model"]
        if not c["attn_only"] and c["act_fn"] == "solu_ln":
            widths[f"blocks.{layer}.{model.norms[2]}"] = c["d_mlp"]
    shapes: Shapes = {f"{name}.{part}": (width,) for name, width in widths.items() for part in "wb"}
    if c.get("final_rms"):
        del shapes[f"{model.norms[3]}.b"]
    return shapes


def _mingpt_shapes(model: Teaching) -> Shapes:
    c = model.config
    wide, d_mlp = c["d_model"], c["d_mlp"]
    shapes: Shapes = {
        "tok_emb.weight": (c["d_vocab"], wide),
        "pos_emb": (1, c["n_ctx"], wide),
        "head.weight": (c["d_vocab"], wide),
        "ln_f.weight": (wide,),
        "ln_f.bias": (wide,),
    }
    for layer in range(c["n_layers"]):
        block = f"blocks.{layer}"
        linear: Shapes = {
            f"attn.{name}": (wide, wide) for name in ("query", "key", "value", "proj")
        }
        linear |= {"mlp.0": (d_mlp, wide), "mlp.2": (wide, d_mlp), "ln1": (wide,), "ln2": (wide,)}
        for name, shape in linear.items():
            shapes[f"{block}.{name}.weight"] = shape
            shapes[f"{block}.{name}.bias"] = shape[:1]
    return shapes


class Slowly:
    """Runs a published checkpoint by the definitions, in float64."""

    def __init__(self, model: Teaching, tensors: dict[str, Tensor]) -> None:
        self.model, self.config, self.tensors = model, model.config, tensors

    def logits(self, tokens: list[int]) -> Tensor:
        """Return the logits of token ids, [position, d_vocab]."""
        c, is_mingpt = self.config, self.model.kind == "mingpt"
        embed = self.matrix("tok_emb.weight" if is_mingpt else "embed.W_E")
        rows = self.tensors["pos_emb"][0] if is_mingpt else self.matrix("pos_embed.W_pos")
        is_shortformer = bool(c.get("shortformer_pos"))
        stream = [embed[token].clone() for token in tokens]
        if not is_shortformer:
            stream = [row + rows[place] for place, row in enumerate(stream)]
        for layer in range(c["n_layers"]):
            read = [self.normed(f"blocks.{layer}.{self.model.norms[0]}", row) for row in stream]
            added = rows if is_shortformer else torch.zeros_like(rows)
            writes = self.attention(layer, read, added)
            stream = [row + write for row, write in zip(stream, writes, strict=True)]
            if not c["attn_only"]:
                stream = [row + self.mlp(layer, row) for row in stream]
        is_rms = bool(c.get("final_rms"))
        last = [self.normed(self.model.norms[3], row, is_rms) for row in stream]
        if is_mingpt:
            return torch.stack([self.tensors["head.weight"] @ row for row in last])
        unembed, bias = self.matrix("unembed.W_U"), self.tensors["unembed.b_U"]
        return torch.stack([row @ unembed + bias for row in last])

    def matrix(self, name: str) -> Tensor:
        """Return a matrix as [..., in, out], however it is published."""
        tensor, turned = self.tensors[name], self.model.turned
        is_turned = turned == "all" or (turned == "positions" and name == "pos_embed.W_pos")
        return torch.stack(tensor.unbind(-1), -2) if is_turned else tensor

    def normed(self, name: str, row: Tensor, is_rms: bool = False) -> Tensor:
        """Return a row after a norm: LayerNorm, or division by the root mean square."""
        kind = self.config.get("normalization", self.config.get("normalization_type"))
        if kind is None:
            return row
        row = row if is_rms else row - sum(row) / len(row)
        row = row / sqrt(float(sum(number**2 for number in row.tolist())) / len(row) + 1e-5)
        if kind == "LNPre":
            return row
        weight, bias = ("weight", "bias") if self.model.kind == "mingpt" else ("w", "b")
        return row * self.tensors[f"{name}.{weight}"] + self.tensors.get(f"{name}.{bias}", 0)

    def head(self, layer: int, letter: str, head: int) -> tuple[Tensor, Any]:
        """Return a head's matrix [in, out] and its bias, for queries, keys, values or output."""
        width, where = self.config["d_head"], f"blocks.{layer}.attn"
        if self.model.kind == "hooked":
            bias = self.tensors[f"{where}.b_{letter}"]
            return self.matrix(f"{where}.W_{letter}")[head], bias if letter == "O" else bias[head]
        name = {"Q": "query", "K": "key", "V": "value", "O": "proj"}[letter]
        weight, bias = (self.tensors[f"{where}.{name}.{part}"] for part in ("weight", "bias"))
        own = slice(head * width, (head + 1) * width)
        return (weight[:, own].T, bias) if letter == "O" else (weight[own].T, bias[own])

    def attention(self, layer: int, read: list[Tensor], added: Tensor) -> list[Tensor]:
        """Return what a layer's attention writes at each position.

        Args:
            layer: The layer.
            read: What values are made of, by position.
            added: What queries and keys read besides, [position, d_model].
        """
        writes = [self.head(layer, "O", 0)[1].clone() for _ in read]
        for head in range(self.config["n_heads"]):
            (w_q, b_q), (w_k, b_k), (w_v, b_v) = (self.head(layer, part, head) for part in "QKV")
            w_o = self.head(layer, "O", head)[0]
            queries = [(row + added[place]) @ w_q + b_q for place, row in enumerate(read)]
            keys = [(row + added[place]) @ w_k + b_k for place, row in enumerate(read)]
            values = [row @ w_v + b_v for row in read]
            for place, query in enumerate(queries):
                scores = [float(query @ key) / sqrt(len(query)) for key in keys[: place + 1]]
                shares = [exp(score - max(scores)) for score in scores]
                mixed = sum(s * v for s, v in zip(shares, values, strict=False)) / sum(shares)
                writes[place] += mixed @ w_o
        return writes

    def mlp(self, layer: int, row: Tensor) -> Tensor:
        """Return what a layer's MLP writes at a position."""
        where = f"blocks.{layer}"
        read = self.normed(f"{where}.{self.model.norms[1]}", row)
        if self.model.kind == "mingpt":
            hidden = self.tensors[f"{where}.mlp.0.weight"] @ read
            hidden = self.act(hidden + self.tensors[f"{where}.mlp.0.bias"])
            return (
                self.tensors[f"{where}.mlp.2.weight"] @ hidden
                + (self.tensors[f"{where}.mlp.2.bias"])
            )
        hidden = self.act(
            read @ self.matrix(f"{where}.mlp.W_in") + self.tensors[f"{where}.mlp.b_in"]
        )
        if self.config["act_fn"] == "solu_ln":
            hidden = self.normed(f"{where}.{self.model.norms[2]}", hidden)
        return hidden @ self.matrix(f"{where}.mlp.W_out") + self.tensors[f"{where}.mlp.b_out"]

    def act(self, row: Tensor) -> Tensor:
        """Return the nonlinearity of numbers: GELU, its approximation, or x · softmax(x)."""
        numbers = row.tolist()
        if self.config["act_fn"] == "solu_ln":
            shares = [exp(x - max(numbers)) for x in numbers]
            found = [x * share / sum(shares) for x, share in zip(numbers, shares, strict=True)]
        elif self.config["act_fn"] == "gelu":
            found = [x * (1 + erf(x / sqrt(2))) / 2 for x in numbers]
        else:
            found = [x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2 for x in numbers]
        return torch.tensor(found, dtype=row.dtype)
