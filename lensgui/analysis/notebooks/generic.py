"""Any activation patched at any index, for any metric: the engine's way where there is one.

Setters that are not lensgui's, and activations that no sweep patches, run one cell after the other,
from their layer on.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor

from lensgui.analysis.checks import hooked_points
from lensgui.analysis.notebooks.setters import SWEPT, PatchSetter
from lensgui.analysis.run.predictions import read_metric
from lensgui.analysis.run.recording import CachedRecording
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.grouping import in_host_memory
from lensgui.analysis.sweep.in_order import (
    BaseLogits,
    Prompt,
    call,
    lazy,
    measured_in_order,
    warn_of_nan,
    words_of,
)
from lensgui.analysis.sweep.kinds import WAYS, needed
from lensgui.analysis.sweep.patches import Patch, TrivialCells, map_shape
from lensgui.analysis.sweep.result import nothing_known
from lensgui.analysis.sweep.sweep import run_cells
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import AnyMetric, Declared, read_positions
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import padding_mask

log = logging.getLogger(__name__)
AxisNames = Literal["layer", "pos", "head_index", "head", "src_pos", "dest_pos"]


@torch.no_grad()
def generic_activation_patch(
    model: HookedTransformer,
    corrupted_tokens: Tensor,
    clean_cache: Mapping[str, Tensor],
    patching_metric: AnyMetric,
    patch_setter: PatchSetter,
    activation_name: str,
    index_axis_names: Sequence[AxisNames] | None = None,
    index_df: Any = None,
    return_index_df: bool = False,
) -> Any:
    """Patch an activation of the corrupted prompt at every index, and measure.

    Args:
        model: A `HookedTransformer`.
        corrupted_tokens: Token ids, [batch, pos].
        clean_cache: The clean run's activations.
        patching_metric: From logits [batch, pos, d_vocab] to a single number. It is called once an
            index, in order; what it is given is its own, and is worked out when it is looked at.
        patch_setter: From the corrupted activation (a copy), an index and the clean one to the
            patched one. For those of this module no cell runs anything twice.
        activation_name: A short name, such as "resid_pre" or "z"; the index starts with its layer.
        index_axis_names: The axes to run over, each over its whole range.
        index_df: Instead of them, the indices themselves: a data frame, or an iterable of tuples.
        return_index_df: Whether to return the indices too, as a data frame (needs pandas).

    Returns:
        The metric of each index: an axis of the result for each axis name; [index] with `index_df`.
        In float64 for a model in float64, else in float32; NaN, with a warning, where the metric
        is.

    Raises:
        ValueError: If neither or both of `index_axis_names` and `index_df` are given, a declared
            metric reads padding, or the metric returns no number.
    """
    if (index_axis_names is None) == (index_df is None):
        raise ValueError("Give either index_axis_names or index_df, and not both.")
    tokens = corrupted_tokens if corrupted_tokens.ndim > 1 else corrupted_tokens[None]
    mask = padding_mask(model, tokens)
    if isinstance(patching_metric, Declared):
        _check_reads(patching_metric, mask)
    if index_axis_names is not None:
        ranges = _ranges(model, tokens, activation_name, index_axis_names)
        indices = list(itertools.product(*map(range, ranges)))
        shape: tuple[int, ...] = tuple(ranges)
    else:
        indices = _rows(index_df)
        shape = (len(indices),)
    watched = _watched(model, mask)
    kind = None if watched else _kind(model, patch_setter, activation_name)
    places = _places(model, tokens, clean_cache, kind, indices) if kind else None
    if kind and places:
        values = _swept(model, tokens, clean_cache, patching_metric, kind, places)
    else:
        streams = [] if watched or not indices else list(model.residual_stream(tokens))
        arguments = (clean_cache, patch_setter, activation_name, indices)
        values = _measured(_patched(model, tokens, streams, *arguments), patching_metric, indices)
    warn_of_nan(kind.axes if kind else (), indices, values.tolist())
    is_double = model.cfg.dtype == torch.float64
    values = values.to(tokens.device, torch.float64 if is_double else torch.float32).view(shape)
    if not return_index_df:
        return values
    return values, index_df if index_df is not None else _frame(indices, index_axis_names)


def _watched(model: HookedTransformer, mask: Tensor | None) -> bool:
    """Return whether every cell must be a whole forward pass, and say why to the log."""
    hooked = hooked_points(model)
    if hooked or mask is not None:
        why = f"hooks are attached, at {hooked[0]}" if hooked else "some prompts are padded"
        log.info("Each patched cell is a whole forward pass: %s.", why)
    return bool(hooked) or mask is not None


def _kind(model: HookedTransformer, setter: PatchSetter, activation_name: str) -> SweepKind | None:
    """Return the kind of sweep that a setter makes; None if there is none."""
    extent, activations = SWEPT.get(setter, ("position", ()))
    names = [get_act_name(activation_name, layer) for layer in (0, 1)]
    short = names[0].rpartition("hook_")[2]
    if short not in activations or names[0] == names[1]:
        return None
    is_serial = WAYS[short].is_serial and model.cfg.parallel_attn_mlp
    return None if is_serial else SweepKind(short, extent)


def _places(
    model: HookedTransformer,
    tokens: Tensor,
    cache: Mapping[str, Tensor],
    kind: SweepKind,
    indices: Sequence[Sequence[int]],
) -> list[tuple[int, ...]] | None:
    """Return the cells of indices; None unless the map and the cache have all of them."""
    sizes = map_shape(kind, model, tokens.shape[1])
    if any(len(index) != len(sizes) for index in indices):
        return None
    lowest = [0, *(-size for size in sizes[1:])]  # a layer is part of a name
    inside = all(
        low <= at < size
        for index in indices
        for low, at, size in zip(lowest, index, sizes, strict=True)
    )
    batch = _batch(cache, kind, model.cfg.n_layers)
    if not inside or batch not in ((1, tokens.shape[1]), tokens.shape):
        return None
    return [tuple(at % size for at, size in zip(index, sizes, strict=True)) for index in indices]


def _batch(cache: Mapping[str, Tensor], kind: SweepKind, n_layers: int) -> tuple[int, int] | None:
    """Return how many prompts a cache is of, and of how many positions.

    None if it lacks what a kind of sweep puts in.
    """
    names = {
        get_act_name(name, layer)
        for name in WAYS[kind.activation].reads or (kind.activation,)
        for layer in range(n_layers)
    }
    if kind.activation == "resid_mid":
        names |= {get_act_name("resid_pre", layer) for layer in range(n_layers)}
    if not all(name in cache for name in names):
        return None
    stream_before = kind.activation == "resid_mid"
    shape = tuple(cache[get_act_name("resid_pre" if stream_before else kind.activation, 0)].shape)
    shape = shape if getattr(cache, "has_batch_dim", True) else (1, *shape)
    return shape[0], shape[-1] if kind.activation == "pattern" else shape[1]


def _swept(
    model: HookedTransformer,
    tokens: Tensor,
    clean_cache: Mapping[str, Tensor],
    metric: AnyMetric,
    kind: SweepKind,
    places: list[tuple[int, ...]],
) -> Tensor:
    """Return the metric of some cells, [cell], in float64; a declared one's mean over the batch."""
    runs = [Run(model, prompt).complete() for prompt in tokens]
    patches = _patches(model, tokens, clean_cache, kind, runs)
    if isinstance(metric, Declared):
        total = torch.zeros(len(places), dtype=torch.float64)
        for patch in patches:
            total += _declared(patch, metric, places)
        return total / len(patches)
    prompts = []
    for patch in patches:
        result = nothing_known(kind, map_shape(kind, model, tokens.shape[1]))
        trivial = TrivialCells([patch], [result], 0, tokens.shape[1])
        trivial.whole()
        prompts.append(Prompt(patch, in_host_memory(result.unchanged)))
    steps = measured_in_order(prompts, BaseLogits(runs), places, metric)
    return torch.cat([found[1] for found in steps if found is not None])


