"""What kind of head a pattern belongs to: scores on the prompt at hand, and the field's detectors.

Previous-token and induction heads are Elhage et al. 2021 and Olsson et al. 2022; duplicate-token
heads Wang et al. 2022. Those papers score repeated random tokens; these are the same shares of
attention on any prompt, taken over the queries at which such a target exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from lensgui.transformer.cache.cache import ActivationCache
from lensgui.transformer.model import HookedTransformer

HeadName = Literal["previous_token_head", "duplicate_token_head", "induction_head"]
ErrorMeasure = Literal["abs", "mul"]
Heads = Iterable[tuple[int, int]] | dict[int, int | list[int]] | None


def get_previous_token_head_detection_pattern(tokens: Tensor) -> Tensor:
    """Return the pattern that attends to the token before.

    Args:
        tokens: Token ids, [1, position].

    Returns:
        [position, source].
    """
    return torch.ones(tokens.shape[-1] - 1).diag(-1)


def get_duplicate_token_head_detection_pattern(tokens: Tensor) -> Tensor:
    """Return the pattern [position, source] that attends to the same token earlier on."""
    row = tokens.flatten()
    return (row[:, None] == row).float().tril(-1)


def get_induction_head_detection_pattern(tokens: Tensor) -> Tensor:
    """Return the pattern that attends to what followed earlier occurrences of the same token.

    Returns:
        [position, source].
    """
    row = tokens.flatten()
    same = (row[:, None] == row).float().tril(-1)
    return torch.cat([torch.zeros(len(row), 1), same[:, :-1]], dim=1).tril()


PATTERNS: dict[str, Callable[[Tensor], Tensor]] = {
    "previous_token_head": get_previous_token_head_detection_pattern,
    "duplicate_token_head": get_duplicate_token_head_detection_pattern,
    "induction_head": get_induction_head_detection_pattern,
}


HEAD_NAMES = list(PATTERNS)


def get_supported_heads() -> None:
    """Print the names of patterns that `detect_head` knows."""
    print(f"Supported heads: {HEAD_NAMES}")


@torch.no_grad()
def detect_head(
    model: HookedTransformer,
    seq: str | list[str],
    detection_pattern: Tensor | HeadName,
    heads: Heads = None,
    cache: ActivationCache | None = None,
    *,
    exclude_bos: bool = False,
    exclude_current_token: bool = False,
    error_measure: ErrorMeasure = "mul",
) -> Tensor:
    """Score every head by how much its attention looks like a pattern.

    Args:
        model: A `HookedTransformer` with a tokenizer.
        seq: A text, or several whose scores are averaged.
        detection_pattern: A name, or the pattern itself, [position, source], lower triangular.
        heads: Which heads, as (layer, head) pairs or layer → heads; None for all. Others score −1.
        cache: The activations of `seq`, if it has been run; one text only.
        exclude_bos: Whether attention to position 0 does not count.
        exclude_current_token: Whether attention to the query's own position does not count.
        error_measure: "mul" for the share of attention inside the pattern; "abs" for 1 − the mean
            absolute difference of a row.

    Returns:
        Scores, [layer, head].

    Raises:
        ValueError: If the pattern has another shape, is not lower triangular, or has no such name.
    """
    if isinstance(seq, list):
        settings: dict[str, Any] = {
            "exclude_bos": exclude_bos,
            "exclude_current_token": exclude_current_token,
            "error_measure": error_measure,
        }
        scores = [detect_head(model, one, detection_pattern, heads, **settings) for one in seq]
        return torch.stack(scores).mean(0)
    tokens = model.to_tokens(seq).cpu()
    pattern = _pattern(detection_pattern, tokens)
    if cache is None:
        _, cache = model.run_with_cache(
            tokens, return_type=None, names_filter=lambda name: name.endswith("hook_pattern")
        )
    result = torch.full((model.cfg.n_layers, model.cfg.n_heads), -1.0)
    for layer, head in _pairs(heads, model):
        attention = cache["pattern", layer].cpu().float()
        attention = attention[0, head] if attention.ndim == 4 else attention[head]
        result[layer, head] = compute_head_attention_similarity_score(
            attention,
            pattern,
            exclude_bos=exclude_bos,
            exclude_current_token=exclude_current_token,
            error_measure=error_measure,
        )
    return result


def _pattern(detection_pattern: Tensor | str, tokens: Tensor) -> Tensor:
    """Return the pattern for a prompt [1, position], checked."""
    length = tokens.shape[-1]
    if length < 2:
        raise ValueError("Head detection needs a text of two tokens or more.")
    if isinstance(detection_pattern, str):
        if detection_pattern not in PATTERNS:
            known = ", ".join(PATTERNS)
            raise ValueError(f"There is no pattern {detection_pattern!r}; the names are {known}.")
        return PATTERNS[detection_pattern](tokens)
    pattern = detection_pattern.cpu().float()
    if pattern.shape != (length, length):
        raise ValueError(
            f"The pattern has shape {list(pattern.shape)}; the text has {length} tokens, so it "
            "must be "
            f"{[length, length]}."
        )
    if not torch.equal(pattern, pattern.tril()):
        raise ValueError(
            "The pattern is not lower triangular, but no head can attend to later tokens."
        )
    return pattern


def _pairs(heads: Heads, model: HookedTransformer) -> list[tuple[int, int]]:
    if heads is None:
        every = range(model.cfg.n_heads)
        return [(layer, head) for layer in range(model.cfg.n_layers) for head in every]
    if isinstance(heads, dict):
        rows = {at: [of] if isinstance(of, int) else list(of) for at, of in heads.items()}
        return [(layer, head) for layer, row in rows.items() for head in row]
    return list(heads)


def compute_head_attention_similarity_score(
    attention_pattern: Tensor,
    detection_pattern: Tensor,
    *,
    exclude_bos: bool,
    exclude_current_token: bool,
    error_measure: ErrorMeasure,
) -> float:
    """Return how much one head's attention looks like a pattern, as `detect_head` describes.

    Args:
        attention_pattern: [position, source].
        detection_pattern: [position, source].
        exclude_bos: As in `detect_head`.
        exclude_current_token: As in `detect_head`.
        error_measure: As in `detect_head`.
    """
    counts = torch.ones_like(attention_pattern)
    if exclude_bos:
        counts[:, 0] = 0
    if exclude_current_token:
        counts.fill_diagonal_(0)
    if error_measure == "mul":
        attention = attention_pattern * counts
        return float((attention * detection_pattern).sum() / attention.sum())
    difference = (attention_pattern - detection_pattern).abs() * counts
    return round(1 - float(difference.mean()) * len(difference), 3)


@dataclass(frozen=True, slots=True)
class Targets:
    """Where heads of some kinds would look.

    Attributes:
        duplicate: For each query, the earlier places of the same token, [position, source].
        induction: What followed those places, [position, source].
        counts: How many queries have any of each, [2].
    """

    duplicate: Tensor
    induction: Tensor
    counts: Tensor


def targets(tokens: Tensor) -> Targets:
    """Return where duplicate-token and induction heads would look in a prompt.

    Args:
        tokens: Token ids, [position].
    """
    same = (tokens[:, None] == tokens).tril(-1)
    followed = torch.cat([torch.zeros_like(same[:, :1]), same[:, :-1]], dim=1)
    counts = torch.stack([of.any(-1).sum() for of in (same, followed)])
    return Targets(same, followed, counts)


@torch.no_grad()
def head_scores(pattern: Tensor, needed: Targets) -> Tensor:
    """Score heads by their patterns; each score is a mean over queries after position 0.

    Args:
        pattern: [head, position, source].
        needed: The prompt's targets.

    Returns:
        [score, head] in the order of `PROMPT_SCORES`, but for the last: attention to position 0;
        entropy of a row, in bits; how far back a row looks, in tokens; attention to the token
        before; to earlier places of the same token; and to what followed those. NaN where the
        prompt has no query with such a target.
    """
    return mean_scores(query_scores(pattern, needed), needed)


@torch.no_grad()
def query_scores(pattern: Tensor, needed: Targets, start: int = 0) -> Tensor:
    """Score the queries of which `head_scores` are means.

    Args:
        pattern: [head, position from `start` on, source].
        needed: The prompt's targets.
        start: The first query's position.

    Returns:
        [score, head, position]; what is no target counts 0, as does what precedes position 0.
    """
    rows = pattern if pattern.dtype == torch.float64 else pattern.float()
    previous = rows.diagonal(start - 1, -2, -1)
    if not start:
        previous = F.pad(previous, (1, 0))
    masks = (needed.duplicate[start:], needed.induction[start:])
    inside = [(rows * mask).sum(-1) for mask in masks]
    places = torch.arange(rows.shape[-1], device=rows.device, dtype=rows.dtype)
    back = (rows * (places[start:, None] - places)).sum(-1)  # masked sources count 0
    return torch.stack([rows[..., 0], _entropy(rows), back, previous, *inside])


def mean_scores(queries: Tensor, needed: Targets) -> Tensor:
    """Return the scores of heads, as `head_scores` does, from those of all their queries.

    Args:
        queries: [score, head, position].
        needed: The prompt's targets.

    Returns:
        [score, head].
    """
    of_all = queries[:-2, :, 1:].mean(-1)
    return torch.cat([of_all, queries[-2:].sum(-1) / needed.counts[:, None]])


@torch.no_grad()
def strongest_edges(pattern: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest attention to any source but position 0, and where it is.

    Args:
        pattern: [head, position, source]; of a difference, the largest in size counts.

    Returns:
        Values [head], NaN where there is only position 0 or a number that is not finite; and
        position and source, [head, 2], −1 likewise.
    """
    return strongest_query(*strongest_sources(pattern))


