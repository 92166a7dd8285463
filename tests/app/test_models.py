"""The dialog of models: what is here, what another one needs, how they are opened."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from lensgui.app.models import words
from lensgui.app.models.another import Another
from lensgui.app.models.dialog import READING, ModelsDialog
from lensgui.jobs.downloads import Fetched
from lensgui.jobs.requests import OpenModel
from lensgui.models import known_models, recognised, speeds
from lensgui.models.speeds import Swept
from lensgui.panes import theme
from lensgui.panes.style import TARGET
from lensgui.terms.model_key import ModelKey
from tests.app.clipping import faults

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
FACTS = {
    "event": "info",
    "name": "gpt2-small",
    "source": "openai-community/gpt2",
    "licence": "mit",
    "is_here": False,
    "download": 548_000_000,
    "arrived": 120_000_000,
    "disk": 548_000_000,
    "free_disk": 60_000_000_000,
    "parameters": 124_000_000,
    "parameters_folded": 163_000_000,
    "layers": 12,
    "is_gated": False,
    "is_accepted": True,
    "is_pickled": False,
    "free_memory": {"cpu": 8_000_000_000},
}
OFFLINE = "HF_HUB_OFFLINE"


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    """A model that was imported, one of the user's, and no hub's cache."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path))
    place = tmp_path / "models" / "owner--small"
    for folder in (place, tmp_path / "mine"):
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(bytes(200_000))
    known_models.note(place, title="owner/small", source="owner/small", licence="MIT")
    recognised.remember("e" * 64, str(tmp_path / "mine"))
    return place


@pytest.fixture(autouse=True)
def asked(monkeypatch, tmp_path):
    """Has a small program stand in for the command line; returns what it was asked, and tells it.

    It notes its words, says what it is told to, and waits if it is told to.
    """
    noted = tmp_path / "asked.txt"

    def tell(*says: object, code: int = 0, waits: bool = False) -> None:
        lines = "".join(f"print({json.dumps(said)!r}, flush=True)\n" for said in says)
        what = f"json.dumps([sys.argv[1:], os.environ[{OFFLINE!r}]])"
        note = f"print({what}, file=open({str(noted)!r}, 'a'), flush=True)"
        wait = "time.sleep(60)\n" if waits else ""
        program = f"import json, os, sys, time\n{note}\n{lines}{wait}sys.exit({code})"
        command = [sys.executable, "-S", "-c", program]
        monkeypatch.setattr("lensgui.jobs.downloads.own_command", lambda: command)

    def read() -> list[list[object]]:
        lines = noted.read_text().splitlines() if noted.exists() else []
        return [json.loads(line) for line in lines]

    read.tell = tell
    tell()
    return read


@pytest.fixture
def another(qtbot) -> Iterator[Another]:
    """What is opened next, by itself."""
    above = QWidget()
    qtbot.addWidget(above)
    part = Another(above)
    above.show()
    yield part
    above.close()


@pytest.fixture
def dialog(parts, window, qtbot) -> Iterator[ModelsDialog]:
    """The dialog, opened by the menu, with its list."""
    window.actions_by_name["models"].trigger()
    found = parts.models.dialog
    qtbot.waitUntil(lambda: len(found.table.rows.models) == 4)
    yield found
    found.hide()
    assert parts.models.close(5)


def choose(dialog, source):
    """Choose a model of the list."""
    rows = dialog.table.rows
    at = [model.source for model in rows.models].index(source)
    dialog.table.setCurrentIndex(rows.index(at, 0))


def look_up(another, qtbot, name="gpt2-small"):
    another.field.setText(name)
    qtbot.keyClick(another.field, Qt.Key.Key_Return)
    rest(another, qtbot)


def rest(part, qtbot):
    qtbot.waitUntil(lambda: not part.child.is_running)


