"""Activation patching as notebooks write it: cache, tokens and metric in, a map of numbers out.

Each `get_act_patch_*` runs the corrupted prompt once for every cell of its map, with one activation
taken from the clean run, and returns the metric (not its change). Vig et al. (2020); Meng et al.
(2022); Wang et al. (2022).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor

from lensgui.engine.names import get_act_name

AxisNames = Literal["layer", "pos", "head_index", "head", "src_pos", "dest_pos"]
PatchSetter = Callable[[Tensor, Sequence[int], Tensor], Tensor]
Metric = Callable[[Tensor], Tensor]


def layer_pos_patch_setter(corrupted: Tensor, index: Sequence[int], clean: Tensor) -> Tensor:
    """Patch one position of [batch, pos, ...]; index is (layer, pos)."""
    _, pos = index
    corrupted[:, pos, ...] = clean[:, pos, ...]
    return corrupted


def layer_pos_head_vector_patch_setter(
    corrupted: Tensor, index: Sequence[int], clean: Tensor
) -> Tensor:
    """Patch one head at one position of [batch, pos, head, d_head]; index is (layer, pos, head)."""
    _, pos, head = index
    corrupted[:, pos, head] = clean[:, pos, head]
    return corrupted


def layer_head_vector_patch_setter(
    corrupted: Tensor, index: Sequence[int], clean: Tensor
) -> Tensor:
    """Patch one head at all positions of [batch, pos, head, d_head]; index is (layer, head)."""
    _, head = index
    corrupted[:, :, head] = clean[:, :, head]
    return corrupted


def layer_head_pattern_patch_setter(
    corrupted: Tensor, index: Sequence[int], clean: Tensor
) -> Tensor:
    """Patch one head's pattern in [batch, head, dest, src]; index is (layer, head)."""
    _, head = index
    corrupted[:, head] = clean[:, head]
    return corrupted


def layer_head_pos_pattern_patch_setter(
    corrupted: Tensor, index: Sequence[int], clean: Tensor
) -> Tensor:
    """Patch one row of one head's pattern; index is (layer, head, dest_pos)."""
    _, head, dest = index
    corrupted[:, head, dest] = clean[:, head, dest]
    return corrupted


def layer_head_dest_src_pos_pattern_patch_setter(
    corrupted: Tensor, index: Sequence[int], clean: Tensor
) -> Tensor:
    """Patch one edge of one head's pattern; index is (layer, head, dest_pos, src_pos)."""
    _, head, dest, src = index
    corrupted[:, head, dest, src] = clean[:, head, dest, src]
    return corrupted


@torch.no_grad()
def generic_activation_patch(
    model: Any,
    corrupted_tokens: Tensor,
    clean_cache: Any,
    patching_metric: Metric,
    patch_setter: PatchSetter,
    activation_name: str,
    index_axis_names: Sequence[AxisNames] | None = None,
    index_df: Any = None,
    return_index_df: bool = False,
) -> Any:
    """Run the corrupted prompt once for every index, with that activation patched, and measure.

    Args:
        model: A `HookedTransformer`.
        corrupted_tokens: Token ids, [batch, pos].
        clean_cache: The clean run's activations.
        patching_metric: From logits [batch, pos, d_vocab] to a single number.
        patch_setter: From the corrupted activation (a copy), an index and the clean one to the
            patched one.
        activation_name: A short name, such as "resid_pre" or "z"; the index starts with its layer.
        index_axis_names: The axes to run over, each over its whole range.
        index_df: Instead of them, the indices themselves: a data frame, or an iterable of tuples.
        return_index_df: Whether to return the indices too, as a data frame (needs pandas).

    Returns:
        The metric of each index: an axis of the result for each axis name; [index] with `index_df`.

    Raises:
        ValueError: If neither or both of `index_axis_names` and `index_df` are given.
    """
    if (index_axis_names is None) == (index_df is None):
        raise ValueError("Give either index_axis_names or index_df, and not both.")
    if index_axis_names is not None:
        ranges = _ranges(model, corrupted_tokens, activation_name, index_axis_names)
        indices = list(itertools.product(*map(range, ranges)))
        shape: tuple[int, ...] = tuple(ranges)
    else:
        indices = _rows(index_df)
        shape = (len(indices),)
    values = torch.zeros(len(indices), device=corrupted_tokens.device)
    for row, index in enumerate(indices):
        name = get_act_name(activation_name, index[0])

        def patch(
            activation: Tensor, hook: Any, index: Sequence[int] = index, name: str = name
        ) -> Tensor:
            return patch_setter(activation.clone(), index, clean_cache[name])

        logits = model.run_with_hooks(corrupted_tokens, fwd_hooks=[(name, patch)])
        values[row] = float(patching_metric(logits))
    result = values.view(shape)
    if not return_index_df:
        return result
    return result, index_df if index_df is not None else _frame(indices, index_axis_names)


