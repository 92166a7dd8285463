"""Where does the model keep which landmark is meant? Activation patching, layer × position.

The clean prompt names the Eiffel Tower, the corrupted one the Colosseum. Putting the clean residual
stream into the corrupted run at one place and looking whether Paris comes back shows where the
landmark is held: first on its own tokens, from about layer 23 on at the last position.

The numbers are the demo model's, measured with Hugging Face transformers: a logit difference of
4.81 and −9.06, P(" Paris") .70, P(" Rome") .73.
"""

from __future__ import annotations

import pytest
import torch

from lensgui import LogitDifference, patching
from lensgui.analysis.sweep.sweep import sweep

pytestmark = pytest.mark.demo
CLEAN = "The Eiffel Tower is located in the city of"
CORRUPTED = "The Colosseum is located in the city of"


@pytest.fixture(scope="module")
def pair(model):
    clean, corrupted = model.to_tokens(CLEAN), model.to_tokens(CORRUPTED)
    answers = tuple((model.to_single_token(city),) for city in (" Paris", " Rome"))
    return clean, corrupted, LogitDifference(*answers)


def test_the_model_knows_both_cities(model, pair):
    clean, corrupted, metric = pair
    assert model.to_str_tokens(clean)[1:4] == [" E", "iffel", " Tower"]
    assert model.to_str_tokens(corrupted)[1:4] == [" Col", "osse", "um"]
    for tokens, difference, answer, share in (
        (clean, 4.81, metric.answer, 0.70),
        (corrupted, -9.06, metric.distractor, 0.73),
    ):
        logits = model(tokens)
        assert float(metric(logits)) == pytest.approx(difference, abs=0.01)
        assert float(logits[0, -1].softmax(-1)[answer[0]]) == pytest.approx(share, abs=0.006)


def test_every_layer_and_position(model, pair):
    clean, corrupted, metric = pair
    *_, result = sweep(model, clean, corrupted, metric)
    recovered = result.normalised
    assert recovered.shape == (30, 10)
    assert not recovered[:, 0].any(), "the first tokens are the same"
    assert recovered[5:15, 2].min() > 0.5, "the landmark gathers at 'iffel'"
    assert recovered[:24, -1].abs().max() < 0.1, "it is not at the last position before layer 23"
    assert recovered[24:, -1].min() > 0.8, "and all of it is there afterwards"
    assert recovered[24:, 2].abs().max() < 0.05
    # The field's own function gives the same numbers, a forward pass for each.
    few = [(12, 2), (23, 9), (24, 9)]
    _, cache = model.run_with_cache(clean, names_filter=lambda name: name.endswith("resid_pre"))
    slow = patching.generic_activation_patch(
        model,
        corrupted,
        cache,
        metric,
        patching.layer_pos_patch_setter,
        "resid_pre",
        index_df=few,
    )
    fast = torch.stack([result.values[place] for place in few]) + result.corrupted
    torch.testing.assert_close(slow.double(), fast, atol=1e-3, rtol=0)


def test_one_head_moves_most_of_it(model, pair):
    clean, corrupted, metric = pair
    name = "blocks.23.attn.hook_z"
    _, cache = model.run_with_cache(clean, names_filter=name)

    def head_4(z, hook):
        z[:, :, 4] = cache[hook.name][:, :, 4]
        return z

    before, whole = (float(metric(model(tokens))) for tokens in (corrupted, clean))
    patched = float(metric(model.run_with_hooks(corrupted, fwd_hooks=[(name, head_4)])))
    assert (patched - before) / (whole - before) == pytest.approx(0.56, abs=0.01)
