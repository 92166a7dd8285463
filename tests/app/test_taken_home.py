"""One user, from the first start to a figure on disk; the model is the built-in toy."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu

from lensgui.__main__ import make_answerer
from lensgui.app import start
from lensgui.panes.figures.files import FORMATS
from lensgui.panes.menus import MENU
from lensgui.panes.patching.patching import PatchingPane
from lensgui.state.examples import TOY
from tests.windows import pane_of

LEFT = Qt.MouseButton.LeftButton
SPACE = "{http://www.w3.org/2000/svg}"
SECONDS = 60_000


@pytest.fixture
def parts(tmp_path, monkeypatch, qapp, qtbot):
    """The application at its first start, at rest."""
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path / "home"))
    parts = start.build(start.Options(model=TOY), make_answerer)
    parts.faults.release()
    with qtbot.waitSignal(parts.runner.settled, timeout=SECONDS):
        parts.window.show()
    yield parts
    assert start.leave(parts, 20)
    parts.window.deleteLater()
    qapp.sendPostedEvents()


@pytest.mark.usefixtures("no_popup")
def test_from_the_first_start_to_a_figure_on_disk(parts, tmp_path, monkeypatch, qtbot):
    window, heatmap = parts.window, pane_of(parts.window, PatchingPane).heatmap
    cell = heatmap.middle_of(1, 8).toPoint()
    qtbot.mouseClick(heatmap, LEFT, pos=cell)
    assert (window.selection.cursor.layer, window.selection.cursor.position) == (1, 8)
    reason = QContextMenuEvent.Reason.Mouse
    event = QContextMenuEvent(reason, cell, heatmap.mapToGlobal(cell))
    QApplication.sendEvent(heatmap, event)
    menu = pane_of(window, PatchingPane).findChild(QMenu, MENU)
    verbs = {action.text(): action for action in menu.actions()}
    verbs["Export this picture…"].trigger()
    dialog = parts.commands.exporting._dialog
    qtbot.waitUntil(dialog.isVisible)
    assert dialog.which.currentText().startswith("Activation patching")
    where = tmp_path / "paper"
    where.mkdir()
    for name, format_ in (("patching", "svg"), ("numbers", "csv")):
        target = str(where / name)
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, to=target: (to, ""))
        choose(qtbot, dialog, format_)
        qtbot.mouseClick(dialog.save, LEFT)
        qtbot.waitUntil((where / f"{name}.{format_}").exists)
    qtbot.mouseClick(dialog.shut, LEFT)
    assert_is_the_sweep(where, pane_of(window, PatchingPane).sweep)


def choose(qtbot, dialog, format_):
    """Choose a format by the keyboard."""
    names = list(FORMATS)
    dialog.format.setFocus()
    while dialog.format_name != format_:
        is_below = names.index(dialog.format_name) < names.index(format_)
        qtbot.keyClick(dialog.format, Qt.Key.Key_Down if is_below else Qt.Key.Key_Up)


def assert_is_the_sweep(where, sweep):
    tree = ElementTree.fromstring((where / "patching.svg").read_bytes())
    written = [each.text for each in tree.findall(f"{SPACE}text")]
    assert {"L0", "L1"} <= set(written)
    about = json.loads(tree.find(f"{SPACE}metadata")[0].text)
    assert about["model"]["name"] == TOY
    assert len(about["model"]["content_id"]) == 64
    rows = list(csv.DictReader(io.StringIO((where / "numbers.csv").read_text(encoding="utf-8"))))
    found = np.array([float(row["value"] or "nan") for row in rows]).reshape(sweep.shown.shape)
    np.testing.assert_array_equal(found.astype(np.float32), sweep.shown)
