"""Names that people type lead to the hub's."""

from __future__ import annotations

import re

import pytest

from lensgui.checkpoints import hub
from lensgui.checkpoints.locate import locate
from lensgui.models import known_models
from lensgui.models.aliases import ALIASES, hub_id
from lensgui.terms.errors import ModelError


def test_aliases_are_lower_case_and_lead_to_hub_names():
    assert len(ALIASES) >= 50
    for alias, name in ALIASES.items():
        assert alias == alias.lower()
        assert re.fullmatch(r"[\w-]+/[\w.-]+", name), name
    assert not ALIASES.keys() & {entry.name for entry in known_models.CATALOGUE}


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("gpt2-small", "openai-community/gpt2"),
        ("Pythia-70M", "EleutherAI/pythia-70m"),
        ("llama-2-7b", "meta-llama/Llama-2-7b-hf"),
        ("gemma-2b", "google/gemma-2b"),
    ],
)
def test_an_alias_opens_the_hubs_model(alias, name, monkeypatch):
    asked = []
    monkeypatch.setattr(hub, "fetch", lambda name, *rest: asked.append(name))
    locate(alias)
    assert asked == [name]


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(ModelError, match="pythia-160m"):
        hub_id("pythia-161m")
    with pytest.raises(ModelError, match="smollm2-135m"):
        locate("smollm-135m")
