"""What notebooks call on a model beyond what it needs itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from lensgui.terms.transformer_lens.elsewhere import MODEL
from lensgui.transformer.cache.cache import CachingModule
from lensgui.transformer.config import HookedTransformerConfig, Normalization
from lensgui.transformer.hooks.hook_point import NamesFilter
from lensgui.transformer.text.padding import Side
from lensgui.transformer.weights.processing import fold
from lensgui.transformer.weights.weights import NamedWeights


class NotebookMethods(CachingModule, NamedWeights):
    """What notebooks call on a model beyond what it needs itself."""

    def reason(self, name: str) -> str:
        """Return why there is no attribute of a name; for TransformerLens's, the way here."""
        if name in MODEL:
            return f"A model has no {name} here: {MODEL[name]}."
        return super().reason(name)

    @classmethod
    def boot_native(
        cls,
        config: HookedTransformerConfig | dict[str, Any],
        tokenizer: Any = None,
        device: str | torch.device | None = None,
    ) -> Self:
        """Build a model with random weights from its numbers, on a device if one is named."""
        model = cls(config, tokenizer)
        return model if device is None else model.to(device)

    def intervened(self, interventions: Any, **prompts: Any) -> AbstractContextManager[Any]:
        """Act under interventions while a context lasts; see `lensgui.intervened`."""
        from lensgui.analysis.interventions.under import intervened

        return intervened(self, interventions, **prompts)  # type: ignore[arg-type]

    def set_tokenizer(self, tokenizer: Any, default_padding_side: Side | None = None) -> None:
        """Take texts by a Hugging Face tokenizer."""
        self.tokenizer = tokenizer
        if default_padding_side is not None:
            tokenizer.padding_side = default_padding_side

    def to(self, *where: Any, print_details: bool = True, **settings: Any) -> Self:
        """Move to a device or a number format, as `torch.nn.Module.to`; nothing is printed."""
        super().to(*where, **settings)
        return self

    def mps(self, device: int | torch.device = 0) -> Self:
        """Move to Apple's GPU."""
        return self.to("mps")

    def remove_all_hook_fns(
        self,
        direction: Any = "both",
        including_permanent: bool = False,
        level: int | None = None,
    ) -> None:
        """Detach hooks everywhere; see `reset_hooks`."""
        self.reset_hooks(False, direction, including_permanent, level)

    def cache_all(
        self,
        cache: dict[str, Tensor] | None,
        incl_bwd: bool = False,
        device: torch.device | str | None = None,
        remove_batch_dim: bool = False,
    ) -> None:
        """Keep every activation in a dictionary until `reset_hooks`; see `add_caching_hooks`."""
        self.add_caching_hooks(None, incl_bwd, device, remove_batch_dim, cache)

    def cache_some(
        self,
        cache: dict[str, Tensor] | None,
        names: NamesFilter,
        incl_bwd: bool = False,
        device: torch.device | str | None = None,
        remove_batch_dim: bool = False,
    ) -> None:
        """Keep some activations in a dictionary until `reset_hooks`; see `add_caching_hooks`."""
        self.add_caching_hooks(names, incl_bwd, device, remove_batch_dim, cache)

    def tl_named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield every parameter with its name."""
        return self.named_parameters()

    def load_and_process_state_dict(self, state_dict: Mapping[str, Any], **steps: bool) -> None:
        """Take parameters over, then fold as `process_weights_`.

        A model without norms' weights takes over a state that has them: it is folded first.
        """
        if not (self.cfg.is_folded and "ln_final.w" in state_dict):
            self.load_state_dict(state_dict)
            self.process_weights_(**steps)
            return
        kind: Normalization = "RMS" if self.cfg.is_rms else "LN"
        raw = type(self)(replace(self.cfg, normalization_type=kind))
        raw.load_and_process_state_dict(state_dict, **steps)
        self.load_state_dict(raw.state_dict())
        vars(self.cfg).update(vars(raw.cfg))

    @torch.no_grad()
    def process_weights_(self, **steps: bool) -> None:
        """Fold in place, without a change to weights that another model shares.

        Args:
            **steps: As in `processing.fold`.
        """
        for parameter in self.parameters():
            parameter.data = parameter.data.clone()
        if self.cfg.tied_embeddings:
            self.unembed.W_U.data = self.embed.W_E.data.T
        fold(self, **steps)

    def enable_compatibility_mode(
        self, disable_warnings: bool = False, no_processing: bool = False, **steps: bool
    ) -> None:
        """Fold in place, as `from_pretrained` does; hook points have their names already.

        Args:
            disable_warnings: Nothing is warned of.
            no_processing: Whether to leave the weights as they are.
            **steps: As in `processing.fold`.
        """
        if not no_processing:
            self.process_weights_(**steps)