def _ranges(
    model: Any, tokens: Tensor, activation_name: str, names: Iterable[AxisNames]
) -> list[int]:
    """Return how far each axis runs; keys and values have a head for each group of query heads."""
    cfg = model.cfg
    kind = get_act_name(activation_name, 0).rpartition("hook_")[2]
    heads = cfg.kv_heads if kind in ("k", "v", "rot_k") else cfg.n_heads
    length = tokens.shape[-1]
    sizes = {"layer": cfg.n_layers, "head": heads, "head_index": heads}
    return [sizes.get(name, length) for name in names]


def _rows(index_df: Any) -> list[tuple[int, ...]]:
    rows = index_df.itertuples(index=False) if hasattr(index_df, "itertuples") else index_df
    return [tuple(int(number) for number in row) for row in rows]


def _frame(indices: list[tuple[int, ...]], names: Any) -> Any:
    try:
        pandas = import_module("pandas")
    except ImportError as error:
        raise ImportError(
            "return_index_df=True needs pandas: install it, or leave it out."
        ) from error
    return pandas.DataFrame(indices, columns=list(names))


Sweep = Callable[[Any, Tensor, Any, Metric], Tensor]


def _sweep(setter: PatchSetter, activation: str, *axes: AxisNames) -> Sweep:
    """Return the function that patches one kind of activation over some axes."""

    def sweep(
        model: Any, corrupted_tokens: Tensor, clean_cache: Any, patching_metric: Metric
    ) -> Tensor:
        result: Tensor = generic_activation_patch(
            model, corrupted_tokens, clean_cache, patching_metric, setter, activation, axes
        )
        return result

    sweep.__doc__ = (
        f"Patch {activation} and return the metric, [{', '.join(axes)}]; see "
        "`generic_activation_patch`."
    )
    return sweep


get_act_patch_resid_pre = _sweep(layer_pos_patch_setter, "resid_pre", "layer", "pos")
get_act_patch_resid_mid = _sweep(layer_pos_patch_setter, "resid_mid", "layer", "pos")
get_act_patch_attn_out = _sweep(layer_pos_patch_setter, "attn_out", "layer", "pos")
get_act_patch_mlp_out = _sweep(layer_pos_patch_setter, "mlp_out", "layer", "pos")

get_act_patch_attn_head_out_by_pos = _sweep(
    layer_pos_head_vector_patch_setter, "z", "layer", "pos", "head"
)
get_act_patch_attn_head_q_by_pos = _sweep(
    layer_pos_head_vector_patch_setter, "q", "layer", "pos", "head"
)
get_act_patch_attn_head_k_by_pos = _sweep(
    layer_pos_head_vector_patch_setter, "k", "layer", "pos", "head"
)
get_act_patch_attn_head_v_by_pos = _sweep(
    layer_pos_head_vector_patch_setter, "v", "layer", "pos", "head"
)
get_act_patch_attn_head_pattern_by_pos = _sweep(
    layer_head_pos_pattern_patch_setter, "pattern", "layer", "head_index", "dest_pos"
)
get_act_patch_attn_head_pattern_dest_src_pos = _sweep(
    layer_head_dest_src_pos_pattern_patch_setter,
    "pattern",
    "layer",
    "head_index",
    "dest_pos",
    "src_pos",
)
get_act_patch_attn_head_out_all_pos = _sweep(layer_head_vector_patch_setter, "z", "layer", "head")
get_act_patch_attn_head_q_all_pos = _sweep(layer_head_vector_patch_setter, "q", "layer", "head")
get_act_patch_attn_head_k_all_pos = _sweep(layer_head_vector_patch_setter, "k", "layer", "head")
get_act_patch_attn_head_v_all_pos = _sweep(layer_head_vector_patch_setter, "v", "layer", "head")
get_act_patch_attn_head_pattern_all_pos = _sweep(
    layer_head_pattern_patch_setter, "pattern", "layer", "head_index"
)


def _every(sweeps: Sequence[Sweep], heads_last: bool, arguments: tuple[Any, ...]) -> Tensor:
    """Stack sweeps; with grouped queries each query head shows the key or value of its group."""
    model = arguments[0]
    results = []
    for sweep in sweeps:
        result = sweep(*arguments)
        if heads_last and result.shape[-1] == model.cfg.kv_heads != model.cfg.n_heads:
            result = result.repeat_interleave(model.cfg.n_heads // model.cfg.kv_heads, dim=-1)
        results.append(result)
    return torch.stack(results)


def get_act_patch_attn_head_all_pos_every(
    model: Any, corrupted_tokens: Tensor, clean_cache: Any, metric: Metric
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
    model: Any, corrupted_tokens: Tensor, clean_cache: Any, metric: Metric
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
    model: Any, corrupted_tokens: Tensor, clean_cache: Any, metric: Metric
) -> Tensor:
    """Patch the residual stream before, the attention output of and the MLP output of every layer.

    Returns:
        The metric, [3, layer, pos].
    """
    sweeps = (get_act_patch_resid_pre, get_act_patch_attn_out, get_act_patch_mlp_out)
    return _every(sweeps, False, (model, corrupted_tokens, clean_cache, metric))
