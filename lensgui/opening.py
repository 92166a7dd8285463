"""The window on a model in memory, from a script or a notebook."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from lensgui.checkpoints.loading import from_pretrained
from lensgui.command_line.environment import NO_DISPLAY, lacks_display
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.handlers.loaded import weights_version
from lensgui.prompts.pair import PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import MEMORY, ModelKey
from lensgui.transformer.model import HookedTransformer


def open(
    model: Any,
    tokenizer: Any = None,
    *,
    clean: str = "",
    corrupted: str = "",
    answer: str = "",
    distractor: str = "",
    prepend_bos: bool | str = False,
    block: bool | None = None,
) -> Any:
    """Open the window on a model.

    The window runs the very weights that were given: none are copied. Weights that are changed in
    place (not through `.data`) are noticed at the next question that was not asked before. Don't
    run the model elsewhere while the window computes.

    Args:
        model: A `HookedTransformer`; or a Hugging Face model of a supported architecture, whose
            weights are then used as they are, neither folded nor centred; or a name as
            `HookedTransformer.from_pretrained` takes it.
        tokenizer: Its tokenizer; None for a `HookedTransformer`'s own.
        clean: The clean prompt.
        corrupted: The corrupted prompt.
        answer: The token the clean prompt calls for, as text; "" for the likeliest.
        distractor: The token it is compared with; "" for the second likeliest.
        prepend_bos: What is put in front of both prompts, as `Prompt.bos`.
        block: Whether to return only once the window is closed; None to do so in scripts, and not
            in notebooks, whose cells go on beside the window.

    Returns:
        The window; None once it is closed.

    Raises:
        ModelError: If the model can't be used, or has no tokenizer; the message is one sentence.
        RuntimeError: If there is no display.
    """
    if lacks_display(os.environ):
        raise RuntimeError(NO_DISPLAY.replace("`xvfb-run -a lensgui`", "`xvfb-run -a python …`"))
    from lensgui.app import notebook  # Qt is imported by those who want a window

    pair = PromptPair(clean, corrupted, answer, distractor, prepend_bos)
    if isinstance(model, str):
        key, given = ModelKey(model), {}
    else:
        hooked = hook(model, tokenizer)
        key = key_of(hooked)
        given = {key: hooked}
    versions = [partial(version_of, hooked) for hooked in given.values()]
    version = versions[0] if versions else lambda: None
    return notebook.show(key, pair, lambda: Dispatcher(given=given), block, version)


def version_of(model: HookedTransformer) -> tuple[int, bool]:
    """Return what changes when a model does: weights in place, or the hooks on it."""
    return weights_version(model), any(point.is_watched for point in model.hook_points())


def hook(model: Any, tokenizer: Any = None) -> HookedTransformer:
    """Return a model with hook points on the very weights that were given.

    Raises:
        ModelError: If it is no model that lensgui knows, or there is no tokenizer.
    """
    hooked: HookedTransformer
    if isinstance(model, HookedTransformer):
        hooked = model
        hooked.tokenizer = tokenizer if tokenizer is not None else model.tokenizer
    elif hasattr(model, "config") and hasattr(model, "state_dict"):
        weight = next(iter(model.parameters()))
        hooked = from_pretrained(
            hf_model=model,
            tokenizer=tokenizer,
            device=weight.device,
            dtype=weight.dtype,
            fold_ln=False,
            center_writing_weights=False,
            center_unembed=False,
            fold_value_biases=False,
        )
    else:
        raise ModelError(
            f"A {type(model).__name__} is no model: give a HookedTransformer, a Hugging Face "
            "model, or a name."
        )
    if hooked.tokenizer is None:
        raise ModelError("The model has no tokenizer: give one with `tokenizer=`.")
    return hooked


def key_of(model: HookedTransformer) -> ModelKey:
    """Return what a model in memory is called; no two models share a name."""
    weight = model.embed.W_E
    return ModelKey(
        source=f"{MEMORY}{model.cfg.model_name or 'model'} {id(model):x}",
        device=str(weight.device.type),
        dtype=str(weight.dtype).removeprefix("torch."),
    )
