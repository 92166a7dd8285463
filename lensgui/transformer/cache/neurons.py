"""What single neurons wrote, and the residual stream taken apart as far as it goes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lensgui.transformer.cache.residual import POSITION, PosSlice, ResidualStream, positions
from lensgui.transformer.hooks.slices import Slice


def project(stack: Tensor, onto: Tensor | None) -> Tensor:
    """Return the products of vectors [..., d_model] with [d_model] or [d_model, direction]."""
    return stack if onto is None else stack @ onto


class Neurons(ResidualStream):
    """What neurons wrote in a run, and the residual stream taken apart as far as it goes."""

    def get_neuron_results(
        self,
        layer: int,
        neuron_slice: PosSlice = None,
        pos_slice: PosSlice = None,
        project_output_onto: Tensor | None = None,
    ) -> Tensor:
        """Return what each neuron of a layer's MLP wrote.

        Args:
            layer: The layer.
            neuron_slice: Which neurons; None for all.
            pos_slice: Which positions.
            project_output_onto: Directions [d_model, direction] or [d_model] to return the inner
                products with, so that nothing of width d_model is made.

        Returns:
            [batch, position, neuron, d_model], or the projections instead of d_model.

        Raises:
            ValueError: If the layer has a mixture of experts, whose neurons change with the token.
        """
        if self.model.cfg.has_experts(layer):
            raise ValueError(
                f"Layer {layer} has a mixture of experts, whose neurons differ by token."
            )
        acts = positions(self["post", layer], pos_slice, POSITION)
        weight = self._directions(layer, pos_slice, project_output_onto)
        if neuron_slice is not None:
            chosen = Slice.of(neuron_slice).indices(acts.shape[-1])
            acts, weight = acts[..., chosen], weight[..., chosen, :]
        results = acts[..., None] * weight
        return results[..., 0] if _is_one_direction(project_output_onto) else results

    def _directions(self, layer: int, pos_slice: PosSlice, onto: Tensor | None) -> Tensor:
        """Return the writers of an MLP as they reach the residual stream, projected.

        Returns:
            [neuron, direction], or with a post-norm, which scales by position,
            [batch, position, neuron, direction].
        """
        block, cfg = self.model.blocks[layer], self.model.cfg
        onto = onto[:, None] if onto is not None and onto.ndim == 1 else onto
        writers = block.mlp.W_out * cfg.residual_multiplier
        if not cfg.has_post_norms:
            return project(writers, onto)
        scale = positions(self[f"blocks.{layer}.ln2_post.hook_scale"], pos_slice, POSITION)
        return project(block.ln2_post.weighted(writers), onto) / scale[..., None]

    def stack_neuron_results(
        self,
        layer: int = -1,
        pos_slice: PosSlice = None,
        neuron_slice: PosSlice = None,
        return_labels: bool = False,
        incl_remainder: bool = False,
        apply_ln: bool = False,
        project_output_onto: Tensor | None = None,
    ) -> Any:
        """Return what each neuron of the layers below one wrote.

        Args:
            layer: The layer up to which, exclusive; -1 or None for the whole model.
            pos_slice: Which positions.
            neuron_slice: Which neurons of each layer; None for all.
            return_labels: Whether to return labels such as "L3N17" too.
            incl_remainder: Whether to add a last component, the rest of the residual stream.
            apply_ln: As in `decompose_resid`; a projection is of what is scaled.
            project_output_onto: As in `get_neuron_results`.

        Returns:
            [layer · neuron, batch, position, d_model] (or projections), with labels if asked.
        """
        layer = self._layer_number(layer)
        onto = self._read_through(project_output_onto, layer, False, apply_ln)
        stacks = [
            self.get_neuron_results(index, neuron_slice, pos_slice, onto) for index in range(layer)
        ]
        at = -1 if _is_one_direction(onto) else -2
        empty = project(positions(self["hook_embed"], pos_slice, POSITION), onto)
        stack = torch.cat([part.movedim(at, 0) for part in stacks]) if stacks else empty[None][:0]
        chosen = Slice.of(neuron_slice).indices(self.model.cfg.d_mlp or 0)
        labels = [f"L{index}N{neuron}" for index in range(layer) for neuron in chosen.tolist()]
        if incl_remainder:
            whole = positions(self._resid_before(layer), pos_slice, POSITION)
            stack = torch.cat([stack, (project(whole, onto) - stack.sum(0))[None]])
            labels.append("remainder")
        if apply_ln:
            stack, labels = self._scaled(
                stack, labels, layer, False, pos_slice, project_output_onto
            )
        return (stack, labels) if return_labels else stack

    def get_full_resid_decomposition(
        self,
        layer: int | None = None,
        mlp_input: bool = False,
        expand_neurons: bool = True,
        apply_ln: bool = False,
        pos_slice: PosSlice = None,
        return_labels: bool = False,
        project_output_onto: Tensor | None = None,
    ) -> Any:
        """Return the stream by head, by neuron (or MLP), embeddings and biases; it adds up.

        Args:
            layer: The layer up to which, exclusive; None for the whole model.
            mlp_input: Whether the attention of `layer` itself counts too.
            expand_neurons: Whether MLPs are given by neuron.
            apply_ln: As in `decompose_resid`; a projection is of what is scaled.
            pos_slice: Which positions.
            return_labels: Whether to return labels too.
            project_output_onto: Directions [d_model, direction] or [d_model] to return the inner
                products with; neurons are projected before they are expanded, so that
                [neuron, position, d_model] is never made.

        Returns:
            [component, batch, position, d_model] (or projections): heads, neurons or MLPs,
            embeddings, and last everything that biases add ("bias").
        """
        layer = self._layer_number(layer)
        onto = self._read_through(project_output_onto, layer, mlp_input, apply_ln)
        heads, labels = self.stack_head_results(layer + mlp_input, True, pos_slice=pos_slice)
        parts = [project(heads, onto)]
        if layer and not self.model.cfg.attn_only:
            mlps, names = self._mlps(layer, expand_neurons, pos_slice, onto)
            parts.append(mlps)
            labels = labels + names
        for label, name in (("embed", "hook_embed"), ("pos_embed", "hook_pos_embed")):
            if self.adds(name):
                row = positions(self[name], pos_slice, POSITION)
                parts.append(project(row, onto)[None])
                labels.append(label)
        bias = self._biases(layer, mlp_input, expand_neurons, pos_slice)
        parts.append(project(bias, onto)[None])
        labels.append("bias")
        stack = torch.cat(parts)
        if apply_ln:
            stack, labels = self._scaled(
                stack, labels, layer, mlp_input, pos_slice, project_output_onto
            )
        return (stack, labels) if return_labels else stack

    def _read_through(
        self, onto: Tensor | None, layer: int, mlp_input: bool, apply_ln: bool
    ) -> Tensor | None:
        """Return directions whose products with the stream lack only the scale of its norm.

        Divided by it, they are the products of `onto` with the norm's result, without its bias.

        Args:
            onto: Directions of the result, [d_model] or [d_model, direction].
            layer: The layer whose norm it is; n_layers for the final norm.
            mlp_input: Whether it is the norm before the layer's MLP.
            apply_ln: Whether there is a norm in between at all.

        Returns:
            The same shape: centred (LayerNorm), and times the norm's weight.
        """
        norm, _ = self._norm(layer, mlp_input)
        if onto is None or norm is None or not apply_ln:
            return onto
        read = norm.weighted(onto.movedim(0, -1))
        read = read - read.mean(-1, keepdim=True) if norm.centres else read
        return read.movedim(-1, 0)

    def _mlps(
        self, layer: int, expand: bool, pos_slice: PosSlice, onto: Tensor | None
    ) -> tuple[Tensor, list[str]]:
        """Return what the MLPs of the layers below one wrote, by neuron or whole, with labels."""
        if expand:
            stack, labels = self.stack_neuron_results(
                layer, pos_slice, return_labels=True, project_output_onto=onto
            )
            return stack, labels
        stack, labels = self.decompose_resid(
            layer, mode="mlp", pos_slice=pos_slice, incl_embeds=False, return_labels=True
        )
        return project(stack, onto), labels

    def _biases(self, layer: int, mlp_input: bool, expand: bool, pos_slice: PosSlice) -> Tensor:
        """Return what output biases add up to, [batch, position, d_model].

        Whole MLPs include theirs.
        """
        total = torch.zeros_like(positions(self["hook_embed"], pos_slice, POSITION))
        for index in range(layer + mlp_input):
            block = self.model.blocks[index]
            b_O = block.attn.b_O.expand_as(total)
            total = total + self._reaching(b_O, index, "ln1_post", pos_slice)
            if expand and index < layer and not self.model.cfg.attn_only:
                b_out = block.mlp.b_out.expand_as(total)
                total = total + self._reaching(b_out, index, "ln2_post", pos_slice)
        return total


def _is_one_direction(onto: Tensor | None) -> bool:
    return onto is not None and onto.ndim == 1
