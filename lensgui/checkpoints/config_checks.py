"""Whether a config's numbers are those of a model."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

from lensgui.terms.errors import ModelError, first_line

_COUNTS = (  # of which there is at least one, where there are any
    "n_layers", "d_model", "n_ctx", "d_head", "n_heads", "n_key_value_heads", "d_mlp", "d_vocab",
    "experts_per_token", "d_expert", "d_value", "kv_rank", "q_rank", "expert_groups",
    "groups_per_token", "group_best",
)  # fmt: skip
_MAY_BE_NONE = ("rotary_dim", "window_size", "num_experts", "d_shared_expert")
_MOST = 1 << 31
_NUMBERS = (
    "eps", "embedding_multiplier", "residual_multiplier", "logit_scale", "rotary_base",
    "rotary_base_local", "rotary_scale", "attn_scale", "clip_qkv", "gate_limit",
    "router_tolerance", "latent_eps", "expert_scale",
    "attn_scores_soft_cap", "output_logits_soft_cap",
)  # fmt: skip


def check_numbers(fields: Mapping[str, Any], name: str) -> None:
    """Refuse numbers of a config that no model can have.

    Args:
        fields: Fields of `HookedTransformerConfig`.
        name: What to call the model.

    Raises:
        ModelError: If a count is no whole number from 1 to 2³¹ − 1, or a number is not finite.
    """
    for field in (*_COUNTS, *_MAY_BE_NONE):
        count = fields.get(field)
        is_whole = isinstance(count, int) and not isinstance(count, bool)
        if count is not None and not (is_whole and (field in _COUNTS) <= count < _MOST):
            raise _out_of_range(name, field, count)
    for field in _NUMBERS:
        number = fields.get(field)
        if number is not None and not _is_finite(number):
            raise _out_of_range(name, field, number)


def _is_finite(number: Any) -> bool:
    return isinstance(number, int | float) and abs(number) < 1e30 and math.isfinite(number)


def _out_of_range(name: str, field: str, number: Any) -> ModelError:
    return ModelError(
        f"The config of {name} gives {field} as {number!r:.80}, which no model can have: get it "
        "again."
    )


@contextlib.contextmanager
def described(name: str) -> Iterator[None]:
    """Turn what a config leads to that describes no model into one sentence.

    Args:
        name: What to call the model.

    Raises:
        ModelError: If anything fails; a ValueError that is a sentence keeps its words.
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # numbers that nothing can be made of show themselves in many ways
        said = str(error)
        if not (isinstance(error, ValueError) and said.endswith(".") and "\n" not in said):
            said = f"The config of {name} does not describe a model ({first_line(error):.200})."
        raise ModelError(said) from error
