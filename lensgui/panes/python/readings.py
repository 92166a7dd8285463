"""A few lines of Python for the panes of attribution and of activations."""

from __future__ import annotations

from lensgui.jobs.answers.activations import ActivationSlice
from lensgui.panes.python import script
from lensgui.panes.python.figures import Code
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SIGNS

OUTSIDE = ("hook_embed", "hook_pos_embed", "ln_final", "unembed")  # hook points of no layer
MOST_NEURONS = 24  # that the pane names; the others count together


def attribution(document: Document) -> str:
    """Return how to take the metric apart as `shown`, and the sum so far."""
    sides = _sides(document)
    if document.rows:
        lines = [
            script.rows("rows", document.rows, has_roles=False),
            "cases = [case_of(model, row) for row in rows]",
            f"sides = {sides!r}",
            "found = [[*attribute_cases(model, cases, side)][-1].mean for side in sides]",
        ]
    else:
        lines = [
            script.pair("pair", document.pair),
            "metric = answers(model, pair).metric",
            f"runs = [run_prompt(model, prompt) for prompt in ({_prompts(sides)})]",
            "found = [[*attribute(run, metric)][-1] for run in runs]",
        ]
    by = f"by_{document.views.attribution.by}"
    for name, read in (("shown", by), ("so_far", "cumulative()[1:]")):
        lines.append(f"{name} = {' - '.join(f'found[{at}].{read}' for at in range(len(sides)))}")
    lines += [
        "print([(part.total, part.logits) for part in found])  # added up, and the run's",
        "print(table(shown))  # [layer, part]",
    ]
    return script.script(document, lines)


def terms(document: Document, cursor: Cursor) -> Code:
    """Return how a script gets at the terms of the selected part, after the pane's own lines."""
    count = len(_sides(document))
    lines: list[str] = []
    if document.rows:
        prompts = _prompts(_sides(document))
        lines = [
            script.pair("pair", document.pair),
            "metric = answers(model, pair).metric",
            f"runs = [run_prompt(model, prompt) for prompt in ({prompts})]",
        ]
    if cursor.head is not None:
        place = f"{cursor.layer}, {cursor.head}"
        lines.append(f"each = [attribute_sources(run, metric, {place}) for run in runs]")
        return Code((_difference("", count),), tuple(lines))
    lines += [
        f"each = [attribute_neurons(run, metric, {cursor.layer}) for run in runs]",
        f"values, bias = {_difference('.values', count)}, {_difference('.bias', count)}",
        f"order = values.abs().argsort(descending=True)[:{MOST_NEURONS}]",
        "rest = [values.sum() - values[order].sum(), torch.tensor(bias)]",
        "terms = torch.cat([values[order], torch.stack(rest)])  # neurons, the others, b_out",
    ]
    return Code(("terms",), tuple(lines))


def _sides(document: Document) -> tuple[str, ...]:
    """Return the sides that are read: of a difference both."""
    signs = zip(("clean", "corrupted"), SIGNS[document.views.attribution.side], strict=True)
    return tuple(side for side, sign in signs if sign)


def _prompts(sides: tuple[str, ...]) -> str:
    return ", ".join(f"pair.{side}_prompt" for side in sides) + "," * (len(sides) == 1)


def _difference(what: str, count: int) -> str:
    return " - ".join(f"each[{at}]{what}" for at in range(count))


def activation(document: Document, cursor: Cursor, found: ActivationSlice | None) -> str:
    """Return how to read an activation, and the slice of it that is shown.

    Args:
        document: Says which activation, of which prompt.
        cursor: Says which layer.
        found: What is shown; None to read all of it.
    """
    view = document.views.activation
    name = full_name(view.name, cursor.layer or 0)
    sides = ("clean", "corrupted") if view.side == "difference" else (view.side,)
    lines = [script.pair("pair", document.pair)]
    for side in sides:
        lines.append(f"_, {side} = model.run_with_cache({script.tokens(side)})")
    whole = " - ".join(f"{side}[{name!r}][0]" for side in sides)
    lines.append(f"activation = {whole}")
    if found is None:
        return script.script(document, [*lines, "shown = activation", "print(shown.shape)"])
    places = {axis.name: place for axis, place in found.others}
    index = ", ".join(":" if name not in places else str(places[name]) for name in found.order)
    rows, columns = (axis.name for axis in found.axes)
    turned = ".T" * (found.order.index(rows) > found.order.index(columns))
    lines.append(f"shown = activation[{index}]{turned}  # [{rows}, {columns}]")
    return script.script(document, [*lines, "print(activation.shape)", "print(table(shown))"])


def full_name(short: str, layer: int) -> str:
    """Return a hook point's full name: outside of layers its name is full."""
    return short if short.startswith(OUTSIDE) else f"blocks.{layer}.{short}"
