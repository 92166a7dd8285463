"""What can be done to the model at a place, as lines of its menu."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from lensgui.jobs.answers.readings import Token
from lensgui.panes.interventions.strengths import AT_FIRST
from lensgui.panes.pane import Pane
from lensgui.panes.token_text import visible
from lensgui.panes.verb import Verb, submenu
from lensgui.state.selection import Cursor, place_name
from lensgui.terms.interventions import Intervention, Op, Site, Where
from lensgui.terms.kinds import Head
from lensgui.terms.recipes import Addition, OfHead, OfPairs, OfToken, Unmade

DEPTH = 2 / 3  # of the model, where tokens steer while no layer is selected
STEERED = 0.25  # of the stream's median norm, at first
WAYS: tuple[tuple[Op, str, str], ...] = (
    ("zero", "Set to 0", "Zero ablation: no prompt leads there, so it is off-distribution."),
    (
        "mean",
        "Set to its mean over the table",
        "Mean ablation: its mean over the included pairs, this prompt left out: at each position, "
        "or by role where prompts are laid out differently.",
    ),
    (
        "resample",
        "Patch from the other prompt",
        "What it is in the other prompt, without interventions (resample ablation).",
    ),
    ("scale", "Scale", "Multiply it; the slider under Interventions says by what."),
)


def of_place(pane: Pane, place: Cursor, tokens: Sequence[Token] = ()) -> list[Verb]:
    """Return the verb whose menu does something to a place of the model; none where it is none.

    Args:
        pane: Where the menu is shown.
        place: The place.
        tokens: Tokens whose directions can be added there.
    """
    if place.layer is None:
        return []
    if place.head is not None:
        choices = _of_head(pane, place.layer, place.head, place)
    elif place.neuron is not None:
        site = Site("post", place.layer, neuron=place.neuron)
        choices = _with_position(pane, (site,), place.position)
    else:
        choices = _of_layer(pane, place.layer, place.position)
    steering = [steering_with(pane, token, place.layer) for token in tokens]
    if steering:
        choices.append(submenu("Steer with a token", "Add or remove its direction.", steering))
    tip = "Do something to the model there: every pane shows what follows."
    name = place_name(Cursor(place.layer, place.head, neuron=place.neuron))
    return [submenu(f"Intervene on {name}", tip, choices)]


def of_heads(pane: Pane, heads: Sequence[Head]) -> Verb:
    """Return the verb whose menu does something to several heads at once."""
    name = f"Intervene on these {len(heads)} heads" if len(heads) > 1 else "Intervene on it"
    tip = "Do something to all of them: every pane shows what follows."
    return submenu(name, tip, _ways(pane, [Site("z", *head) for head in heads]))


def of_token(pane: Pane, token: Token, layer: int | None) -> list[Verb]:
    """Return what can be done with a token that may come next.

    Args:
        pane: Where the menu is shown.
        token: The token.
        layer: The selected layer, before which it steers; None for two thirds of the depth.
    """
    depth = round(DEPTH * pane.card.n_layers) if pane.card is not None else 0
    return [
        *(
            Verb(
                f"Make it the {name}",
                f"Ask for it as the {name}.",
                partial(pane.edited.emit, {name: token.text}),
            )
            for name in ("answer", "distractor")
        ),
        steering_with(pane, token, depth if layer is None else layer),
    ]


def steering_with(pane: Pane, token: Token, layer: int) -> Verb:
    """Return the verb that adds or removes what raises a token's logit, before a layer."""
    name, recipe = f"“{visible(token.text)}”", OfToken(token.id)
    site = Site("resid_post", layer - 1) if layer else Site("resid_pre", 0)
    return submenu(
        f"Steer with {name}",
        "The direction that raises its logit over those of all others.",
        [
            _adding(
                pane,
                f"Add {name}",
                f"Add its direction where layer {layer} begins, {STEERED:g} of the stream's median "
                "norm long.",
                [Unmade(recipe, "add_median", STEERED, site)],
            ),
            _adding(
                pane,
                f"Remove {name}",
                f"Take away what points along it where layer {layer} begins.",
                [Unmade(recipe, "remove", site=site)],
            ),
        ],
    )


def _of_head(pane: Pane, layer: int, head: int, place: Cursor) -> list[Verb]:
    choices = _with_position(pane, (Site("z", layer, head),), place.position)
    if place.position is not None and place.source is not None:
        choices += _of_edge(pane, layer, head, place.position, place.source)
    choices.append(
        _adding(
            pane,
            "Freeze its attention",
            "Its pattern stays as it is without interventions, whatever is done before it.",
            [Intervention(Site("pattern", layer, head), "freeze")],
        )
    )
    if place.position is not None:
        recipe = OfHead(layer, head, place.position)
        choices.append(
            _adding(
                pane,
                f"Steer with what it writes at {place.position}",
                f"Add its direction behind layer {layer} at all positions.",
                [Unmade(recipe, "add_median", STEERED, Site("resid_post", layer))],
            )
        )
    return choices


def _of_edge(pane: Pane, layer: int, head: int, position: int, source: int) -> list[Verb]:
    edge = f"{position} → {source}"
    at, to = (position,), (source,)
    return [
        _adding(
            pane,
            f"Knock out the edge {edge}",
            "Its score is −∞ before the softmax, so that the other sources share the attention.",
            [Intervention(Site("attn_scores", layer, head), "knock_out", at, sources=to)],
        ),
        _adding(
            pane,
            f"Set the edge {edge} to 0",
            "After the softmax: the other sources keep their shares.",
            [Intervention(Site("pattern", layer, head), "zero", at, sources=to)],
        ),
    ]


def _of_layer(pane: Pane, layer: int, position: int | None) -> list[Verb]:
    names = {"resid_pre": "Stream entering", "attn_out": "Attention of", "mlp_out": "MLP of"}
    choices = [
        submenu(
            f"{words} L{layer}",
            "What is done to it.",
            _with_position(pane, (Site(name, layer),), position),
        )
        for name, words in names.items()
    ]
    if position is not None:
        recipe, site = OfPairs(layer, position), Site("resid_post", layer)
        choices += [
            _adding(
                pane,
                "Steer with clean − corrupted here",
                "Add the difference of means over the table, or of the pair, behind this layer.",
                [Unmade(recipe, "add_median", STEERED, site)],
            ),
            _adding(
                pane,
                "Remove the direction clean − corrupted",
                "Take away what points along the difference of means, behind this layer.",
                [Unmade(recipe, "remove", site=site)],
            ),
        ]
    return choices


def _with_position(pane: Pane, sites: Sequence[Site], position: int | None) -> list[Verb]:
    choices = _ways(pane, sites)
    if position is not None:
        tip = "The same, at this position alone."
        choices.append(
            submenu(f"At position {position} only", tip, _ways(pane, sites, (position,)))
        )
    return choices


def _ways(pane: Pane, sites: Sequence[Site], where: Where = "all") -> list[Verb]:
    return [
        _adding(
            pane,
            name,
            tip,
            [Intervention(site, op, where, AT_FIRST.get(op, 1.0)) for site in sites],
        )
        for op, name, tip in WAYS
    ]


def _adding(pane: Pane, name: str, tip: str, additions: Iterable[Addition]) -> Verb:
    return Verb(name, tip, adding(pane, additions))


def adding(pane: Pane, additions: Iterable[Addition]) -> Callable[[], None]:
    """Return what asks for some interventions."""
    found = tuple(additions)
    return lambda: pane.intervened.emit(found)
