"""More notebook code, as in `questions`: patching, head detection, circuits, odds and ends."""

from __future__ import annotations

import copy

import torch

POSITIONS = ("resid_pre", "resid_mid", "attn_out", "mlp_out")
SLOW = ("attn_head_by_pos_every", "attn_head_all_pos_every", "block_every")
SWEEPS = (
    *POSITIONS,
    *(f"attn_head_{part}_by_pos" for part in ("out", "q", "k", "v", "pattern")),
    *(f"attn_head_{part}_all_pos" for part in ("out", "q", "k", "v", "pattern")),
    "attn_head_pattern_dest_src_pos",
    *SLOW,
)
THOROUGH = ("gpt2", "llama")  # the subjects on which every sweep is run


def patching(asked):
    if asked.is_demo:
        return
    model, library = asked.model, asked.module("patching")
    clean = asked.tokens[:1, : asked.corrupted.shape[1]]
    _, cache = model.run_with_cache(clean)
    wanted = SWEEPS if asked.name in THOROUGH else (*POSITIONS[::3], *SWEEPS[9:14])
    for name in wanted:
        if name == "resid_mid" and model.cfg.parallel_attn_mlp:
            continue
        sweep = getattr(library, f"get_act_patch_{name}")
        yield name, sweep(model, asked.corrupted, cache, asked.metric)
    yield (
        "generic",
        library.generic_activation_patch(
            model,
            asked.corrupted,
            cache,
            asked.metric,
            library.layer_pos_patch_setter,
            "mlp_out",
            ["layer", "pos"],
        ),
    )


def some_patching(asked):
    """Patch a few places of the demo model with a setter of the notebook's own."""
    if not asked.is_demo:
        return
    model = asked.model
    _, cache = model.run_with_cache(asked.tokens)
    for layer, position in ((0, 9), (12, 9), (22, 9), (25, -1), (29, -1)):
        name = f"blocks.{layer}.hook_resid_pre"

        def patch(residual, hook, at=position):
            residual[:, at] = cache[hook.name][:, at]
            return residual

        logits = model.run_with_hooks(asked.corrupted, fwd_hooks=[(name, patch)])
        yield f"{layer}/{position}", asked.metric(logits)


def detection(asked):
    if asked.model.cfg.num_experts is not None:
        return
    model, library = asked.model, asked.module("head_detector")
    text = "When Mary met John, Mary gave John" if asked.is_demo else "a b c a b c d a b"
    kinds = ("previous_token_head", "duplicate_token_head", "induction_head")
    for kind in kinds:
        for measure in ("mul",) if asked.is_demo else ("mul", "abs"):  # "abs" is rounded
            scores = library.detect_head(model, text, kind, error_measure=measure)
            yield f"{kind}/{measure}", scores
    if asked.is_demo:
        return
    for settings in ({"exclude_bos": True}, {"exclude_current_token": True}):
        for measure in ("mul", "abs"):
            tag = f"{next(iter(settings))}/{measure}"
            settings = {**settings, "error_measure": measure}
            yield tag, library.detect_head(model, text, kinds[0], **settings)
    yield "several", library.detect_head(model, [text, text[:7]], kinds[0])
    yield "heads", library.detect_head(model, text, kinds[2], heads=[(0, 1), (2, 3)])
    yield "heads/by_layer", library.detect_head(model, text, kinds[2], heads={0: [1], 2: [0, 3]})
    length = model.to_tokens(text).shape[1]
    own = torch.eye(length)
    yield "own_pattern", library.detect_head(model, text, own)
    is_pattern = lambda name: name.endswith("pattern")  # noqa: E731
    _, cache = model.run_with_cache(text, remove_batch_dim=True, names_filter=is_pattern)
    yield "own_cache", library.detect_head(model, text, kinds[1], cache=cache)
    tokens = torch.tensor([[4, 9, 4, 7, 9, 4]])
    for kind in kinds:
        yield f"pattern/{kind}", getattr(library, f"get_{kind}_detection_pattern")(tokens)


def circuits(asked):
    model = asked.model
    for mode in ("Q", "K", "V"):
        if not asked.is_demo:
            yield f"composition/{mode}", model.all_composition_scores(mode)
    for layer in range(3):
        if model.cfg.num_experts is None:
            yield f"accumulated_bias/{layer}", model.accumulated_bias(layer)
            yield f"accumulated_bias/{layer}/mid", model.accumulated_bias(layer, mlp_input=True)
        without = model.accumulated_bias(layer, include_mlp_biases=False)
        yield f"accumulated_bias/{layer}/attention", without
    for name in ("QK", "OV"):
        yield from factored(name, getattr(model, name)[1, 2], getattr(model, name)[1])


