"""From interventions to edits of one prompt's activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lensgui.analysis.activations.reading import read_activation
from lensgui.analysis.interventions import changes
from lensgui.analysis.interventions.doses import median_norm
from lensgui.analysis.interventions.listed import Interventions, kept_vector
from lensgui.analysis.interventions.reference import reference_of
from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import (
    ALONG,
    FROM_RUNS,
    HEAD_SITES,
    OF_WORDS,
    SCALES,
    SETTING,
    Intervention,
    Site,
    Vector,
    direct_path_of,
)
from lensgui.transformer.edits.edit import Change, Edit
from lensgui.transformer.edits.intervened import ENTERING
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer

Edits = dict[str, tuple[Edit, ...]]
Known = dict[tuple[str, str], Tensor]
ON_SCORES, ON_PATTERN = "attn_scores", "pattern"


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A prompt that is run under interventions.

    Attributes:
        run: Its complete run without them.
        other: That of the other prompt of the pair, from which values are taken; None for none.
        dose: The run whose stream says how large a share of its median norm is.
    """

    run: Run
    other: Run | None
    dose: Run

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return len(self.run.ids)


def is_of_prompt(one: Intervention, others: Interventions, prompt: Prompt) -> bool:
    """Whether an intervention does something to this prompt that it does not do to the other."""
    if one.op in ("resample", "freeze") or one.runs != "both" or prompt.other is None:
        return True
    runs = prompt.run, prompt.other
    if one.op == "mean":
        known = reference_of(others.reference, prompt.run.model, others.places)
        named = [known.named(run, others.places.get(run.ids)) for run in runs]
        return named[0] != named[1] or any(run.ids in known.ids for run in runs)
    masks = [_special(run).tolist() for run in runs] if one.op in ALONG else []
    return one.skips_special and masks[1:] != masks[:1]


def direct_path(model: HookedTransformer) -> tuple[Intervention, ...]:
    """Return what leaves an activation its direct path only: all else stays as it was.

    Attention patterns, what MLPs put out, and what norms divide by are frozen at every layer, so
    that logits, before any soft cap, are affine in what is written to the stream; but where a model
    clips values.
    """
    return direct_path_of(model.cfg.n_layers, has_mlps=not model.cfg.attn_only)


def _scales(model: HookedTransformer, site: Site) -> list[str]:
    """Return the hook points of what some norms divide by, in order."""
    final = "ln_final.hook_scale"
    if site.name == "final_norm":
        return [final]
    ends = ("ln1.hook_scale", "ln1_post.hook_scale", "kv_latent_norm.hook_scale")
    return [*(name for name in model.hook_dict if name.endswith(ends)), final]


def _check_scales(model: HookedTransformer, listed: Sequence[Intervention]) -> None:
    """Refuse to freeze what all norms divide by while an MLP runs, or inputs are split."""
    if not any(one.site.name == "norms" for one in listed):
        return
    if model.cfg.use_split_qkv_input or model.cfg.use_attn_in:
        raise ValueError(
            "What norms divide by can't be frozen while each head has an input of its own: use "
            "set_use_split_qkv_input(False) and set_use_attn_in(False)."
        )
    if model.cfg.attn_only:
        return
    sites = {one.site.layer for one in listed if one.site.name == "mlp_out" and one.op in SETTING}
    if running := set(range(model.cfg.n_layers)) - sites:
        raise ValueError(
            f"What norms divide by can't be frozen while MLPs run, as that of layer {min(running)} "
            "does: freeze or set what all MLPs put out, too."
        )


def needs_prompt(model: HookedTransformer, one: Intervention) -> bool:
    """Whether what an intervention does depends on the prompt that is run."""
    asks = one.op in (*FROM_RUNS, "noise", "add_median") or bool(one.sources)
    skips = one.op in ALONG and one.skips_special and model.tokenizer is not None
    return asks or skips or one.where != "all"


def hook_names(model: HookedTransformer, site: Site) -> list[str]:
    """Return the hook points at which a site is changed in runs, in full.

    The stream that enters a layer is changed as the layer before leaves it.

    Raises:
        ValueError: If the model has no such place.
    """
    cfg, layer = model.cfg, site.layer
    if site.name in SCALES:
        return _scales(model, site)
    if layer is not None and not 0 <= layer < cfg.n_layers:
        raise ValueError(f"{site}: this model has {cfg.n_layers} layers, from 0 on.")
    heads = cfg.kv_heads if site.name in ("k", "v") else cfg.n_heads
    if site.head is not None and not 0 <= site.head < heads:
        shared = "key/value " * (site.name in ("k", "v") and heads != cfg.n_heads)
        raise ValueError(f"{site}: a layer of this model has {heads} {shared}heads, from 0 on.")
    name = get_act_name(site.name, layer)
    if name not in model.hook_dict:
        raise ValueError(f"{site}: {cfg.model_name} has no {site.name} there.")
    if site.neuron is not None and not 0 <= site.neuron < (cfg.d_mlp or 0):
        raise ValueError(f"{site}: a layer of this model has {cfg.d_mlp} neurons, from 0 on.")
    if site.name != "resid_pre" or layer is None:
        return [name]
    return [get_act_name("resid_post", layer - 1) if layer else ENTERING]


