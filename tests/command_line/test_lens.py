"""`lensgui lens`: a lens is fitted on a text file, goes on where it was stopped, and is listed."""

from __future__ import annotations

import json
import os
import random

import pytest

from lensgui.__main__ import main
from lensgui.analysis.lenses import files
from lensgui.analysis.lenses.fitting import TunedFit
from lensgui.analysis.lenses.held_out import held_out_worth
from lensgui.analysis.lenses.lens import LogitLens, TunedLens, check_lens
from lensgui.command_line import lens as command
from lensgui.command_line.ending import INTERRUPTED
from lensgui.models import lenses
from lensgui.terms.resources import resource

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def text(tmp_path):
    some, words = random.Random(0), resource("models", "toy_words.txt").read_text().split()
    path = tmp_path / "text.txt"
    path.write_text(" " + " ".join(some.choice(words) for _ in range(2000)))
    return path


def fitted(text, out, *words):
    return main(["lens", "fit", str(text), "--model", "toy", "--out", str(out), *words])


@pytest.mark.parametrize("kind", ["tuned", "jacobian"])
def test_a_lens_is_fitted_on_a_text_file(text, tmp_path, toy, kind, capsys):
    out = tmp_path / "lens.safetensors"
    assert fitted(text, out, "--kind", kind, "--length", "30", "--prompts", "8", "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1] == {"event": "done", "path": str(out)}
    *steps, worth, _ = events
    assert [event["done"] for event in steps] == list(range(1, len(steps) + 1))
    assert steps[-1]["seconds_left"] == 0
    lens = files.load_lens(out)
    assert worth["event"] == "worth"
    for of, key in ((lens, "kl"), (LogitLens(), "logit_lens_kl")):
        rows = [row for row in range(toy.cfg.n_layers) if lens.reads(row)]
        *_, found = held_out_worth(toy, of)
        assert worth[key] == pytest.approx(float(found[rows].mean()), rel=1e-4)
    assert check_lens(toy, lens) == ""
    assert "8 prompts" in lens.fit.size
    assert "/" not in lens.fit.model
    assert os.listdir(tmp_path).count("lens.safetensors.part") == 0


def test_a_fit_that_is_stopped_goes_on_by_the_same_command(text, tmp_path, monkeypatch, capsys):
    words = "--length", "30", "--prompts", "24"
    whole, out = tmp_path / "whole.safetensors", tmp_path / "lens.safetensors"
    assert fitted(text, whole, *words) == 0
    step, taken = TunedFit.step, []

    def stopping(self):
        taken.append(self.done)
        if len(taken) == 4:
            raise KeyboardInterrupt
        yield from step(self)

    monkeypatch.setattr(TunedFit, "step", stopping)
    assert fitted(text, out, *words) == INTERRUPTED
    assert "the same command goes on" in capsys.readouterr().err
    assert not out.exists()
    monkeypatch.setattr(command, "KEPT_EVERY", 0)
    assert fitted(text, out, *words) == 0
    assert taken == [0, 1, 2, 3, 3, 4, 5]
    assert out.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "lens.safetensors.part").exists()


def test_another_fit_is_not_gone_on_with(text, tmp_path, monkeypatch, capsys):
    out = tmp_path / "lens.safetensors"
    monkeypatch.setattr(TunedFit, "step", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    assert fitted(text, out, "--length", "30") == INTERRUPTED
    assert fitted(text, out, "--length", "31") == 1
    assert "is of a fit of another text, model or kind" in capsys.readouterr().err
    (tmp_path / "lens.safetensors.part").write_bytes(b"nothing")
    assert fitted(text, out, "--length", "30") == 1
    assert "is damaged: delete it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("write", "words", "says"),
    [
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), (), "is no text in UTF-8"),
        (lambda path: path.write_text(" word word"), (), "and a prompt takes 128"),
        (lambda path: path.unlink(), (), "can't be read"),
        (lambda path: None, ("--length", "17", "--kind", "jacobian"), "Every prompt is too short"),
    ],
)
def test_what_can_not_be_fitted_on_is_said(text, tmp_path, write, words, says, capsys):
    write(text)
    assert fitted(text, tmp_path / "lens.safetensors", *words) == 1
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_a_file_that_is_there_is_not_written_over(text, tmp_path, capsys):
    out = tmp_path / "lens.safetensors"
    out.write_text("mine")
    assert fitted(text, out) == 1
    assert "is here already" in capsys.readouterr().err
    assert fitted(text, tmp_path / "lens.pt") == 1
    assert "has to end in .safetensors" in capsys.readouterr().err
    assert out.read_text() == "mine"


def test_lenses_are_imported_and_listed(tmp_path, capsys):
    import torch

    path = lenses.folder() / "mine.safetensors"
    files.save_lens(TunedLens(torch.zeros(2, 4, 4), torch.zeros(2, 4)), path)
    assert main(["lens", "import", str(path)]) == 0
    assert main(["lens", "list"]) == 0
    assert main(["lens", "list", "--json"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [str(path), f"{path} (tuned lens)"]
    assert json.loads(said[2])["kind"] == "tuned lens"
    assert main(["lens", "import", str(tmp_path / "none.pt")]) == 1
    assert "There is no file" in capsys.readouterr().err


def test_times_are_said_as_people_read_them():
    assert command.in_time(65.4) == "1 min 5 s"
    assert command.in_time(7500) == "2 h 5 min"
