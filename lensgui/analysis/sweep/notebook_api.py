"""Activation patching as notebooks write it: cache, tokens and metric in, a map of numbers out.

Each `get_act_patch_*` patches one activation of the clean run into the corrupted one at a time and
returns the metric (not its change). Where the metric is one of `lensgui.terms.metrics`, which
say what they read, the sweep engine does it; any other function of logits costs a whole forward
pass a cell. Vig et al. (2020); Meng et al.
(2022); Wang et al. (2022).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor

from lensgui.analysis.checks import hooked_points
from lensgui.analysis.run.recording import CachedRecording
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.kinds import needed
from lensgui.analysis.sweep.patches import Patch, map_shape
from lensgui.analysis.sweep.sweep import nothing_known, read_metric, run_cells
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import Declared, read_positions
from lensgui.transformer.cache.cache import ActivationCache
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import padding_mask

AxisNames = Literal["layer", "pos", "head_index", "head", "src_pos", "dest_pos"]
PatchSetter = Callable[[Tensor, Sequence[int], Tensor], Tensor]
Metric = Callable[[Tensor], Tensor]
Sweep = Callable[[HookedTransformer, Tensor, ActivationCache, Metric], Tensor]


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
    model: HookedTransformer,
    corrupted_tokens: Tensor,
    clean_cache: ActivationCache,
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
        ValueError: If neither or both of `index_axis_names` and `index_df` are given, or a declared
            metric reads padding.
    """
    if (index_axis_names is None) == (index_df is None):
        raise ValueError("Give either index_axis_names or index_df, and not both.")
    if isinstance(patching_metric, Declared):
        _check_reads(patching_metric, padding_mask(model, corrupted_tokens))
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


def _check_reads(metric: Declared, mask: Tensor | None) -> None:
    """Refuse a metric that reads padding of prompts with an attention mask [batch, position]."""
    if mask is None:
        return
    if not mask[:, read_positions(metric, mask.shape[1])].all():
        raise ValueError(
            f"The metric reads position {metric.position}, which is padding in some of the prompts:"
            " pad on the left to read their ends, or give the metric a position that all have."
        )


def _ranges(
    model: HookedTransformer, tokens: Tensor, activation_name: str, names: Iterable[AxisNames]
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


@torch.no_grad()
def _swept(
    model: HookedTransformer,
    corrupted_tokens: Tensor,
    clean_cache: ActivationCache,
    metric: Declared,
    kind: SweepKind,
) -> Tensor:
    """Return the metric of every cell of a sweep, averaged over the batch."""
    _, base_cache = model.run_with_cache(corrupted_tokens, return_type=None)
    total = torch.zeros(map_shape(kind, model, corrupted_tokens.shape[1]), dtype=torch.float64)
    for row, tokens in enumerate(corrupted_tokens):
        run = Run(model, tokens).complete()
        recordings = (CachedRecording(cache, row) for cache in (clean_cache, base_cache))
        result = nothing_known(kind, tuple(total.shape))
        end = read_positions(metric, len(tokens)).stop
        start = read_metric(run, metric)
        patches, results = [Patch(kind, run, *recordings)], [result]
        for _ in run_cells(patches, results, run, metric, end, start):
            pass
        total += result.values + start
    return (total / len(corrupted_tokens)).to(corrupted_tokens.device, torch.float32)


def _can_sweep(
    model: HookedTransformer, tokens: Tensor, cache: ActivationCache, kind: SweepKind
) -> bool:
    """Return whether no hooks are attached, no prompt is padded, and the cache has what is read."""
    if hooked_points(model) or padding_mask(model, tokens) is not None:
        return False
    names = {"resid_pre", "resid_post", *needed(kind)}
    return all(
        get_act_name(name, layer) in cache for name in names for layer in range(model.cfg.n_layers)
    )


def _sweep(setter: PatchSetter, kind: SweepKind) -> Sweep:
    """Return the function that patches one kind of activation over its map."""
    names: dict[str, AxisNames] = {"layer": "layer", "source": "src_pos", "head": "head"}
    names |= {"key_value_head": "head", "position": "pos"}
    axes = [names[axis] for axis in kind.axes]

    def sweep(
        model: HookedTransformer,
        corrupted_tokens: Tensor,
        clean_cache: ActivationCache,
        patching_metric: Metric,
    ) -> Tensor:
        arguments = (model, corrupted_tokens, clean_cache)
        if isinstance(patching_metric, Declared) and _can_sweep(*arguments, kind):
            return _swept(*arguments, patching_metric, kind)
        result: Tensor = generic_activation_patch(
            *arguments, patching_metric, setter, kind.activation, axes
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
    model: HookedTransformer, corrupted_tokens: Tensor, clean_cache: ActivationCache, metric: Metric
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
    model: HookedTransformer, corrupted_tokens: Tensor, clean_cache: ActivationCache, metric: Metric
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
    model: HookedTransformer, corrupted_tokens: Tensor, clean_cache: ActivationCache, metric: Metric
) -> Tensor:
    """Patch the residual stream before, the attention output of and the MLP output of every layer.

    Returns:
        The metric, [3, layer, pos].
    """
    sweeps = (get_act_patch_resid_pre, get_act_patch_attn_out, get_act_patch_mlp_out)
    return _every(sweeps, False, (model, corrupted_tokens, clean_cache, metric))