@torch.no_grad()
def edits_of(
    prompt: Prompt, given: Interventions, listed: Sequence[Intervention], *, as_met: bool = False
) -> Edits:
    """Return what some interventions do to the activations of a prompt, by hook point.

    Args:
        prompt: The prompt.
        given: All that are given, with the prompts that means are over.
        listed: Those that act on it, in order.
        as_met: Whether the stream that enters a layer is changed there, as a forward pass meets it.

    Raises:
        ValueError: If one can't be done; the sentence says which and why.
    """
    model, found = prompt.run.model, dict[str, list[Edit]]()
    _check_scales(model, listed)
    known: Known = {}  # of many heads of a layer, what is read once
    places = [(name, one) for one in listed for name in hook_names(model, one.site)]
    if as_met:
        places = [(_met(name, one.site), one) for name, one in places]
    for name, one in sorted(places, key=lambda place: place[1].site.name == "resid_pre"):
        try:
            edit = _edit(prompt, given, one, name, known)
        except ValueError as error:
            words = f"{one.site} {OF_WORDS[one.op]}: {error}"
            raise ValueError(words) from None
        found.setdefault(name, []).append(edit)
        if one.op == "knock_out":
            emptied = replace(edit, change=changes.no_rows_of_nothing())
            found.setdefault(name.replace(ON_SCORES, ON_PATTERN), []).append(emptied)
    return {name: tuple(edits) for name, edits in found.items()}


def _met(name: str, site: Site) -> str:
    return get_act_name(site.name, site.layer) if site.name == "resid_pre" else name


def _edit(prompt: Prompt, given: Interventions, one: Intervention, name: str, known: Known) -> Edit:
    if one.site.name in SCALES:
        change = changes.put(_with_one_more(read_activation(prompt.run, name)))
    else:
        change = _change(prompt, given, one, known)
    return Edit(
        change,
        _chosen(prompt, one),
        one.site.head,
        one.site.neuron,
        follows_position=one.op in FROM_RUNS or one.op == "noise",
        is_addition=one.op in ("add", "add_median", "noise"),
    )


def _chosen(prompt: Prompt, one: Intervention) -> Tensor | None:
    """Return which positions are changed, [position + 1], the last for all after the prompt."""
    length, where = prompt.length, one.where
    chosen = torch.zeros(length + 1, dtype=torch.bool)
    if where == "all":
        chosen[:] = True
    elif where == "last":
        chosen[length - 1] = True
    elif where == "generated":
        chosen[length] = True
    else:
        if beyond := [at for at in where if at >= length]:
            raise ValueError(
                f"position {beyond[0]} is beyond the prompt, which has {_tokens(length)}."
            )
        chosen[list(where)] = True
    if one.op in (*FROM_RUNS, "noise"):
        chosen[length] = False
    if one.op in ALONG and one.skips_special:
        chosen[:length] &= ~_special(prompt.run)
    return None if chosen.all() else chosen.to(prompt.run.tokens.device)


def _tokens(count: int) -> str:
    return f"{count} token{'s' * (count != 1)}"


def _special(run: Run) -> Tensor:
    """Return which positions hold control tokens, [position], in host memory."""
    tokenizer = run.model.tokenizer
    ids = set() if tokenizer is None else {*tokenizer.all_special_ids}
    return torch.tensor([at in ids for at in run.ids], dtype=torch.bool)


def _change(prompt: Prompt, given: Interventions, one: Intervention, known: Known) -> Change:
    if one.op in ALONG:
        return _along(prompt, one)
    match one.op:
        case "scale":
            return changes.scaled(one.strength)
        case "noise":
            return changes.added(_noise(prompt, one))
        case "knock_out":
            return changes.unseen(_sources(prompt, one))
        case "zero" if one.site.name == ON_PATTERN:
            return changes.unshared(_sources(prompt, one))
        case "zero":
            return changes.zero()
    key = (one.op, get_act_name(one.site.name, one.site.layer))
    if key not in known:
        known[key] = _values(prompt, given, one)
    return _put(one.site, known[key])


def _put(site: Site, values: Tensor) -> Change:
    """Return the change to what an activation is at each position, [position, ...]."""
    if site.name == ON_PATTERN:
        by_query = values.transpose(0, 1)
        if site.head is not None:
            by_query = by_query[:, site.head : site.head + 1]
        return changes.put_pattern(_with_one_more(by_query))
    if site.name in HEAD_SITES and site.head is not None:
        values = values[:, site.head : site.head + 1]
    if site.neuron is not None:
        values = values[:, site.neuron : site.neuron + 1]
    return changes.put(_with_one_more(values))


