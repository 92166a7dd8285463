"""A single file opens as the model that it is: safetensors beside its config, or GGUF alone."""

from __future__ import annotations

import json
import shutil

import gguf
import pytest
import torch
from safetensors.torch import load_file, save_file

from lensgui.checkpoints.files import gguf_files
from lensgui.checkpoints.loading import open_model
from lensgui.checkpoints.locate import locate
from lensgui.models import known_models, store
from lensgui.terms.errors import ModelError
from tests.checkpoints.gguf_files import written
from tests.checkpoints.tiny_models import prompts

pytestmark = pytest.mark.usefixtures("home")


@torch.no_grad()
@pytest.mark.parametrize("kind", ["F32", "Q8_0"])
def test_a_gguf_file_opens_dequantised(folder, home, kind):
    path, kept = written(folder, gguf.GGMLQuantizationType[kind])
    original = load_file(folder / "model.safetensors")
    assert kind == "F32" or any(not torch.equal(kept[name], original[name]) for name in kept)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    expected = open_model(str(folder), device="cpu")(prompts())
    model = open_model(str(path), device="cpu")
    torch.testing.assert_close(model(prompts()), expected, rtol=0, atol=1e-5)
    assert model.to_str_tokens("ABBA", prepend_bos=False) == ["AB", "B", "A"]
    (converted,) = [place for place in (home / "models").iterdir() if place.is_dir()]
    assert known_models.read_card(converted)["title"] == f"tiny-{kind}, dequantised from GGUF"


@torch.no_grad()
def test_it_is_converted_once_and_found_from_its_folder(folder, tmp_path, monkeypatch):
    path, _ = written(folder)
    alone = tmp_path / "alone"
    alone.mkdir()
    moved = path.rename(alone / path.name)
    steps = []
    place = locate(str(alone), report=lambda progress: steps.append(progress.done))
    assert steps == [0, 1, 2, 3]
    monkeypatch.setattr(gguf_files, "convert_gguf", None)
    assert locate(str(moved)) == place
    shutil.copy(moved, alone / "other.gguf")
    with pytest.raises(ModelError, match="holds several GGUF files"):
        locate(str(alone))


def test_what_is_no_gguf_leaves_nothing(tmp_path, home):
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + b"\0" * 90)
    with pytest.raises(ModelError, match=r"bad\.gguf can't be read as a GGUF model"):
        locate(str(tmp_path / "bad.gguf"))
    (tmp_path / "big-00001-of-00003.gguf").touch()
    with pytest.raises(ModelError, match="one of 3 parts"):
        locate(str(tmp_path / "big-00001-of-00003.gguf"))
    assert [path.name for path in (home / "models").iterdir()] == [".lock"]


@pytest.mark.parametrize(("room", "free"), [("memory", 1), ("disk", 1 << 50)])
def test_a_gguf_file_too_large_for_this_machine_is_refused(folder, monkeypatch, room, free):
    path, _ = written(folder)
    usage = shutil.disk_usage(folder)._replace(free=1)
    monkeypatch.setattr("lensgui.checkpoints.devices.free_bytes", lambda device: free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ModelError, match=f"of {room} are free"):
        locate(str(path))


@torch.no_grad()
def test_a_single_safetensors_file_is_that_files_model(folder):
    tensors = load_file(folder / "model.safetensors")
    other = {name: 2 * tensor for name, tensor in tensors.items()}
    save_file(other, folder / "other.safetensors")
    one = open_model(str(folder / "model.safetensors"), device="cpu")
    two = open_model(str(folder / "other.safetensors"), device="cpu")
    assert torch.equal(2 * one.W_E, two.W_E)
    assert store.fingerprint(folder / "model.safetensors") != store.fingerprint(
        folder / "other.safetensors"
    )


@torch.no_grad()
def test_one_shard_stands_for_all(folder, tmp_path):
    tensors = load_file(folder / "model.safetensors")
    shards = tmp_path / "shards"
    shards.mkdir()
    shutil.copy(folder / "config.json", shards)
    index = {name: f"part-{place % 2}.safetensors" for place, name in enumerate(tensors)}
    for shard in set(index.values()):
        part = {name: tensors[name] for name in tensors if index[name] == shard}
        save_file(part, shards / shard)
    (shards / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    whole = open_model(str(folder), device="cpu")(prompts())
    assert torch.equal(
        open_model(str(shards / "part-1.safetensors"), device="cpu")(prompts()), whole
    )


def test_a_safetensors_file_alone_and_other_files(tmp_path, folder):
    shutil.copy(folder / "model.safetensors", tmp_path / "alone.safetensors")
    with pytest.raises(ModelError, match=r"has no config\.json"):
        open_model(str(tmp_path / "alone.safetensors"))
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ModelError, match=r"notes\.txt is a file that lensgui doesn't open"):
        open_model(str(tmp_path / "notes.txt"))


def test_a_revision_is_the_hubs_only(folder):
    with pytest.raises(ModelError, match="is not of the hub, so it has no revision"):
        locate(str(folder), revision="v1")
    with pytest.raises(ModelError, match="toy is not of the hub"):
        locate("toy", revision="v1")
