"""`models get` makes a damaged model again, whatever of it is damaged."""

from __future__ import annotations

import stat

import gguf
import pytest

from lensgui.checkpoints import demo
from lensgui.checkpoints.files import gguf_files
from lensgui.checkpoints.locate import locate
from lensgui.models import known_models, store
from tests.checkpoints.gguf_files import save_llama, written
from tests.models.test_library import NAME, wheel  # noqa: F401 (a fixture)


def convert(source, folder):
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        (folder / name).write_bytes(name.encode() * 100)
    yield 3


def one_byte(path):
    raw = path.read_bytes()
    path.write_bytes(raw[:50] + bytes([raw[50] ^ 1]) + raw[51:])


DAMAGES = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "one byte": one_byte,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_made_again(name, damage, wheel, monkeypatch):  # noqa: F811
    monkeypatch.setattr(gguf_files, "convert_gguf", convert)
    folder = demo.get(NAME)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    DAMAGES[damage](folder / name)
    assert demo.get(NAME) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    monkeypatch.setattr(demo, "pip_command", lambda folder: ["false"])
    assert demo.get(NAME) == folder


@pytest.mark.parametrize("damage", [kind for kind in DAMAGES if kind != "one byte"])
def test_a_damaged_conversion_is_made_again_as_it_is_opened(damage, tmp_path, monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "home"))
    path, _ = written(save_llama(tmp_path / "tiny"), gguf.GGMLQuantizationType.F32)
    folder = locate(str(path))
    whole = (folder / "model.safetensors").read_bytes()
    DAMAGES[damage](folder / "model.safetensors")
    assert locate(str(path)) == folder
    assert (folder / "model.safetensors").read_bytes() == whole


def test_every_file_of_a_conversion_has_the_mode_of_the_others(tmp_path, monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "home"))
    path, _ = written(save_llama(tmp_path / "tiny"))
    modes = {stat.S_IMODE(file.stat().st_mode) for file in locate(str(path)).iterdir()}
    (tmp_path / "new").touch()
    assert modes == {stat.S_IMODE((tmp_path / "new").stat().st_mode)}


def test_the_card_says_what_it_said(wheel):  # noqa: F811
    card = known_models.read_card(demo.get(NAME))
    assert {"name", "title", "licence", "source", "sha256", "format", "files"} == set(card)
