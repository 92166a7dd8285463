"""Activation patching as notebooks write it: cache, tokens and metric in, a map of numbers out.

Each `get_act_patch_*` patches one activation of the clean run into the corrupted one at a time and
returns the metric (not its change), whatever the metric is. Vig et al. (2020); Meng et al. (2022);
Wang et al. (2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.notebooks.generic import AxisNames, generic_activation_patch
from lensgui.analysis.notebooks.setters import (
    PatchSetter,
    layer_head_dest_src_pos_pattern_patch_setter,
    layer_head_pattern_patch_setter,
    layer_head_pos_pattern_patch_setter,
    layer_head_vector_patch_setter,
    layer_pos_head_vector_patch_setter,
    layer_pos_patch_setter,
)
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import AnyMetric
from lensgui.transformer.cache.cache import ActivationCache
from lensgui.transformer.model import HookedTransformer

Sweep = Callable[[HookedTransformer, Tensor, ActivationCache, AnyMetric], Tensor]


def _sweep(setter: PatchSetter, kind: SweepKind) -> Sweep:
    """Return the function that patches one kind of activation over its map."""
    names: dict[str, AxisNames] = {"layer": "layer", "source": "src_pos", "head": "head"}
    names |= {"key_value_head": "head", "position": "pos"}
    axes = [names[axis] for axis in kind.axes]

    def sweep(
        model: HookedTransformer,
        corrupted_tokens: Tensor,
        clean_cache: ActivationCache,
        patching_metric: AnyMetric,
    ) -> Tensor:
        result: Tensor = generic_activation_patch(
            model, corrupted_tokens, clean_cache, patching_metric, setter, kind.activation, axes
        )
        return result

    sweep.__doc__ = (
        f"Patch {kind.activation} and return the metric, [{', '.join(axes)}]; see "
        "`generic_activation_patch`."
    )
    return sweep


get_act_patch_resid_pre = _sweep(layer_pos_patch_setter, SweepKind("resid_pre"))
get_act_patch_resid_mid = _sweep(layer_pos_patch_setter, SweepKind("resid_mid"))
get_act_patch_attn_out = _sweep(layer_pos_patch_setter, SweepKind("attn_out"))
get_act_patch_mlp_out = _sweep(layer_pos_patch_setter, SweepKind("mlp_out"))

_AT_POS = layer_pos_head_vector_patch_setter
get_act_patch_attn_head_out_by_pos = _sweep(_AT_POS, SweepKind("z"))
get_act_patch_attn_head_q_by_pos = _sweep(_AT_POS, SweepKind("q"))
get_act_patch_attn_head_k_by_pos = _sweep(_AT_POS, SweepKind("k"))
get_act_patch_attn_head_v_by_pos = _sweep(_AT_POS, SweepKind("v"))
get_act_patch_attn_head_pattern_by_pos = _sweep(
    layer_head_pos_pattern_patch_setter, SweepKind("pattern")
)
get_act_patch_attn_head_pattern_dest_src_pos = _sweep(
    layer_head_dest_src_pos_pattern_patch_setter, SweepKind("pattern", "edge")
)

_ALL_POS = layer_head_vector_patch_setter
get_act_patch_attn_head_out_all_pos = _sweep(_ALL_POS, SweepKind("z", "all"))
get_act_patch_attn_head_q_all_pos = _sweep(_ALL_POS, SweepKind("q", "all"))
get_act_patch_attn_head_k_all_pos = _sweep(_ALL_POS, SweepKind("k", "all"))
get_act_patch_attn_head_v_all_pos = _sweep(_ALL_POS, SweepKind("v", "all"))
get_act_patch_attn_head_pattern_all_pos = _sweep(
    layer_head_pattern_patch_setter, SweepKind("pattern", "all")
)


def _every(sweeps: Sequence[Sweep], heads_last: bool, arguments: tuple[Any, ...]) -> Tensor:
    """Stack sweeps; with grouped queries each query head shows the key or value of its group."""
    model = arguments[0]
    results = []
    for sweep in sweeps:
        result = sweep(*arguments)
        if heads_last and result.shape[-1] == model.cfg.kv_heads != model.cfg.n_heads:
            result = result.repeat_interleave(model.cfg.heads_per_group, dim=-1)
        results.append(result)
    return torch.stack(results)


def get_act_patch_attn_head_all_pos_every(
    model: HookedTransformer,
    corrupted_tokens: Tensor,
    clean_cache: ActivationCache,
    metric: AnyMetric,
) -> Tensor:
    """Patch every head's output, query, key, value and pattern at all positions.

    Returns:
        The metric, [5, layer, head]; under grouped queries a key or value is shown for each query
        head of its group.
    """
    sweeps = (
        get_act_patch_attn_head_out_all_pos,
        get_act_patch_attn_head_q_all_pos,
        get_act_patch_attn_head_k_all_pos,
        get_act_patch_attn_head_v_all_pos,
        get_act_patch_attn_head_pattern_all_pos,
    )
    return _every(sweeps, True, (model, corrupted_tokens, clean_cache, metric))


def get_act_patch_attn_head_by_pos_every(
    model: HookedTransformer,
    corrupted_tokens: Tensor,
    clean_cache: ActivationCache,
    metric: AnyMetric,
) -> Tensor:
    """Patch every head's output, query, key, value and pattern row at each position.

    Returns:
        The metric, [5, layer, pos, head]; keys and values as in
        `get_act_patch_attn_head_all_pos_every`.
    """
    sweeps = (
        get_act_patch_attn_head_out_by_pos,
        get_act_patch_attn_head_q_by_pos,
        get_act_patch_attn_head_k_by_pos,
        get_act_patch_attn_head_v_by_pos,
        lambda *arguments: get_act_patch_attn_head_pattern_by_pos(*arguments).transpose(1, 2),
    )
    return _every(sweeps, True, (model, corrupted_tokens, clean_cache, metric))


def get_act_patch_block_every(
    model: HookedTransformer,
    corrupted_tokens: Tensor,
    clean_cache: ActivationCache,
    metric: AnyMetric,
) -> Tensor:
    """Patch the residual stream before, the attention output of and the MLP output of every layer.

    Returns:
        The metric, [3, layer, pos].
    """
    sweeps = (get_act_patch_resid_pre, get_act_patch_attn_out, get_act_patch_mlp_out)
    return _every(sweeps, False, (model, corrupted_tokens, clean_cache, metric))