@torch.no_grad()
def strongest_sources(pattern: Tensor) -> tuple[Tensor, Tensor]:
    """Return each query's largest attention to any source but position 0, and its source.

    Args:
        pattern: [head, query, source].

    Returns:
        Values and sources, [head, query]; NaN and 0 where there is no other source.
    """
    rest = pattern[..., 1:]
    if not rest.shape[-1]:
        nothing = pattern.new_full(pattern.shape[:2], torch.nan)
        return nothing, torch.zeros(nothing.shape, dtype=torch.long, device=pattern.device)
    sources = rest.abs().argmax(-1, keepdim=True)
    return rest.gather(-1, sources)[..., 0], sources[..., 0] + 1


def strongest_query(values: Tensor, sources: Tensor) -> tuple[Tensor, Tensor]:
    """Return what `strongest_edges` does, from what `strongest_sources` gives of all queries."""
    rows = values[:, 1:].abs().argmax(-1, keepdim=True) + 1 if values.shape[1] > 1 else None
    if rows is None:
        return values[:, 0], torch.full((len(values), 2), -1, device=values.device)
    value = values.gather(1, rows)[:, 0]
    places = torch.cat([rows, sources.gather(1, rows)], dim=-1)
    return value, places.masked_fill(value.isnan()[:, None], -1)


def _entropy(rows: Tensor) -> Tensor:
    """Return the entropy of each row [..., source], in bits; 0 · log 0 is 0."""
    logs = rows.clamp(min=torch.finfo(rows.dtype).tiny).log2_()
    return -logs.mul_(rows).sum(-1)
