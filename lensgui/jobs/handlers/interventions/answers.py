"""Answers about interventions, and the vectors that they name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress

import torch
from torch import Tensor

from lensgui.analysis.checks import check_head
from lensgui.analysis.heads.readout import head_output
from lensgui.analysis.interventions.direction_files import read_directions
from lensgui.analysis.interventions.directions import mean_difference, token_direction_steps
from lensgui.analysis.interventions.edits import unit_strength
from lensgui.analysis.interventions.listed import keep_vector
from lensgui.analysis.pairs.answers import encode
from lensgui.analysis.pairs.under import places_under
from lensgui.analysis.run.passes import rows_at_once
from lensgui.analysis.run.run import Run
from lensgui.analysis.run.together import run_together
from lensgui.jobs.answers.interventions import (
    InterventionReading,
    InterventionsReading,
    MadeVectors,
)
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.questions.intervention_requests import MakeVector, ReadInterventions
from lensgui.prompts.pair import PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.interventions import Intervention, Vector
from lensgui.terms.recipes import OfFile, OfHead, OfPairs, OfToken
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text import tokens as text

Made = Generator[None, None, MadeVectors]
Tokens = tuple[Tensor, Tensor]  # of a pair: clean and corrupted


def make_vector(loaded: Loaded, request: MakeVector) -> Iterator[Answer | None]:
    """Make what a recipe says, once all that it is made of has run."""
    yield None
    recipe = request.recipe
    if isinstance(recipe, OfToken):
        yield from _of_token(loaded.use(request.model), recipe)
    elif isinstance(recipe, OfHead):
        yield (yield from _of_head(loaded, request, recipe))
    elif isinstance(recipe, OfPairs):
        yield (yield from _of_pairs(loaded, request, recipe))
    else:
        yield _of_file(loaded.use(request.model), recipe)


def _of_token(model: HookedTransformer, recipe: OfToken) -> Iterator[MadeVectors | None]:
    for vector in token_direction_steps(model, recipe.token):
        if vector is None:
            yield None
            continue
        named = text.to_single_str_token(model, recipe.token).replace(" ", "·")
        yield MadeVectors(((None, keep_vector(_shown(named), vector)),))


def _shown(words: str) -> str:
    """Return words with what can't be seen spelled out."""
    return "".join(of if of.isprintable() else repr(of)[1:-1] for of in words)


def _of_head(loaded: Loaded, request: MakeVector, recipe: OfHead) -> Made:
    model, layer, head = loaded.use(request.model), recipe.layer, recipe.head
    check_head(model, layer, head)
    run = loaded.run(model, request.pair.plain.clean_prompt)
    _check_position(recipe.position, len(run.ids))
    yield from run.steps(layer + 1)
    vector = head_output(run, layer, head, recipe.position)
    name = f"L{layer}H{head} at {recipe.position}"
    return MadeVectors(((layer, keep_vector(name, vector)),))


