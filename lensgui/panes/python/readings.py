"""A few lines of Python for the panes of attribution and of activations."""

from __future__ import annotations

from lensgui.jobs.answers.activations import ActivationSlice
from lensgui.panes.python import script
from lensgui.panes.python.figures import Code
from lensgui.prompts.sides import SUMMANDS, Summand
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

OUTSIDE = ("hook_embed", "hook_pos_embed", "ln_final", "unembed")  # hook points of no layer
MOST_NEURONS = 24  # that the pane names; the others count together


def attribution(document: Document) -> str:
    """Return how to take the metric apart as `shown`, and the sum so far."""
    read = SUMMANDS[document.views.attribution.side]
    if document.rows:
        lines = [
            script.rows("rows", document.rows, has_roles=False),
            "cases = [case_of(model, row) for row in rows]",
            *(
                ["plain = [case_of(model, row.under(())) for row in rows]"]
                * (not read[-1].is_under)
            ),
            f"sides = [{', '.join(_cases(one) for one in read)}]",
            "found = [[*attribute_cases(model, *side)][-1].mean for side in sides]",
        ]
    else:
        lines = [
            script.pair("pair", document.pair),
            "metric = answers(model, pair).metric",
            _runs(document),
            "found = [[*attribute(run, metric)][-1] for run in runs]",
        ]
    by = f"by_{document.views.attribution.by}"
    for name, what in (("shown", by), ("so_far", "cumulative()[1:]")):
        lines.append(f"{name} = {' - '.join(f'found[{at}].{what}' for at in range(len(read)))}")
    lines += [
        "print([(part.total, part.logits) for part in found])  # added up, and the run's",
        "print(table(shown))  # [layer, part]",
    ]
    return script.script(document, lines)


def terms(document: Document, cursor: Cursor) -> Code:
    """Return how a script gets at the terms of the selected part, after the pane's own lines."""
    count = len(SUMMANDS[document.views.attribution.side])
    lines: list[str] = []
    if document.rows:
        lines = [
            script.pair("pair", document.pair),
            "metric = answers(model, pair).metric",
            _runs(document),
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


def _cases(one: Summand) -> str:
    """Return the arguments for a prompt of all cases."""
    return f"({'cases' if one.is_under else 'plain'}, {one.prompt!r})"


def _runs(document: Document) -> str:
    """Return the line that runs the prompts of `pair` that are read."""
    prompts = ", ".join(script.prompts_of(document.views.attribution.side))
    return f"runs = [run_prompt(model, prompt) for prompt in ({prompts},)]"


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
    lines = [script.pair("pair", document.pair)]
    for at, prompt in enumerate(prompts := script.prompts_of(view.side)):
        read = f"read_activation(run_prompt(model, {prompt}), {name!r})"
        lines.append(f"{'activation' if not at else 'other'} = {read}")
    if len(prompts) > 1:
        lines.append("activation = activation - other")
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
