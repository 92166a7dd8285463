"""What differs between two documents, by the paths of its fields, and in words for a history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import get_args

from lensgui.prompts.pair import TYPED, PromptPair
from lensgui.state.document import Document, Scene
from lensgui.state.examples import example_of
from lensgui.state.selection import Cursor, place_name
from lensgui.state.views import (
    AblationView,
    ActivationView,
    AllKindsView,
    AttentionView,
    AttributionView,
    BoardView,
    FeedersView,
    GenerationView,
    HeadsView,
    LensView,
    NeuronsView,
    PatchingView,
    PromptView,
    StrengthView,
    Views,
)
from lensgui.terms.interventions import Intervention
from lensgui.terms.interventions import words as described

Part = (
    PromptPair
    | Views
    | PromptView
    | AttentionView
    | PatchingView
    | AllKindsView
    | FeedersView
    | ActivationView
    | AttributionView
    | LensView
    | NeuronsView
    | HeadsView
    | StrengthView
    | GenerationView
    | AblationView
    | BoardView
)
Whole = Document | Part
PARTS = get_args(Part)
WORDS = {
    "model": "Model",
    "pair.clean": "Clean prompt",
    "pair.corrupted": "Corrupted prompt",
    "pair.answer": "Answer",
    "pair.distractor": "Distractor",
    "pair.bos": "Beginning of sequence",
    "pair.metric": "Metric",
    "pair.interventions": "Interventions",
    "pair.reference": "Prompts of means",
    "pair.more": "What stands behind a prompt",
    "pair.more_behind": "Which prompt that stands behind",
    "pair.word_roles": "Words by role",
    "table": "Table of pairs",
    "is_average": "Average over the table",
    "kind": "Sweep: kind",
    "direction": "Sweep: direction",
    "kept": "Sweep kept as A",
    "against": "Sweep chosen for A",
    "pins": "Pins",
    "notes": "Notes",
    "roles": "Roles",
    "bounds": "Rules of roles",
    "circuit": "Circuit",
    "views.prompt.shows_surprisal": "Prompt: surprisal",
    "views.attention.side": "Attention: prompt",
    "views.attention.hides_first": "Attention: position 0 in the grid",
    "views.attention.score": "Attention: score",
    "views.attention.arrangement": "Attention: arrangement",
    "views.attention.least_score": "Attention: least score",
    "views.attention.measure": "Attention: measure",
    "views.attention.drawing": "Attention: drawing",
    "views.attention.head_hides_first": "Attention: position 0 of the head",
    "views.attention.is_from": "Attention: direction",
    "views.attention.least_line": "Attention: weakest line",
    "views.patching.side": "Sweep: A, B or A − B",
    "views.patching.shows_table": "Sweep: table",
    "views.patching.shows_estimates": "Sweep: estimates",
    "views.patching.shows_intervals": "Sweep: intervals",
    "views.patching.place": "Sweep: place",
    "views.patching.range": "Sweep: colours",
    "views.all_kinds.stream": "All kinds: residual stream",
    "views.all_kinds.enlarged": "All kinds: one alone",
    "views.all_kinds.range": "All kinds: colours",
    "views.feeders.input": "Who feeds it: input",
    "views.feeders.hear_each_other": "Who feeds it: hear each other",
    "views.feeders.held": "Who feeds it: sender",
    "views.feeders.sender": "Who feeds it: sender",
    "views.feeders.before": "Who feeds it: chain",
    "views.feeders.range": "Who feeds it: colours",
    "views.lens.value": "Lens: what is shown",
    "views.lens.side": "Lens: prompt",
    "views.lens.token": "Lens: token",
    "views.lens.words_only": "Lens: words only",
    "views.lens.lens": "Lens: which",
    "views.lens.mid": "Lens: between attention and MLP",
    "views.lens.shows_curves": "Lens: trajectories",
    "views.lens.followed": "Lens: tokens followed",
    "views.neurons.order": "Neurons: order",
    "views.neurons.side": "Neurons: prompt",
    "views.neurons.count": "Neurons: how many",
    "views.neurons.places": "Neurons: strongest places",
    "views.attribution.by": "Attribution: by head or component",
    "views.attribution.side": "Attribution: prompt",
    "views.attribution.shows_curve": "Attribution: sum so far",
    "views.heads.columns": "Heads: columns",
    "views.heads.sort": "Heads: order",
    "views.heads.is_descending": "Heads: direction of the order",
    "views.heads.filter": "Heads: filter",
    "views.activation.name": "Activation: hook point",
    "views.activation.side": "Activation: prompt",
    "views.activation.down": "Activation: axis down",
    "views.activation.across": "Activation: axis across",
    "views.activation.places": "Activation: where other axes stand",
    "views.strength.which": "Strength: which intervention",
    "views.strength.is_wide": "Strength: more strengths",
    "views.strength.has_random": "Strength: random directions",
    "views.strength.is_like_stream": "Strength: kind of random directions",
    "views.generation.side": "Generation: prompt",
    "views.generation.count": "Generation: how many tokens",
    "views.generation.temperature": "Generation: temperature",
    "views.generation.top_k": "Generation: top-k",
    "views.generation.top_p": "Generation: top-p",
    "views.generation.seed": "Generation: seed",
    "views.ablation.of": "Ablation: what the set is of",
    "views.ablation.heads": "Ablation: heads",
    "views.ablation.op": "Ablation: what is done",
    "views.board.reference": "Circuit: what stands in",
    "views.board.nodes": "Circuit: which nodes",
    "views.board.by": "Circuit: how edges are ranked",
    "views.board.most": "Circuit: how many edges",
    "views.board.is_exact": "Circuit: exact effects",
    "views.board.fades": "Circuit: paths",
    "views.board.is_free": "Circuit: where nodes stand",
    "views.board.places": "Circuit: arrangement",
    "views.board.groups": "Circuit: groups",
    "views.board.measured": "Circuit: what is measured",
    "views.board.beside": "Circuit: what stands beside it",
    "views.board.band": "Circuit: band of a suggestion",
    "scenes": "Scenes",
}
CONTINUED = frozenset(  # what is typed or dragged, whose steps become one
    {f"pair.{name}" for name in TYPED}
    | {"views.attention.least_score", "views.attention.least_line", "views.patching.place"}
    | {f"views.{name}.range" for name in ("patching", "all_kinds", "feeders")}
    | {"views.feeders.sender", "views.heads.filter", "views.neurons.count"}
    | {"views.board.most", "views.board.places"}
    | {f"views.generation.{name}" for name in ("count", "temperature", "top_k", "top_p", "seed")}
)

PROMPTS, ANSWERS = "Prompts", "Answers"  # where several fields of the pair changed at once


def changed(before: Document, after: Document) -> tuple[str, ...]:
    """Return the paths of the fields in which two documents differ, in the fields' order."""
    return tuple(_differing(before, after, ""))