def _patches(
    model: HookedTransformer,
    tokens: Tensor,
    clean_cache: Mapping[str, Tensor],
    kind: SweepKind,
    runs: Sequence[Run],
) -> list[Patch]:
    """Return what cells put into the run of each prompt.

    The corrupted activations are made as the clean ones were, with the same points watched: what is
    equal is equal to the bit.
    """
    layers = range(model.cfg.n_layers)
    beside = {get_act_name(name, at) for name in needed(kind) | {"resid_pre"} for at in layers}
    beside.add(get_act_name("resid_post", layers[-1]))
    _, base = model.run_with_cache(
        tokens,
        return_type=None,
        names_filter=lambda name: name in beside or name in clean_cache,
    )
    device = runs[0].residuals[0].device
    batch = _batch(clean_cache, kind, len(layers))
    assert batch is not None
    return [
        Patch(
            kind,
            run,
            CachedRecording(clean_cache, row % batch[0], device),
            CachedRecording(base, row, device),
        )
        for row, run in enumerate(runs)
    ]


def _declared(patch: Patch, metric: Declared, places: list[tuple[int, ...]]) -> Tensor:
    """Return a declared metric of some cells of a prompt, [cell]."""
    run = patch.run
    result = nothing_known(patch.kind, (run.model.cfg.n_layers, *patch.shape))
    only = torch.zeros_like(result.unchanged)
    only[tuple(torch.tensor(places).T)] = True
    end, start = read_positions(metric, len(run.tokens)).stop, read_metric(run, metric)
    for _ in run_cells([patch], [result], run, metric, end, start, only=[only]):
        pass
    return torch.stack([result.values[place] for place in places]) + start


def _patched(
    model: HookedTransformer,
    tokens: Tensor,
    streams: Sequence[Tensor],
    clean_cache: Mapping[str, Tensor],
    setter: PatchSetter,
    activation_name: str,
    indices: Sequence[Sequence[int]],
) -> Iterator[Tensor]:
    """Yield the logits of each index, one after the other.

    Args:
        model: The model.
        tokens: The corrupted prompts, [batch, position].
        streams: Their residual stream before each layer, [batch, position, d_model], from which a
            patched layer is entered; none to run all of them each time.
        clean_cache: The clean activations.
        setter: Puts them in.
        activation_name: Which activation.
        indices: Where.
    """
    for index in indices:
        name = get_act_name(activation_name, index[0])

        def patch(
            activation: Tensor, hook: Any, index: Sequence[int] = index, name: str = name
        ) -> Tensor:
            return setter(activation.clone(), index, clean_cache[name])

        if streams and name.startswith(f"blocks.{index[0]}."):
            layer, end = index[0], model.cfg.n_layers
            with model.hooks([(name, patch)]):
                final = model(streams[layer], start_at_layer=layer, stop_at_layer=end)
            yield lazy(final, model)
        else:
            logits: Tensor = model.run_with_hooks(tokens, fwd_hooks=[(name, patch)])
            yield logits


def _measured(
    patched: Iterable[Tensor], metric: AnyMetric, indices: Sequence[Sequence[int]]
) -> Tensor:
    """Return the metric of the logits of each index, [index], in float64."""
    values = torch.zeros(len(indices), dtype=torch.float64)
    for row, (logits, index) in enumerate(zip(patched, indices, strict=True)):
        values[row] = call(metric, logits, words_of((), tuple(index)))
    return values


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
