"""Which architectures open, and what is said of the others."""

from __future__ import annotations

import pytest
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from lensgui.checkpoints.families.not_yet import WHY
from lensgui.checkpoints.families.registry import family_of, supported_types
from lensgui.terms.errors import ModelError


@pytest.mark.parametrize("model_type", ["mamba", "openai-gpt", "minicpm3", "dots1", "bert"])
def test_a_known_architecture_is_refused_with_its_reason(model_type):
    with pytest.raises(ModelError, match=f"'{model_type}' is not supported yet, because it"):
        family_of(model_type)


def test_what_nobody_knows_is_refused_too():
    for model_type in (None, "", "something_new"):
        with pytest.raises(ModelError, match="is not supported; lensgui opens arcee, biogpt"):
            family_of(model_type)


def test_reasons_are_of_decoders_that_transformers_has_and_that_do_not_open():
    assert not WHY.keys() & set(supported_types())
    assert WHY.keys() <= MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.keys()
