"""Lenses fitted on text, a batch or a prompt at a time, gone on with where they stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.lenses.jacobians import SKIPPED, prompt_jacobians, valid_positions
from lensgui.analysis.lenses.lens import Fit, JacobianLens, TunedLens, unembedding_hash
from lensgui.models.recognised import name_of
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer

LENGTH = 128  # tokens of a prompt
RATE = 3e-3  # of Adam, falling to 0 over the fit
Arrays = dict[str, Tensor]


def prompts_of(tokens: Tensor, length: int = LENGTH, start: int | None = None) -> list[Tensor]:
    """Cut a text into prompts of equal length; what is left over at the end is not used.

    Args:
        tokens: Token ids of the text, [position].
        length: Tokens of each prompt, the beginning-of-sequence token included.
        start: The beginning-of-sequence token, put before each; None for none.

    Returns:
        Token ids, each [position].

    Raises:
        ValueError: If the text is shorter than one prompt.
    """
    own = length - (start is not None)
    pieces = [piece for piece in tokens.flatten().split(own) if len(piece) == own]
    if not pieces:
        raise ValueError(
            f"The text has {tokens.numel()} tokens, and a prompt takes {own}: give more text, or "
            "a smaller length."
        )
    if start is None:
        return list(pieces)
    first = tokens.new_tensor([start])
    return [torch.cat([first, piece]) for piece in pieces]


@dataclass(slots=True)
class TunedFit:
    """A tuned lens being fitted (Belrose et al. 2023): at each layer KL(model ‖ lens) is lowered.

    Attributes:
        model: The model, whose weights are raw.
        prompts: Token ids of equal length, each [position]; each is used once.
        at_once: How many prompts a step takes.
        done: How many steps have been taken.
        losses: The mean KL of the last step at each layer, in nats.
    """

    model: HookedTransformer
    prompts: Sequence[Tensor]
    at_once: int = 4
    done: int = 0
    losses: list[float] = field(default_factory=list)
    _weights: Tensor = field(init=False)
    _biases: Tensor = field(init=False)
    _optimizer: torch.optim.Adam = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the logit lens."""
        cfg, device = self.model.cfg, self.model.embed.W_E.device
        kind = precise(self.model.embed.W_E[:1]).dtype
        shape = cfg.n_layers, cfg.d_model
        self._weights = torch.zeros(*shape, cfg.d_model, device=device, dtype=kind)
        self._biases = torch.zeros(*shape, device=device, dtype=kind)
        self._optimizer = torch.optim.Adam([self._weights, self._biases], lr=RATE)

    @property
    def total(self) -> int:
        """How many steps there are."""
        return -(-len(self.prompts) // self.at_once)

    def step(self) -> Iterator[None]:
        """Take a step on the next prompts, yielding after each layer."""
        first = self.done * self.at_once
        tokens = torch.stack(list(self.prompts[first : first + self.at_once]))
        with torch.no_grad():
            streams = [precise(one) for one in self.model.residual_stream(tokens)]
            own = self._log_probs(streams[-1])
        self._weights.grad = torch.zeros_like(self._weights)
        self._biases.grad = torch.zeros_like(self._biases)
        losses = []
        for layer, stream in enumerate(streams[:-1]):
            losses.append(self._descend(layer, stream, own))
            yield
        self._optimizer.param_groups[0]["lr"] = RATE * (1 - self.done / self.total)
        self._optimizer.step()
        self.done += 1
        self.losses = losses

    def _descend(self, layer: int, stream: Tensor, own: Tensor) -> float:
        """Work out a layer's loss and its gradient; return the loss."""
        weight = self._weights[layer].detach().requires_grad_()
        bias = self._biases[layer].detach().requires_grad_()
        with torch.enable_grad():
            moved = stream + stream @ weight.T + bias
            loss = (own.exp() * (own - self._log_probs(moved))).sum(-1).mean()
            slopes = torch.autograd.grad(loss, [weight, bias])
        assert self._weights.grad is not None
        assert self._biases.grad is not None
        self._weights.grad[layer], self._biases.grad[layer] = slopes
        return float(loss.detach())

    def _log_probs(self, stream: Tensor) -> Tensor:
        stream = stream.to(self.model.embed.W_E.dtype)
        return precise(self.model.to_logits(stream)).log_softmax(-1)

    def lens(self) -> TunedLens:
        """Return the lens as it is now."""
        size = f"{min(self.done * self.at_once, len(self.prompts)):,} prompts"
        return TunedLens(self._weights.clone(), self._biases.clone(), fit_of(self.model, size))

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Return arrays and numbers that the fit goes on from."""
        arrays = {"weights": self._weights, "biases": self._biases}
        for name, of in zip(arrays.copy(), self._optimizer.state.values(), strict=False):
            arrays |= {f"{name}.mean": of["exp_avg"], f"{name}.square": of["exp_avg_sq"]}
        return arrays, {"done": self.done}

    def restore(self, arrays: Arrays, numbers: dict[str, Any]) -> None:
        """Go on from a state.

        Raises:
            ValueError: If it is another model's.
        """
        if arrays["weights"].shape != self._weights.shape:
            raise ValueError("What was fitted so far is of another model: begin anew.")
        self.done = int(numbers["done"])
        for name, tensor in (("weights", self._weights), ("biases", self._biases)):
            tensor.copy_(arrays[name])
            if f"{name}.mean" in arrays:
                self._optimizer.state[tensor] = {
                    "step": torch.tensor(float(self.done)),
                    "exp_avg": arrays[f"{name}.mean"].to(tensor),
                    "exp_avg_sq": arrays[f"{name}.square"].to(tensor),
                }


@dataclass(slots=True)
class JacobianFit:
    """A Jacobian lens being fitted (Gurnee et al. 2026): the mean over prompts.

    Attributes:
        model: The model, whose weights are raw.
        prompts: Token ids, each [position]; those that are too short are left out.
        skipped: How many positions at the start of each are left out.
        done: How many prompts have been taken in.
    """

    model: HookedTransformer
    prompts: Sequence[Tensor]
    skipped: int = SKIPPED
    done: int = 0
    _sums: dict[int, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Leave short prompts out.

        Raises:
            ValueError: If none is left.
        """
        self.prompts = [
            prompt for prompt in self.prompts if valid_positions(len(prompt), self.skipped)
        ]
        if not self.prompts:
            raise ValueError(
                f"Every prompt is too short: each needs {self.skipped + 2} tokens at least."
            )

    @property
    def total(self) -> int:
        """How many prompts there are."""
        return len(self.prompts)

    def step(self) -> Iterator[None]:
        """Take the next prompt in, yielding after each backward pass."""
        found: dict[int, Tensor] = {}
        for part in prompt_jacobians(self.model, self.prompts[self.done], self.skipped):
            found = part or found
            yield
        sums = {layer: self._sums.get(layer, 0) + found[layer] for layer in found}
        # At once: a fit that is interrupted is kept, and must not count a prompt twice.
        self._sums, self.done = sums, self.done + 1

    def lens(self) -> JacobianLens:
        """Return the lens as it is now.

        Raises:
            ValueError: If no prompt has been taken in yet.
        """
        if not self.done:
            raise ValueError("No prompt has been taken in yet: take a step first.")
        means = {layer: total / self.done for layer, total in self._sums.items()}
        return JacobianLens(means, fit_of(self.model, f"{self.done:,} prompts"))

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Return arrays and numbers that the fit goes on from."""
        return {str(layer): total for layer, total in self._sums.items()}, {"done": self.done}

    def restore(self, arrays: Arrays, numbers: dict[str, Any]) -> None:
        """Go on from a state.

        Raises:
            ValueError: If it is another model's.
        """
        width = self.model.cfg.d_model
        sums = {int(layer): total for layer, total in arrays.items()}
        if any(total.shape != (width, width) for total in sums.values()):
            raise ValueError("What was fitted so far is of another model: begin anew.")
        self._sums = {layer: total.to(self.model.embed.W_E.device) for layer, total in sums.items()}
        self.done = int(numbers["done"])


def fit_of(model: HookedTransformer, size: str) -> Fit:
    """Return where a lens comes from that is fitted on a model here, without the place on disk."""
    return Fit(name_of(model.cfg.model_name), size, unembedding_hash(model))
