"""The residual stream taken apart: into layers, components, heads; and what each does to a logit.

Shapes are given with a batch dimension; a component stack has its components as first dimension.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from lensgui.transformer.cache.activations import Activations
from lensgui.transformer.hooks.slices import Slice, SliceInput
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.text.tokens import tokens_to_residual_directions

POSITION = -2  # the position dimension of a residual activation
PosSlice = Slice | SliceInput


def positions(tensor: Tensor, pos_slice: PosSlice, dim: int) -> Tensor:
    """Return some positions of a dimension; an int drops it."""
    return tensor if pos_slice is None else Slice.of(pos_slice).apply(tensor, dim)


class ResidualStream(Activations):
    """The residual stream of a run, taken apart."""

    def accumulated_resid(
        self,
        layer: int | None = None,
        incl_mid: bool = False,
        apply_ln: bool = False,
        pos_slice: PosSlice = None,
        mlp_input: bool = False,
        return_labels: bool = False,
    ) -> Any:
        """Return the residual stream before each layer, and after the last: the logit lens's input.

        Args:
            layer: The layer up to which, exclusive: the last row enters it; None, -1 or n_layers
                for the whole model.
            incl_mid: Whether the stream between attention and MLP counts too.
            apply_ln: Whether to normalise each row: as the norm that the last row enters would,
                with that norm's cached scale; at the end of the model with a scale of each row's
                own (the logit lens).
            pos_slice: Which positions.
            mlp_input: Whether the last row is what enters the layer's MLP.
            return_labels: Whether to return labels too.

        Returns:
            [component, batch, position, d_model], with labels such as "3_pre" if asked.
        """
        layer = self._layer_number(layer)
        rows, labels = [], []
        for index in range(layer + 1):
            if index == self.model.cfg.n_layers:
                rows.append(self["resid_post", index - 1])
                labels.append("final_post")
                continue
            rows.append(self["resid_pre", index])
            labels.append(f"{index}_pre")
            if (incl_mid and index < layer) or (mlp_input and index == layer):
                rows.append(self["resid_mid", index])
                labels.append(f"{index}_mid")
        stack = torch.stack([positions(row, pos_slice, POSITION) for row in rows])
        if apply_ln:
            at_end = layer == self.model.cfg.n_layers
            stack = self.apply_ln_to_stack(stack, layer, mlp_input, pos_slice, recompute_ln=at_end)
            norm, _ = self._norm(layer, False)
            stack = stack if norm is None or norm.b is None else stack + norm.b
        return (stack, labels) if return_labels else stack

    def decompose_resid(
        self,
        layer: int | None = None,
        mlp_input: bool = False,
        mode: Literal["all", "attn", "mlp"] = "all",
        apply_ln: bool = False,
        pos_slice: PosSlice = None,
        incl_embeds: bool = True,
        return_labels: bool = False,
    ) -> Any:
        """Return what was added to the residual stream, component by component.

        It sums to the stream.

        Args:
            layer: The layer up to which, exclusive; None for the whole model.
            mlp_input: Whether the attention of `layer` itself counts too.
            mode: Whether attention and MLPs count, or one of them.
            apply_ln: Whether to scale as the norm that the stream enters did (its cached scale). A
                final norm whose weights are not folded then also adds its bias as a last component,
                "ln_final.b".
            pos_slice: Which positions.
            incl_embeds: Whether token and position embeddings count.
            return_labels: Whether to return labels too.

        Returns:
            [component, batch, position, d_model], with labels such as "3_attn_out" if asked.
        """
        layer = self._layer_number(layer)
        names: list[tuple[str, str | tuple[str, int]]] = []
        if incl_embeds:
            embeds = [("embed", "hook_embed"), ("pos_embed", "hook_pos_embed")]
            names += [(label, name) for label, name in embeds if self.adds(name)]
        for index in range(layer):
            if mode != "mlp":
                names.append((f"{index}_attn_out", ("attn_out", index)))
            if mode != "attn" and not self.model.cfg.attn_only:
                names.append((f"{index}_mlp_out", ("mlp_out", index)))
        if mlp_input and mode != "mlp":
            names.append((f"{layer}_attn_out", ("attn_out", layer)))
        labels = [label for label, _ in names]
        rows = [self[key] for _, key in names]
        stack = torch.stack([positions(row, pos_slice, POSITION) for row in rows])
        if apply_ln:
            stack, labels = self._scaled(stack, labels, layer, mlp_input, pos_slice)
        return (stack, labels) if return_labels else stack

    def apply_ln_to_stack(
        self,
        residual_stack: Tensor,
        layer: int | None = None,
        mlp_input: bool = False,
        pos_slice: PosSlice = None,
        batch_slice: Any = None,
        has_batch_dim: bool = True,
        recompute_ln: bool = False,
    ) -> Tensor:
        """Scale components as a norm scaled their sum, so that they still add up.

        Centres them (LayerNorm), divides by the scale cached at that norm, and multiplies by the
        norm's weight where that is not folded. The norm's bias belongs to no component and is not
        added here.

        Args:
            residual_stack: [component, batch, position, d_model].
            layer: The layer whose norm it is; None or n_layers for the final norm.
            mlp_input: Whether it is the norm before the layer's MLP.
            pos_slice: The positions that the stack has.
            batch_slice: The part of the batch that the stack has.
            has_batch_dim: Whether the stack has a batch dimension.
            recompute_ln: Whether each component is normalised by a scale of its own (final norm
                only).

        Returns:
            The same shape.
        """
        layer = self._layer_number(layer)
        norm, name = self._norm(layer, mlp_input)
        if norm is None:
            return residual_stack
        stack = residual_stack
        if norm.centres:
            stack = stack - stack.mean(-1, keepdim=True)
        if recompute_ln:
            scale = (stack.pow(2).mean(-1, keepdim=True) + norm.eps).sqrt()
        else:
            scale = self[f"{name}.hook_scale"]
            if self.has_batch_dim and batch_slice is not None:
                scale = Slice.of(batch_slice).apply(scale)
            scale = positions(scale, pos_slice, POSITION)
        return norm.weighted(stack / scale)

    def logit_attrs(
        self,
        residual_stack: Tensor,
        tokens: Any,
        incorrect_tokens: Any = None,
        pos_slice: PosSlice = None,
        batch_slice: Any = None,
        has_batch_dim: bool = True,
    ) -> Tensor:
        """Return each component's direct attribution to a logit, or to a difference of two.

        The final scale is frozen, and effects through later layers are not counted.

        Args:
            residual_stack: Components before the final norm, [component, batch, position, d_model].
            tokens: The token whose logit it is, as text or id; or ids [batch] or [batch, position].
            incorrect_tokens: The token whose logit is subtracted.
            pos_slice: The positions that the stack has.
            batch_slice: The part of the batch that the stack has.
            has_batch_dim: Whether the stack has a batch dimension.

        Returns:
            Logits, [component, batch, position].
        """
        directions = tokens_to_residual_directions(self.model, tokens)
        if incorrect_tokens is not None:
            directions = directions - tokens_to_residual_directions(self.model, incorrect_tokens)
        if self.has_batch_dim and batch_slice is not None and directions.ndim > 1:
            directions = Slice.of(batch_slice).apply(directions)
        is_one = isinstance(Slice.of(pos_slice).slice, int)
        if directions.ndim == 2 and not is_one:
            directions = directions[:, None]
        scaled = self.apply_ln_to_stack(
            residual_stack, None, False, pos_slice, batch_slice, has_batch_dim
        )
        return (scaled * directions).sum(-1)

    def _layer_number(self, layer: int | None) -> int:
        """Return a layer as a number from 0 to n_layers; None and -1 mean the whole model."""
        count = self.model.cfg.n_layers
        if layer is None or layer == -1:
            return count
        return layer + count if layer < 0 else layer

    def _resid_before(self, layer: int) -> Tensor:
        """Return the residual stream that enters a layer, or that leaves the last."""
        at_end = layer == self.model.cfg.n_layers
        return self["resid_post", layer - 1] if at_end else self["resid_pre", layer]

    def _norm(self, layer: int, mlp_input: bool) -> tuple[Norm | None, str]:
        """Return the norm that the residual stream enters before a layer, and its name."""
        if layer == self.model.cfg.n_layers:
            norm, name = self.model.ln_final, "ln_final"
        else:
            which = "ln2" if mlp_input else "ln1"
            norm, name = getattr(self.model.blocks[layer], which), f"blocks.{layer}.{which}"
        return (norm, name) if isinstance(norm, Norm) and norm.normalizes else (None, "")

    def _scaled(
        self,
        stack: Tensor,
        labels: list[str],
        layer: int,
        mlp_input: bool,
        pos_slice: PosSlice,
        onto: Tensor | None = None,
    ) -> tuple[Tensor, list[str]]:
        """Scale components as the norm before a layer did, its bias becoming one more component.

        With directions [d_model] or [d_model, direction], the stack holds products with what the
        norm makes of them, and lacks the scale only.
        """
        norm, name = self._norm(layer, mlp_input)
        if norm is None:
            return stack, labels
        if onto is None:
            stack = self.apply_ln_to_stack(stack, layer, mlp_input, pos_slice)
        else:
            scale = positions(self[f"{name}.hook_scale"], pos_slice, POSITION)
            stack = stack / (scale[..., 0] if onto.ndim == 1 else scale)
        if norm.b is None:
            return stack, labels
        bias = (norm.b if onto is None else norm.b @ onto).expand(stack.shape[1:])[None]
        return torch.cat([stack, bias]), [*labels, f"{name}.b"]

    def stack_head_results(
        self,
        layer: int = -1,
        return_labels: bool = False,
        incl_remainder: bool = False,
        pos_slice: PosSlice = None,
        apply_ln: bool = False,
    ) -> Any:
        """Return what each head of the layers below one wrote.

        Args:
            layer: The layer up to which, exclusive; -1 or None for the whole model.
            return_labels: Whether to return labels such as "L3H1" too.
            incl_remainder: Whether to add a last component, the rest of the residual stream.
            pos_slice: Which positions.
            apply_ln: As in `decompose_resid`.

        Returns:
            The stack, with labels if asked.
        """
        layer = self._layer_number(layer)
        results = [self._head_result(index, pos_slice) for index in range(layer)]
        stack = torch.cat(results) if results else self._nothing(pos_slice)
        heads = range(self.model.cfg.n_heads)
        labels = [f"L{index}H{head}" for index in range(layer) for head in heads]
        if incl_remainder:
            whole = positions(self._resid_before(layer), pos_slice, POSITION)
            stack = torch.cat([stack, (whole - stack.sum(0))[None]])
            labels.append("remainder")
        if apply_ln:
            stack, labels = self._scaled(stack, labels, layer, False, pos_slice)
        return (stack, labels) if return_labels else stack

    def _nothing(self, pos_slice: PosSlice) -> Tensor:
        return positions(self["hook_embed"], pos_slice, POSITION)[None][:0]

    def _head_result(self, layer: int, pos_slice: PosSlice) -> Tensor:
        """Return what each head of a layer wrote, [head, batch, position, d_model].

        That is what reached the residual stream, a post-norm's scale being taken as it was.
        """
        z = positions(self["z", layer], pos_slice, -3)
        result = torch.einsum("...hd,hdm->h...m", z, self.model.blocks[layer].attn.W_O)
        return self._reaching(result, layer, "ln1_post", pos_slice)

    def _reaching(self, written: Tensor, layer: int, post_norm: str, pos_slice: PosSlice) -> Tensor:
        """Return parts of an attention or MLP output as they reach the residual stream.

        Args:
            written: [..., batch, position, d_model] before any post-norm or multiplier.
            layer: Whose output.
            post_norm: "ln1_post" for attention, "ln2_post" for the MLP; its scale is taken as
                it was.
            pos_slice: The positions that `written` has.

        Returns:
            The same shape.
        """
        block, cfg = self.model.blocks[layer], self.model.cfg
        if cfg.has_post_norms:
            scale = positions(self[f"blocks.{layer}.{post_norm}.hook_scale"], pos_slice, POSITION)
            written = getattr(block, post_norm).weighted(written / scale)
        return written * cfg.residual_multiplier if cfg.residual_multiplier != 1.0 else written

    def compute_head_results(self) -> None:
        """Add every head's output, [batch, position, head, d_model], as "result" where missing."""
        for layer, block in enumerate(self.model.blocks):
            name = f"blocks.{layer}.attn.hook_result"
            if name not in self.cache_dict:
                z = self["z", layer]
                self.cache_dict[name] = torch.einsum("...hd,hdm->...hm", z, block.attn.W_O)

    def stack_activation(
        self, activation_name: str, layer: int = -1, sublayer_type: str | None = None
    ) -> Tensor:
        """Return one kind of activation of the layers below one, stacked: [layer, …]."""
        layer = self._layer_number(layer)
        return torch.stack([self[activation_name, index, sublayer_type] for index in range(layer)])
