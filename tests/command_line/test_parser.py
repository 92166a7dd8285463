"""What may be typed, what is said of the rest, and what happens before anything is imported."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from lensgui.__main__ import log_to_stderr, main
from lensgui.app import start
from lensgui.command_line import doctor
from lensgui.command_line.parser import COMMANDS, metric_named, parse
from lensgui.terms.metrics import METRICS
from tests.command_line.conftest import sentence

LIGHT = """
import sys
from lensgui.__main__ import main
try:
    main(["--help"])
except SystemExit as ended:
    assert ended.code == 0
heavy = {"torch", "transformers", "numpy", "PySide6", "huggingface_hub"} & sys.modules.keys()
assert not heavy, heavy
import lensgui.command_line.doctor, lensgui.command_line.doctor_files
assert not {"torch", "PySide6"} & sys.modules.keys(), "doctor must run where these are broken"
"""


@pytest.fixture
def options(monkeypatch):
    """What the window is started with."""
    asked = []
    monkeypatch.setattr(start, "run", lambda options, make: asked.append(options) or 0)
    return asked


def refused(*words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_help_and_doctor_import_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_has_examples_and_exit_codes(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: {' '.join(['lensgui', *command])}")
    assert "\nexamples:\n" in said
    assert "130  interrupted" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--metric", "nothing"),
        ("--log-level", "loud"),
        ("--nothing",),
        ("nothing",),
        ("models",),
        ("work.lens", "models", "list"),
        ("models", "get"),
        ("sweep", "pairs.csv", "--kind", "z"),
        ("sweep", "p.csv", "--kind", "z", "--model", "toy", "--out", "o", "--threads", "0"),
        ("sweep", "p.csv", "--kind", "z", "--model", "toy", "--out", "o", "--direction", "up"),
    ],
)
def test_what_is_not_understood_is_one_sentence_and_code_2(words, capsys):
    refused(*words)
    said = capsys.readouterr()
    assert sentence(said.err).startswith("lensgui")
    assert not said.out


def test_a_metric_is_found_by_its_name_and_others_are_listed(options, capsys):
    assert main(["--metric", "KL divergence"]) == main(["--metric", "log_probability"]) == 0
    assert [dict(asked.pair)["metric"] for asked in options] == ["KL divergence", "log-probability"]
    assert start.first_view(options[0])[0].pair.metric == "KL divergence"
    assert all(metric_named(name.replace(" ", "-")) == name for name in METRICS)
    refused("--metric", "nothing")
    said = capsys.readouterr().err
    assert all(name in said for name in METRICS)


def test_a_file_that_comes_first_is_the_session(options, tmp_path):
    path = tmp_path / "work.json"
    path.write_text("{}")
    assert main([str(path), "--model", "toy"]) == 0
    (asked,) = options
    assert asked.request.path == path
    assert asked.model == "toy"
    assert parse(["--clean", "models", "missing.lens"])[1].name == "missing.lens"
    assert parse(["models", "path", "x.lens"])[1] is None


def test_a_model_that_comes_first_is_no_session(tmp_path, capsys):
    file = tmp_path / "model.gguf"
    file.touch()
    for path in (file, tmp_path):
        refused(str(path))
        assert f"`lensgui --model {path}`" in sentence(capsys.readouterr().err)


def test_ctrl_c_while_a_command_is_imported_is_one_sentence(monkeypatch, capsys):
    def interrupt(parsed):
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "run", interrupt)
    assert main(["doctor"]) == 130
    assert sentence(capsys.readouterr().err).startswith("Stopped")


def test_messages_are_shown_from_the_level_that_is_asked_for(capsys):
    root = logging.getLogger("lensgui")
    before, level = list(root.handlers), root.level
    try:
        log_to_stderr("warning")
        logging.getLogger("lensgui.x").info("quiet")
        logging.getLogger("lensgui.x").warning("loud")
        assert root.level == logging.INFO  # for the window's log file
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert capsys.readouterr().err == "WARNING lensgui.x: loud\n"
