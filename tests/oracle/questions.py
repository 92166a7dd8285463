"""Notebook code that both libraries must run as it is: the questions, and how they are asked.

Imports neither library: `library` is `lensgui` or `transformer_lens`, `model` a model of its own.
Each question yields names and answers: tensors, numbers, or texts.
"""

from __future__ import annotations

import traceback
from importlib import import_module
from itertools import chain, product

import torch

PROCESSINGS = ("raw", "folded")
PREPEND_BOS = True
DEMO = "smollm2-135m"
CLEAN = "When John and Mary went to the store, John gave a drink to"
CORRUPTED = "When John and Mary went to the store, Mary gave a drink to"


class Asked:
    """What a question is asked about.

    Attributes:
        library: The library that answers.
        model: Its model.
        tokens: Token ids of two prompts, [batch, position]; of one for the demo model.
        corrupted: Of a corrupted prompt, [1, position].
        answer: A token.
        distractor: Another.
        is_demo: Whether the model is the demo model.
        has_pieces: Whether its tokens are SentencePiece's: the peer takes no answer as text then.
    """

    def __init__(self, library, model, name):
        self.library, self.model, self.is_demo = library, model, name == DEMO
        self.name, self.has_pieces = name, name == "llama_tied"
        if self.is_demo:
            self.tokens = model.to_tokens(CLEAN, prepend_bos=False)
            self.corrupted = model.to_tokens(CORRUPTED, prepend_bos=False)
            self.answer, self.distractor = map(model.to_single_token, (" Mary", " John"))
        else:
            generator = torch.Generator().manual_seed(1)
            self.tokens = torch.randint(3, 61, (2, 11), generator=generator)
            self.corrupted = torch.randint(3, 61, (1, 5), generator=generator)
            self.answer, self.distractor = 7, 12

    def module(self, name):
        return import_module(f"{self.library.__name__}.{name}")

    def metric(self, logits):
        return (logits[:, -1, self.answer] - logits[:, -1, self.distractor]).mean()


def config(asked):
    cfg = asked.model.cfg
    yield "normalization_type", str(cfg.normalization_type)
    yield "head_labels", " ".join(asked.model.all_head_labels())
    sizes = (cfg.n_layers, cfg.n_heads, cfg.d_model, cfg.d_head, cfg.d_mlp, cfg.d_vocab, cfg.n_ctx)
    yield "sizes", " ".join(map(str, (*sizes, cfg.d_vocab_out, cfg.attn_scale)))


def weights(asked):
    model = asked.model
    names = "W_E W_U b_U W_Q W_K W_V W_O b_Q b_K b_V b_O W_pos W_E_pos"
    if model.cfg.num_experts is None:
        names += " W_in W_out b_in b_out W_gate"
    for name in names.split():
        weight = getattr(model, name, None)
        if weight is not None:
            yield name, few(weight, name) if asked.is_demo else weight
    norms = {"ln1": model.blocks[1].ln1, "ln2": model.blocks[1].ln2, "ln_final": model.ln_final}
    for (name, norm), part in product(norms.items(), ("w", "b")):
        weight = getattr(norm, part, None)
        if weight is not None:
            yield f"{name}.{part}", weight


def few(weight, name):
    return weight[:20] if name in ("W_E", "W_U", "b_U") else weight[3]


def hooks(asked):
    model = asked.model
    logits, cache = model.run_with_cache(asked.tokens)
    yield "logits", logits
    layers = (0, 10, 29) if asked.is_demo else range(3)
    for name, value in cache.items():
        if not name.startswith("blocks.") or int(name.split(".")[1]) in layers:
            yield name, value.flatten(0, -2) if "hook_expert" in name else value
    yield "names", "\n".join(sorted(name for name in cache if ".experts." not in name))
    few = [f"blocks.1.{name}" for name in ("attn.hook_pattern", "attn.hook_z", "hook_resid_post")]
    for at in (-1, (1, 4), [0, 2]):
        _, cache = model.run_with_cache(asked.tokens, names_filter=few, pos_slice=at)
        for name, value in cache.items():
            yield f"sliced/{at}/{name}", value


def switches(asked):
    model = asked.model
    if asked.is_demo:
        return
    seen = set(model.run_with_cache(asked.tokens)[1].keys())
    known = ("attn_result", "split_qkv_input", "hook_mlp_in", "attn_in")
    for switch in known[: 4 if model.cfg.n_key_value_heads is None else 3]:
        turn = getattr(model, f"set_use_{switch}")
        turn(True)
        logits, cache = model.run_with_cache(asked.tokens)
        turn(False)
        yield f"{switch}/logits", logits
        for name in cache:
            if name not in seen or (switch == "split_qkv_input" and "blocks.1.ln1" in name):
                yield f"{switch}/{name}", cache[name]


def gradients(asked):
    if asked.is_demo:
        return
    model = asked.model
    loss, cache = model.run_with_cache(asked.tokens, return_type="loss", incl_bwd=True)
    yield "loss", loss
    for name, value in cache.items():
        if name.endswith("_grad") and (".1." in name or not name.startswith("blocks")):
            yield name, value.flatten(0, -2) if "hook_expert" in name else value
    model.zero_grad()


