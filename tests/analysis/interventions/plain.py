"""Interventions written out as plain hooks on whole prompts, and random lists of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.interventions.listed import keep_vector, kept_vector
from lensgui.terms.interventions import STREAMS, Intervention, Site
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer

Cache = Mapping[str, Tensor]
NamedHook = tuple[str, Any]


@dataclass(frozen=True)
class Known:
    """What plain hooks take values from: caches without interventions."""

    own: Cache
    other: Cache
    dose: Cache
    reference: Sequence[Cache]


def caches(model: HookedTransformer, prompts: Sequence[Tensor]) -> list[Cache]:
    """What every hook point holds in some prompts, each [position]."""
    return [model.run_with_cache(ids[None])[1] for ids in prompts]


def hooks_of(
    model: HookedTransformer, listed: Sequence[Intervention], known: Known
) -> list[NamedHook]:
    """The hooks that do what interventions say."""
    found: list[NamedHook] = []
    for one in listed:
        name = get_act_name(one.site.name, one.site.layer)
        found.append((name, hook_of(model, one, known)))
        if one.op == "knock_out":
            found.append((get_act_name("pattern", one.site.layer), no_nan))
    return found


def no_nan(x: Tensor, hook: object) -> Tensor:
    return x.nan_to_num(nan=0.0)


def hook_of(model: HookedTransformer, one: Intervention, known: Known) -> Any:
    """A hook that does what an intervention says, a position and a head at a time."""

    def act(x: Tensor, hook: object) -> Tensor:
        x, length = x.clone(), known.own["hook_embed"].shape[1]
        every: dict[Any, Any] = {"all": range(length), "last": [length - 1]}
        positions: Any = every.get(one.where, one.where)
        for at in positions:
            for place in places(x, at, one.site):
                x[place] = becomes(x[place], place, one, known)
        return x

    return act


def places(x: Tensor, at: int, site: Site) -> list[Any]:
    """The parts of an activation that a site has at a position."""
    if site.name in ("pattern", "attn_scores"):
        return [(0, head, at) for head in heads_of(site, x.shape[1])]
    if site.name in ("q", "k", "v", "z"):
        return [(0, at, head) for head in heads_of(site, x.shape[2])]
    units = slice(None) if site.neuron is None else slice(site.neuron, site.neuron + 1)
    return [(0, at, units)]


def becomes(x: Tensor, place: Any, one: Intervention, known: Known) -> Tensor:
    """What such a part is set to."""
    name = get_act_name(one.site.name, one.site.layer)
    if one.op in ("resample", "freeze"):
        return (known.other if one.op == "resample" else known.own)[name][place]
    if one.op == "mean":
        return torch.stack([cache[name][place] for cache in known.reference]).mean(0)
    if one.op in ("zero", "knock_out"):
        x = x.clone()
        chosen = list(one.sources) or slice(None)
        x[chosen] = 0.0 if one.op == "zero" else -torch.inf
        return x
    return one.strength * x if one.op == "scale" else along(x, one, known)


def heads_of(site: Site, count: int) -> Sequence[int]:
    """The heads that a site has, of so many."""
    return range(count) if site.head is None else [site.head]


def along(h: Tensor, one: Intervention, known: Known) -> Tensor:
    """What becomes of a row of the stream by an op along vectors."""
    v, t = (kept_vector(of).double() if of else h for of in (one.vector, one.target))
    unit, s = v / v.norm(), one.strength
    low, high = one.bounds or (0.0, 0.0)
    norms = known.dose[get_act_name(where_norm(one.site), one.site.layer)][0, 1:].norm(dim=-1)
    plane = torch.stack([v, t], 1)
    first, second = torch.linalg.lstsq(plane, h[:, None]).solution.flatten()
    return {
        "add": h + s * v,
        "add_median": h + s * norms.median() * unit,
        "add_norm": h + s * h.norm() * unit,
        "remove": h - (h @ unit) * unit,
        "cap": h + ((h @ unit).clamp(low, high) - h @ unit) * unit,
        "set": h + (s - h @ unit) * unit,
        "move": h + (h @ unit) * (t / t.norm() - unit),
        "exchange": h + s * plane @ torch.stack([second - first, first - second]),
    }[one.op]


def where_norm(site: Site) -> str:
    """The stream whose norm is a site's dose."""
    return {"attn_out": "resid_mid", "mlp_out": "resid_post"}.get(site.name, site.name)


def drawn(model, length, seed, count=4):
    """Some random interventions that a model can have."""
    draw = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    named = [
        keep_vector(f"v{at}", torch.randn(model.cfg.d_model, generator=generator))
        for at in range(2)
    ]
    return [_drawn(model, draw, named, length) for _ in range(count)]


def _drawn(model, draw, named, length):
    cfg = model.cfg
    layer = draw.randrange(cfg.n_layers)
    runs = draw.choice(["both", "both", "clean", "corrupted"])
    few = tuple(sorted(draw.sample(range(length), draw.randint(1, 3))))
    where = draw.choice(["all", "last", few])
    has_mid = not cfg.parallel_attn_mlp
    streams = [name for name in STREAMS if name != "resid_mid" or has_mid]
    if "attn_out" in streams and not has_mid:
        streams.remove("attn_out")  # whose dose is that stream
    kind = draw.choice(["head", "stream", "along", "along", "scores", "pattern", "neuron"])
    if kind == "head":
        name = draw.choice("qkvz")
        heads = cfg.kv_heads if name in "kv" else cfg.n_heads
        site = Site(name, layer, draw.choice([None, draw.randrange(heads)]))
        op = draw.choice(["zero", "scale", "resample", "mean", "freeze"])
        return Intervention(site, op, where, draw.uniform(-2, 2), runs=runs)
    if kind == "neuron" and get_act_name("post", layer) in model.hook_dict:
        site = Site("post", layer, neuron=draw.randrange(cfg.d_mlp))
        return Intervention(site, draw.choice(["zero", "scale", "mean"]), where, 3.0, runs=runs)
    if kind in ("scores", "pattern"):
        head = draw.choice([None, draw.randrange(cfg.n_heads)])
        sources = tuple(sorted(draw.sample(range(length), 2)))
        if kind == "scores":
            return Intervention(
                Site("attn_scores", layer, head), "knock_out", where, sources=sources, runs=runs
            )
        op = draw.choice(["zero", "freeze"])
        chosen = sources if op == "zero" else ()
        return Intervention(Site("pattern", layer, head), op, where, sources=chosen, runs=runs)
    site = Site(draw.choice(streams), layer)
    if kind == "stream":
        op = draw.choice(["zero", "scale", "resample", "mean"])
        return Intervention(site, op, where, draw.uniform(-2, 2), runs=runs)
    op = draw.choice(["add", "add_median", "add_norm", "remove", "cap", "set", "move", "exchange"])
    return Intervention(
        site,
        op,
        where,
        draw.uniform(-1, 1),
        vector=named[0],
        target=named[1] if op in ("move", "exchange") else None,
        bounds=(-0.1, 0.2) if op == "cap" else None,
        runs=runs,
    )
