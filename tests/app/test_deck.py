"""Scenes as files, from the window and without one."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from lensgui.app.export import deck, exporting
from lensgui.app.sessions.host import Host
from lensgui.terms.interventions import Intervention, Site

OFF = Intervention(Site("z", 1, 1), "zero")


@pytest.fixture
def talk(window, parts, qtbot):
    """Two scenes: two panes, and one alone under an intervention."""
    window.resize(1280, 800)
    window.selection.move(layer=1, head=2, position=3)
    stage = parts.commands.stage
    stage.add()
    window.session.edit(interventions=(OFF,))
    window.solo(window.panes["Lens"])
    stage.add()
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    return stage


@pytest.fixture
def exported(parts, window, talk, qtbot):
    """Export to a file, and return what was written."""

    def export(path: Path) -> list[Path]:
        before = window.session.document, window.session.undo_stack.count()
        with qtbot.waitSignal(parts.commands.exporting.said):
            parts.commands.exporting.export_scenes_to(path)
        assert (window.session.document, window.session.undo_stack.count()) == before
        return sorted(path.parent.glob(f"{path.stem}*"))

    return export


def test_scenes_become_a_deck_without_a_step_of_the_history(exported, tmp_path):
    (path,) = exported(tmp_path / "talk.pdf")
    reader = PdfReader(io.BytesIO(path.read_bytes()))
    words = [" ".join(page.extract_text().split()) for page in reader.pages]
    assert len(words) == 2
    assert "Attention of L1H2" in words[0]
    assert "Activation patching" in words[0]
    assert "1 / 2" in words[0]
    assert "Lens" in words[1]
    assert "Activation patching" not in words[1]


def test_scenes_become_a_page(exported, tmp_path):
    (path,) = exported(tmp_path / "talk.html")
    text = path.read_text()
    assert text.count("<section") == 2
    assert "Scene 2" in text
    assert "layer L0 \\u00b7" in text


def test_scenes_become_numbered_pictures(exported, tmp_path):
    paths = exported(tmp_path / "talk.png")
    assert [path.name for path in paths] == ["talk-01.png", "talk-02.png"]
    for path in paths:
        image = QImage(str(path))
        assert (image.width(), image.height()) == (2560, 1440)


def test_what_is_asked_where_and_as_what(talk, parts, tmp_path, monkeypatch, qtbot):
    listed = []

    def ask(parent, title, first, filters):
        listed.extend(filters.split(";;"))
        return str(tmp_path / "mine"), listed[1]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    with qtbot.waitSignal(parts.commands.exporting.said):
        parts.commands.exporting.export_scenes()
    assert [path.name for path in tmp_path.glob("mine*")] == ["mine.html"]
    assert len(listed) == len(deck.FORMATS)


def test_pictures_that_are_there_are_written_over_only_if_that_is_meant(
    talk, parts, tmp_path, monkeypatch
):
    there = tmp_path / "talk-02.png"
    there.write_text("mine")
    asked = []
    monkeypatch.setattr(exporting, "ask_writing_over", lambda paths, parent: asked.append(paths))
    parts.commands.exporting.export_scenes_to(tmp_path / "talk.png")
    assert asked == [[there]]
    assert there.read_text() == "mine"
    assert not (tmp_path / "talk-01.png").exists()


def test_why_scenes_can_not_be_exported_is_one_sentence(window, parts, qtbot):
    host = Host(window)
    said = []
    parts.commands.exporting.failed.connect(said.append)
    parts.commands.exporting.export_scenes()
    assert said == [deck.NO_SCENES]
    parts.commands.stage.add()
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    assert deck.trouble(host) == ""
    window.exchange.card = None
    assert deck.trouble(host) == deck.NO_MODEL


def test_a_slide_has_the_pictures_of_its_scene_and_what_is_selected(talk, parts, window):
    scene = replace(talk.scenes[0], pictures=("Attention: all heads",), caption="Look here")
    talk.change(0, scene)
    known = deck.Known(Host(window).card, window.runner.board.known)
    one, other = deck.slides(parts.sessions.saved(), known)
    assert one.figures[0].title == "Attention of all heads"
    assert [figure.title for figure in other.figures] == ["Lens"]
    assert (one.cursor, one.caption, one.count) == (scene.cursor, "Look here", "1 / 2")
    assert one.prompt == scene.document.pair.clean
