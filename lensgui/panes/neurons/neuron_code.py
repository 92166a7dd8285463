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


def neurons(
    document: Document,
    layer: int | None,
    position: int | None,
    neuron: int | None,
    rows: Sequence[PairRow] = (),
    text: TextFile | None = None,
) -> str:
    """Return how to rank a layer's neurons, as `shown`, and what is known of one of them.

    Args:
        document: Says what is ranked, of which prompt.
        layer: The layer; None for the last.
        position: Where; None for the last position.
        neuron: The one of which all is read; None for the first.
        rows: The pairs whose prompts are searched for strongest places.
        text: The text that is searched instead, of which only the name is said.
    """
    view = document.views.neurons
    side = "corrupted" if view.side == "corrupted" else "clean"
    lines = [
        script.pair("pair", document.pair),
        f"run = run_prompt(model, pair.{side}_prompt)",
        "found = answers(model, pair)",
        f"layer = {'model.cfg.n_layers - 1' if layer is None else layer}",
        f"position = {'len(run.tokens) - 1' if position is None else position}",
        "*_, acts = neuron_activations(run, layer)  # [position, neuron]",
        *_values(document),
        f"order = values.abs().argsort(descending=True, stable=True)[:{view.count}]",
        "shown = values[order]",
        *PRINTED,
        f"neuron = {'int(order[0])' if neuron is None else neuron}",
        *_over(document),
        "*_, words = neuron_tokens(model, layer, [neuron])",
        "for of in (words.writes, words.reads):",
        "    print(model.to_str_tokens(of.most[0]))",
        *places(rows, text),
    ]
    return script.script(document, lines)


def _values(document: Document) -> list[str]:
    order = document.views.neurons.order
    if order == "activation":
        return ["values = acts[position].nan_to_num()"]
    if order == "gradient":
        return [
            "*_, slopes = neuron_gradients(run, found.metric, layer)",
            "values = (acts[position] * slopes[position]).nan_to_num().detach()",
        ]
    return [
        "sides = found.answer, found.distractor",
        "direct = LogitDifference(*sides, position) if found.difference else None",
        "direct = direct or LogProbability(found.answer, position)  # whose logit is read",
        "parts = attribute_neurons(run, direct, layer)",
        "starts = {group.expert: group.start for group in neuron_groups(model, layer)}",
        "begun = [starts[used.expert] for used in parts.used] or [0]",
        "experts = parts.neurons * 0 if parts.experts is None else parts.experts",
        "values = torch.zeros(neuron_count(model, layer), dtype=torch.float64)",
        "values[parts.neurons + torch.tensor(begun)[experts]] = parts.values",
    ]


def _over(document: Document) -> list[str]:
    if document.views.neurons.side != "difference":
        return ["over_prompt = acts[:, neuron]"]
    return [
        "other = run_prompt(model, pair.corrupted_prompt)",
        "*_, corrupted = neuron_activations(other, layer, [neuron])",
        "over_prompt = acts[:, neuron] - corrupted[:, 0]",
    ]


def places(rows: Sequence[PairRow], text: TextFile | None) -> list[str]:
    """Return the lines that look for strongest places; [] where none are looked for."""
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
        "*_, places = strongest_places(model, layer, contexts)",
        "ends = torch.cat([places.highest[neuron], places.lowest[neuron]])",
        "strongest = ends[ends.isfinite()]",
        "print(strongest)  # the positive ones first",
    ]
