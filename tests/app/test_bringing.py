"""A model that comes as a file is asked for, imported, and opened as it would have been."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

from lensgui.app import fetching
from lensgui.models import known_models, model_files
from lensgui.state.examples import find
from lensgui.terms.model_key import DEFAULT_MODEL


@pytest.fixture
def wanting(monkeypatch):
    """The demo model is not here, and has to be pointed at."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(model_files, "find", lambda entry: None)
    is_here = []
    monkeypatch.setattr(known_models.Entry, "is_here", property(lambda entry: bool(is_here)))
    return is_here


def test_a_model_that_comes_as_a_file_is_asked_for_and_imported(
    parts, wanting, tmp_path, monkeypatch
):
    asked, started = [], []
    path = str(tmp_path / "model.gguf")
    monkeypatch.setattr(fetching, "ask", lambda *words: asked.append(words) or True)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: (path, ""))
    download = parts.fetching.download
    monkeypatch.setattr(download, "start_import", started.append)
    parts.window.model_bar.model.menu().actions()[0].trigger()
    ((_, said, _, parent),) = asked
    assert parent is parts.window
    assert "SmolLM2-135M-Instruct.Q4_1.gguf" in said
    assert str(tmp_path / "files") in said
    assert started == [path]
    assert "meanwhile" not in parts.window.status.sentence.text()
    wanting.append(True)
    download.finished.emit(path)
    assert parts.window.session.document == find("ioi").document


def test_another_file_than_the_demo_model_is_opened_by_its_path(parts, wanting, monkeypatch):
    monkeypatch.setattr(parts.fetching.download, "start_import", lambda path: None)
    parts.fetching.import_file(Path("/a/model.gguf"))
    parts.fetching.download.finished.emit("/a/model.gguf")
    assert parts.window.session.document.model.source == "/a/model.gguf"


def test_nothing_is_imported_where_no_file_is_chosen(parts, wanting, monkeypatch):
    monkeypatch.setattr(parts.fetching.download, "start_import", pytest.fail)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: ("", ""))
    for answer in (True, False):
        monkeypatch.setattr(fetching, "ask", lambda *words, answer=answer: answer)
        parts.fetching.fetch(DEFAULT_MODEL)


def test_at_the_start_nothing_is_asked(parts, wanting, monkeypatch):
    monkeypatch.setattr(fetching, "ask", pytest.fail)
    parts.fetching.fetch_first(DEFAULT_MODEL)
    assert "comes as a file" in parts.window.status.sentence.text()
    assert not parts.fetching.download.is_running


def test_a_lens_is_imported_and_then_read_through(parts, tmp_path, monkeypatch):
    started, fetches = [], parts.fetching
    monkeypatch.setattr(fetches.download, "start_lens", started.append)
    pane = parts.window.panes["Lens"]
    model = parts.window.session.document.model
    pane.import_requested.emit("/a/lens.pt")
    assert started == ["/a/lens.pt"]
    assert "lens.pt is being read" in parts.window.status.sentence.text()
    path = tmp_path / "lenses" / "lens-1.safetensors"
    fetches.download.said.emit({"event": "done", "path": str(path)})
    fetches.download.finished.emit("/a/lens.pt")
    document = parts.window.session.document
    assert document.views.lens.lens == "lens-1.safetensors"
    assert document.model == model
    monkeypatch.setattr(fetches.download, "start", lambda name: None)
    fetches.fetch("owner/name")
    fetches.download.said.emit({"event": "done", "path": "/a/models/owner--name"})
    fetches.download.finished.emit("owner/name")
    assert parts.window.session.document.model.source == "owner/name"