def _of_pairs(loaded: Loaded, request: MakeVector, recipe: OfPairs) -> Made:
    model, layer, position = loaded.use(request.model), recipe.layer, recipe.position
    if not 0 <= layer < model.cfg.n_layers:
        raise ValueError(f"There is no layer {layer}: this model has {model.cfg.n_layers}.")
    pairs = _alike(model, request) if request.rows else [_tokens(model, request.pair)]
    _check_position(position, min(len(ids) for pair in pairs for ids in pair))
    length = max(len(ids) for ids in pairs[0])
    most = max(1, rows_at_once(model, 0) // (2 * length))
    total = torch.zeros((), dtype=torch.float64)
    for first in range(0, len(pairs), most):
        some = pairs[first : first + most]
        runs = [(Run(model, clean), Run(model, corrupted)) for clean, corrupted in some]
        every = [run for pair in runs for run in pair]
        if len({len(run.ids) for run in every}) == 1:
            run_together(every)
        for run in every:
            yield from run.steps(layer + 1)
        total = total + exact(mean_difference(runs, layer, position)).cpu() * len(some)
    counted = f", {len(pairs)} pairs" * bool(request.rows)
    name = f"clean − corrupted, L{layer} at {position}{counted}"
    return MadeVectors(((layer, keep_vector(name, total / len(pairs))),))


def _alike(model: HookedTransformer, request: MakeVector) -> list[Tokens]:
    """Return the pairs of the table that are as long as the pair that is shown, or as most are.

    Raises:
        ValueError: If there are none.
    """
    found = list[Tokens]()
    for row in request.rows:
        with suppress(ValueError):
            found.append(_tokens(model, row.pair))
    length = 0
    if request.pair.clean:
        length = len(encode(model, request.pair.plain.clean_prompt))
    elif found:
        length = Counter(len(clean) for clean, _ in found).most_common(1)[0][0]
    alike = [pair for pair in found if {len(ids) for ids in pair} == {length}]
    if not alike:
        raise ValueError(
            f"No pair of the table has two prompts of {length} tokens, as the one that is shown: "
            "positions of others are other words."
        )
    return alike


def _tokens(model: HookedTransformer, pair: PromptPair) -> Tokens:
    plain = pair.plain
    if not plain.corrupted:
        raise ValueError("There is no corrupted prompt to take a difference with: type one.")
    return encode(model, plain.clean_prompt), encode(model, plain.corrupted_prompt)


def _check_position(position: int, length: int) -> None:
    if not 0 <= position < length:
        count = f"{length} token{'s' * (length != 1)}"
        raise ValueError(
            f"Position {position} is beyond the prompt, which has {count}: choose another."
        )


def _of_file(model: HookedTransformer, recipe: OfFile) -> MadeVectors:
    try:
        found = read_directions(recipe.path)
    except ModelError as error:
        raise ValueError(str(error)) from error
    width = len(next(iter(found.by_layer.values())))
    if width != model.cfg.d_model:
        raise ValueError(
            f"{recipe.path} holds vectors of {width} numbers, and the stream of this model has "
            f"{model.cfg.d_model}: it is of another model."
        )
    if (last := max(found.by_layer)) >= model.cfg.n_layers:
        raise ValueError(
            f"{recipe.path} has a vector of layer {last}, and this model has layers 0 to "
            f"{model.cfg.n_layers - 1}: it is of another model."
        )
    name = _shown(found.name)[:200]
    made = [
        (layer, keep_vector(f"{name}, L{layer}", one))
        for layer, one in sorted(found.by_layer.items())
    ]
    return MadeVectors(tuple[tuple[int | None, Vector], ...](made))


def read_interventions(loaded: Loaded, request: ReadInterventions) -> Iterator[Answer | None]:
    """Say of each intervention whether it can be done, and how strong it is."""
    model, pair = loaded.use(request.model), request.pair
    yield from loaded.before(model, pair.plain)
    faults = loaded.faults(model, pair)
    yield None
    plain = pair.plain
    clean = loaded.run(model, plain.clean_prompt)
    sides = {"clean": clean}
    if plain.corrupted:
        sides["corrupted"] = loaded.run(model, plain.corrupted_prompt)
    given = loaded.reference(model, pair)
    places = places_under(model, pair, given)

    def reading(one: Intervention) -> InterventionReading:
        runs = [run for side, run in sides.items() if one.runs in (side, "both")]
        fault, unit, is_mean = faults[one], unit_strength(clean, one), one.op == "mean"
        count = min(map(given.count_for, runs), default=0) if is_mean else 0
        roles = dict[str, int]()
        for run in runs if is_mean and not fault else ():
            roles |= given.roles(run, places.get(run.ids)) or {}
        return InterventionReading(fault, unit, count, tuple(roles))

    yield InterventionsReading(tuple(map(reading, pair.interventions)))
