"""Setters, which say where an activation is patched, and the kinds of sweeps that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from lensgui.terms.kinds import Extent

PatchSetter = Callable[[Tensor, Sequence[int], Tensor], Tensor]


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


_STREAMS = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")
_HEADS = ("z", "q", "k", "v")
SWEPT: dict[PatchSetter, tuple[Extent, tuple[str, ...]]] = {
    layer_pos_patch_setter: ("position", _STREAMS),
    layer_pos_head_vector_patch_setter: ("position", _HEADS),
    layer_head_vector_patch_setter: ("all", _HEADS),
    layer_head_pattern_patch_setter: ("all", ("pattern",)),
    layer_head_pos_pattern_patch_setter: ("position", ("pattern",)),
    layer_head_dest_src_pos_pattern_patch_setter: ("edge", ("pattern",)),
}
"""For each setter how much it patches, and the activations that the engine sweeps like that."""
