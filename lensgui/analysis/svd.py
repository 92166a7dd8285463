"""What the singular directions of weights say.

Read through the unembedding (Millidge & Black 2022).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer

VectorType = Literal["OV", "w_in", "w_out"]


class SVDInterpreter:
    """Reads singular vectors of a model's weights as tokens."""

    def __init__(self, model: HookedTransformer) -> None:
        """Read a `HookedTransformer`."""
        self.model = model

    @torch.no_grad()
    def get_singular_vectors(
        self,
        vector_type: VectorType,
        layer_index: int,
        num_vectors: int = 10,
        head_index: int | None = None,
    ) -> Tensor:
        """Return how much the strongest singular directions raise each token's logit.

        Args:
            vector_type: "OV" for a head's OV circuit; "w_in" and "w_out" for an MLP's matrices.
            layer_index: The layer.
            num_vectors: How many directions, strongest first.
            head_index: The head, for "OV".

        Returns:
            [d_vocab, 1, vector]. The sign of a singular vector means nothing.

        Raises:
            ValueError: If there are not so many, or the head is missing, or the type has no such
                name.
        """
        directions = self._directions(vector_type, layer_index, head_index)
        if num_vectors > len(directions):
            raise ValueError(
                f"There are {len(directions)} singular vectors; {num_vectors} were asked for."
            )
        logits = directions[:num_vectors] @ precise(self.model.W_U)
        return logits.T[:, None]

    def _directions(self, kind: str, layer: int, head: int | None) -> Tensor:
        """Return singular directions in the residual stream, strongest first, [vector, d_model]."""
        if kind == "OV":
            if head is None:
                raise ValueError("An OV circuit belongs to a head: give head_index.")
            return self.model.OV[layer, head].Vh.T
        mlp = self.model.blocks[layer].mlp
        weights = {"w_in": self.readers(layer), "w_out": mlp.W_out}
        if kind not in weights:
            raise ValueError(f"There is no vector type {kind!r}; the types are OV, w_in and w_out.")
        directions: Tensor = torch.linalg.svd(precise(weights[kind]), full_matrices=False).Vh
        return directions

    def readers(self, layer: int) -> Tensor:
        """Return what the neurons of a layer read, ln2's weight included, [neuron, d_model]."""
        block = self.model.blocks[layer]
        weight: Tensor | None = getattr(block.ln2, "w", None)
        readers = precise(block.mlp.W_in.T)
        return readers if weight is None else readers * weight
