"""Thirty mutated models, seeded, and those that were raw exceptions once; the rest are a soak."""

from __future__ import annotations

import json

import pytest

from lensgui.models import store
from tests.soak import mutations
from tests.soak.mutations import DEEP, Outcome

EACH = 6  # mutations of each of the five kinds of files


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "home"))
    mutations.make(tmp_path / "models")
    return tmp_path / "models"


@pytest.mark.parametrize("seed", range(1000, 1000 + EACH))
@pytest.mark.parametrize("kind", mutations.KINDS)
def test_a_mutated_model_runs_or_gives_one_sentence(kind, seed, models):
    what = mutations.mutate(models, kind, seed)
    outcome = mutations.attempt(mutations.place(models, kind))
    assert not outcome.is_fault, (what, outcome)


def test_what_was_not_changed_runs(models):
    for kind in ("config", "gguf"):
        assert mutations.attempt(mutations.place(models, kind)) == Outcome("runs")


NUMBERS = [
    ("num_attention_heads", 0), ("num_attention_heads", -1), ("num_attention_heads", 1e30),
    ("num_attention_heads", 2.0), ("num_attention_heads", "4"), ("num_attention_heads", [4]),
    ("num_attention_heads", True), ("num_hidden_layers", 0), ("num_hidden_layers", 10**9),
    ("num_hidden_layers", 3), ("num_key_value_heads", -(10**30)), ("head_dim", -1),
    ("hidden_size", 0), ("hidden_size", 10**9), ("vocab_size", 10**30), ("rms_norm_eps", "small"),
    ("partial_rotary_factor", "../x"), ("rope_theta", float("nan")), ("attention_bias", DEEP),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), NUMBERS)
def test_a_config_with_an_odd_number_is_refused(key, value, models):
    path = models / "model" / "config.json"
    config = json.loads(path.read_text()) | {key: value}
    if key == "rope_theta":
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": value}
    mutations.write(path, config)
    assert mutations.attempt(models / "model").kind == "sentence"


MAPS = [
    [], 7, None, "x", {}, {"weight_map": []}, {"weight_map": 3}, {"weight_map": {"a": 1}},
    {"weight_map": {"a": ["b"]}}, {"weight_map": {"a": None, "b": "c"}}, {"weight_map": DEEP},
    {"weight_map": {"a": ""}}, {"weight_map": {"a": ".."}},
    {"weight_map": {"a": "../outside.safetensors"}}, {"weight_map": {"a": "/etc/passwd"}},
    {"weight_map": {"a": "not-there.safetensors"}}, {"weight_map": {"a": "a\0b"}},
]  # fmt: skip


@pytest.mark.parametrize("index", MAPS, ids=repr)
def test_an_odd_index_is_refused(index, models):
    mutations.write(models / "model" / "model.safetensors.index.json", index)
    assert mutations.attempt(models / "model").kind == "sentence"


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "part-0.safetensors"])
@pytest.mark.parametrize("what", ["FIFO", "/dev/zero", "folder", "spaces"])
def test_what_is_no_file_is_not_read(name, what, models):
    mutations.replace_file(models / "model" / name, what, cut=1)
    outcome = mutations.attempt(models / "model")
    assert outcome.kind == ("runs" if (name[:3], what) == ("tok", "folder") else "sentence")


def test_tokenizers_with_other_ids_and_without_an_unknown_token(models):
    path = models / "model" / "tokenizer.json"
    whole = path.read_text()
    for more, without in ((100, ""), (10**6, ""), (0, "A"), (0, "AB")):
        held = json.loads(whole)
        words = held["model"]["vocab"].items()
        held["model"]["vocab"] = {w: i + more for w, i in words if w not in without}
        held["model"] |= {"type": "WordLevel", "unk_token": "<none>"} if without else {}
        mutations.write(path, held)
        outcome = mutations.attempt(models / "model")
        assert outcome.kind == "sentence", outcome
        assert "tokenizer of" in outcome.message or "has no token" in outcome.message
