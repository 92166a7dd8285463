"""Which heads name the indirect object? Direct logit attribution, and ablation to check it.

Attribution says what each head adds to logit(" Mary") − logit(" John") directly. That is a
prediction: without the head the difference should fall by about as much. It holds for the name
movers L23H3 and L29H1, and L29H0 is found to write against the answer (Wang et al. 2022).

The numbers are the demo model's, measured.
"""

from __future__ import annotations

import pytest
import torch

pytestmark = pytest.mark.demo
PROMPT = "When John and Mary went to the store, John gave a drink to"


@pytest.fixture(scope="module")
def answers(model):
    return [model.to_single_token(name) for name in (" Mary", " John")]


@pytest.fixture(scope="module")
def run(model):
    return model.run_with_cache(PROMPT)


def difference(logits, answers):
    mary, john = answers
    return float(logits[0, -1, mary] - logits[0, -1, john])


def test_all_components_add_up_to_the_difference(model, run, answers):
    logits, cache = run
    assert difference(logits, answers) == pytest.approx(4.605, abs=0.001)
    layers, labels = cache.decompose_resid(pos_slice=-1, return_labels=True)
    attributed = cache.logit_attrs(layers, *answers, pos_slice=-1)[:, 0]
    assert float(attributed.sum()) == pytest.approx(difference(logits, answers), abs=1e-3)
    attention = [value for value, label in zip(attributed, labels, strict=True) if "attn" in label]
    assert float(sum(attention)) == pytest.approx(0.786, abs=0.002)


def test_the_top_heads_and_what_ablating_them_does(model, run, answers):
    logits, cache = run
    heads, labels = cache.stack_head_results(pos_slice=-1, return_labels=True)
    attributed = cache.logit_attrs(heads, *answers, pos_slice=-1)[:, 0]
    ranked = sorted(zip(attributed.tolist(), labels, strict=True))
    assert [label for _, label in ranked[:-3:-1]] == ["L23H3", "L29H1"]
    assert ranked[0][1] == "L29H0"
    expected = {"L23H3": (2.17, -2.68), "L29H1": (1.69, -1.63), "L29H0": (-1.26, 1.42)}
    for label, (direct, without) in expected.items():
        layer, head = map(int, label[1:].split("H"))
        assert float(attributed[labels.index(label)]) == pytest.approx(direct, abs=0.01)

        def ablate(z, hook, head=head):
            z[:, :, head] = 0
            return z

        hook = (f"blocks.{layer}.attn.hook_z", ablate)
        change = difference(model.run_with_hooks(PROMPT, fwd_hooks=[hook]), answers)
        assert change - difference(logits, answers) == pytest.approx(without, abs=0.01)


def test_the_logit_lens_sees_mary_win_at_the_end(model, run, answers):
    _, cache = run
    stack, labels = cache.accumulated_resid(apply_ln=True, pos_slice=-1, return_labels=True)
    logits = stack[:, 0] @ model.W_U + model.b_U
    mary, john = answers
    lens = logits[:, mary] - logits[:, john]
    assert labels[0] == "0_pre"
    assert labels[-1] == "final_post"
    assert float(lens[:24].max()) < 0, "John is ahead up to layer 23"
    assert float(lens[24:].min()) > 0, "Mary from where L23H3 has written"
    assert float(lens[24]) == pytest.approx(3.56, abs=0.01)
    assert float(lens[-1]) == pytest.approx(4.605, abs=0.001)
    assert model.to_single_str_token(int(logits[-1].argmax())) == " Mary"


def test_a_names_filter_keeps_little_and_a_device_keeps_it_elsewhere(model, run):
    _, everything = run
    logits, few = model.run_with_cache(
        PROMPT,
        names_filter=lambda name: name.endswith(("hook_z", "hook_resid_pre")),
        device="cpu",
        pos_slice=-1,
    )
    torch.testing.assert_close(logits, run[0], atol=1e-4, rtol=1e-5)
    assert len(few) == 60
    assert {value.device.type for value in few.values()} == {"cpu"}
    torch.testing.assert_close(few["z", 7], everything["z", 7][:, -1:], atol=1e-4, rtol=1e-5)
    assert bytes_of(few) * 100 < bytes_of(everything)


def bytes_of(cache):
    return sum(value.nbytes for value in cache.values())
