from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QInputDialog

from lensgui import __main__ as command_line
from lensgui.app import start
from lensgui.app.runtime import Collector, Faults
from lensgui.command_line.environment import prepare
from lensgui.models import known_models
from lensgui.prompts.pair import PromptPair
from lensgui.state.examples import TOY, examples, find
from lensgui.state.views import AttentionView
from lensgui.terms.model_key import DEFAULT_MODEL, ModelKey

ROOT = Path(__file__).parents[2]
WITHOUT_TORCH = """
import importlib, pkgutil, sys
import lensgui.app, lensgui.jobs, lensgui.panes, lensgui.state
for package in (lensgui.jobs, lensgui.state, lensgui.panes, lensgui.app):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.startswith("lensgui.jobs.handlers."):
            importlib.import_module(module.name)
importlib.import_module("lensgui.__main__")
assert not {"torch", "transformers"} & sys.modules.keys(), "torch was imported"
"""
WITHOUT_NETWORK = """
import socket, sys

def refuse(*arguments, **named):
    raise AssertionError(f"something wants the network: {arguments}")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = refuse
from lensgui.__main__ import main
sys.exit(main(["--smoke-test"]))
"""


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    inherited = {name: text for name, text in os.environ.items() if name not in hidden}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_nothing_on_the_windows_side_imports_torch():
    done = run("-c", WITHOUT_TORCH)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display")
def test_without_a_display_there_is_one_sentence():
    done = run("-m", "lensgui")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "xvfb-run -a lensgui" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display")
@pytest.mark.parametrize("words", [(), ("--smoke-test",)])
def test_a_display_that_lets_nobody_in_is_one_sentence(words):
    done = run("-m", "lensgui", *words, DISPLAY=":987")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The display :987 can't be opened: ")
    assert done.stderr.count("\n") == 1


