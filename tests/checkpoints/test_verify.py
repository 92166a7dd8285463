"""A model is compared with Hugging Face's in a process of its own, and the figure is kept."""

from __future__ import annotations

import shutil
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from lensgui.checkpoints import compare_hf, devices, verify
from lensgui.models import known_models, store
from lensgui.terms.errors import ModelError
from tests.command_line.in_process import lensgui


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "home"))


def test_checking_once_does_nothing_where_the_figure_is_known(monkeypatch, capsys):
    store.write_verification(known_models.path("toy"), 1e-6)
    monkeypatch.setattr(verify, "own_command", lambda: ["false"])
    assert lensgui("check", "--once", "toy") == 0
    assert capsys.readouterr().out == ""


def test_checking_prints_and_keeps_the_figure(capsys):
    assert lensgui("check", "toy") == 0
    assert "max-abs" in capsys.readouterr().out
    assert 0 < store.read_verification(known_models.path("toy")) < verify.AGREES
    assert store.read_verification(known_models.path("toy"), "bfloat16") is None


def pretend_to_compare(monkeypatch, printed):
    code = f"print({printed!r})"
    monkeypatch.setattr(verify, "own_command", lambda: [sys.executable, "-c", code])


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "0.1"])
@pytest.mark.parametrize("field", ["logits", "folded"])
def test_a_figure_that_is_too_large_is_not_kept(monkeypatch, capsys, figure, field):
    measured = {"logits": "0", "log_probabilities": "0", "folded": "0"} | {field: figure}
    printed = ", ".join(f'"{name}": {number}' for name, number in measured.items())
    pretend_to_compare(monkeypatch, f"{{{printed}}}")
    assert lensgui("check", "toy") == 1
    assert "don't trust" in capsys.readouterr().err
    assert store.read_verification(known_models.path("toy")) is None


def test_a_comparison_that_dies_is_one_sentence(monkeypatch, capsys):
    pretend_to_compare(monkeypatch, "no object")
    assert lensgui("check", "toy") == 1
    assert capsys.readouterr().err == "toy could not be compared (status 0).\n"


def test_a_comparison_that_nobody_asked_for_leaves_memory_free(monkeypatch):
    monkeypatch.setattr(devices, "free_bytes", lambda device: 400_000)
    with pytest.raises(ModelError, match=r"two copies take .* run `lensgui models check` without"):
        compare_hf.compare(known_models.path("toy"), "float32", is_automatic=True)


def test_a_model_without_a_tokenizer_has_no_prompt_to_compare_on(tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(known_models.path("toy") / name, tmp_path)
    with pytest.raises(ModelError, match="no tokenizer"):
        compare_hf.compare(tmp_path, "float32")


def test_weights_under_another_name_are_compared_too(tmp_path):
    toy = known_models.path("toy")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(toy / name, tmp_path)
    shutil.copy(toy / "model.safetensors", tmp_path / "mine.safetensors")
    tensors = load_file(toy / "model.safetensors")
    other = {name: tensor + 0.1 for name, tensor in tensors.items()}
    save_file(other, tmp_path / "model.safetensors")
    measured = compare_hf.compare(tmp_path / "mine.safetensors", "float64")
    assert measured.agrees
    assert measured.logits > 0
    assert torch.isfinite(torch.tensor(measured.folded))
