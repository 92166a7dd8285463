"""What the pane shows as figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes.figures.figure import Bars, Data, Prose, Scale, Sheet, numbered
from lensgui.panes.figures.shown import Prompts, Shown
from lensgui.panes.neurons.neuron_card import NeuronCard, card_name
from lensgui.panes.neurons.neuron_rows import NeuronRows
from lensgui.panes.neurons.neuron_seen import NAMES, Seen, tokens_text
from lensgui.panes.python.figures import Code
from lensgui.panes.token_text import precise, signed

EFFECT = "direct effects with the final norm's scale as it was"
OF_CARD = frozenset({"over", "card", "places"})  # questions that are of one neuron
RANKED = frozenset({"ranking", "slopes", "words", "pair"})


def shown(
    seen: Seen,
    rows: NeuronRows,
    card: NeuronCard,
    source: str,
    lines: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> list[Shown]:
    """Return the pictures that there are.

    Args:
        seen: All that is known.
        rows: What draws the ranking.
        card: What shows one neuron.
        source: What is said of where strongest places are sought.
        lines: What computes the neuron over the prompt, and its strongest places, after the pane's
            own lines.
    """
    found = []
    if seen.rows and seen.ranking is not None:
        found.append(_ranking(seen, rows))
    if seen.over is not None and card.text.tokens:
        found.append(_over(seen, card, lines[0]))
    if card.high.places or card.low.places:
        found.append(_places(seen, card, source, lines[1]))
    if len(card.histogram.counts):
        found.append(_histogram(seen, card, source, lines[1]))
    return found


def _ranking(seen: Seen, widget: NeuronRows) -> Shown:
    assert seen.ranking is not None
    rows = seen.rows
    names = [f"L{seen.layer}{row.name}" for row in rows]
    axis = Axis("neuron", tuple(row.neuron for row in rows), tuple(names))
    values = np.array([row.value for row in rows])
    columns = {
        "value": values,
        "activation": np.array([row.activation for row in rows]),
        "effect": np.array([row.effect for row in rows]),
        "activation_times_gradient": np.array([row.product for row in rows]),
    }
    words = {
        name: [
            "" if row.words is None else tokens_text(getattr(row.words, name), 6) for row in rows
        ]
        for name in ("raises", "lowers", "reads", "opens")
    }
    what = NAMES[seen.view.order]
    counted = ", ".join(filter(None, (what, seen.unit)))
    data = Data((axis,), columns, words)
    panel = Bars("", names, values, [precise(float(one)) for one in values], counted, data)
    place = f"layer {seen.layer}, position {seen.ranking.position} of the {seen.side} prompt"
    says = f"The {len(rows)} neurons of {place} with the largest {what} of {seen.total}; {EFFECT}"
    says = f"{says}. {seen.ranking.remark}"
    code = Code(("shown",))
    return Shown(widget, "", (panel,), says, widget.is_stale, code=code, leaves_out=OF_CARD)


def _over(seen: Seen, card: NeuronCard, lines: Sequence[str]) -> Shown:
    assert seen.over is not None
    text, tokens = card.text, list(card.text.tokens)
    axis = Axis("position", tuple(range(len(tokens))), tuple(tokens))
    values = np.where(text.shades >= 0, seen.over.values, np.nan)
    scale = Scale(-text.end, text.end, "activation", is_signed=True)
    data = Data((axis,), {"activation": values})
    panel = Prose("", tokens, text.shades, scale, data, text.chosen)
    says = f"What neuron {text.name} puts out at each token"
    code = Code(("over_prompt",), tuple(lines))
    widget = card.scrolled
    return Shown(
        widget, "over the prompt", (panel,), says, text.is_stale, code=code, leaves_out=RANKED
    )


def _places(seen: Seen, card: NeuronCard, source: str, lines: Sequence[str]) -> Shown:
    places = [*card.high.places, *card.low.places]
    rows = [[signed(one.value), one.before, one.token, one.after] for one in places]
    columns = {"activation": np.array([one.value for one in places])}
    words = {name: [getattr(one, name) for one in places] for name in ("before", "token", "after")}
    data = Data((numbered("place", [str(one.at) for one in places]),), columns, words)
    panel = Sheet("", ["activation", "before", "token", "after"], rows, data)
    says = (
        f"Where neuron {card_name(seen)} is most positive, then where it is most negative; {source}"
    )
    code = Code(("strongest",), tuple(lines))
    return Shown(
        card.high, "strongest places", (panel,), says, card.high.is_stale, code=code,
        prompts=Prompts(None), leaves_out=RANKED,
    )  # fmt: skip


def _histogram(seen: Seen, card: NeuronCard, source: str, lines: Sequence[str]) -> Shown:
    of = card.histogram
    counts = of.counts.astype(np.float64)
    data = Data((numbered("bin", of.names),), {"tokens": counts})
    words = [f"{int(count):,}" for count in of.counts]
    panel = Bars("", of.names, counts, words, "tokens", data)
    says = f"How many tokens have which activation of neuron {card_name(seen)}; {source}"
    every = f"places.histogram[{seen.neuron}]"
    used = f"used = {every}.nonzero()[:, 0]"
    counted = (used, f"counts = {every}[used[0] : used[-1] + 1]")
    return Shown(
        of, "histogram", (panel,), says, of.is_stale, code=Code(("counts",), (*lines, *counted)),
        prompts=Prompts(None), leaves_out=RANKED,
    )  # fmt: skip