def test_typing_asks_nobody_and_return_says_what_is_needed(another, qtbot, asked):
    asked.tell(FACTS)
    speeds.note(Swept("owner/small", 62_000_000, 6, 14, "cpu", "float32", 1, 4.2))
    qtbot.keyClicks(another.field, "gpt2-small")
    assert not another.child.is_running
    assert not another.get.isEnabled()
    look_up(another, qtbot)
    assert asked() == [[["models", "info", "gpt2-small", "--json"], "0"]]
    needs = another.needs.text()
    assert "licence: mit" in needs
    assert "To download: 548 MB, 120 MB of it are here." in needs
    assert "In memory: 496 MB for raw weights in float32; 8.0 GB of cpu memory are free." in needs
    assert "14 tokens takes about 17 s here, scaled from owner/small." in needs
    another.show_key(ModelKey("fake", dtype="bfloat16", folded=True))
    assert "326 MB for folded weights in bfloat16" in another.needs.text()
    assert another.warning.text() == ""
    assert another.get.text() == "Get and open"
    assert another.get.isEnabled()
    qtbot.keyClicks(another.field, "x")  # of that, nothing is known
    assert not another.get.isEnabled()
    assert another.needs.text() == ""


def test_names_are_completed_by_those_that_are_known_or_were_used(another, qtbot):
    recognised.remember("d" * 64, "somebody/a-llama")
    another.offer_names()
    completer = another.field.completer()
    completer.setCompletionPrefix("LLAMA")
    found = [completer.setCurrentRow(at) and completer.currentCompletion() for at in range(99)]
    assert found[0] == "somebody/a-llama"
    assert {"llama-3.1-8b", "meta-llama/Llama-3.1-8B"} <= {*found}


def test_a_path_is_looked_at_without_the_network(another, qtbot, asked, tmp_path, monkeypatch):
    asked.tell({**FACTS, "is_here": True, "source": str(tmp_path), "download": 0, "disk": 0})
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    another.folder.click()
    rest(another, qtbot)
    assert asked() == [[["models", "info", str(tmp_path), "--json"], os.environ[OFFLINE]]]
    assert another.get.text() == "Open"
    with qtbot.waitSignal(another.get_requested):
        another.get.click()


def test_a_failure_is_its_sentence(another, qtbot, asked):
    asked.tell({"event": "error", "message": "The hub has no such model."}, code=1)
    look_up(another, qtbot)
    assert another.warning.text() == "The hub has no such model."
    assert another.warning.isVisible()
    assert not another.get.isEnabled()
    asked.tell(code=3)
    look_up(another, qtbot)
    assert another.warning.text() == "gpt2-small could not be looked up; see the log."


@pytest.mark.parametrize(
    ("changes", "says", "can_be_had"),
    [
        ({"is_gated": True, "is_accepted": False}, "accept its terms: do that on https://", False),
        ({"free_disk": 48_000_000}, "disk: 500 MB more would have to be free", False),
        ({"free_memory": {"cpu": 300_000_000}}, "cpu memory: they would in bfloat16", True),
        ({"free_memory": {"cpu": 3_000_000}}, "cpu memory: choose a smaller model", True),
        ({"is_gated": True}, "", True),
    ],
)
def test_what_is_in_the_way_is_said_before_anything_is_fetched(changes, says, can_be_had):
    facts = {**FACTS, **changes}
    said = words.warning(facts, ModelKey("fake"))
    assert says in said
    assert bool(said) == bool(says)
    assert words.can_be_had(facts) == can_be_had


def test_the_list_says_what_is_here_beside_the_window(parts, dialog, window, qtbot):
    action = window.actions_by_name["models"]
    assert action.shortcut().toString() == "Ctrl+M"
    assert not dialog.isModal()
    rows = dialog.table.rows
    cells = [[rows.data(rows.index(at, to)) for to in range(6)] for at in range(4)]
    titles = ["Toy: two-layer induction model", "owner/small", "mine"]
    assert [row[0] for row in cells][1:] == titles
    assert cells[0][1] == "93 MB to get"
    assert cells[2][1:] == ["0.2 MB", "not verified", "", "imported", "MIT"]
    assert cells[3][3].startswith("20")
    assert cells[3][4] == "folder of yours"
    assert dialog.said.text() != READING
    speeds.note(Swept("owner/small", 9_000, 2, 14, "cpu", "float32", 1, 4.2))
    for source, said in (("owner/small", "14 tokens takes about 4 s here."), ("toy", "")):
        choose(dialog, source)
        assert dialog.speed.text().endswith(said)
        assert dialog.speed.isVisible() == bool(said)
    window.session.edit(model=ModelKey("toy"))
    assert rows.data(rows.index(1, 0)) == "Toy: two-layer induction model (open)"
    dialog.hide()
    recognised.note_use("owner/small")
    menu = window.model_bar.model.menu()
    next(line for line in menu.actions() if line.text() == action.text()).trigger()
    qtbot.waitUntil(lambda: rows.data(rows.index(2, 3)).startswith("20"))
    assert window.findChildren(ModelsDialog) == [dialog]


