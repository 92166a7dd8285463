"""What folding made of a model is kept: the same numbers again, and never another model's."""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from lensgui.checkpoints.files import tensors
from lensgui.checkpoints.loading import NO_PROCESSING, from_pretrained, open_model
from lensgui.checkpoints.weights import folded as opening
from lensgui.checkpoints.weights.filling import filled
from lensgui.models import folded, library, store
from lensgui.terms.errors import ModelError
from tests.checkpoints.tiny_models import prompts, tiny
from tests.command_line.in_process import lensgui

TIED = "llama (scaled rotary, tied)"
FAMILIES = ["gpt2", "llama", TIED, "mixtral", "gemma2", "deepseek_v2"]


@pytest.fixture(autouse=True)
def kept(home, monkeypatch):
    """Copies of small models are kept too, and small tensors mapped."""
    monkeypatch.setenv(folded.LIMIT, "1")
    monkeypatch.setattr(opening, "LEAST", 0)
    monkeypatch.setattr(opening, "SMALL", 1000)
    monkeypatch.setattr(tensors, "_WORTH_A_VIEW", 1000)


@pytest.fixture
def place(tmp_path) -> Path:
    tiny("llama", torch.float32).save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def opened(place, **settings):
    return from_pretrained(str(place), device="cpu", **settings)


def fresh(place, **settings):
    """The model folded anew, whatever is kept."""
    before = os.environ[folded.LIMIT]
    os.environ[folded.LIMIT] = "0"
    try:
        return opened(place, **settings)
    finally:
        os.environ[folded.LIMIT] = before


def copies() -> list[Path]:
    return [copy.path for copy in folded.copies()]


def assert_same(one, other) -> None:
    assert one.cfg == other.cfg
    named = dict(other.named_parameters())
    assert dict(one.named_parameters()).keys() == named.keys()
    for name, weight in one.named_parameters():
        assert weight.stride() == named[name].stride(), name
        assert torch.equal(weight.view(-1) if weight.ndim < 2 else weight, named[name]), name


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """Which parameters are folded anew: a layer each, and what is of none."""
    found: list[str] = []

    def noted(*arguments, **settings):
        for part in filled(*arguments, **settings):
            found.append(str(part.layer))
            yield part

    monkeypatch.setattr(opening, "filled", noted)
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_kept_is_fresh_bit_for_bit(name, tmp_path, reads):
    tiny(name, torch.float32).save_pretrained(tmp_path, max_shard_size="20KB")
    expected = fresh(tmp_path)
    first, anew = opened(tmp_path), len(reads)
    second = opened(tmp_path)
    assert len(reads) == anew, "it was folded again"
    assert len(copies()) == 1
    assert_same(first, expected)
    assert_same(second, expected)
    assert torch.equal(second(prompts()), first(prompts()))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("name", ["gpt2", TIED])
def test_other_number_formats_are_kept_apart(name, dtype, tmp_path):
    tiny(name, torch.float32).save_pretrained(tmp_path)
    opened(tmp_path)
    for _ in range(2):
        assert_same(opened(tmp_path, dtype=dtype), fresh(tmp_path, dtype=dtype))
    assert len(copies()) == 2


@pytest.mark.parametrize("step", NO_PROCESSING)
@pytest.mark.parametrize("name", ["gpt2", TIED])
def test_other_steps_are_kept_apart(name, step, tmp_path):
    tiny(name, torch.float32).save_pretrained(tmp_path)
    opened(tmp_path)
    steps = {**NO_PROCESSING, step: True}
    for _ in range(2):
        assert_same(opened(tmp_path, **steps), fresh(tmp_path, **steps))


def test_tied_embeddings_are_untied_once_and_for_all(tmp_path):
    tiny(TIED, torch.float32).save_pretrained(tmp_path)
    raw = opened(tmp_path, **NO_PROCESSING)
    for _ in range(2):
        model = opened(tmp_path)
        assert model.W_U.data_ptr() != model.W_E.data_ptr()
        assert not model.cfg.tied_embeddings
        assert torch.equal(model.W_E, raw.W_E)
        difference = model(prompts()).log_softmax(-1) - raw(prompts()).log_softmax(-1)
        assert difference.abs().max() <= 1e-4


def test_changed_weights_are_folded_anew_even_if_their_time_is_set_back(place):
    path = place / "model.safetensors"
    before, old = path.stat(), opened(place)
    weights = load_file(path)
    weights["model.layers.1.mlp.up_proj.weight"][0, 0] += 1  # nowhere near the file's ends
    save_file(weights, path, metadata={"format": "pt"})
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    new = opened(place)
    assert not torch.equal(new.W_in, old.W_in)
    assert_same(new, fresh(place))
    assert len(copies()) == 1, "the old one was not written over"


def test_so_are_those_of_another_config_version_or_format(place, monkeypatch, reads):
    opened(place)
    for change in ("config", "version", "format"):
        anew = len(reads)
        if change == "config":
            config = json.loads((place / "config.json").read_text())
            (place / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 0.5}))
        elif change == "version":
            monkeypatch.setattr(opening, "_versions", lambda: {"lensgui": "another"})
        else:
            monkeypatch.setattr(opening, "FORMAT", -1)
        opened(place)
        assert len(reads) > anew, change


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 255]))


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        lambda path: os.truncate(path, path.stat().st_size - 1),
        lambda path: os.truncate(path, 0),
        lambda path: path.write_bytes(b"\xff" * 100),
        lambda path: path.write_bytes((2**40).to_bytes(8, "little") + b"{}"),
        lambda path: save_file({"nothing": torch.ones(1)}, path),
    ],
)
def test_a_damaged_copy_is_made_anew(place, damage, reads):
    expected = fresh(place)
    opened(place)
    (path,) = copies()
    damage(path)
    anew = len(reads)
    assert_same(opened(place), expected)
    assert len(reads) > anew
    assert_same(opened(place), expected)
    assert len(copies()) == 1


