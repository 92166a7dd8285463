"""The lines that compute what the pane shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from lensgui.jobs.questions.neuron_requests import TextFile
from lensgui.panes.python import script
from lensgui.prompts.pair import PairRow
from lensgui.state.document import Document

PRINTED = [
    "for neuron, value in zip(order.tolist(), shown.tolist()):",
    '    print(f"{neuron} {value:+.4f}")',
]


def neurons(document: Document, layer: int | None, position: int | None) -> str:
    """Return how to rank a layer's neurons, as `shown`.

    Args:
        document: Says what is ranked, of which prompt.
        layer: The layer; None for the last.
        position: Where; None for the last position.
    """
    view = document.views.neurons
    place = _of_layer(layer), "-1" if position is None else str(position)
    lines = [
        script.pair("pair", document.pair),
        f"run = run_prompt(model, {script.prompts_of(view.side)[0]})",
        *_values(document, *place),
        f"order = values.abs().argsort(descending=True, stable=True)[:{view.count}]",
        "shown = values[order]",
        *PRINTED,
    ]
    return script.script(document, lines)


def _of_layer(layer: int | None) -> str:
    return "model.cfg.n_layers - 1" if layer is None else str(layer)


def _values(document: Document, layer: str, position: str) -> list[str]:
    order = document.views.neurons.order
    acts = f"*_, acts = neuron_activations(run, {layer})  # [position, neuron]"
    if order == "activation":
        return [acts, f"values = acts[{position}].nan_to_num()"]
    if order == "gradient":
        return [
            acts,
            f"*_, slopes = neuron_gradients(run, answers(model, pair).metric, {layer})",
            f"values = (acts[{position}] * slopes[{position}]).nan_to_num().detach()",
        ]
    return [
        "found = answers(model, pair)",
        "metric = found.difference or LogProbability(found.answer)  # whose logits are read",
        f"values = neuron_effects(run, metric, {layer}, {position}).nan_to_num()",
    ]


def over(document: Document, layer: int | None, neuron: int) -> list[str]:
    """Return the lines that read one neuron over the prompt, or the difference of two runs."""
    one = f"{_of_layer(layer)}, [{neuron}]"
    lines = [f"*_, one = neuron_activations(run, {one})"]
    _, *others = script.prompts_of(document.views.neurons.side)
    if not others:
        return [*lines, "over_prompt = one[:, 0]"]
    return [
        *lines,
        f"*_, other = neuron_activations(run_prompt(model, {others[0]}), {one})",
        "over_prompt = one[:, 0] - other[:, 0]",
    ]


def places(
    rows: Sequence[PairRow], text: TextFile | None, layer: int | None, neuron: int
) -> list[str]:
    """Return the lines that look for strongest places; [] where none are looked for.

    Args:
        rows: The pairs whose prompts are searched.
        text: The text that is searched instead, of which only the name is said.
        layer: The layer; None for the last.
        neuron: Of which neuron.
    """
    if text is not None:
        lines = [f"contexts = TextContexts(model, {PurePath(text.path).name!r})  # where it is"]
    elif rows:
        lines = [
            script.rows("rows", rows, has_roles=False),
            "prompts = [side for row in rows for side in (row.pair.clean_prompt, "
            "row.pair.corrupted_prompt)]",
            "prompts = [prompt for prompt in dict.fromkeys(prompts) if prompt.text]",
            "contexts = [run_prompt(model, prompt).ids for prompt in prompts]",
        ]
    else:
        return []
    return [
        *lines,
        f"*_, places = strongest_places(model, {_of_layer(layer)}, contexts)",
        f"ends = torch.cat([places.highest[{neuron}], places.lowest[{neuron}]])",
        "strongest = ends[ends.isfinite()]",
        "print(strongest)  # the positive ones first",
    ]
