"""What one layer does at one position of a run: its heads, what they write, and its MLP.

Only that row is worked out, whatever the prompt's length, and only what is asked for.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.transformer.layers.block import Block
from lensgui.transformer.layers.mlp import MLP
from lensgui.transformer.layers.parameters import exact

_CHANGED = (
    "What {1} of layer {0} adds to the stream is changed by an intervention, so it is no sum over "
    "{2}: switch that off to see them."
)


class LayerRow:
    """One layer at one position, worked out when first needed.

    Attributes:
        block: The layer.
        before: The stream that enters it, [d_model].
    """

    def __init__(self, run: Run, layer: int, position: int) -> None:
        """Look at a layer that the run knows, at a position of its prompt."""
        self._run, self._layer, self._position = run, layer, position
        self.block: Block = run.model.blocks[layer]
        self.before = run.residuals.row(layer, position)

    def _standing(self) -> AbstractContextManager[None]:
        return self._run.model.standing.at(range(self._position, self._position + 1))

    @cached_property
    @torch.no_grad()
    def attention(self) -> Tensor:
        """What each head attends to, [head, source]; sources end at the position."""
        return self._run.attention_from(self._layer, self._position)

    @cached_property
    @torch.no_grad()
    def z(self) -> Tensor:
        """What each head puts out, [head, d_value]."""
        size = self.block.cfg.heads_per_group
        values = self._run.values[self._layer][0, : self._position + 1].transpose(0, 1)
        values = values.repeat_interleave(size, 0)
        z = (self.attention[:, None].to(values.dtype) @ values)[:, 0]
        with self._standing():
            shown: Tensor = self.block.attn.hook_z(z[None, None])[0, 0]
        return shown

    @cached_property
    @torch.no_grad()
    def head_outputs(self) -> Tensor:
        """What each head writes, before any norm behind attention, [head, d_model]."""
        return (self.z[:, None] @ self.block.attn.W_O)[:, 0]

    @cached_property
    @torch.no_grad()
    def attention_scale(self) -> Tensor:
        """What the norm behind attention divides by, [1], as `exact`; 1 without one."""
        if not self.block.cfg.has_post_norms:
            return exact(torch.ones_like(self.before[:1]))
        output = self.block.attn.write(self.z[None, None])[0, 0]
        return self.block.post_norm("ln1_post").scale(exact(output))

    @cached_property
    @torch.no_grad()
    def mlp_input(self) -> Tensor:
        """What the MLP reads, normalised, [d_model]."""
        read = self.before[None, None]
        if not self.block.cfg.parallel_attn_mlp:
            with self._standing():
                read = self.block.with_heads(read, self.z[None, None])
        normalized: Tensor = self.block.ln2(read)[0, 0]
        return normalized

    @cached_property
    @torch.no_grad()
    def neurons(self) -> Tensor | None:
        """What the MLP's neurons put out, [neuron]; None of a mixture of experts."""
        mlp = self.block.mlp
        with self._standing():
            return mlp.neurons(self.mlp_input) if isinstance(mlp, MLP) else None

    @cached_property
    @torch.no_grad()
    def mlp_output(self) -> Tensor:
        """What the MLP puts out, before any norm behind it, [d_model]."""
        mlp = self.block.mlp
        if isinstance(mlp, MLP):
            assert self.neurons is not None
            return mlp.write(self.neurons)
        mixed: Tensor = mlp(self.mlp_input[None])
        return mixed[0]

    @property
    def mlp_added(self) -> Tensor:
        """What the MLP adds to the stream, behind any norm and as interventions leave it."""
        with torch.no_grad(), self._standing():
            added = self.block.added(self.mlp_output, "ln2_post")
            shown: Tensor = self.block.hook_mlp_out(added[None, None])[0, 0]
        return shown

    @cached_property
    @torch.no_grad()
    def mlp_scale(self) -> Tensor:
        """What the norm behind the MLP divides by, [1], as `exact`; 1 without one."""
        if not self.block.cfg.has_post_norms:
            return exact(torch.ones_like(self.before[:1]))
        return self.block.post_norm("ln2_post").scale(exact(self.mlp_output))

    def attention_direction(self, direction: Tensor) -> tuple[Tensor, Tensor]:
        """Return a direction of the stream as what heads write here meets it.

        The scale of a norm behind attention is the run's own.

        Args:
            direction: [d_model], as `exact`.

        Returns:
            What `head_outputs` are multiplied by, [d_model], and what the bias of a norm behind
            attention comes to, [].
        """
        if self.block.hook_attn_out.is_watched:
            raise ValueError(_CHANGED.format(self._layer, "attention", "heads"))
        along, bias = self.block.pulled_back(direction, "ln1_post")
        return along / self.attention_scale, bias

    def mlp_direction(self, direction: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same for `mlp_output` and its parts."""
        if self.block.hook_mlp_out.is_watched:
            raise ValueError(_CHANGED.format(self._layer, "its MLP", "neurons"))
        along, bias = self.block.pulled_back(direction, "ln2_post")
        return along / self.mlp_scale, bias
