from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

from lensgui.__main__ import main
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import Patching
from lensgui.prompts.pair import PromptPair
from lensgui.state.document import Document, Scene
from lensgui.state.examples import TOY, find
from lensgui.state.layout import Area, Layout
from lensgui.state.selection import Cursor
from lensgui.state.sessions import sessions
from lensgui.state.sessions.saved import ModelReference, Saved
from lensgui.terms.model_key import ModelKey

WHEN = datetime(2026, 1, 2, tzinfo=UTC)
EQUAL = ("csv", "npz", "png", "svg", "py", "ipynb", "json")  # formats that are the same each time


@pytest.fixture
def session(tmp_path, qapp):
    """The toy's example as a file."""
    document = find(TOY).document
    path = tmp_path / "toy.lens"
    sessions.write(path, Saved(document, ModelReference(TOY), WHEN, Cursor(1, 2, 10, 4)))
    return path


@pytest.fixture(autouse=True)
def _platform(monkeypatch):
    """Let the command set what it sets for itself alone."""
    for name in ("QT_QPA_PLATFORM", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


def run(session: Path, folder: Path, *more: str) -> int:
    return main(["run", str(session), "--export", str(folder), *more])


def test_a_session_is_exported_twice_the_same(session, tmp_path, capsys):
    folders = [tmp_path / "one", tmp_path / "two"]
    everything = "png,svg,pdf,csv,npz,py,ipynb"
    for folder in folders:
        assert run(session, folder, "--format", everything, "--threads", "1") == 0
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == sorted(path.name for path in folders[1].iterdir())
    assert {"activation-patching.png", "toy.ipynb", "run.json", "all-kinds-at-once.csv"} <= set(
        names
    )
    for name in names:
        one, two = ((folder / name).read_bytes() for folder in folders)
        if name.endswith(EQUAL):
            assert one == two, name
        if name.endswith("png"):
            assert QImage.fromData(one) == QImage.fromData(two)
    facts = json.loads((folders[0] / "run.json").read_text())
    assert facts["threads"] == 1
    assert facts["memory_mib"] == 1024
    assert facts["model"] == TOY
    assert {each["file"] for each in facts["pictures"]} == set(names) - {"run.json"}
    assert "files in" in capsys.readouterr().out


def test_the_numbers_are_those_of_the_answerer(session, tmp_path):
    assert run(session, tmp_path / "out", "--format", "csv") == 0
    with (tmp_path / "out" / "activation-patching.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    document = find(TOY).document
    *_, sweep = filter(None, Dispatcher(threads=1).answer(Patching(document.model, document.pair)))
    found = np.array([float(row["value"] or "nan") for row in rows]).reshape(sweep.shown.shape)
    np.testing.assert_allclose(found, sweep.shown, atol=1e-5)


def test_a_folder_of_an_earlier_run_is_used_again_and_one_of_others_is_not(
    session, tmp_path, capsys
):
    folder = tmp_path / "out"
    for _ in range(2):
        assert run(session, folder, "--format", "csv") == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    assert run(session, tmp_path / "mine") == 1
    assert "holds other files: choose an empty folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def said(capsys) -> str:
    """Return the one sentence on the standard error."""
    *_, last = capsys.readouterr().err.strip().splitlines()
    assert last.endswith(".")
    return last


def test_what_can_not_be_done_is_one_sentence(session, tmp_path, capsys):
    assert run(tmp_path / "none.lens", tmp_path / "out") == 1
    assert said(capsys).startswith("none.lens is not there")
    (tmp_path / "bad.lens").write_bytes(b"no session")
    assert run(tmp_path / "bad.lens", tmp_path / "out") == 1
    assert "bad.lens" in said(capsys)
    (tmp_path / "a file").write_text("")
    assert run(session, tmp_path / "a file") == 1
    assert "can't be written to" in said(capsys)
    elsewhere = Document(ModelKey("somebody/theirs"), PromptPair("a b"))
    path = tmp_path / "absent.lens"
    sessions.write(path, Saved(elsewhere, ModelReference("somebody/theirs", "f" * 64), WHEN))
    assert run(path, tmp_path / "new") == 1
    assert "somebody/theirs is not known on this machine: get it with" in said(capsys)
    nothing = Document(ModelKey(TOY), PromptPair(""))
    sessions.write(path, Saved(nothing, ModelReference(TOY), WHEN))
    assert run(path, tmp_path / "new") == 1
    assert said(capsys) == "absent.lens has no picture to export: it has no prompts to show."
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "gif"], "there is no format “gif”; there are png, svg"),
        (["--threads", "0"], "is no whole number from 1"),
        (["--width", "huge"], "invalid choice: 'huge'"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_a_command_line_that_is_not_understood(words, sentence, session, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        run(session, tmp_path / "out", *words)
    assert ended.value.code == 2
    assert sentence in said(capsys)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_no_half_written_file(session, tmp_path, capsys, monkeypatch):
    from lensgui.models import store

    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(store.os, "fsync", full)
    assert run(session, tmp_path / "out", "--format", "csv") == 1
    assert "was not written (no space left" in said(capsys)
    assert not list((tmp_path / "out").iterdir())


def test_lines_of_json_say_how_far_it_is(session, tmp_path, capsys):
    assert run(session, tmp_path / "out", "--format", "csv", "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0] == {"event": "computing", "pane": "Prompt"}
    assert events[-1]["event"] == "done"
    assert run(session, tmp_path / "out", "--format", "csv", "--json") == 0


def test_pairs_are_averaged_over_as_in_the_window(tmp_path, qapp):
    from tests.panes.copying import averaging

    document = averaging(2)
    path = tmp_path / "mean.lens"
    sessions.write(path, Saved(replace(document), ModelReference(TOY), WHEN, Cursor(1, 2)))
    assert run(path, tmp_path / "out", "--format", "csv") == 0
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    assert "prompt-pairs.csv" in {each["file"] for each in facts["pictures"]}


def test_scenes_are_exported_as_deck_page_and_pictures(session, tmp_path, capsys):
    saved = sessions.read(session)
    layout = Layout((Area(("Attention",), "Attention", 0.0, 0.0, 1.0, 1.0),))
    scenes = tuple(
        Scene.of(name, saved.document, Cursor(1, 2, 10, 4), layout) for name in ("one", "two")
    )
    document = replace(saved.document, scenes=scenes)
    sessions.write(session, replace(saved, document=document))
    folder = tmp_path / "talk"
    assert run(session, folder, "--scenes") == 0
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("scenes.pdf", "scenes.html", "scenes-01.png", "scenes-02.png", "run.json"),
    }
    assert (folder / "scenes.html").read_text().count("<section") == 2
    sessions.write(session, saved)
    assert run(session, tmp_path / "none", "--scenes") != 0
    assert "no scenes" in capsys.readouterr().err
