"""The names of public notebooks work, or say the way here.

TransformerLens's demos; its issues 210 (projections behind a norm), 697 and 1005 (states and
configs that it saved).
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
import torch

import lensgui
from lensgui import HookedTransformer, HookedTransformerConfig, utils
from lensgui.import_paths import HOMES, PATHS
from tests.checkpoints.tiny_models import prompts, tiny
from tests.reports.notebook_page import PAGE, model, page

BRIDGE = import_module("lensgui.model_bridge").TransformerBridge
KEYS_AND_VALUES = import_module("lensgui.past_key_value_caching").HookedTransformerKeyValueCache
close = torch.testing.assert_close


def test_every_name_of_the_notebooks_is_on_the_page_as_it_is():
    assert PAGE.read_text(encoding="utf-8") == page()


SAME_SPELLING = [name for name in PATHS if name in dir(lensgui)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_a_class_is_the_class_whatever_was_imported_first(order):
    """In a fresh process, where each name comes by another of its ways first."""
    code = ""
    for name in SAME_SPELLING:
        lines = [
            f"from lensgui.{name} import {name} as a",
            f"from lensgui import {name} as b",
            f"import lensgui.{name}",
            f"import {lensgui._HOMES[name]}",
        ]
        code += "\n".join(lines[at] for at in order)
        code += f"\nassert a is b is lensgui.{name} and isinstance(a, type)\n"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_paths_import_nothing_until_asked():
    names = ", ".join(f"lensgui.{path}" for path in PATHS)
    code = f"import sys, {names}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(("path", "name"), [(path, name) for path in HOMES for name in HOMES[path]])
def test_every_home_is_lived_in(path, name):
    found = getattr(import_module(f"lensgui.{path}") if path else lensgui, name)
    assert found is not None


def test_what_was_never_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"components has no 'Atention'; its names are Att"):
        lensgui.components.Atention  # noqa: B018
    assert not hasattr(utils, "__wrapped__")
    assert not hasattr(lensgui, "__wrapped__")


def test_a_bridge_opens_raw_and_folds_in_place_without_touching_the_other_model():
    theirs = tiny("gpt2")
    before = {name: value.clone() for name, value in theirs.state_dict().items()}
    bridge = BRIDGE.boot_transformers(hf_model=theirs, device="cpu", dtype=torch.float32)
    assert isinstance(bridge, HookedTransformer)
    assert bridge.cfg.processing == []
    raw = bridge(prompts())
    bridge.enable_compatibility_mode(no_processing=True)
    assert torch.equal(bridge(prompts()), raw)
    bridge.enable_compatibility_mode(disable_warnings=True)
    assert bridge.cfg.normalization_type == "LNPre"
    close(bridge(prompts()).log_softmax(-1), raw.log_softmax(-1), rtol=1e-4, atol=1e-4)
    folded = HookedTransformer.from_pretrained(hf_model=theirs, device="cpu")
    close(bridge.W_U, folded.W_U)
    for name, value in theirs.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_folding_one_step_of_a_tied_model_keeps_it_tied():
    theirs = tiny("gemma")
    bridge = BRIDGE.boot_transformers(hf_model=theirs, device="cpu")
    assert bridge.cfg.tied_embeddings
    logits = bridge(prompts())
    steps = {"fold_ln": False, "center_unembed": False, "center_writing_weights": False}
    bridge.process_weights_(**steps)
    assert bridge.W_U.data_ptr() == bridge.W_E.data_ptr()
    close(bridge(prompts()), logits)


def test_a_config_takes_fields_that_ask_for_nothing_and_says_them_back():
    cfg = HookedTransformerConfig(
        n_layers=1,
        d_model=16,
        n_ctx=8,
        d_head=8,
        d_vocab=10,
        attention_dir="causal",
        init_weights=False,
        n_devices=1,
        tokenizer_name="gpt2",
        initializer_range=0.5,
        use_attn_scale=True,
    )
    assert (cfg.attention_dir, cfg.n_devices, cfg.checkpoint_value) == ("causal", 1, None)
    assert cfg.init_range == cfg.initializer_range == 0.5
    assert HookedTransformer(cfg.to_dict()).cfg.to_dict() == cfg.to_dict()
    with pytest.raises(ValueError, match=r"attention_dir='bidirectional'.*HookedTransformer"):
        HookedTransformerConfig(1, 16, 8, 8, d_vocab=10, attention_dir="bidirectional")
    with pytest.raises(TypeError, match="attention_direction"):
        HookedTransformerConfig(1, 16, 8, 8, d_vocab=10, attention_direction="causal")
    with pytest.raises(AttributeError, match="no field 'n_layer'"):
        cfg.n_layer  # noqa: B018


@pytest.mark.parametrize("apply_mlp_input", [False, True])
@pytest.mark.parametrize("fold_ln", [False, True])
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_projection_comes_behind_the_norm(name, fold_ln, apply_mlp_input):
    """TransformerLens 210."""
    opened = HookedTransformer.from_pretrained(
        hf_model=tiny(name), device="cpu", dtype=torch.float64, fold_ln=fold_ln
    )
    _, cache = opened.run_with_cache(prompts())
    onto = torch.randn(opened.cfg.d_model, 3, dtype=torch.float64)
    for layer, mlp_input in ((None, False), (1, apply_mlp_input)):
        given = {"layer": layer, "mlp_input": mlp_input, "apply_ln": True, "return_labels": True}
        whole, labels = cache.get_full_resid_decomposition(**given)
        several, same = cache.get_full_resid_decomposition(project_output_onto=onto, **given)
        one, _ = cache.get_full_resid_decomposition(project_output_onto=onto[:, 0], **given)
        assert same == labels
        close(several, whole @ onto)
        close(one, whole @ onto[:, 0])
    neurons = cache.stack_neuron_results(apply_ln=True, pos_slice=-1, incl_remainder=True)
    projected = cache.stack_neuron_results(
        apply_ln=True, pos_slice=-1, incl_remainder=True, project_output_onto=onto
    )
    close(projected, neurons @ onto)


def test_a_state_that_was_saved_elsewhere_loads():
    mine, other = model(), model()
    state = {name: value + 1 for name, value in mine.state_dict().items()}
    state["blocks.0.attn.mask"] = torch.ones(12, 12).tril().bool()
    state["blocks.0.attn.IGNORE"] = torch.tensor(-torch.inf)
    state["blocks.1.attn._W_K"] = state.pop("blocks.1.attn.W_K")
    other.load_state_dict(state)
    assert torch.equal(other.W_K, mine.W_K + 1)
    with pytest.raises(RuntimeError, match="masks"):
        other.load_state_dict({**state, "blocks.0.attn.masks": torch.ones(1)})


def test_a_state_is_loaded_and_folded():
    mine, other = model(), model()
    other.load_and_process_state_dict(mine.state_dict(), fold_ln=True, fold_value_biases=False)
    tokens = torch.arange(6)[None]
    close(other(tokens).log_softmax(-1), mine(tokens).log_softmax(-1))
    assert other.cfg.processing == ["fold_ln", "center_writing_weights", "center_unembed"]


def test_a_state_with_norms_is_folded_into_a_model_without():
    mine = model()
    torch.nn.init.normal_(mine.ln_final.w)
    cfg = {**mine.cfg.to_dict(), "normalization_type": "LNPre", "seed": 1}
    other, tokens = HookedTransformer(cfg), torch.arange(6)[None]
    other.load_and_process_state_dict(mine.state_dict(), center_unembed=False)
    close(other(tokens), mine(tokens))
    assert other.cfg.processing[0] == "fold_ln"


def test_parts_are_called_as_elsewhere():
    mine, tokens = model(), torch.tensor([[7, 3, 3], [5, 6, 7]])
    rows = mine.pos_embed(tokens)
    assert torch.equal(rows, mine.W_pos[:3].expand(2, 3, -1))
    stream = mine.embed(tokens) + rows
    _, cache = mine.run_with_cache(tokens)
    for layer, block in enumerate(mine.blocks):
        normalized = block.ln1(stream)
        close(block.attn(normalized, normalized, normalized), cache["attn_out", layer])
        stream = block(stream)
        close(stream, cache["resid_post", layer])


def test_circuits_of_one_layer():
    opened = HookedTransformer.from_pretrained(hf_model=tiny("llama"), device="cpu")
    for layer, block in enumerate(opened.blocks):
        close(block.attn.QK.AB, opened.QK[layer].AB)
        close(block.attn.OV.AB, opened.OV[layer].AB)
    mask = opened.blocks[0].attn.mask
    assert torch.equal(mask, torch.ones_like(mask).tril())


def test_logits_and_loss_have_names():
    mine, tokens = model(), torch.arange(6)[None]
    output = mine(tokens, return_type="both")
    logits, loss = output
    assert output.logits is logits
    assert output.loss is loss


def test_activations_are_kept_in_a_dictionary():
    mine, tokens = model(), torch.arange(6)[None]
    every, some = {}, {}
    mine.cache_all(every)
    mine.cache_some(some, lambda name: "pattern" in name)
    mine(tokens)
    mine.remove_all_hook_fns()
    _, cache = mine.run_with_cache(tokens)
    assert list(every) == list(cache)
    assert list(some) == [f"blocks.{layer}.attn.hook_pattern" for layer in (0, 1)]
    assert not any(point.is_watched for point in mine.hook_points())


def test_moving_says_where_the_model_is_now():
    """A field that was stale after a change of the number format."""
    mine = model().to(torch.float64, print_details=False)
    assert mine.cfg.dtype == torch.float64
    assert mine(torch.arange(4)[None]).dtype == torch.float64


def test_a_cache_of_keys_is_made_from_a_config():
    mine, tokens = model(), torch.arange(6)[None]
    cache = KEYS_AND_VALUES.init_cache(mine.cfg, "cpu", 1)
    mine(tokens[:, :4], past_kv_cache=cache)
    close(mine(tokens[:, 4:], past_kv_cache=cache), mine(tokens)[:, 4:])


def test_induction_loss_is_the_loss_on_what_comes_again():
    mine = model()
    torch.manual_seed(0)
    loss = lensgui.evals.induction_loss(mine, batch_size=2, subseq_len=5, device="cpu")
    torch.manual_seed(0)
    tokens = torch.randint(10, 20, (2, 5)).repeat(1, 2)
    log_probabilities = mine(tokens).log_softmax(-1)
    expected = [-log_probabilities[b, p, tokens[b, p + 1]] for b in (0, 1) for p in range(6, 9)]
    close(loss, torch.stack(expected).mean())


@pytest.mark.parametrize("fold_ln", [False, True])
def test_solu_is_followed_by_a_norm(fold_ln):
    cfg = HookedTransformerConfig(1, 16, 8, 8, d_vocab=10, act_fn="solu_ln", seed=0)
    mine = HookedTransformer(cfg).to(torch.float64)
    torch.nn.init.normal_(mine.blocks[0].mlp.ln.w)
    torch.nn.init.normal_(mine.blocks[0].mlp.ln.b)
    tokens = torch.arange(6)[None]
    before = mine(tokens).log_softmax(-1)
    mine.process_weights_(fold_ln=fold_ln)
    logits, cache = mine.run_with_cache(tokens)
    close(logits.log_softmax(-1), before)
    pre, ln = cache["pre", 0], mine.blocks[0].mlp.ln
    close(cache["mid", 0], pre * pre.softmax(-1))
    normed = torch.nn.functional.layer_norm(cache["mid", 0], (64,), ln.w, ln.b, cfg.eps)
    close(cache["post", 0], normed)
    close(cache["mlp_out", 0], normed @ mine.W_out[0] + mine.b_out[0])


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda m: m(torch.arange(4)[None], pixel_values=torch.ones(3)), "reads text only"),
        (lambda m: m(torch.arange(4)[None], atention_mask=None), "forward takes no argument"),
        (lambda m: m.generate(torch.arange(4)[None], pixel_values=1), "reads text only"),
        (lambda m: HookedTransformer(m.cfg, move_to=1), "HookedTransformer takes no argument"),
        (lambda m: HookedTransformer.from_pretrained("gpt2", n_ctx=4), r"model\.cfg\.n_ctx"),
        (lambda m: HookedTransformer.from_pretrained("gpt2", checkpoint_index=4), "revision="),
        (
            lambda m: BRIDGE.boot_transformers("gpt2", model_class=int),
            "config.json",
        ),
    ],
)
def test_what_asks_for_something_else_is_told_the_way(ask, says):
    with pytest.raises((TypeError, ValueError), match=says):
        ask(model())


def test_arguments_that_ask_for_nothing_pass():
    opened = HookedTransformer.from_pretrained(
        hf_model=tiny("gpt2"),
        device="cpu",
        torch_dtype=torch.float64,
        low_cpu_mem_usage=True,
        trust_remote_code=False,
        local_files_only=False,
        checkpoint_index=None,
    )
    assert opened.cfg.dtype == torch.float64
    assert torch.equal(opened(prompts(), pixel_values=None), opened(prompts()))