def runs(asked):
    model, tokens = asked.model, asked.tokens
    logits, loss = model(tokens, return_type="both")
    yield "loss", loss
    yield "loss_per_token", model(tokens, return_type="loss", loss_per_token=True)
    yield "loss_fn", model.loss_fn(logits, tokens, per_token=True)
    resid = model(tokens, stop_at_layer=2)
    yield "stopped", resid
    yield "stopped_from_the_end", model(tokens, stop_at_layer=-1)
    yield "started", model(resid, start_at_layer=2)
    _, cache = model.run_with_cache(
        tokens[:1], names_filter=lambda name: name.endswith("z"), remove_batch_dim=True
    )
    yield "filtered", "\n".join(cache.keys())
    yield "without_batch", cache["z", 1]
    _, cache = model.run_with_cache(
        tokens, names_filter=["hook_embed", "blocks.1.hook_resid_post"], return_cache_object=False
    )
    yield "as_dictionary", " ".join(cache)

    def half(activation, hook):
        return activation / (1 + hook.layer())

    for _ in range(2):
        cache, forward, _ = model.get_caching_hooks(lambda name: name.endswith("hook_q"))
        with model.hooks(fwd_hooks=forward):
            model(tokens)
    yield "caching_hooks", torch.stack([cache[f"blocks.{layer}.attn.hook_q"] for layer in (0, 2)])
    cache = model.add_caching_hooks("hook_embed")
    model(tokens)
    model.reset_hooks()
    yield "added_hooks", cache["hook_embed"]
    hook = ("blocks.1.attn.hook_z", half)
    yield "hooked", model.run_with_hooks(tokens, fwd_hooks=[hook])


def padding(asked):
    if asked.is_demo:
        return
    model, texts = asked.model, ["a cat sat", "so it goes on", "b"]
    names = ("hook_pos_embed", "hook_z", "hook_normalized", "hook_pattern", "hook_resid_post")
    for side in ("left", "right"):
        tokens = model.to_tokens(texts, padding_side=side)
        yield f"{side}/tokens", tokens
        lengths = [model.to_tokens(text).shape[1] for text in texts]
        logits, cache = model.run_with_cache(
            texts, padding_side=side, names_filter=lambda name: name.endswith(names)
        )
        for row, length in enumerate(lengths):
            real = slice(-length, None) if side == "left" else slice(0, length)
            yield f"{side}/logits/{row}", logits[row, real]
            for name, value in cache.items():
                own = value[row, :, real, real] if "pattern" in name else value[row, real]
                yield f"{side}/{name}/{row}", own


def texts(asked):
    model = asked.model
    text = CLEAN if asked.is_demo else "the cat sat"
    yield "to_tokens", model.to_tokens(text)
    yield "to_tokens/without", model.to_tokens(text, prepend_bos=False)
    yield "to_tokens/two", model.to_tokens([text, text], prepend_bos=False)
    yield "to_str_tokens", "|".join(model.to_str_tokens(text))
    yield "to_str_tokens/without", "|".join(model.to_str_tokens(text, prepend_bos=False))
    yield "to_str_tokens/ids", "|".join(model.to_str_tokens(model.to_tokens(text)[0]))
    yield "to_str_tokens/two", "|".join(chain(*model.to_str_tokens([text, text[:5]])))
    yield "to_string", model.to_string(model.to_tokens(text)[0])
    yield "to_string/batch", "|".join(model.to_string(model.to_tokens([text, text])))
    if asked.has_pieces:
        return
    yield "to_string/one", model.to_string(asked.answer)
    letter = " a"
    yield "to_single_token", model.to_single_token(letter)
    yield "to_single_str_token", model.to_single_str_token(asked.answer)
    for mode in ("first", "last"):
        yield f"position/{mode}", model.get_token_position(letter, "a b a c a", mode)
    yield "position/tokens", model.get_token_position(letter, model.to_tokens("b a c a"))
    for name, given in directions(asked):
        yield f"directions/{name}", model.tokens_to_residual_directions(given)


def directions(asked):
    ids = torch.tensor([[asked.answer, 5], [9, asked.distractor]])
    yield "text", " a"
    yield "id", asked.answer
    yield "scalar", ids[0, 0]
    yield "row", ids[0]
    yield "batch", ids


def generation(asked):
    model = asked.model
    prompt = asked.tokens[:, :6]
    greedy = {"do_sample": False, "verbose": False, "max_new_tokens": 7}
    yield "cached", model.generate(prompt, stop_at_eos=False, **greedy)
    yield (
        "uncached",
        model.generate(prompt, stop_at_eos=False, use_past_kv_cache=False, **greedy),
    )
    text = CLEAN if asked.is_demo else "the cat"
    yield "text", model.generate(text, **greedy)
    yield "text/tokens", model.generate(text, return_type="tokens", **greedy)
    drawn = {**greedy, "do_sample": True, "top_k": 1, "freq_penalty": 0.7}
    yield "penalty", model.generate(prompt, stop_at_eos=False, **drawn)


QUESTIONS = (config, weights, hooks, switches, gradients, runs, padding, texts, generation)


def asked(library, model, name, questions):
    """Yield (name, answer) for every question; one that fails answers with its error."""
    about = Asked(library, model, name)
    for question in questions:
        try:
            with torch.set_grad_enabled(question.__name__ == "gradients"):
                for key, value in question(about):
                    yield f"{question.__name__}/{key}", value
        except Exception as error:
            traceback.print_exc(limit=-3)
            yield f"{question.__name__}/failed", f"{type(error).__name__}: {error}"
