import errno
import json
import os
from pathlib import Path

import pytest

from lensgui.models import store
from lensgui.terms.errors import ModelError


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"0123456789")
    return folder


def test_home_is_what_the_variable_says_and_the_users_cache_without_it(home, monkeypatch):
    assert store.home() == home
    monkeypatch.delenv(store.HOME_VARIABLE)
    assert store.home().name == "lensgui"


def test_a_home_below_the_tilde_and_a_relative_one_are_made_absolute(monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, "~/x")
    assert store.home() == Path.home() / "x"
    monkeypatch.setenv(store.HOME_VARIABLE, "x")
    assert store.home().is_absolute()


def test_a_figure_comes_back_as_it_was_stored(home, weights):
    assert store.read_verification(weights) is None
    store.write_verification(weights, 2.5e-5)
    assert store.read_verification(weights) == 2.5e-5
    assert store.read_verification(weights, "bfloat16") is None


def test_a_figure_does_not_outlive_the_weights_it_was_measured_on(home, weights):
    store.write_verification(weights, 1e-5)
    (weights / "model.safetensors").write_bytes(b"0123456780")
    assert store.read_verification(weights) is None


def test_a_figure_does_not_outlive_the_versions_it_was_measured_with(home, weights, monkeypatch):
    store.write_verification(weights, 1e-5)
    monkeypatch.setattr(store, "version", lambda name: "0")
    assert store.read_verification(weights) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"versions": 1}', "null"])
def test_a_damaged_figure_is_no_figure(home, weights, text):
    store.write_verification(weights, 1e-5)
    (path,) = (home / "verified").iterdir()
    path.write_text(text)
    assert store.read_verification(weights) is None


def test_a_failed_write_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "note.json"
    store.write_text(path, "before")

    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelError, match="full"):
        store.write_text(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "LENSGUI_HOME"), (errno.EACCES, "LENSGUI_HOME"),
     (errno.EIO, "check that folder")],
)  # fmt: skip
def test_a_failed_write_is_one_sentence_that_says_where_and_what_to_do(tmp_path, number, words):
    with pytest.raises(ModelError) as caught, store.writing(tmp_path):
        raise OSError(number, os.strerror(number))
    sentence = str(caught.value)
    assert str(tmp_path) in sentence
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_file_where_the_home_should_be_is_said(tmp_path, monkeypatch, weights):
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "occupied"))
    with pytest.raises(ModelError, match="LENSGUI_HOME"):
        store.write_verification(weights, 1.0)


def test_what_is_stored_is_plain_json(home, weights):
    store.write_verification(weights, 1e-5)
    (path,) = (home / "verified").iterdir()
    assert json.loads(path.read_text())["difference"] == 1e-5
