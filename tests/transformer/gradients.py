"""Our parameters' gradients as those of the Hugging Face tensors that they are views of."""

from __future__ import annotations

from typing import Any

import torch

from lensgui.checkpoints.families.family import sizes
from lensgui.checkpoints.families.registry import family_of
from lensgui.checkpoints.files.tensors import checkpoint_of_module
from lensgui.checkpoints.weights.filling import place_of


def pulled_back(model: Any, hf_model: Any) -> dict[str, torch.Tensor]:
    """Return the gradient of each Hugging Face parameter by the chain rule through the weight map.

    Tensors that several of our parameters share (fused, tied, or one norm for two) get the sum.
    """
    family, checkpoint = family_of(model.cfg.original_architecture), checkpoint_of_module(hf_model)
    places = family.parameters(model.cfg)
    names = {parameter.data_ptr(): name for name, parameter in hf_model.named_parameters()}
    total = {name: torch.zeros_like(p) for name, p in hf_model.named_parameters()}
    for name, parameter in model.named_parameters():
        if parameter.grad is None:  # it only says which of two is larger
            continue
        place, sources = place_of(checkpoint, family, places.get(name), len(parameter))
        for index, source in enumerate(sources):
            assert place is not None, name
            tensor = checkpoint.read(source)
            leaf = tensor.clone().requires_grad_()
            gradient = parameter.grad if len(sources) == 1 else parameter.grad[index]
            (pulled,) = torch.autograd.grad(place.read(leaf, sizes(model.cfg)), leaf, gradient)
            total[names[tensor.data_ptr()]] += pulled
    return total
