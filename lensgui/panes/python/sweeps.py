"""Lines of Python that sweep what a patching pane sweeps: a pair or a mean, A, B or A − B."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lensgui.jobs.requests import Patching
from lensgui.panes.python import script
from lensgui.state.document import Document
from lensgui.terms.kinds import RESID_PRE, Head, HeadInput, SweepKind

AS_SHARES = "as a share of clean − corrupted"


def shown(document: Document, request: Patching, kept: Patching | None, side: str) -> str:
    """Return how to compute what a patching pane shows, as `shown`.

    Args:
        document: The model.
        request: The present sweep, B.
        kept: The sweep that it is compared with, A; None if there is none.
        side: Which of them is shown: "A", "B" or "A − B".
    """
    if kept is None or side == "B":
        return _one(document, request)
    if side == "A":
        return _one(document, kept)
    return _difference(document, kept, request)


def necessary(document: Document, request: Patching) -> str:
    """Return how to patch every head in both directions, as `sufficient` and `necessary`.

    Args:
        document: The model.
        request: What is swept, in either direction.
    """
    lines = [
        *_swept("restored", replace(request, direction="denoising")),
        *_sweep("broken", replace(request, direction="noising")),
        "sufficient, necessary = restored.shown, -broken.shown  # [layer, head]",
        f'print(restored.refusal or "{AS_SHARES}")',
        'print("sufficient", table(sufficient), "necessary", table(necessary), sep="\\n")',
    ]
    return script.script(document, lines)


def all_kinds(document: Document, requests: Sequence[Patching]) -> str:
    """Return how to sweep several kinds of one pair or mean, as `shown`, and what does most.

    Args:
        document: The model.
        requests: What is swept: the same, but for the kind.
    """
    first = requests[0]
    made, (swept,) = _swept("result", first)[:-1], _sweep("result", first, "kind")
    names = [f'"{request.kind.activation}"' for request in requests if not request.kind.is_of_heads]
    heads = [f'"{request.kind.activation}"' for request in requests if request.kind.is_of_heads]
    lines = [
        *made,
        f"kinds = [SweepKind(name) for name in ({', '.join(names)})]  # [layer, position]",
        f'kinds += [SweepKind(name, "all") for name in ({", ".join(heads)})]  # [layer, head]',
        "shown = {}",
        "for kind in kinds:",
        f"    {swept}",
        "    shown[kind.activation] = result.shown",
        f'print(result.refusal or "{AS_SHARES}")',
        "for name, values in shown.items():  # the strongest cell of each",
        "    row, column = divmod(int(values.nan_to_num().abs().argmax()), values.shape[1])",
        '    print(f"{name:10} [{row}, {column}] {float(values[row, column]):+.3f}")',
    ]
    return script.script(document, lines)


def who_feeds(
    document: Document, heads: tuple[Head, ...], input_: HeadInput, *, hear_each_other: bool
) -> str:
    """Return how to patch the paths from every head and MLP into some heads, and all at once."""
    hearing = ", hear_each_other=True" * hear_each_other
    sides = f"({script.tokens('clean')}, {script.tokens('corrupted')})"
    lines = [
        script.pair("pair", document.pair),
        "found = answers(model, pair)",
        f"runs = [Run(model, found.ending(tokens[0])).complete() for tokens in {sides}]",
        *["runs = intervened_runs(runs[0], interventions_of(model, pair), runs[1])"]
        * any(one.is_on for one in document.pair.interventions),
        f"heads = {list(heads)}",
        f'receivers = inputs_of(model.cfg, heads, "{input_}")',
        "*_, totals = path_totals(*runs, found.metric, heads)",
        f"*_, scores = path_patch_into(*runs, found.metric, receivers{hearing})",
        "shown, embedding = scores.shown, scores.embed / scores.scale  # MLPs in the last column",
        'print("all paths", totals.shown)',
        _printed("scores.refusal"),
    ]
    return script.script(document, lines)


def _one(document: Document, request: Patching) -> str:
    """Return how to compute a sweep: raw where a share would mean nothing."""
    place = "" if request.layer is None else f"[{request.layer}, {request.head}]"
    shown = f"shown = result.shown{place}  # [{', '.join(_axes(request))}]"
    return script.script(document, [*_swept("result", request), shown, _printed("result.refusal")])


def _difference(document: Document, kept: Patching, request: Patching) -> str:
    """Return how to compute two sweeps and their difference."""
    at_a, at_b = ("" if of.layer is None else f"[{of.layer}, {of.head}]" for of in (kept, request))
    raw, shares = f"a.values{at_a} - b.values{at_b}", f"a.shown{at_a} - b.shown{at_b}"
    lines = [
        *_swept("a", kept),
        *_swept("b", request),
        "refusal = a.refusal or b.refusal",
        f"shown = {raw} if refusal else {shares}  # [{', '.join(_axes(request))}]",
        _printed("refusal"),
    ]
    return script.script(document, lines)


def _printed(refusal: str) -> str:
    """Return the line that prints what is shown, as what."""
    return f'print({refusal} or "{AS_SHARES}", table(shown), sep="\\n")'


def _swept(name: str, request: Patching) -> list[str]:
    """Return the lines that make what is swept, a pair or rows, and sweep it."""
    if not request.rows:
        return [script.pair("pair", request.pair), *_sweep(name, request)]
    metric = request.pair.metric
    rows = [replace(row, pair=replace(row.pair, metric=metric)) for row in request.rows]
    return [
        script.rows("rows", rows, has_roles="position" in request.kind.axes),
        "cases = [case_of(model, row) for row in rows]",
        *_sweep(name, request),
    ]


def _sweep(name: str, request: Patching, kind: str = "") -> list[str]:
    """Return the line that sweeps `pair` or `cases`.

    Args:
        name: What the result is called.
        request: What is swept.
        kind: The expression for the kind; "" for that of the request.
    """
    call = "sweep_cases(model, cases" if request.rows else "sweep_pair(model, pair"
    is_plain = request.kind == RESID_PRE and not request.rows and not kind
    options = [] if is_plain else [kind or spelled(request.kind)]
    if request.direction != "denoising":
        options.append(f"direction={request.direction!r}")
    if request.layer is not None:
        options.append(f"heads=[({request.layer}, {request.head})]")
    return [f"*_, {name} = {', '.join([call, *options])})"]


def spelled(kind: SweepKind) -> str:
    """Return the expression for a kind of sweep."""
    extent = f", {kind.extent!r}" if kind.extent != "position" else ""
    return f"SweepKind({kind.activation!r}{extent})"


def _axes(request: Patching) -> tuple[str, ...]:
    return request.kind.axes if request.layer is None else request.kind.axes[2:]
