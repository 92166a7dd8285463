"""The doctor says what is there, what is wrong, and nobody's name."""

from __future__ import annotations

import getpass
import json

import pytest

from lensgui.__main__ import main
from lensgui.command_line import doctor, doctor_files
from lensgui.models import known_models
from lensgui.state import autosave
from lensgui.state.locks import Lock


@pytest.fixture
def report(capsys):
    """Run the doctor; return its exit code and what it says."""

    def run():
        code = main(["doctor", "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_a_sound_machine_is_well(report, monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_MEMORY", 0)
    monkeypatch.setattr(doctor, "LEAST_DISK", 0)
    code, said = report()
    assert said["wrong"] == []
    assert code == 0
    assert {"lensgui", "Python", "torch", "numpy", "system"} <= said["versions"].keys()
    assert said["devices"]["cpu"].endswith("the toy runs")
    assert said["models"]["toy"].endswith("not verified")
    assert said["models"]["smollm2-135m"] == "not here"
    assert said["files"]["recovery"] == said["files"]["half fetched"] == "none"


def test_what_is_wrong_is_said_and_nothing_is_changed(report, home, monkeypatch):
    models = home / "models"
    (models / "a--b").mkdir(parents=True)
    (models / ".get-12").mkdir()
    (models / ".get-12" / "x").write_bytes(bytes(1_500_000))
    (home / "settings.ini").write_text("[General]\nthreads=many\n")
    owned = models / "c--d"
    owned.mkdir()
    (owned / "config.json").write_text("{}")
    known_models.note(owned, title="C", source="c/d")
    (owned / "config.json").write_text("{ }")
    code, said = report()
    assert code == 1
    wrong = "\n".join(said["wrong"])
    assert "a--b is no whole model" in wrong
    assert "The model c/d is broken (config.json): run `lensgui models import c/d`." in wrong
    assert "settings.ini: threads ‘many’" in wrong
    assert said["files"]["half fetched"] == "1 (1.5 MB): .get-12"
    (home / "settings.ini").write_text("no settings")
    assert "settings.ini can't be read" in "\n".join(report()[1]["wrong"])
    assert (home / "settings.ini").read_text() == "no settings"
    assert (models / ".get-12" / "x").exists()


def test_windows_that_run_are_told_from_those_that_crashed(report, home):
    assert (doctor_files.RECOVERY, doctor_files.LAST) == (autosave.FOLDER, autosave.LAST)
    folder = home / autosave.FOLDER
    folder.mkdir(parents=True)
    for name in ("a", "b", "c", autosave.LAST):
        (folder / f"{name}.lens").touch()
    lock = Lock(folder / "a.lock")
    assert lock.take()
    (folder / "b.lock").touch()
    said = report()[1]["files"]["recovery"]
    lock.release()
    assert said.startswith("1 of open windows, 2 of windows that crashed")
    assert (folder / "b.lock").exists()


def test_a_device_that_computes_something_else_is_wrong(monkeypatch):
    monkeypatch.setattr("lensgui.checkpoints.devices.devices", lambda: ("cuda", "mps", "cpu"))
    numbers = {"cpu": [1.0, 2.0], "cuda": [1.0, 2.5]}

    def logits(device):
        if device not in numbers:
            raise RuntimeError("no such device\nand more")
        return numbers[device]

    monkeypatch.setattr(doctor, "_logits", logits)
    monkeypatch.setattr(doctor, "_name", lambda device: "a card")
    findings = doctor_files.Findings()
    doctor.look_at_devices(findings)
    assert findings.sections["devices"]["cuda"] == "a card: logits within 5.0e-01 of the CPU's"
    assert "on cuda differ by 5.0e-01" in findings.wrong[0]
    assert findings.wrong[1] == "The toy does not run on mps: no such device."


def test_nobody_is_named(monkeypatch, capsys, home):
    monkeypatch.setattr(getpass, "getuser", lambda: "alice")
    monkeypatch.setenv("HOME", str(home.parent))
    assert doctor.nameless(f"{home}/x /srv/alice/y palice") == "~/home/x /srv/USER/y palice"
    assert main(["doctor"]) in (0, 1)
    said = capsys.readouterr().out
    assert str(home.parent) not in said
    assert "~/home (not there yet)" in said
    assert "\nwrong\n" in said