def test_models_are_opened_as_is_set_which_is_the_documents(dialog, window, qtbot):
    def pick(box, at):
        box.setCurrentIndex(at)
        box.activated.emit(at)

    window.exchange.failed.emit("/gone holds no model.")
    assert dialog.said.text() == "/gone holds no model."
    before = window.session.document.model
    pick(dialog.dtype, 1)
    pick(dialog.folded, 1)
    choose(dialog, "toy")
    qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    key = window.session.document.model
    assert key == replace(before, source="toy", dtype="bfloat16", folded=True)
    assert window.model_bar.folded.isChecked()
    for _ in range(3):
        window.undo()
    assert window.session.document.model == before
    assert (dialog.dtype.currentText(), dialog.folded.currentText()) == (before.dtype, "raw")
    fetched = []
    window.model_bar.fetch_requested.disconnect()
    window.model_bar.fetch_requested.connect(fetched.append)
    choose(dialog, known_models.DEMO.name)
    assert dialog.open_it.text() == "Get and open"
    dialog.open_it.click()
    assert fetched == [known_models.DEMO.name]


def test_what_was_looked_up_is_fetched_and_stopped(dialog, parts, qtbot, asked, monkeypatch):
    monkeypatch.setenv(OFFLINE, "1")
    progress = {"event": "progress", "step": "download", "done": 200_000_000, "total": 548_000_000}
    for command, facts in (("import", {**FACTS, "is_pickled": True}), ("get", FACTS)):
        asked.tell(facts)
        look_up(dialog.another, qtbot)
        asked.tell(progress, waits=True)
        dialog.another.get.click()
        qtbot.waitUntil(lambda: "200 MB of 548 MB" in dialog.fetched.said.text())
        assert asked()[-1] == [["models", command, FACTS["source"], "--json"], "0"]
        assert not dialog.another.get.isEnabled()  # one at a time
        dialog.fetched.cancel.click()
        assert not parts.fetching.download.is_running
        assert not dialog.fetched.isVisible()
        assert dialog.another.get.isEnabled()


@pytest.mark.parametrize("closed", ["dialog", "window"])
def test_whoever_closes_it_ends_what_runs_for_it(dialog, parts, window, qtbot, asked, closed):
    asked.tell(FACTS)
    look_up(dialog.another, qtbot)
    asked.tell(waits=True)
    dialog.another.get.click()
    choose(dialog, "owner/small")
    dialog.check.click()
    dialog.another.ask()
    children = (dialog.child, dialog.another.child, parts.fetching.download)
    qtbot.waitUntil(lambda: len(asked()) == 4)
    assert all(child.is_running for child in children)
    (dialog if closed == "dialog" else window).close()
    qtbot.waitUntil(lambda: not any(child.is_running for child in children))
    if closed == "dialog":
        parts.fetching.fetch("gpt2")  # what is begun elsewhere goes on
        dialog.show()
        dialog.close()
        assert parts.fetching.download.is_running
        parts.fetching.stop()


