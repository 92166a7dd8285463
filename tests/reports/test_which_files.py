"""Several files and names for the same weights: Mistral's consolidated.safetensors beside
model.safetensors (InftyAI/llmaz#163), compiled models (rasbt/LLMs-from-scratch#580), adapters.
"""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from lensgui.checkpoints import hub
from lensgui.checkpoints.files.naming import model_files
from lensgui.checkpoints.loading import from_pretrained
from lensgui.terms.errors import ModelError
from tests.reports.small import TOKENS, is_one_sentence, llama, logits_of, saved

OTHERS = ("consolidated", "adapter_model", "model.fp16", "optimizer")


@pytest.mark.parametrize("other", OTHERS)
@torch.no_grad()
def test_model_safetensors_wins(other, tmp_path):
    hf_model = llama()
    name = saved(tmp_path, hf_model)
    save_file({"layers.0.attention.wq.weight": torch.ones(2, 2)}, tmp_path / f"{other}.safetensors")
    torch.testing.assert_close(logits_of(name), hf_model(TOKENS).logits)


@pytest.mark.parametrize("other", OTHERS)
@torch.no_grad()
def test_shards_without_an_index_win_too(other, tmp_path):
    hf_model = llama()
    saved(tmp_path, hf_model)
    (tmp_path / "model.safetensors").unlink()
    tensors = {name: tensor.clone() for name, tensor in hf_model.state_dict().items()}
    halves = list(tensors.items())[:7], list(tensors.items())[7:]
    for number, half in enumerate(halves, start=1):
        save_file(dict(half), tmp_path / f"model-0000{number}-of-00002.safetensors")
    save_file({"x": torch.ones(2)}, tmp_path / f"{other}.safetensors")
    torch.testing.assert_close(logits_of(str(tmp_path)), hf_model(TOKENS).logits)


def test_which_files_are_the_model():
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert model_files([*shards, "consolidated.safetensors"]) == shards
    assert model_files(["a.safetensors", "consolidated.safetensors"]) == ["a.safetensors"]
    assert model_files(["consolidated.safetensors"]) == ["consolidated.safetensors"]
    assert model_files(["adapter_model.safetensors", "original/model.safetensors"]) == []


def test_a_tensor_of_two_files_is_ambiguous(tmp_path):
    saved(tmp_path, llama())
    shutil.move(tmp_path / "model.safetensors", tmp_path / "one.safetensors")
    shutil.copy(tmp_path / "one.safetensors", tmp_path / "two.safetensors")
    with pytest.raises(ModelError, match=r"one\.safetensors and two\.safetensors") as caught:
        from_pretrained(str(tmp_path), device="cpu")
    assert is_one_sentence(str(caught.value))


PREFIXES = ("_orig_mod.", "module.", "base_model.model.", "module._orig_mod.", "_orig_mod.module.")


@pytest.mark.parametrize("prefix", PREFIXES)
@torch.no_grad()
def test_what_training_puts_in_front_of_names_is_left_out(prefix, tmp_path):
    hf_model = llama()
    name = saved(
        tmp_path, hf_model, lambda tensors: {prefix + key: x for key, x in tensors.items()}
    )
    torch.testing.assert_close(logits_of(name), hf_model(TOKENS).logits)


@torch.no_grad()
def test_layers_that_were_compiled_each_open(tmp_path):
    hf_model = llama()

    def change(tensors):
        return {key.replace("layers.0.", "layers.0._orig_mod."): x for key, x in tensors.items()}

    torch.testing.assert_close(
        logits_of(saved(tmp_path, hf_model, change)), hf_model(TOKENS).logits
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
@torch.no_grad()
def test_a_compiled_model_in_memory_opens():
    hf_model = llama()
    opened = from_pretrained(hf_model=torch.compile(hf_model), device="cpu", fold_ln=False)
    expected = hf_model(TOKENS).logits.log_softmax(-1)
    torch.testing.assert_close(opened(TOKENS).log_softmax(-1), expected)


LORA = {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": torch.ones(2, 16)}


@pytest.mark.parametrize("has_config", [False, True])
def test_an_adapter_alone_is_no_model(has_config, tmp_path):
    if has_config:
        llama().config.save_pretrained(tmp_path)
    save_file(LORA, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    for place in (tmp_path, tmp_path / "adapter_model.safetensors"):
        with pytest.raises(ModelError, match=r"adapter.*merge") as caught:
            from_pretrained(str(place), device="cpu")
        assert is_one_sentence(str(caught.value))


def test_weights_that_were_not_merged_are_an_adapters(tmp_path):
    name = saved(tmp_path, llama(), lambda tensors: tensors | LORA)
    with pytest.raises(ModelError, match="merge_and_unload"):
        from_pretrained(name, device="cpu")


def test_the_hub_fetches_no_second_copy_and_no_adapter():
    both = ["config.json", "consolidated.safetensors", "model.safetensors", "params.json"]
    assert "consolidated.safetensors" not in list(hub.needed("owner/name", both))
    with pytest.raises(ModelError, match="owner/name holds an adapter"):
        list(hub.needed("owner/name", ["adapter_config.json", "adapter_model.safetensors"]))
