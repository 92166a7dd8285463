"""Pickled weights become safetensors in a process of their own; all else in them is refused."""

from __future__ import annotations

import io
import os
import pickle
import zipfile

import pytest
import torch

from lensgui.checkpoints.files import pickles
from lensgui.checkpoints.loading import open_model
from lensgui.terms.errors import ModelError
from tests.checkpoints.tiny_models import prompts, tiny
from tests.command_line.in_process import lensgui


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.fixture
def folder(tmp_path):
    tiny("llama", torch.float32).config.save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def weights():
    return tiny("llama", torch.float32).state_dict()


@torch.no_grad()
def test_pickled_weights_open_once_they_are_imported(folder, weights):
    torch.save({"state_dict": weights, "step": 7}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="lensgui models import"):
        open_model(str(folder), folded=False)
    made = pickles.import_weights(folder)
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".json") == [
        "model.safetensors",
        "pytorch_model.bin",
    ]
    assert made.stat().st_mode & 0o777 == 0o644
    theirs = tiny("llama", torch.float32)(prompts()).logits
    ours = open_model(str(folder), folded=False)(prompts())
    assert float((ours - theirs).abs().max()) < 1e-4
    with pytest.raises(ModelError, match="is here already"):
        pickles.import_weights(folder)


def test_code_in_a_pickle_never_runs(folder, weights, tmp_path_factory, capsys):
    mark = tmp_path_factory.mktemp("ran") / "mark"
    path = folder / "pytorch_model.bin"
    path.write_bytes(pickle.dumps(Bomb(f"touch {mark}")))
    with pytest.raises(ModelError, match="no plain file of tensors"):
        pickles.tensors_of(path)
    torch.save({**weights, "x": Bomb(f"touch {mark}")}, path)
    assert lensgui("import", str(folder)) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "no plain file of tensors" in said[0]
    assert not mark.exists()
    assert {file.suffix for file in folder.iterdir()} == {".json", ".bin"}


def test_files_that_are_no_weights_get_a_sentence(folder, weights):
    path = folder / "weights.pth"
    with pytest.raises(ModelError, match="no pickled weights"):
        pickles.import_weights(folder)
    whole, empty = io.BytesIO(), io.BytesIO()
    torch.save(weights, whole)
    zipfile.ZipFile(empty, "w").close()
    for content in (b"", b"abc", whole.getvalue()[:-1000], empty.getvalue()):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="no plain file of tensors"):
            pickles.tensors_of(path)
    for odd in ([1, 2], {"a": 1}, {1: torch.ones(2)}, {"a": torch.eye(2).to_sparse()}):
        torch.save(odd, path)
        with pytest.raises(ModelError, match="other things than dense tensors"):
            pickles.tensors_of(path)


def test_two_files_of_the_same_tensors_are_not_mixed(folder, weights):
    for name in ("a.bin", "b.bin"):
        torch.save(weights, folder / name)
    with pytest.raises(ModelError, match="another file"):
        pickles.import_weights(folder)


def test_what_lies_beside_a_models_own_pickle_is_left_alone(folder, weights):
    for name in ("et_model_state_dict.pt", "model_final.pth", "training_args.bin"):
        torch.save(weights if name.endswith(".pth") else {"a": 1}, folder / name)
    assert [path.name for path in pickles.pickles_in(folder)] == ["model_final.pth"]
    (folder / "model_final.pth").unlink()
    assert [path.suffix for path in pickles.pickles_in(folder)] == [".pt", ".bin"]
