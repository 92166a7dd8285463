"""A config.json that transformers refuses: the reason stands in the second line of its error."""

from __future__ import annotations

import pytest

from lensgui.checkpoints.loading import from_pretrained
from lensgui.terms.errors import ModelError, reason
from tests.reports.small import is_one_sentence, llama, saved

REASONS = {
    "hidden_size.*expected int, got str": {"hidden_size": "wide"},
    "not a multiple of the number of attention heads": {"num_attention_heads": 3},
    "num_hidden_layers.*got NoneType": {"num_hidden_layers": None},
    "hidden_act.*got int": {"hidden_act": 7},
    "layer_types.*but got": {"layer_types": ["sideways", "sideways"]},
    "Missing required keys.*low_freq_factor": {"rope_parameters": {"rope_type": "llama3"}},
}


@pytest.mark.parametrize("why", REASONS)
def test_the_whole_reason_is_shown(why, tmp_path):
    with pytest.raises(ModelError, match=why) as caught:
        from_pretrained(saved(tmp_path, llama(), **REASONS[why]), device="cpu")
    assert is_one_sentence(str(caught.value))
    assert "config.json does not describe a model: " in str(caught.value)


def test_several_lines_become_one():
    assert reason(ValueError("One thing:\n    TypeError: another. And more.\n")) == (
        "One thing: TypeError: another; And more"
    )
    assert reason(ValueError()) == "ValueError"