def test_a_check_says_its_figure_and_renews_the_badge(dialog, window, answerer, qtbot, asked):
    def opened():
        return sum(isinstance(request, OpenModel) for request in answerer.asked)

    asked.tell(waits=True)
    choose(dialog, "owner/small")
    dialog.check.click()
    qtbot.waitUntil(lambda: len(asked()) == 1)
    assert dialog.working.isVisible()
    assert not dialog.check.isEnabled()
    dialog.working.cancel.click()
    rest(dialog, qtbot)
    assert not dialog.working.isVisible()
    assert dialog.said.text() == ""
    asked.tell({"event": "checked", "logits": 3.4e-5, "dtype": "float32"})
    before = opened()
    dialog.check.click()
    rest(dialog, qtbot)
    assert dialog.said.text() == "owner/small: max |Δ| 3.4e−5 to Hugging Face, in float32."
    assert asked()[-1][0] == ["models", "check", "owner/small", "--dtype", "float32", "--json"]
    assert opened() == before  # another model is open
    window.session.edit(model=ModelKey("owner/small"))
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    dialog.check.click()
    qtbot.waitUntil(lambda: opened() == before + 2)
    asked.tell({"event": "error", "message": "It has no tokenizer."}, code=1)
    rest(dialog, qtbot)
    dialog.check.click()
    rest(dialog, qtbot)
    assert dialog.said.text() == "It has no tokenizer."


def test_a_model_is_deleted_after_one_question(dialog, window, qtbot, asked, mine, tmp_path):
    asked.tell({"event": "deleted", "freed": 200_000})
    choose(dialog, "owner/small")
    qtbot.keyClick(dialog.table, Qt.Key.Key_Delete)
    said = dialog.said.text()
    assert said.startswith("Delete owner/small? That frees 0.2 MB")
    assert "folded" not in said, "of which none are kept"
    assert dialog.focusWidget() is dialog.keep_it
    dialog.keep_it.click()
    assert not dialog.delete_it.isVisible()
    assert dialog.focusWidget() is dialog.table
    dialog.delete.click()
    choose(dialog, "toy")  # which takes the question back
    assert not dialog.delete_it.isVisible()
    assert dialog.said.text() == ""
    assert asked() == []
    choose(dialog, "owner/small")
    dialog.delete.click()
    dialog.delete_it.click()
    rest(dialog, qtbot)
    assert asked()[-1][0] == ["models", "delete", str(mine), "--yes", "--json"]
    assert dialog.said.text() == "owner/small is deleted: 0.2 MB are free again."
    window.session.edit(model=ModelKey("owner/small"))
    for source, why in (
        ("owner/small", "owner/small is open"),
        ("toy", "travels with lensgui"),
        (str(tmp_path / "mine"), "is your own folder"),
    ):
        choose(dialog, source)
        dialog.delete.click()
        assert why in dialog.said.text()
        assert not dialog.delete_it.isVisible()


def test_it_is_whole_named_and_large_enough_in_little_room(window, dialog, qtbot):
    dialog.hide()
    window.resize(800, 480)
    window.appearance.zoom(2.0)
    window.actions_by_name["models"].trigger()
    assert dialog.width() <= 800
    refused = FACTS | {"is_gated": True, "is_accepted": False, "is_pickled": True}
    dialog.another.show_facts("gpt2-small", refused)
    dialog._show_fetched(Fetched("Downloading openai-community/gpt2", 5_000_000, 548_000_000))
    choose(dialog, "owner/small")
    dialog.delete.click()
    for look in theme.THEMES:
        window.appearance.choose(look)
        qtbot.wait(30)
        assert faults(dialog) == []
    assert dialog.another.parentWidget().width() <= dialog.width()
    for part in dialog.findChildren(QWidget):
        if bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus) and part.isVisible():
            assert part.accessibleName(), part
            assert part.toolTip(), part.accessibleName()
            assert min(part.width(), part.height()) >= TARGET, part.accessibleName()


def test_what_arrives_says_its_rate_and_the_time_that_is_left():
    now = [100.0]
    pace = words.Pace(lambda: now[0])
    assert pace.words(Fetched("Downloading a", 0, 600_000_000)) == (
        "Downloading a: nothing of 600 MB"
    )
    now[0] += 2
    said = pace.words(Fetched("Downloading a", 100_000_000, 600_000_000))
    assert said == "Downloading a: 100 MB of 600 MB · 50 MB/s · 10 s left"
    assert pace.words(Fetched("Checking a", 5, 600_000_000)).count("·") == 0  # another step
    assert pace.words(Fetched("Converting a", 1, 3)) == "Converting a …"
    now[0] += 5
    later = pace.words(Fetched("Checking a", 1_000_000, 600_000_000))
    assert "left" not in later
    now[0] += 5
    assert pace.words(Fetched("Checking a", 2_000_000, 600_000_000)).endswith("50 min left")