def words(before: Document, after: Document) -> str:
    """Return what was done to get from one document to the next; "" for nothing.

    Of several fields the first is named, from which the others follow.
    """
    paths = changed(before, after)
    of_pair = [path for path in paths if path.startswith("pair.")]
    if len(of_pair) > 1:
        example = example_of(after.pair)
        if example is not None:
            return f"Example: {example.title}"
        return ANSWERS if set(of_pair) <= {"pair.answer", "pair.distractor"} else PROMPTS
    first = next(iter(paths), "")
    return DESCRIBED[first](before, after) if first in DESCRIBED else WORDS.get(first, "")


def strengths(was: tuple[Intervention, ...], now: tuple[Intervention, ...]) -> frozenset[int]:
    """Return which interventions have another strength, if nothing else of any is another."""
    if len(was) != len(now):
        return frozenset()
    pairs = list(zip(was, now, strict=True))
    if any(replace(one, strength=other.strength) != other for one, other in pairs):
        return frozenset()
    return frozenset(at for at, (one, other) in enumerate(pairs) if one != other)


def _of_interventions(before: tuple[Intervention, ...], after: tuple[Intervention, ...]) -> str:
    """Return what was done to interventions: one that came, went, or is another now."""
    came = [one for one in after if one not in before]
    went = [one for one in before if one not in after]
    if not (came or went):
        return "Order of interventions"
    one = (came or went)[0]
    of = f"{one.site}" if len(came or went) == 1 else f"{len(came or went)} interventions"
    changed = list(zip(went, came, strict=True)) if len(came) == len(went) else []
    if changed and all(replace(new, is_on=old.is_on) == old for old, new in changed):
        return f"{of} {'on' if one.is_on else 'off'} again"
    if changed and all(replace(new, strength=old.strength) == old for old, new in changed):
        return f"{of}: strength {one.strength:g}"
    if came and went:
        return f"{of}: another setting"
    if len(came or went) > 1:
        return f"{of} {'added' if came else 'removed'}"
    return described(one) if came else f"{one.site} as the model has it"


def _differing(before: Whole, after: Whole, path: str) -> Iterator[str]:
    for field in fields(before):
        old, new = (getattr(whole, field.name) for whole in (before, after))
        if isinstance(old, PARTS):
            yield from _differing(old, new, f"{path}{field.name}.")
        elif old != new:
            yield f"{path}{field.name}"


def _of_scenes(before: tuple[Scene, ...], after: tuple[Scene, ...]) -> str:
    """Return what was done to scenes: one that came, went, or is another now."""
    came = [one.name for one in after if one not in before]
    went = [one.name for one in before if one not in after]
    if not (came or went):
        return "Order of scenes" if len(before) == len(after) else "Scene added twice"
    what = "changed" if came and went else "added" if came else "removed"
    return f"Scene {(came or went)[0]} {what}"


def _of_pins(before: tuple[Cursor, ...], after: tuple[Cursor, ...]) -> str:
    added = [pin for pin in after if pin not in before]
    return _of_places("Pin", added) if added else _of_places("Unpin", [*{*before} - {*after}])


def _of_places(verb: str, places: Sequence[Cursor]) -> str:
    """Return what was done to a place, or to how many."""
    named = {place_name(place) for place in places}
    return f"{verb} {' '.join(named) if len(named) == 1 else f'{len(named)} places'}"


def _of_notes(before: Document, after: Document) -> str:
    return _of_places("Note on", [note.place for note in {*before.notes} ^ {*after.notes}])


def _of_roles(before: Document, after: Document) -> str:
    given = {*before.roles} ^ {*after.roles}
    return _of_places("Role of", [Cursor(role.layer, role.head) for role in given])


DESCRIBED: dict[str, Callable[[Document, Document], str]] = {  # in more than one word
    "pair.interventions": lambda before, after: _of_interventions(
        before.pair.interventions, after.pair.interventions
    ),
    "pins": lambda before, after: _of_pins(before.pins, after.pins),
    "notes": _of_notes,
    "roles": _of_roles,
    "scenes": lambda before, after: _of_scenes(before.scenes, after.scenes),
}
