"""Lines of Python that measure heads against each other: both directions, and who feeds one."""

from __future__ import annotations

from dataclasses import replace

from lensgui.circuits.questions import Direction, HeadInput
from lensgui.jobs.requests import Patching
from lensgui.panes import snippets
from lensgui.panes.lab import sweepsnippet
from lensgui.state.document import Document

DIRECTIONS: tuple[tuple[str, Direction], ...] = (
    ("necessary", "noising"),
    ("sufficient", "denoising"),
)


def necessary(document: Document, asked: Patching) -> str:
    """Return how to patch every head in both directions.

    Args:
        document: The model.
        asked: What is swept, in either direction.
    """
    lines = sweepsnippet.subject(asked)
    for name, direction in DIRECTIONS:
        lines += [
            *sweepsnippet.changes(replace(asked, direction=direction)),
            f"{name} = {sweepsnippet.SHOWN}  # [layer, head]",
        ]
    return snippets.script(document, lines)


def feeders(document: Document, place: tuple[int, int], input_: HeadInput) -> str:
    """Return how to patch the path from every head and MLP into a head, (layer, head)."""
    layer, head = place
    pair = document.pair
    shared = "" if input_ == "q" else " // (model.cfg.n_heads // model.cfg.kv_heads)"
    lines = [
        *sweepsnippet.subject(Patching(document.model, pair)),
        f'receiver = Node("{input_}", {layer}, {head}{shared})',
        "runs = [Run(model, tokens).complete() for tokens in (clean, corrupted)]",
        "*_, scores = feed(*runs, metric, receiver)",
        "changes = torch.cat([scores.heads, scores.mlps[:, None]], 1)",
        "ends = scores.clean, scores.corrupted",
        f"reason = refusal(*ends, {pair.metric!r}){sweepsnippet.WHY}",
        f"shown = {sweepsnippet.SHOWN}  # [layer, head], MLPs in the last column",
        "embedding = scores.embed if reason else scores.embed / (ends[0] - ends[1])",
    ]
    return snippets.script(document, lines)
