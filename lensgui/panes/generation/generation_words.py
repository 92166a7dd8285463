"""What is said of what is written, as captions, a figure and Python."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.generation import Continuations, Continued
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.panes.figures.figure import Data, Prose, Scale
from lensgui.panes.figures.shown import Shown
from lensgui.panes.generation.written_text import WrittenText, alternatives
from lensgui.panes.python import script
from lensgui.panes.python.figures import Code
from lensgui.panes.token_text import spell
from lensgui.prompts.sides import NO_CORRUPTED
from lensgui.state.document import Document
from lensgui.terms.interventions import FROM_RUNS
from lensgui.terms.kinds import OneSide

NOTHING = "Type a prompt to see how the model goes on."
NOT_DONE = "None of the interventions can be done: their list says why."
WITHOUT, UNDER, ALONE = "without interventions", "under interventions", "what follows"
FREE = (
    "Means, noise and values of other runs are known for the prompt's positions only: new tokens "
    "run free of them."
)
ENDS = {
    "end of sequence": "ended with {last}",
    "context": "the context is full: it holds {context:,} tokens; the prompt has {prompt:,}",
}


def acts(document: Document) -> bool:
    """Whether something is done to the model as it runs the prompt that is continued."""
    side = document.views.generation.side
    return any(one.acts_on(side) for one in document.pair.interventions)


def why_empty(document: Document | None) -> str:
    """Return what to do where there is no prompt to continue; "" where there is."""
    if document is None:
        return NOTHING
    pair, side = document.pair, document.views.generation.side
    if getattr(pair, side):
        return ""
    return NO_CORRUPTED if side == "corrupted" and pair.clean else NOTHING


def caption(found: Continuations, asked: Generate) -> str:
    """Return what is written, how, where two texts part and how they end, in sentences."""
    said = [] if found.under is None else [_parting(found)]
    for name, side in sides(found):
        if end := ENDS.get(side.end):
            last = spell(side.tokens[-1].token) if side.tokens else ""
            words = end.format(last=last, context=found.context, prompt=found.prompt)
            whole = words if name == ALONE else f"{name}: {words}"
            said.append(f"{whole[0].upper()}{whole[1:]}.")
    said.append(f"{how(asked)} behind the {asked.side} prompt ({found.prompt:,} tokens).")
    if found.under is not None and is_free(asked):
        said.append(FREE)
    return " ".join(said)


def how(asked: Generate) -> str:
    """Return how tokens are chosen."""
    if asked.temperature == 0:
        return "The likeliest token each time"
    more = [f"top-k {asked.top_k}"] * bool(asked.top_k) + [f"top-p {asked.top_p:g}"] * (
        asked.top_p < 1
    )
    settings = ", ".join([f"temperature {asked.temperature:g}", *more, f"seed {asked.seed}"])
    return f"Drawn ({settings})"


def _parting(found: Continuations) -> str:
    assert found.under is not None
    at = found.differs_at
    if at is None:
        return "No token differs so far."
    one, other = (spell(side.tokens[at].token) for side in (found.without, found.under))
    return f"First difference: token {at}, {one} | {other}."


def is_free(asked: Generate) -> bool:
    """Whether something is done that is known for the prompt's positions only."""
    acting = [one for one in asked.pair.interventions if one.acts_on(asked.side)]
    return any(one.op in (*FROM_RUNS, "noise") for one in acting)


def sides(found: Continuations) -> list[tuple[str, Continued]]:
    """Return the texts that there are, with what they are called."""
    if found.under is None:
        return [(ALONE, found.without)]
    return [(WITHOUT, found.without), (UNDER, found.under)]


def shown(
    widget: QWidget, texts: Sequence[WrittenText], found: Continuations, asked: Generate
) -> Shown:
    """Return the texts as they are taken home.

    Args:
        widget: What holds the texts.
        texts: What draws them, as many as there are.
        found: What is written.
        asked: The question that this answers.
    """
    panels = []
    for (name, side), text in zip(sides(found), texts, strict=False):
        tokens = list(text.tokens)
        axis = Axis("token", tuple(range(len(tokens))), tuple(tokens))
        ranks = np.array([one.rank for one in side.tokens], np.float64)
        others = [", ".join(alternatives(one)) for one in side.tokens]
        data = Data((axis,), {"probability": text.shares, "rank": ranks}, {"likeliest": others})
        scale = Scale(0.0, 1.0, "probability", is_signed=False)
        title = "" if found.under is None else name
        panels.append(Prose(title, tokens, text.shades, scale, data))
    values = tuple(f"shown[{name!r}]" for name in ("without", "under")[: len(panels)])
    is_stale = texts[0].is_stale
    return Shown(widget, "", tuple(panels), caption(found, asked), is_stale, code=Code(values))


def python(document: Document) -> str:
    """Return how to write what the pane shows, with probabilities as `shown`."""
    view = document.views.generation
    settings = [str(view.count)]
    if view.temperature:
        settings.append(f"temperature={view.temperature:g}")
        settings += [f"top_k={view.top_k}"] * bool(view.top_k)
        settings += [f"top_p={view.top_p:g}"] * (view.top_p < 1)
        settings.append(f"seed={view.seed}")
    plain = _prompt("pair.plain" if acts(document) else "pair", view.side)
    under = f", 'under': {_prompt('pair', view.side)}" * acts(document)
    lines = [
        script.pair("pair", document.pair),
        f"prompts, shown = {{'without': {plain}{under}}}, {{}}",
        "for name, prompt in prompts.items():",
        "    run = run_prompt(model, prompt)",
        f"    written = list(continue_prompt(run, {', '.join(settings)}))",
        "    shown[name] = [one.probability for one in written]",
        "    print(name, repr(model.to_string([one.token for one in written])))",
    ]
    return script.script(document, lines)


def _prompt(pair: str, side: OneSide) -> str:
    return f"{pair}.{side}_prompt"
