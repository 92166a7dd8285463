"""Which models are here, and how one is taken off the disk: whole or not at all."""

from __future__ import annotations

import importlib.util
import json
import os
import runpy
from pathlib import Path

import pytest
from filelock import FileLock

from lensgui.checkpoints import verify
from lensgui.checkpoints.verify import Verification
from lensgui.models import known_models, library, recognised, store
from lensgui.terms.errors import ModelError
from tests.command_line.in_process import lensgui

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def cache(tmp_path):
    """The hub's cache, empty."""
    return tmp_path / "hub"


def make(folder: Path, **card: object) -> Path:
    """A model's folder of 3,000 bytes of weights."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(3000))
    (folder / "config.json").write_text("{}")
    if card:
        known_models.note(folder, **card)
    return folder


@pytest.fixture
def imported(home):
    return make(home / "models" / "owner--small", title="owner/small", source="owner/small")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HF_HOME": "~/hf"},
        {"HF_HOME": "/hf", "HF_HUB_CACHE": "/elsewhere/hub"},
        {"XDG_CACHE_HOME": "/caches"},
    ],
)
def test_the_hubs_cache_is_where_its_own_library_has_it(variables, monkeypatch):
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    path = importlib.util.find_spec("huggingface_hub").submodule_search_locations[0]
    constants = runpy.run_path(f"{path}/constants.py", {}, "huggingface_hub.constants")
    assert library.hub_cache() == Path(constants["HF_HUB_CACHE"])


def by_kind() -> dict[str, library.Listed]:
    return {model.kind: model for model in library.here()}


def test_each_kind_of_model_is_listed_by_what_opens_it(home, cache, imported, tmp_path):
    gguf = tmp_path / "big.gguf"
    gguf.write_bytes(b"GGUF")
    make(home / "models" / "big-12", title="big, from GGUF", source=str(gguf), format=3)
    commit = make(cache / "models--openai-community--gpt2" / "snapshots" / "c0")
    (commit.parents[1] / "refs").mkdir()
    (commit.parents[1] / "refs" / "main").write_text("c0")
    mine = make(tmp_path / "mine")
    recognised.remember("f" * 64, str(mine))
    recognised.remember("e" * 64, "GPT2-small")
    found = by_kind()
    assert {kind: model.source for kind, model in found.items()} == {
        "known": known_models.DEMO.name,
        "built in": "toy",
        "imported": "owner/small",
        "converted": str(gguf),
        "hub": "openai-community/gpt2",
        "folder": str(mine),
    }
    assert not found["known"].is_here
    assert found["hub"].size == found["folder"].size == 3002
    assert found["imported"].size > 3002
    assert found["hub"].used == recognised.uses()["openai-community/gpt2"]  # by an alias of it
    assert found["imported"].used is None
    gguf.unlink()
    assert by_kind()["converted"].source == str(home / "models" / "big-12")  # opens without it


def test_a_verified_figure_is_of_the_number_format_that_is_asked_for(imported):
    store.write_verification(imported, 1e-5, "bfloat16")
    assert by_kind()["imported"].verified is None
    (found,) = [each for each in library.here("bfloat16") if each.kind == "imported"]
    assert found.verified == 1e-5


def test_when_a_model_was_opened_is_noted_and_a_home_that_is_none_notes_nothing(monkeypatch, home):
    recognised.note_use("toy")
    assert by_kind()["built in"].used == pytest.approx(
        os.stat(home / recognised.USES).st_mtime, abs=5
    )
    (home / recognised.USES).write_text('{"toy": "x", "a": 5}')
    assert recognised.uses() == {"a": 5.0}
    monkeypatch.setenv(store.HOME_VARIABLE, str(home / recognised.USES / "no"))
    recognised.note_use("toy")
    assert recognised.uses() == {}


def test_what_is_deleted_is_gone_whole_and_frees_its_bytes(home, imported):
    model = by_kind()["imported"]
    assert library.delete(model) == model.size
    assert [path.name for path in (home / "models").iterdir()] == [".lock"]
    with pytest.raises(ModelError, match="not there any more"):
        library.delete(model)


@pytest.mark.parametrize("kind", ["built in", "known", "hub", "folder"])
def test_what_is_not_lensguis_own_is_never_deleted(kind, cache, tmp_path):
    place = make(tmp_path / "mine")
    model = library.Listed("mine", kind, "Mine", "MIT", place, is_here=kind != "known")
    with pytest.raises(ModelError):
        library.delete(model)
    assert (place / "model.safetensors").is_file()


def test_a_folder_outside_of_lensguis_own_is_never_deleted(home, tmp_path):
    place = make(tmp_path / "mine")
    (home / "models").mkdir(parents=True)
    (home / "models" / "link").symlink_to(place)
    for where in (place, home / "models" / "link", home / "models" / ".." / ".." / "mine"):
        with pytest.raises(ModelError, match="not deleted"):
            library.delete(library.Listed("mine", "imported", "Mine", "MIT", where))
    assert (place / "model.safetensors").is_file()


def test_while_another_process_makes_a_model_nothing_is_deleted(home, imported):
    with FileLock(home / "models" / ".lock"), pytest.raises(ModelError, match="Another process"):
        library.delete(by_kind()["imported"])
    assert (imported / "model.safetensors").is_file()


def test_a_model_that_cannot_be_renamed_stays_whole(imported, monkeypatch):
    def refuse(path, target):
        raise PermissionError(13, "Permission denied")

    model = by_kind()["imported"]
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ModelError, match=r"could not be deleted \(Permission denied\): close"):
        library.delete(model)
    assert (imported / "model.safetensors").is_file()


def test_what_could_not_be_removed_is_no_model_and_is_removed_by_the_next(
    home, imported, monkeypatch
):
    model = by_kind()["imported"]
    with monkeypatch.context() as patched:
        patched.setattr(library.shutil, "rmtree", lambda path, **_: None)
        library.delete(model)
    assert "imported" not in by_kind()
    with store.alone(), store.working_folder():
        pass
    assert [path.name for path in (home / "models").iterdir()] == [".lock"]


def test_the_command_deletes_once_somebody_says_yes(imported, capsys):
    assert lensgui("delete", "owner/small") == 1
    assert "add --yes" in capsys.readouterr().err
    assert lensgui("delete", "owner/small", "--yes", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["event"], said["name"]) == ("deleted", "owner/small")
    assert said["freed"] > 3000
    assert not imported.exists()
    assert lensgui("delete", "owner/small", "--yes") == 1
    assert capsys.readouterr().err.startswith("There is no model “owner/small” here")
    assert lensgui("delete", "toy", "--yes") == 1
    assert "travels with lensgui" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "is_kept"), [("y", False), ("", True), ("no", True)])
def test_on_a_terminal_it_asks(imported, capsys, monkeypatch, answer, is_kept):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert lensgui("delete", "owner/small") == 0
    assert imported.exists() == is_kept
    assert "kB in" in capsys.readouterr().out


def test_the_list_says_sizes_and_the_last_use(imported, capsys):
    recognised.note_use("owner/small")
    assert lensgui("list") == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith("owner/small")]
    assert "imported; here, 3 kB; not verified; opened last on 20" in line


def test_what_the_toy_needs_is_nothing_but_memory(capsys):
    assert lensgui("info", "toy") == 0
    said = capsys.readouterr().out
    assert "to download  nothing" in said
    assert "MB in float32" in said
    assert lensgui("info", "./nothing") == 1
    assert "There is no folder or file nothing." in capsys.readouterr().err
    assert lensgui("info", known_models.DEMO.name, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["download"], found["is_here"]) == (known_models.DEMO.download, False)
    assert found["disk"] == 4 * found["parameters"] == 4 * 134_515_008


@pytest.mark.parametrize(("figure", "code"), [(1e-5, 0), (0.5, 1)])
def test_a_check_says_its_figures_as_json_and_fails_where_they_are_large(
    capsys, monkeypatch, figure, code
):
    monkeypatch.setattr(verify, "verify", lambda *_, **__: Verification(figure, 1e-6, 1e-6))
    assert lensgui("check", "toy", "--json") == code
    said, *error = map(json.loads, capsys.readouterr().out.splitlines())
    assert (said["event"], said["logits"], said["dtype"]) == ("checked", figure, "float32")
    assert ["don't trust" in one["message"] for one in error] == [True] * code