def _with_one_more(values: Tensor) -> Tensor:
    """Return values [position, ...] with a row for all after the prompt, which nothing reads."""
    return torch.cat([values, torch.zeros_like(values[:1])])


def _sources(prompt: Prompt, one: Intervention) -> Tensor | None:
    """Return which sources are meant, [source + 1]; None for all."""
    if not one.sources:
        return None
    if beyond := [at for at in one.sources if at >= prompt.length]:
        raise ValueError(
            f"source {beyond[0]} is beyond the prompt, which has {_tokens(prompt.length)}."
        )
    chosen = torch.zeros(prompt.length + 1, dtype=torch.bool)
    chosen[list(one.sources)] = True
    return chosen.to(prompt.run.tokens.device)


def _values(prompt: Prompt, given: Interventions, one: Intervention) -> Tensor:
    """Return what an activation is set to at each position, of runs without interventions."""
    name = get_act_name(one.site.name, one.site.layer)
    if one.op == "freeze":
        return read_activation(prompt.run, name)
    if one.op == "resample":
        if prompt.other is None:
            raise ValueError("there is no other prompt to take it from.")
        if len(prompt.other.ids) != prompt.length:
            raise ValueError(
                f"the other prompt has {_tokens(len(prompt.other.ids))}, and this one "
                f"{prompt.length}: change a word, so that positions match."
            )
        return read_activation(prompt.other, name)
    known = reference_of(given.reference, prompt.run.model, given.places)
    return known.mean(prompt.run, name, given.places.get(prompt.run.ids))


def _noise(prompt: Prompt, one: Intervention) -> Tensor:
    """Return the noise of each position, [position + 1, d_model]."""
    weights = prompt.run.model.embed.W_E
    generator = torch.Generator().manual_seed(one.seed)
    drawn = torch.randn(prompt.length + 1, weights.shape[1], generator=generator)
    size = one.strength * float(weights.std())
    return (drawn * size).to(weights.device, weights.dtype)


def _along(prompt: Prompt, one: Intervention) -> Change:
    model = prompt.run.model
    vector = _vector(model, one.vector)
    unit = vector / vector.norm()
    if one.op in ("move", "exchange"):
        target = _vector(model, one.target)
        if one.op == "exchange":
            return changes.exchanged(vector, target, one.strength)
        return changes.moved(unit, target / target.norm())
    if one.op == "add":
        return changes.added((one.strength * vector).to(model.cfg.dtype))
    if one.op == "add_median":
        size = one.strength * median_norm(prompt.dose, one.site)
        return changes.added((size * unit).to(model.cfg.dtype))
    if one.op == "add_norm":
        return changes.added_by_norm(unit, one.strength)
    if one.op == "remove":
        return changes.removed(unit)
    if one.op == "cap":
        assert one.bounds is not None
        return changes.capped(unit, *one.bounds)
    return changes.set_along(unit, one.strength)


def _vector(model: HookedTransformer, named: Vector | None) -> Tensor:
    """Return a vector of the stream, [d_model], as the model's weights see it."""
    assert named is not None
    vector = kept_vector(named).to(model.embed.W_E.device)
    if len(vector) != model.cfg.d_model:
        raise ValueError(
            f"the vector “{named.name}” has {len(vector)} numbers, and the stream of this model "
            f"{model.cfg.d_model}: it is of another model."
        )
    vector = vector.double() if model.cfg.dtype == torch.float64 else vector
    if is_centred(model):
        vector = vector - vector.mean()
        if not vector.any():
            raise ValueError(f"the vector “{named.name}” is the same everywhere: centred, it is 0.")
    return vector


def is_centred(model: HookedTransformer) -> bool:
    """Whether all that writes to the stream has a mean of 0, as norms that centre never see it."""
    if not getattr(model.ln_final, "centres", False):
        return False
    written = model.blocks[0].attn.W_O.detach()
    largest = float(written.abs().max()) or 1.0
    return float(written.mean(-1).abs().max()) <= 1e-5 * largest


@torch.no_grad()
def unit_strength(run: Run, one: Intervention) -> float | None:
    """Return which strength amounts to one median norm of the stream where something is written.

    Of "add_norm", to each position's own norm.

    Args:
        run: The clean prompt's run without interventions, which is completed.
        one: What is done.

    Returns:
        None where a strength is no such length, or the vector can't be had.
    """
    if one.op in ("add_median", "add_norm"):
        return 1.0
    if one.op not in ("add", "set"):
        return None
    try:
        hook_names(run.model, one.site)
        vector = _vector(run.model, one.vector)
    except ValueError:
        return None
    size = median_norm(run, one.site)
    return size if one.op == "set" else size / float(vector.norm())