def halves(asked):
    """Circuits of weights that were rounded to bfloat16: lensgui's stay so, the peer's do not."""
    if asked.is_demo:
        return
    model = copy.deepcopy(asked.model)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)
        if asked.library.__name__ != "lensgui":
            parameter.data = parameter.data.float()
    for mode in ("Q", "K", "V"):
        yield f"composition/{mode}", model.all_composition_scores(mode)
    for name in ("QK", "OV"):
        heads = getattr(model, name)
        matrix = heads[1, 2]
        _, singular, _ = matrix.svd()
        yield f"{name}/S", singular
        yield f"{name}/eigenvalues", matrix.eigenvalues.abs().sort().values
        yield f"{name}/norms", heads.norm()
        yield f"{name}/even", matrix.make_even().AB
        yield f"{name}/collapse_l", (matrix.collapse_l() ** 2).sum(0)


def factored(name, matrix, heads):
    u, s, vh = matrix.svd()
    yield f"{name}/U", u.abs()
    yield f"{name}/S", s
    yield f"{name}/Vh", vh.abs()
    values = matrix.eigenvalues
    yield f"{name}/eigenvalues", values.abs().sort().values
    yield f"{name}/trace", values.sum().real
    yield f"{name}/norm", matrix.norm()
    yield f"{name}/norms", heads.norm()
    yield f"{name}/AB", matrix.AB
    yield f"{name}/BA", matrix.BA
    yield f"{name}/T", matrix.T.AB
    yield f"{name}/even", matrix.make_even().AB
    yield f"{name}/collapse_l", (matrix.collapse_l() ** 2).sum(0)
    yield f"{name}/collapse_r", (matrix.collapse_r() ** 2).sum(1)
    yield f"{name}/product", (matrix @ matrix).AB
    yield f"{name}/vector", matrix @ torch.arange(matrix.rdim, dtype=torch.float32).cos()
    yield f"{name}/corner", matrix.get_corner()
    yield f"{name}/indexed", heads[0, :3].AB
    yield f"{name}/shape", str(tuple(heads.shape)) + str(heads.ndim) + str(heads.mdim)
    yield f"{name}/pair", torch.cat([part.flatten() for part in matrix.pair])
    yield f"{name}/unsqueezed", str(tuple(heads.unsqueeze(0).shape))


def directions(asked):
    interpreter = asked.library.SVDInterpreter(asked.model)
    if asked.model.cfg.num_experts is not None:
        return
    known = (("w_in", None), ("w_out", None), ("OV", 1))
    for kind, head in known[: 3 if asked.model.cfg.n_key_value_heads is None else 2]:
        found = interpreter.get_singular_vectors(kind, 1, num_vectors=3, head_index=head)
        yield kind, found.abs()[:60]


def odds(asked):
    utils = asked.module("utils")
    model, tokens = asked.model, asked.tokens
    logits = model(tokens)
    yield "loss", utils.lm_cross_entropy_loss(logits, tokens)
    yield "accuracy", utils.lm_accuracy(logits, tokens)
    yield "accuracy/per_token", utils.lm_accuracy(logits, tokens, per_token=True)
    names = (("k", 6, "a"), ("pre", 2), ("embed",), ("normalized", 27, "ln2"), ("k6",))
    names += (("scale4ln1",), ("pre5",), ("attn", 2), ("mlp_post", 3), ("scale",), ("attn_out", 0))
    names += (("resid_mid", 1), ("hook_resid_pre",), ("rot_q", 2), ("post", 1, "mlp"))
    yield "names", " ".join(utils.get_act_name(*name) for name in names)
    yield "greedy", utils.sample_logits(logits[:, -1], temperature=0.0)
    if asked.is_demo:
        return
    yield "numpy", utils.to_numpy(logits[0, -1])
    yield "corner", utils.get_corner(logits, 2)
    yield "remove_batch_dim", utils.remove_batch_dim(logits[:1])
    for name in ("gelu_new", "gelu_fast"):
        yield name, getattr(utils, name)(torch.linspace(-4, 4, 99))
    for given in (None, 2, -1, (1, 4), [0, 2], slice(1, None, 2), torch.tensor([3, 1])):
        taken = utils.Slice(given)
        yield f"slice/{given}", taken.apply(logits, dim=1)
        yield f"slice/{given}/indices", str(taken.indices(5))


QUESTIONS = (patching, some_patching, detection, circuits, halves, directions, odds)
