"""What a model is called on every machine: files, shards and times don't count, numbers do."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from lensgui.checkpoints.content import SAMPLE_BYTES, content_id
from lensgui.models import known_models, recognised, store

INDEX = "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "home"))
    copy = tmp_path / "model"
    shutil.copytree(known_models.TOY.folder, copy)
    return copy


def weights(folder: Path) -> Path:
    return next(folder.glob("*.safetensors"))


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, **changes}))


def rewrite(folder: Path, name: str, change) -> None:
    path = weights(folder)
    tensors = {key: value.clone() for key, value in load_file(path).items()}
    tensors[name] = change(tensors[name])
    save_file(tensors, path)


def largest(folder: Path) -> str:
    tensors = load_file(weights(folder))
    return max(tensors, key=lambda name: tensors[name].nbytes)


def test_a_copy_a_touched_file_and_another_name_are_the_same_model(folder, tmp_path):
    first = content_id(folder)
    os.utime(weights(folder), (1, 1))
    assert content_id(folder) == first
    path = weights(folder)
    path.rename(path.with_name("other.safetensors"))
    (folder / "tokenizer_config.json").write_text("{}")
    assert content_id(folder) == first == content_id(folder / "other.safetensors")
    elsewhere = shutil.copytree(folder, tmp_path / "elsewhere")
    assert content_id(elsewhere) == first


def test_shards_are_the_same_model_as_one_file(folder):
    first = content_id(folder)
    path = weights(folder)
    tensors = load_file(path)
    path.unlink()
    names = sorted(tensors, reverse=True)
    shards = {
        "model-00001-of-00002.safetensors": names[::2],
        "model-00002-of-00002.safetensors": names[1::2],
    }
    for shard, some in shards.items():
        save_file({name: tensors[name] for name in some}, folder / shard)
    index = {name: shard for shard, some in shards.items() for name in some}
    (folder / INDEX).write_text(json.dumps({"weight_map": index}))
    assert content_id(folder) == first


def test_the_order_of_a_config_and_who_wrote_it_do_not_count(folder):
    first = content_id(folder)
    path = folder / "config.json"
    config = dict(reversed(json.loads(path.read_text()).items()))
    path.write_text(
        json.dumps({**config, "transformers_version": "9.9", "_name_or_path": "me"}, indent=8)
    )
    assert content_id(folder) == first


@pytest.mark.parametrize("place", ["first", "last"])
def test_one_value_is_another_model(folder, place):
    first = content_id(folder)

    def change(tensor):
        flat = tensor.reshape(-1)
        flat[0 if place == "first" else -1] += 1
        return flat.reshape(tensor.shape)

    rewrite(folder, largest(folder), change)
    assert content_id(folder) != first


def test_samples_are_spread_over_a_large_tensor(folder):
    rewrite(folder, largest(folder), lambda _: torch.zeros(3 * SAMPLE_BYTES, dtype=torch.float32))
    first, count = content_id(folder), 3 * SAMPLE_BYTES
    for at in (count // 3 + 10, 2 * count // 3):

        def change(tensor, at=at):
            tensor[at] = 1
            return tensor

        rewrite(folder, largest(folder), change)
        assert content_id(folder) != first
        first = content_id(folder)


def test_one_dtype_one_shape_one_name_and_one_field_are_other_models(folder):
    known = {content_id(folder)}
    name = largest(folder)
    rewrite(folder, name, lambda tensor: tensor.to(torch.bfloat16))
    known.add(content_id(folder))
    rewrite(folder, name, lambda tensor: tensor.reshape(-1))
    known.add(content_id(folder))
    change_config(folder, rms_norm_eps=0.5)
    known.add(content_id(folder))
    tensors = load_file(weights(folder))
    tensors["another"] = tensors.pop(name)
    save_file(tensors, weights(folder))
    known.add(content_id(folder))
    assert len(known) == 5


def test_a_home_that_cant_be_written_to_still_gives_an_id(folder, monkeypatch):
    first = content_id(folder)
    (folder / "file").write_text("")
    monkeypatch.setenv(store.HOME_VARIABLE, str(folder / "file"))
    assert content_id(folder) == first


def test_a_model_is_found_by_what_it_is_then_by_its_name(folder, tmp_path):
    recognised.remember("a" * 64, str(folder))
    recognised.remember("b" * 64, "owner/name")
    assert recognised.find("a" * 64, "whatever") == str(folder)
    assert recognised.find("", folder.name) == str(folder)
    assert recognised.find("c" * 64, "owner/name") == "owner/name"
    assert recognised.find("c" * 64, "toy") == "toy"
    assert recognised.find("c" * 64, "unknown") is None
    shutil.rmtree(folder)
    assert recognised.find("a" * 64, "whatever") is None


def test_the_path_that_a_name_spells_is_never_looked_at(folder):
    assert recognised.find("", str(folder)) is None
    assert recognised.find("", "../model") is None


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": 1}', '[["a"], [1, 2], "x"]'])
def test_a_list_that_cant_be_read_remembers_nothing(folder, text):
    (store.home()).mkdir(parents=True, exist_ok=True)
    (store.home() / recognised.FILE).write_text(text)
    assert recognised.read() == ()
    recognised.remember("a" * 64, "owner/name")
    assert [one.source for one in recognised.read()] == ["owner/name"]
