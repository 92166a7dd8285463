"""Models open from folders and from memory; what can't be opened says why in one sentence."""

from __future__ import annotations

import json
import shutil
import socket

import pytest
import torch
from safetensors.torch import load_file, save_file

from lensgui.checkpoints.loading import NO_PROCESSING, from_pretrained, open_model
from lensgui.terms.errors import ModelError
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import prompts, tiny


@pytest.fixture
def folder(tmp_path):
    tiny("llama", torch.float32).save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def refused(folder, match: str) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        open_model(str(folder), device="cpu")
    assert "\n" not in str(caught.value)


@torch.no_grad()
def test_a_folder_gives_what_memory_gives(folder):
    model = open_model(str(folder), device="cpu")
    same = from_pretrained(hf_model=tiny("llama", torch.float32), device="cpu", **NO_PROCESSING)
    assert model.tokenizer is None
    assert torch.equal(model(prompts()), same(prompts()))


@torch.no_grad()
def test_shards_and_the_first_layers(folder, tmp_path):
    tiny("llama", torch.float32).save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    whole, shards = (
        open_model(str(where), device="cpu") for where in (folder, tmp_path / "shards")
    )
    assert torch.equal(whole(prompts()), shards(prompts()))
    short = from_pretrained(str(folder), first_n_layers=2, device="cpu", **NO_PROCESSING)
    assert short.cfg.n_layers == 2
    assert torch.equal(short(prompts(), stop_at_layer=2), whole(prompts(), stop_at_layer=2))


@torch.no_grad()
@pytest.mark.parametrize(("dtype", "bar"), [("bfloat16", 0.2), ("float64", 1e-4)])
def test_other_number_formats(folder, dtype, bar):
    exact = open_model(str(folder), device="cpu")(prompts()).log_softmax(-1)
    other = open_model(str(folder), device="cpu", dtype=dtype)
    logits = other(prompts())
    assert str(logits.dtype) == f"torch.{dtype}"
    assert (logits.double().log_softmax(-1) - exact).abs().mean() <= bar


def test_tied_embeddings_share_memory_until_folded():
    hf_model = tiny("gpt2", torch.float32)
    raw = HookedTransformer.from_pretrained_no_processing(hf_model=hf_model, device="cpu")
    assert raw.W_U.data_ptr() == raw.W_E.data_ptr()
    embedding = raw.W_E.clone()
    folded = HookedTransformer.from_pretrained(hf_model=hf_model, device="cpu")
    assert folded.W_U.data_ptr() != folded.W_E.data_ptr()
    assert torch.equal(raw.W_E, embedding), "folding a second model changed the first"
    assert torch.equal(hf_model.transformer.wte.weight, embedding)


@torch.no_grad()
def test_the_side_of_padding_is_remembered():
    texts = [" table green seven", " river"]
    for side, filled in (("left", [0, 0]), ("right", [1, 2])):
        model = from_pretrained(
            "toy", default_padding_side=side, move_to_device=False, default_prepend_bos=False
        )
        assert model.cfg.device == "cpu"
        ids = model.to_tokens(texts)
        alone = model.to_tokens(texts[1])[0, 0]
        assert ids[1, 2 if side == "left" else 0] == alone
        assert ids[1, filled[0]] != alone


def test_weights_stack_over_layers(folder):
    model = open_model(str(folder), device="cpu")
    assert model.W_Q.shape == (3, 4, 32, 10)
    assert model.blocks[1].attn.W_K.shape == (2, 32, 10)
    assert model.W_K.shape == (3, 4, 32, 10)
    assert model.W_O.shape == (3, 4, 10, 32)
    assert model.W_in.shape == model.W_gate.shape == (3, 32, 40)
    assert model.W_out.shape == (3, 40, 32)
    assert model.b_Q.shape == (3, 4, 10)
    assert model.all_head_labels()[5] == "L1H1"


def test_missing_and_empty_folders(tmp_path):
    refused(tmp_path / "nowhere", "There is no folder")
    refused(tmp_path, "no config.json")
    (tmp_path / "file").touch()
    refused(tmp_path / "file", "is a file that")


def test_a_folder_without_weights(folder):
    (folder / "model.safetensors").unlink()
    refused(folder, "no .*safetensors")


def test_pickled_weights_are_refused(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    refused(folder, "pickled weights only")


def test_truncated_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    refused(folder, "not a whole safetensors file")


def test_a_missing_shard(tmp_path):
    tiny("llama", torch.float32).save_pretrained(tmp_path, max_shard_size="20KB")
    next(iter(sorted(tmp_path.glob("model-*.safetensors")))).unlink()
    refused(tmp_path, "is missing from")


def test_weights_of_another_model(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))
    refused(folder, r"mlp\.(gate|up)_proj\.weight has shape \[40, 32\]")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.pop("model.norm.weight"), "has no tensor norm.weight"),
        (lambda t: t.update({"model.layers.0.extra": torch.ones(1)}), "layers.0.extra .*not know"),
    ],
)
def test_a_tensor_too_few_or_too_many(folder, change, match):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    refused(folder, match)


def test_unsupported_architectures_say_what_is_supported(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "t5"}))
    refused(folder, "'t5' is not supported; lensgui opens .*gpt2.*llama")
    (folder / "config.json").write_text("{")
    refused(folder, "can't be read as JSON")


def test_remote_code_is_never_run(folder):
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    config = {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Evil"}}
    (folder / "config.json").write_text(json.dumps(config))
    refused(folder, "needs code that it brings itself")


def test_an_unsupported_feature_is_named(tmp_path):
    hf_model = tiny("gpt2", torch.float32)
    hf_model.config.add_cross_attention = True
    with pytest.raises(ModelError, match="cross-attention"):
        from_pretrained(hf_model=hf_model)


def test_one_device_only(folder):
    with pytest.raises(ModelError, match=r"n_devices is 2.* on one device"):
        from_pretrained(str(folder), n_devices=2)
    hf_model = tiny("llama", torch.float32)
    hf_model.lm_head.to("meta")  # as accelerate leaves what it offloads
    with pytest.raises(ModelError, match=r"spread over several places \(cpu, meta\)"):
        from_pretrained(hf_model=hf_model)


def test_a_hub_name_without_a_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    refused("nobody/nothing-at-all", "(can't be reached|could not be fetched)")


def test_a_broken_tokenizer(folder):
    shutil.copy(folder / "config.json", folder / "tokenizer.json")
    refused(folder, "tokenizer .*can't be read")