def test_the_smoke_test_passes_without_a_display(tmp_path):
    done = run("-m", "lensgui", "--smoke-test", LENSGUI_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Smoke test passed" in done.stdout


def test_a_home_that_cannot_be_written_stops_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = run("-m", "lensgui", "--smoke-test", LENSGUI_HOME=str(blocked / "home"))
    assert done.returncode == 0, done.stderr


def test_nothing_goes_over_the_network(tmp_path):
    done = run("-c", WITHOUT_NETWORK, LENSGUI_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Smoke test passed" in done.stdout


def test_no_folder_is_left_where_temporary_files_lie(tmp_path):
    code = (
        "import sys; from lensgui.command_line.environment import prepare; prepare(None); "
        "import torch._dynamo"
    )
    done = run("-c", code, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "is_hub"),
    [
        (None, False),
        ("toy", False),
        ("/a/folder", False),
        ("./a/folder", False),
        ("lensgui/app", False),
        ("openai-community/gpt2", True),
    ],
)
def test_only_a_hub_name_may_use_the_network(model, is_hub, monkeypatch):
    monkeypatch.chdir(ROOT)
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    prepare(model)
    assert ("HF_HUB_OFFLINE" not in os.environ) == is_hub
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == os.environ["DO_NOT_TRACK"] == "1"


def test_asking_for_a_hub_model_in_the_window_allows_the_network(parts, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    constants = types.ModuleType("huggingface_hub.constants")
    constants.HF_HUB_OFFLINE = True
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", constants)
    monkeypatch.setattr(QInputDialog, "getText", lambda *arguments: (" some/model ", True))
    fetched = []
    monkeypatch.setattr(parts.fetching.download, "start", fetched.append)
    parts.window.model_bar.open_hub()
    assert os.environ["HF_HUB_OFFLINE"] == "0"
    assert constants.HF_HUB_OFFLINE is False
    assert fetched == ["some/model"]


def test_pickled_weights_are_imported_only_when_the_user_asks_to(parts, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked, commands = [], []
    monkeypatch.setattr(
        QInputDialog, "getText", lambda *words: asked.append(words[2]) or ("solu-1l", True)
    )
    process = parts.fetching.download._process
    monkeypatch.setattr(process, "start", lambda program, words: commands.append(words))
    parts.window.model_bar.import_hub()
    (words,) = commands
    assert words[-4:] == ["models", "import", "solu-1l", "--json"]
    assert "a limited process reads their tensors" in asked[0]
    assert os.environ["HF_HUB_OFFLINE"] == "0"


def test_what_was_imported_is_in_the_menu(parts, monkeypatch):
    menu, bar = parts.window.model_bar.model.menu(), parts.window.model_bar
    bar._fill_imported()
    imported = next(action for action in menu.actions() if action.text() == "Imported")
    assert not imported.isVisible()
    name = "NeelNanda/SoLU_1L512W_C4_Code"
    folder = known_models.import_folder(name)
    folder.mkdir(parents=True)
    known_models.note(folder, title=name, source=name)
    menu.aboutToShow.emit()
    assert imported.isVisible()
    (action,) = imported.menu().actions()
    action.trigger()
    assert parts.window.session.document.model == ModelKey(name)


def test_a_folder_is_opened_by_its_path(parts, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: "/a/folder")
    parts.window.model_bar.open_folder()
    assert parts.window.session.document.model == ModelKey("/a/folder")


def test_a_model_that_is_not_here_is_fetched_and_one_that_is_here_opened(
    parts, demo_here, monkeypatch
):
    fetched = []
    monkeypatch.setattr(parts.fetching.download, "start", fetched.append)
    demo, toy = parts.window.model_bar.model.menu().actions()[:2]
    demo_here(False)
    demo.trigger()
    assert fetched == [DEFAULT_MODEL]
    demo_here(True)
    toy.trigger()
    assert parts.window.session.document.model == ModelKey("toy")


@pytest.fixture
def demo_here(monkeypatch):
    """Say whether the demo model is on this machine."""

    def say(is_here):
        monkeypatch.setattr(known_models.Entry, "is_here", property(lambda entry: is_here))

    return say


def test_the_demo_model_is_opened_when_it_is_here(demo_here):
    demo_here(True)
    document, cursor, lacking = start.first_view(start.Options())
    assert document == find("ioi").document
    assert (cursor.layer, cursor.head, cursor.position) == (23, 3, 13)
    assert lacking == ""


def test_without_the_demo_model_the_toy_is_opened_and_the_demo_fetched(demo_here):
    demo_here(False)
    document, _, lacking = start.first_view(start.Options())
    assert document == find(TOY).document
    assert lacking == DEFAULT_MODEL


def test_the_smoke_test_fetches_nothing(demo_here):
    demo_here(False)
    document, _, lacking = start.first_view(start.Options(smoke_test=True))
    assert document.model == ModelKey("toy")
    assert lacking == ""


def test_the_command_line_chooses_model_and_prompts():
    options = start.Options("/a/folder", (("clean", "one"), ("answer", " two")))
    document, _, lacking = start.first_view(options)
    assert document.model == ModelKey("/a/folder")
    assert document.pair == PromptPair("one", answer=" two")
    assert lacking == ""


def test_the_command_line_asks_for_safe_mode(monkeypatch):
    options = []
    monkeypatch.setattr(start, "run", lambda asked, _: options.append(asked) or 0)
    assert command_line.main(["--safe-mode"]) == command_line.main([]) == 0
    assert [asked.safe_mode for asked in options] == [True, False]


def test_the_fetched_model_is_opened_unless_the_user_went_on(parts, qtbot, monkeypatch):
    fetches, session = parts.fetching, parts.window.session
    monkeypatch.setattr(fetches.download, "start", lambda name: None)
    fetches.fetch(DEFAULT_MODEL)
    assert "meanwhile" in parts.window.status.sentence.text()
    view = AttentionView("corrupted")
    session.edit(attention=view)  # merely looks at it otherwise
    fetches.download.finished.emit(DEFAULT_MODEL)
    assert session.document == find("ioi").document.having(attention=view)
    fetches.fetch(DEFAULT_MODEL)
    session.edit(clean="Something else")
    fetches.download.finished.emit(DEFAULT_MODEL)
    assert session.document.pair.clean == "Something else"
    assert "open it from the toolbar" in parts.window.status.sentence.text()


def test_a_damaged_app_says_so_in_the_window(answerer, tmp_path, monkeypatch, qapp):
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path))
    monkeypatch.setattr(start, "damage", lambda: "lensgui is damaged (a file is missing): …")
    parts = start.build(start.Options(model="fake"), lambda: answerer)
    try:
        assert "lensgui is damaged" in parts.window.status.sentence.text()
    finally:
        assert start.leave(parts)
        parts.window.deleteLater()


def test_a_hub_model_is_fetched_then_opened_one_at_a_time(parts, monkeypatch):
    fetches, session = parts.fetching, parts.window.session
    started = []
    monkeypatch.setattr(fetches.download, "start", started.append)
    fetches.fetch("owner/name")
    before = session.document
    assert "owner/name is being fetched" in parts.window.status.sentence.text()
    fetches.download.finished.emit("owner/name")
    assert session.document.model.source == "owner/name"
    assert session.document.pair == before.pair
    monkeypatch.setattr(type(fetches.download), "is_running", property(lambda self: True))
    fetches.fetch("owner/other")
    assert started == ["owner/name"]
    assert "stop that first" in parts.window.status.sentence.text()


def test_every_example_is_whole():
    assert len({example.name for example in examples()}) == len(examples()) >= 5
    for example in examples():
        assert example.about
        assert example.document.pair.is_complete
        assert example.document.pair.answer


def test_what_nobody_caught_is_logged_and_told(qapp, qtbot, tmp_path):
    faults = Faults(tmp_path)
    logger = logging.getLogger("lensgui")
    handlers = list(logger.handlers)
    try:
        with qtbot.waitSignal(faults.status_message) as told:
            try:
                find("no such example")
            except KeyError as error:  # as if a slot of the window had let it fall
                sys.excepthook(KeyError, error, error.__traceback__.tb_next)
    finally:
        faults.release()
    assert logger.handlers == handlers[:-1]
    assert "KeyError: 'no such example'" in told.args[0]
    assert str(faults.log_path) in told.args[0]
    assert "Traceback" in faults.log_path.read_text()


def test_a_log_that_cannot_be_written_stops_nothing(qapp, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    faults = Faults(blocked / "folder")
    faults.release()
    assert faults.log_path is None


def test_garbage_is_collected_here_only_and_all_of_it_when_idle(qapp):
    was_enabled = gc.isenabled()
    collections = []
    gc.callbacks.append(
        lambda phase, info: collections.append(info["generation"]) if phase == "start" else None
    )
    busy = [True]
    try:
        collector = Collector(lambda: busy[0])
        assert not gc.isenabled()
        for _ in range(12):
            collector.collect()
        assert set(collections) == {0}
        busy[0] = False
        collector.collect()
        assert collections[-1] == 2
        collector.release()
    finally:
        gc.callbacks.pop()
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def test_desktops_know_the_window_by_the_name_and_icon_of_the_menu_entry(parts, qapp):
    assert qapp.desktopFileName() == "lensgui"
    picture = parts.window.windowIcon().pixmap(64)
    assert (picture.width(), picture.height()) == (64, 64)
    assert picture.toImage().pixelColor(32, 32).alpha() == 255