def test_a_copy_of_another_place_is_not_taken(place, tmp_path, reads):
    opened(place)
    (path,) = copies()
    shutil.copytree(place, tmp_path / "other")
    anew = len(reads)
    other = opened(tmp_path / "other")
    assert len(reads) > anew
    (second,) = set(copies()) - {path}
    shutil.copy2(path, second)  # with its time
    assert_same(opened(tmp_path / "other"), other)


def test_a_model_may_be_changed_without_changing_its_copy(place):
    expected = fresh(place)
    for _ in range(2):
        model = opened(place)
        for weight in model.parameters():
            weight.data.mul_(3)
    assert_same(opened(place), expected)


@pytest.mark.parametrize("fault", ["no folder", "disk full", "no room", "in use"])
def test_where_nothing_can_be_kept_the_model_opens_and_the_log_says_so(
    place, home, fault, monkeypatch, caplog
):
    expected = fresh(place)
    if fault == "no folder":
        home.write_text("a file")
    elif fault == "disk full":

        def full(*arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(opening._Copy, "_write", full)
    elif fault == "no room":
        monkeypatch.setattr(
            folded.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 0)
        )
    with caplog.at_level(logging.INFO, "lensgui"):
        if fault == "in use":
            with store.alone(folded.folder()):
                model = opened(place)
        else:
            model = opened(place)
    assert_same(model, expected)
    assert "are not kept" in caplog.text
    assert not copies()
    assert not list(folded.folder().glob(".*.part")) if home.is_dir() else True


def test_what_ends_in_an_error_leaves_nothing(place):
    path = place / "model.safetensors"
    weights = load_file(path)
    save_file(weights | {"model.layers.0.extra": torch.ones(1)}, path)
    with pytest.raises(ModelError, match="does not know"):
        opened(place)
    assert [path.name for path in folded.folder().iterdir()] == [".lock"]


def test_the_first_layers_and_models_in_memory_are_right_and_not_kept(place):
    short = opened(place, first_n_layers=2)
    assert short.cfg.n_layers == 2
    hf_model = tiny("llama", torch.float32)
    in_memory = from_pretrained(hf_model=hf_model, device="cpu")
    assert not copies()
    whole = opened(place)
    assert torch.equal(short.W_Q, whole.W_Q[:2])
    assert torch.equal(in_memory.W_Q, whole.W_Q)
    from_pretrained(str(place), device="cpu", dtype="float64", keep_folded=False)
    open_model(str(place), device="cpu")
    assert len(copies()) == 1


def test_several_that_open_a_model_at_once_get_the_same(place):
    expected, together = fresh(place), threading.Barrier(4)

    def work(number):
        together.wait()
        return opened(place)

    with ThreadPoolExecutor(4) as pool:
        for model in pool.map(work, range(4)):
            assert_same(model, expected)
    assert len(copies()) == 1
    assert_same(opened(place), expected)


def test_copies_used_longest_ago_give_way_and_those_of_models_that_are_gone(tmp_path, monkeypatch):
    places = [tmp_path / name for name in "abc"]
    for each in places:
        tiny("llama", torch.float32).save_pretrained(each)
    for each in places[:2]:
        opened(each)
    size = folded.copies()[0].size
    for copy in folded.copies():
        when = time.time() - (100 if copy.place.endswith("a") else 200)
        os.utime(copy.path.with_suffix(folded.USED), (when, when))
    monkeypatch.setenv(folded.LIMIT, str(2.9 * size / 1e9))
    opened(places[2])
    assert {Path(copy.place).name for copy in folded.copies()} == {"a", "c"}
    shutil.rmtree(places[0])
    opened(places[1])
    assert {Path(copy.place).name for copy in folded.copies()} == {"b", "c"}


def test_deleting_a_model_or_its_folded_weights_frees_their_room(place, capsys):
    own = store.models_folder() / "mine"
    shutil.copytree(place, own)
    (own / "lensgui.json").write_text(json.dumps({"title": "Mine"}))
    for each in (place, own):
        opened(each)
    listed = {model.place: model for model in library.here()}
    assert listed[own].folded == listed[own].size - library.size_of(own) > 0
    assert library.delete(listed[own]) == listed[own].size
    (left,) = folded.copies()
    assert left.place == str(place)
    assert folded.delete(place) == left.size
    assert not folded.copies()
    assert lensgui("delete", "toy", "--folded") == 0
    assert "folded weights of Toy" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["gpt2", "llama", TIED])
def test_while_a_model_is_folded_into_a_copy_one_part_of_it_is_in_memory(
    name, tmp_path, monkeypatch
):
    tiny(name, torch.float32).save_pretrained(tmp_path)
    held = []

    class Watched(opening.Folding):
        def fold(self, layer):
            super().fold(layer)
            parameters = list(self._model.named_parameters())
            held.append({key for key, each in parameters if not each.is_meta} & self.changes)

    monkeypatch.setattr(opening, "Folding", Watched)
    opened(tmp_path)
    assert len(held) == 4
    for layer, names in enumerate(held[1:]):
        assert all(each.startswith(f"blocks.{layer}.") for each in names)


def test_a_limit_that_is_none_keeps_none(place, monkeypatch):
    for said in ("0", "-1", "nan"):
        monkeypatch.setenv(folded.LIMIT, said)
        opened(place)
        assert not copies()
    monkeypatch.setenv(folded.LIMIT, "much")
    assert folded.limit() == folded.USUAL_LIMIT * 1e9
