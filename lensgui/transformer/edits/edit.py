"""What one intervention does to an activation, at which positions, in which heads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Change = Callable[[Tensor, Tensor], Tensor]
"""From some of an activation and the row of `Edit.chosen` of each position to what comes instead.

The activation is [..., position, unit], of heads [..., position, head, unit], of a pattern or of
scores [..., head, position, source].
"""


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """What one intervention does to an activation.

    Attributes:
        change: What comes in the place of what stands there.
        chosen: Which positions are changed, [position + 1]: the last is for all that come after
            the prompt, as in generation. None for all, whatever their number.
        head: Which head is changed, or key/value head; None for all, and where there are none.
        unit: Which unit, such as a neuron; None for all.
        follows_position: Whether what it changes to depends on the position.
        is_addition: Whether it adds something that does not depend on what stands there.
    """

    change: Change
    chosen: Tensor | None = None
    head: int | None = None
    unit: int | None = None
    follows_position: bool = False
    is_addition: bool = False

    @property
    def needs_positions(self) -> bool:
        """Whether it has to know where rows stand."""
        return self.follows_position or self.chosen is not None


@dataclass(frozen=True, slots=True)
class Layout:
    """Which axes of an activation hold what, counted from the last.

    Attributes:
        position: The axis of positions.
        head: The axis of heads; None where there is none.
    """

    position: int = -2
    head: int | None = None


ROWS = Layout()
OF_HEADS = Layout(position=-3, head=-2)
OF_PATTERNS = Layout(position=-2, head=-3)
_LAYOUTS = {
    **dict.fromkeys(("q", "k", "v", "z", "rot_q", "rot_k", "result"), OF_HEADS),
    **dict.fromkeys(("attn_scores", "pattern"), OF_PATTERNS),
}


def layout_of(name: str) -> Layout:
    """Return the layout of the activation of a hook point, by its full name."""
    return _LAYOUTS.get(name.rpartition("hook_")[2], ROWS)


def edited(activation: Tensor, edits: tuple[Edit, ...], layout: Layout, at: Tensor) -> Tensor:
    """Return an activation as edits leave it, one after the other.

    Args:
        activation: Some rows of it.
        edits: What is done.
        layout: Its axes.
        at: The position of each row, [position]; empty where no edit needs it.
    """
    result = activation.clone()
    for edit in edits:
        own = _own(result, edit, layout)
        part = own.clone()  # gradients may need what it was
        rows = at if edit.chosen is None else at.clamp(max=len(edit.chosen) - 1)
        new = edit.change(part, rows).to(part.dtype)
        if edit.chosen is not None:
            is_chosen = edit.chosen.index_select(0, rows)
            is_chosen = is_chosen.view(-1, *(1,) * (-layout.position - 1))
            new = torch.where(is_chosen, new, part)
        own[...] = new
    return result


def _own(whole: Tensor, edit: Edit, layout: Layout) -> Tensor:
    """Return the part of an activation that an edit changes, in the same memory."""
    if edit.head is not None and layout.head is not None:
        whole = whole.narrow(layout.head, edit.head, 1)
    return whole if edit.unit is None else whole.narrow(-1, edit.unit, 1)
