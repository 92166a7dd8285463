"""Lines of Python that sweep what a patching pane sweeps: a pair or a mean, A, B or A − B."""

from __future__ import annotations

from dataclasses import replace

from lensgui.circuits.questions import RESID_PRE, SweepKind
from lensgui.jobs.requests import Patching
from lensgui.panes import metricsnippet, snippets
from lensgui.panes.lab import compare
from lensgui.panes.lab.sweepplot import SweepPlot
from lensgui.state.document import Document

WHY = "  # why a share of clean − corrupted would say nothing, if so"
SHOWN = "changes if reason else changes / (ends[0] - ends[1])"


def shown(document: Document, asked: Patching, kept: Patching | None, view: SweepPlot) -> str:
    """Return how to compute what a patching pane shows, as `shown`.

    Args:
        document: The model.
        asked: The present sweep, B.
        kept: The sweep that it is compared with, A; None if there is none.
        view: Where they are drawn, and the side is chosen.
    """
    side = view.compare.side
    if kept is None or side == "B":
        return _one(document, asked)
    if side == "A":
        return _one(document, kept)
    is_apart = view.kept and view.sweep and compare.obstacle(view.kept, view.sweep)
    return _one(document, asked) if is_apart else _difference(document, kept, asked)


def _one(document: Document, asked: Patching) -> str:
    """Return how to compute a sweep: raw where a share would mean nothing."""
    axes = f"  # [{', '.join(_axes(asked))}]"
    return snippets.script(document, [*subject(asked), *changes(asked), f"shown = {SHOWN}{axes}"])


def _difference(document: Document, kept: Patching, asked: Patching) -> str:
    """Return how to compute two sweeps and their difference."""
    share = "{0} / ({1}[0] - {1}[1])"
    shares = share.format("a", "a_ends"), share.format("changes", "ends")
    lines = [
        "# A, the sweep that was kept",
        *subject(kept),
        *changes(kept),
        "a, a_ends, a_reason = changes, ends, reason",
        "# B, the sweep that is chosen",
        *subject(asked),
        *changes(asked),
        "is_raw = a_reason or reason",
        f"shown = a - changes if is_raw else {' - '.join(shares)}  # [{', '.join(_axes(asked))}]",
    ]
    return snippets.script(document, lines)


def subject(asked: Patching) -> list[str]:
    """Return the lines that make what is swept: prompts and metric, or the cases of a mean."""
    pair = asked.pair
    if asked.rows:
        rows = [replace(row, pair=replace(row.pair, metric=pair.metric)) for row in asked.rows]
        return [
            *snippets.rows("rows", rows, has_roles="position" in asked.kind.axes),
            "cases = [case_of(model, row) for row in rows]",
        ]
    lines = [
        snippets.tokens("clean", pair.clean, pair.bos),
        snippets.tokens("corrupted", pair.corrupted, pair.bos),
        *metricsnippet.metric(pair),
    ]
    if metricsnippet.is_whole(pair):
        lines += [
            "length = clean.shape[-1]",
            "clean, corrupted = continued(clean, answer), continued(corrupted, answer)",
        ]
    return lines


def changes(asked: Patching) -> list[str]:
    """Return the lines that sweep a subject.

    They define `changes`, of the metric; `ends`, the metric of the clean and the corrupted run; and
    `reason`, why a change is no share of clean − corrupted, "" if it is.
    """
    lines = _mean(asked) if asked.rows else _single(asked)
    place = "" if asked.layer is None else f"[{asked.layer}, {asked.head}]"
    return [
        *lines,
        f"changes = result.values{place}",
        f"reason = refusal(*ends, {asked.pair.metric!r}){WHY}",
    ]


def _single(asked: Patching) -> list[str]:
    lines, options = [], []
    if asked.kind != RESID_PRE:
        options.append(spelled(asked.kind))
    if asked.direction != "denoising":
        options.append(f"direction={asked.direction!r}")
    if asked.layer is not None:
        options.append("only=only")
        shape = f"map_shape({spelled(asked.kind)}, model, clean.shape[-1])"
        lines += [
            f"only = torch.zeros({shape}, dtype=torch.bool)",
            f"only[{asked.layer}, {asked.head}] = True",
        ]
    arguments = ", ".join(["model", "clean", "corrupted", "metric", *options])
    lines.append(f"*_, result = sweep({arguments})")
    if metricsnippet.is_whole(asked.pair):
        lines.append("result = of_prompt(result, length)")
    return [*lines, "ends = result.clean, result.corrupted"]


def _mean(asked: Patching) -> list[str]:
    options = [spelled(asked.kind)]
    if asked.direction != "denoising":
        options.append(repr(asked.direction))
    return [
        f"*_, result = sweep_cases({', '.join(['model', 'cases', *options])})",
        "ends = result.clean.mean().item(), result.corrupted.mean().item()",
    ]


def spelled(kind: SweepKind) -> str:
    """Return the expression for a kind of sweep."""
    extent = f", {kind.extent!r}" if kind.extent != "position" else ""
    return f"SweepKind({kind.activation!r}{extent})"


def _axes(asked: Patching) -> tuple[str, ...]:
    return asked.kind.axes if asked.layer is None else asked.kind.axes[2:]
