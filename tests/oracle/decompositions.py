"""More notebook code, as in `questions`: every method of `ActivationCache`."""

from __future__ import annotations

from itertools import product

import torch


def components(asked):
    """Decompositions that need the activations of a whole run."""
    model, tokens = asked.model, asked.tokens
    _, cache = model.run_with_cache(tokens)
    if asked.is_demo:
        yield from of_the_demo(cache, asked)
        return
    yield from streams(cache, model)
    yield from stacks(cache, model)
    stack, _ = cache.decompose_resid(return_labels=True)
    heads = cache.stack_head_results(pos_slice=-1)
    yield "attrs", cache.logit_attrs(stack, asked.answer, asked.distractor)
    yield "attrs/one", cache.logit_attrs(stack, asked.answer)
    yield "attrs/heads", cache.logit_attrs(heads, asked.answer, asked.distractor, pos_slice=-1)
    if not asked.has_pieces:
        text = model.to_string(torch.tensor([asked.answer]))
        yield "attrs/text", cache.logit_attrs(stack, text)
    rows = torch.tensor([7, 9]), torch.tensor([12, 30])
    yield "attrs/rows", cache.logit_attrs(heads, *rows, pos_slice=-1)
    yield "attrs/all", cache.logit_attrs(stack, tokens, (tokens + 1) % 61)
    part = cache.logit_attrs(
        heads[:, :1], *(row[:1] for row in rows), pos_slice=-1, batch_slice=slice(0, 1)
    )
    yield "attrs/batch_slice", part


def of_the_demo(cache, asked):
    direction = asked.model.W_U[:, asked.answer].detach()
    stack, labels = cache.decompose_resid(pos_slice=-1, return_labels=True)
    yield "decompose_resid", stack
    yield "labels", " ".join(labels)
    yield "accumulated_resid", cache.accumulated_resid(incl_mid=True, apply_ln=True, pos_slice=-1)
    heads = cache.stack_head_results(incl_remainder=True, pos_slice=-1)
    for name, parts in (("layers", stack), ("heads", heads)):
        yield (
            f"attrs/{name}",
            cache.logit_attrs(parts, asked.answer, asked.distractor, pos_slice=-1),
        )
    yield (
        "full/onto",
        cache.get_full_resid_decomposition(pos_slice=-1, project_output_onto=direction),
    )
    yield "stack_activation", cache.stack_activation("pattern")


def streams(cache, model):
    every = ({}, {"apply_ln": True}, {"pos_slice": -1}, {"mlp_input": True})
    methods = ("accumulated_resid", "decompose_resid")
    for layer, settings, method in product((None, -1, 1, 2), every, methods):
        if settings.get("mlp_input") and (layer in (None, -1) or model.cfg.parallel_attn_mlp):
            continue
        tag = f"{method}/{layer}/{'/'.join(f'{k}={v}' for k, v in settings.items())}"
        stack, labels = getattr(cache, method)(layer, return_labels=True, **settings)
        yield tag, stack
        yield f"{tag}/labels", " ".join(labels)


def stacks(cache, model):
    if not model.cfg.parallel_attn_mlp:
        yield "accumulated_resid/mid", cache.accumulated_resid(incl_mid=True, pos_slice=(1, 4))
    for mode in ("attn", "mlp"):
        yield f"decompose_resid/{mode}", cache.decompose_resid(mode=mode, incl_embeds=False)
    for layer in (-1, 2):
        stack, labels = cache.stack_head_results(layer, True, incl_remainder=True, pos_slice=-1)
        yield f"stack_head_results/{layer}", stack
        yield f"stack_head_results/{layer}/labels", " ".join(labels)
        yield (
            f"stack_head_results/{layer}/ln",
            cache.stack_head_results(layer, apply_ln=True, pos_slice=[0, 2]),
        )
    yield "stack_activation", cache.stack_activation("pattern")
    yield "stack_activation/scale", cache.stack_activation("scale", 2, "ln2")
    cache.compute_head_results()
    yield "result", cache["result", 1]
    stack = torch.stack([cache["resid_pre", 1], cache["resid_post", 1]])
    for settings in ({}, {"layer": 1}, {"layer": 2, "mlp_input": True}, {"recompute_ln": True}):
        tag = "/".join(f"{k}={v}" for k, v in settings.items())
        yield f"apply_ln_to_stack/{tag}", cache.apply_ln_to_stack(stack, **settings)
    if model.cfg.num_experts is None:
        yield from neurons(cache, model)


def neurons(cache, model):
    direction = model.W_U[:, 3].detach()
    few = slice(0, 7)
    yield "neurons", cache.get_neuron_results(1, few, -1)
    yield "neurons/list", cache.get_neuron_results(1, [0, 3], -1)
    stack, labels = cache.stack_neuron_results(
        2, -1, few, return_labels=True, incl_remainder=True, apply_ln=True
    )
    yield "stack_neuron_results", stack
    yield "stack_neuron_results/labels", " ".join(labels)
    yield (
        "stack_neuron_results/onto",
        cache.stack_neuron_results(2, -1, project_output_onto=direction),
    )
    for expand in (True, False):
        for layer in (None, 1):
            settings = {"expand_neurons": expand, "pos_slice": -1, "return_labels": True}
            stack, labels = cache.get_full_resid_decomposition(layer, **settings)
            yield f"full/{layer}/{expand}", stack
            yield f"full/{layer}/{expand}/labels", " ".join(labels)
    yield (
        "full/ln",
        cache.get_full_resid_decomposition(2, expand_neurons=False, apply_ln=True, pos_slice=-1),
    )
    for shape in (direction, model.W_U[:, 3:5].detach()):
        onto = cache.get_full_resid_decomposition(pos_slice=-1, project_output_onto=shape)
        yield f"full/onto/{shape.ndim}", onto


QUESTIONS = (components,)
