"""Lines of Python that sweep what a patching pane sweeps: a pair or a mean, A, B or A − B."""

from __future__ import annotations

from dataclasses import replace

from lensgui.jobs.requests import Patching
from lensgui.panes.python import script
from lensgui.state.document import Document
from lensgui.terms.kinds import RESID_PRE, HeadInput, SweepKind

WHY = "  # why a share of clean − corrupted would say nothing, if so"
PRINTED = 'print(reason or "as a share of clean − corrupted", table(shown), sep="\\n")'


def shown(document: Document, asked: Patching, kept: Patching | None, side: str) -> str:
    """Return how to compute what a patching pane shows, as `shown`.

    Args:
        document: The model.
        asked: The present sweep, B.
        kept: The sweep that it is compared with, A; None if there is none.
        side: Which of them is shown: "A", "B" or "A − B".
    """
    if kept is None or side == "B":
        return _one(document, asked)
    if side == "A":
        return _one(document, kept)
    return _difference(document, kept, asked)


def necessary(document: Document, asked: Patching) -> str:
    """Return how to patch every head in both directions, as `sufficient` and `necessary`.

    Args:
        document: The model.
        asked: What is swept, in either direction.
    """
    turned = replace(asked, direction="noising")
    restored, broken = _share("restored", asked), _share("broken", asked)
    lines = [
        *_swept("restored", replace(asked, direction="denoising")),
        *_sweep("broken", turned),
        _reason("restored", asked),
        f"sufficient = restored.values if reason else {restored}  # [layer, head]",
        f"necessary = broken.values if reason else {broken}  # [layer, head]",
        'print(reason or "as a share of clean − corrupted")',
        'print("sufficient", table(sufficient), "necessary", table(necessary), sep="\\n")',
    ]
    return script.script(document, lines)


def who_feeds(document: Document, place: tuple[int, int], input_: HeadInput) -> str:
    """Return how to patch the path from every head and MLP into a head, (layer, head)."""
    layer, head = place
    shared = "" if input_ == "q" else " // model.cfg.heads_per_group"
    sides = f"({script.tokens('clean')}, {script.tokens('corrupted')})"
    lines = [
        script.pair("pair", document.pair),
        "found = answers(model, pair)",
        f"runs = [Run(model, found.ending(tokens[0])).complete() for tokens in {sides}]",
        f'receiver = Node("{input_}", {layer}, {head}{shared})',
        "*_, scores = path_patch_into(*runs, found.metric, receiver)",
        "changes = torch.cat([scores.heads, scores.mlps[:, None]], 1)",
        f"reason = refusal(scores.clean, scores.corrupted, pair.metric){WHY}",
        "whole = 1 if reason else scores.clean - scores.corrupted",
        "shown, embedding = changes / whole, scores.embed / whole  # MLPs in the last column",
        PRINTED,
    ]
    return script.script(document, lines)


def _one(document: Document, asked: Patching) -> str:
    """Return how to compute a sweep: raw where a share would mean nothing."""
    place = "" if asked.layer is None else f"[{asked.layer}, {asked.head}]"
    axes = f"  # [{', '.join(_axes(asked))}]"
    shown = f"(result.values if reason else {_share('result', asked)}){place}"
    lines = [*_swept("result", asked), _reason("result", asked), f"shown = {shown}{axes}", PRINTED]
    return script.script(document, lines)


def _difference(document: Document, kept: Patching, asked: Patching) -> str:
    """Return how to compute two sweeps and their difference."""
    places = ["" if of.layer is None else f"[{of.layer}, {of.head}]" for of in (kept, asked)]
    raw = f"a.values{places[0]} - b.values{places[1]}"
    share = f"({_share('a', kept)}){places[0]} - ({_share('b', asked)}){places[1]}"
    refusals = f"{_refusal('a', kept)} or {_refusal('b', asked)}"
    lines = [
        *_swept("a", kept),
        *_swept("b", asked),
        f"reason = {refusals}{WHY}",
        f"shown = {raw} if reason else {share}  # [{', '.join(_axes(asked))}]",
        PRINTED,
    ]
    return script.script(document, lines)


def _swept(name: str, asked: Patching) -> list[str]:
    """Return the lines that make what is swept, a pair or rows, and sweep it."""
    if not asked.rows:
        return [script.pair("pair", asked.pair), *_sweep(name, asked)]
    metric = asked.pair.metric
    rows = [replace(row, pair=replace(row.pair, metric=metric)) for row in asked.rows]
    return [
        script.rows("rows", rows, has_roles="position" in asked.kind.axes),
        "cases = [case_of(model, row) for row in rows]",
        *_sweep(name, asked),
    ]


def _sweep(name: str, asked: Patching) -> list[str]:
    """Return the line that sweeps `pair` or `cases`."""
    call = "sweep_cases(model, cases" if asked.rows else "sweep_pair(model, pair"
    options = [] if asked.kind == RESID_PRE and not asked.rows else [spelled(asked.kind)]
    if asked.direction != "denoising":
        options.append(f"direction={asked.direction!r}")
    if asked.layer is not None:
        options.append(f"heads=[({asked.layer}, {asked.head})]")
    return [f"*_, {name} = {', '.join([call, *options])})"]


def _ends(name: str, asked: Patching) -> tuple[str, str]:
    """Return the expressions for the metric of the clean and of the corrupted run."""
    mean = ".mean()" if asked.rows else ""
    return f"{name}.clean{mean}", f"{name}.corrupted{mean}"


def _share(name: str, asked: Patching) -> str:
    clean, corrupted = _ends(name, asked)
    return f"{name}.values / ({clean} - {corrupted})"


def _refusal(name: str, asked: Patching) -> str:
    ends = [f"float({end})" if asked.rows else end for end in _ends(name, asked)]
    return f"refusal({', '.join(ends)}, {asked.pair.metric!r})"


def _reason(name: str, asked: Patching) -> str:
    return f"reason = {_refusal(name, asked)}{WHY}"


def spelled(kind: SweepKind) -> str:
    """Return the expression for a kind of sweep."""
    extent = f", {kind.extent!r}" if kind.extent != "position" else ""
    return f"SweepKind({kind.activation!r}{extent})"


def _axes(asked: Patching) -> tuple[str, ...]:
    return asked.kind.axes if asked.layer is None else asked.kind.axes[2:]
