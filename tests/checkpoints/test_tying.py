"""Whether the unembedding is the embedding is what the tensors say, whatever config.json claims."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from lensgui.checkpoints import compare_hf, devices
from lensgui.checkpoints.loading import NO_PROCESSING, from_pretrained
from lensgui.models import known_models
from lensgui.terms.errors import ModelError
from tests.checkpoints.lifted import Lifted
from tests.checkpoints.tiny_models import prompts, tiny

EMBEDDINGS = {
    "llama": "model.embed_tokens.weight",
    "gpt2": "transformer.wte.weight",
    "gpt_neox": "gpt_neox.embed_in.weight",
    "bloom": "transformer.word_embeddings.weight",
}
HEADS = defaultdict(lambda: "lm_head.weight", gpt_neox="embed_out.weight")
every_family = pytest.mark.parametrize("name", EMBEDDINGS)


def saved(path, name, is_tied, change):
    """Save a tiny model whose config claims something of tying that its tensors need not follow."""
    hf_model = tiny(name, torch.float64)
    hf_model.config.tie_word_embeddings = is_tied
    hf_model.save_pretrained(path)
    tensors = load_file(path / "model.safetensors")
    tensors[HEADS[name]] = tensors[EMBEDDINGS[name]].clone()
    change(tensors, HEADS[name])
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    return path


def own_head(tensors, head):
    tensors[head] = tensors[head].flip(0)


def raw(place="", **settings):
    return from_pretrained(
        str(place), device="cpu", dtype=torch.float64, **{**NO_PROCESSING, **settings}
    )


@torch.no_grad()
def is_hugging_faces(model, hf_model) -> bool:
    with Lifted():
        theirs = hf_model(prompts(), use_cache=False).logits
    return (model(prompts()) - theirs).abs().max() <= 1e-10 * theirs.abs().max()


def hugging_faces(place):
    return AutoModelForCausalLM.from_pretrained(
        place, dtype=torch.float64, attn_implementation="eager", tie_word_embeddings=False
    ).eval()


@every_family
def test_an_unembedding_of_its_own_is_read_though_the_config_says_tied(name, tmp_path):
    folder = saved(tmp_path, name, True, own_head)
    shutil.copy(folder / "model.safetensors", folder / "other.safetensors")
    reference = hugging_faces(folder)
    reference.config.tie_word_embeddings = True
    file, memory_ = raw(folder / "other.safetensors"), raw(hf_model=reference)
    for model in (raw(folder), file, memory_):
        assert not model.cfg.tied_embeddings
        assert is_hugging_faces(model, reference)


def test_of_shards_too(tmp_path):
    reference = hugging_faces(saved(tmp_path / "whole", "llama", True, own_head))
    reference.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    path = tmp_path / "shards" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tie_word_embeddings": True}))
    index = json.loads((tmp_path / "shards" / "model.safetensors.index.json").read_text())
    places = index["weight_map"]
    assert places["lm_head.weight"] != places[EMBEDDINGS["llama"]]
    model = raw(tmp_path / "shards")
    assert is_hugging_faces(model, reference)
    assert not model.cfg.tied_embeddings


@every_family
@pytest.mark.parametrize("missing", [None, "unembedding", "embedding"])
def test_equal_or_only_one_of_them_is_tied(name, missing, tmp_path):
    names = {None: "", "unembedding": HEADS[name], "embedding": EMBEDDINGS[name]}
    folder = saved(tmp_path, name, True, lambda tensors, _: tensors.pop(names[missing], None))
    reference = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager"
    )
    model = raw(folder)
    assert model.cfg.tied_embeddings
    assert model.W_U.data_ptr() == model.W_E.data_ptr()
    assert is_hugging_faces(model, reference.eval())


def test_without_an_unembedding_an_untied_model_is_refused(tmp_path):
    folder = saved(tmp_path, "llama", False, lambda tensors, head: tensors.pop(head))
    with pytest.raises(ModelError, match=r"has no tensor lm_head\.weight"):
        raw(folder)


def test_tying_by_hand_in_memory_is_seen():
    hf_model = tiny("llama")
    assert not hf_model.config.tie_word_embeddings
    apart = raw(hf_model=hf_model)
    hf_model.lm_head.weight = hf_model.model.embed_tokens.weight
    model = raw(hf_model=hf_model)
    assert (apart.cfg.tied_embeddings, model.cfg.tied_embeddings) == (False, True)
    assert is_hugging_faces(model, hf_model)
    assert devices.parameters_bytes(apart.cfg) - devices.parameters_bytes(model.cfg) == (
        model.W_U.nbytes
    )


def test_untying_by_hand_in_memory_is_seen_folded_too():
    hf_model = tiny("llama (scaled rotary, tied)")
    hf_model.lm_head.weight = torch.nn.Parameter(hf_model.lm_head.weight.flip(0))
    assert hf_model.config.tie_word_embeddings
    assert is_hugging_faces(raw(hf_model=hf_model), hf_model)
    assert is_hugging_faces(raw(hf_model=hf_model, fold_ln=True), hf_model)


def test_memory_is_asked_for_both(tmp_path, monkeypatch):
    folder = saved(tmp_path, "llama", True, own_head)
    needed = devices.parameters_bytes(replace(raw(folder).cfg, tied_embeddings=False))
    monkeypatch.setattr(devices, "free_bytes", lambda device: needed - 1)
    with pytest.raises(ModelError, match="for its weights in float64"):
        raw(folder)


def test_checking_compares_with_the_files_own_unembedding(tmp_path, monkeypatch):
    toy = known_models.path("toy")
    for file in toy.glob("*.json"):
        shutil.copy(file, tmp_path)
    tensors = load_file(toy / "model.safetensors")
    (embedding,) = (name for name in tensors if name.endswith("wte.weight"))
    tensors["lm_head.weight"] = tensors[embedding].flip(0).contiguous()
    for file in ("model.safetensors", "other.safetensors"):
        save_file(tensors, tmp_path / file, metadata={"format": "pt"})
        measured = compare_hf.compare(tmp_path / file, "float64")
        assert measured.logits < 1e-5
    size = devices.parameters_bytes(replace(raw(tmp_path).cfg, tied_embeddings=False))
    monkeypatch.setattr(devices, "free_bytes", lambda device: 2 * size - 1)
    with pytest.raises(ModelError, match="two copies take"):
        compare_hf.compare(tmp_path, "float64", is_automatic=True)


def test_layers_that_only_the_file_has_are_refused_unless_left_out(tmp_path):
    tiny("llama").save_pretrained(tmp_path)
    assert raw(tmp_path, first_n_layers=1).cfg.n_layers == 1
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": 2}))
    for settings in ({}, {"first_n_layers": 1}):
        with pytest.raises(ModelError, match=r"has a tensor model\.layers\.2\."):
            raw(tmp_path, **settings)
