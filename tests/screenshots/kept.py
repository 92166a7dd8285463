"""What is kept and found: search, settings, history, sessions with and without their model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QDialog

from lensgui.app.export.dialog import ExportDialog
from lensgui.app.sessions.autosaving import Offer
from lensgui.state.autosave import Left
from lensgui.state.selection import Cursor
from tests.screenshots.camera import Camera

LOOKS = ("light", "dark", "high contrast")


def of_dialog(camera: Camera, name: str, kind: type[QDialog] = QDialog) -> None:
    """Take a picture of the dialog that is open, and close it."""
    camera.wait()
    dialog = next(one for one in camera.window.findChildren(kind) if one.isVisible())
    camera.take(name, dialog)
    dialog.close()


def found(camera: Camera) -> None:
    """The search, the settings, the sheet and the history, in every look."""
    parts, window = camera.parts, camera.window
    window.session.edit(pins=(Cursor(23, 3), Cursor(25, 8)))
    for look in LOOKS:
        parts.appearance.choose(look)
        for words in ("", "layer", "9.6", "qqq"):
            parts.commands.search.open()
            parts.commands.search.field.setText(words)
            camera.wait()
            camera.take(f"search-{words or 'all'}-{look}")
            parts.commands.search.leave()
        for name in ("settings", "show_keys", "history", "models"):
            window.actions_by_name[name].trigger()
            of_dialog(camera, f"{name}-{look}")
    parts.appearance.choose("light")
    window.undo()
    camera.wait()


def exports(camera: Camera) -> None:
    """The dialog that exports a picture, in every look."""
    exporting = camera.parts.commands.exporting
    for look in LOOKS:
        camera.parts.appearance.choose(look)
        exporting.export()
        of_dialog(camera, f"export-{look}", ExportDialog)
    camera.parts.appearance.choose("light")


def sessions(camera: Camera) -> None:
    """A session whose model is not here, with its numbers and without; what a crash has left."""
    parts, window = camera.parts, camera.window
    before = window.session.document
    saved = parts.sessions.saved(with_answers=True)
    elsewhere = replace(saved.model, name="somebody/a-model-of-theirs", content_id="f" * 64)
    nowhere = replace(elsewhere, name="somebody/another-model-of-theirs")
    unknown = replace(saved, model=nowhere, answers=())
    for name, one in (("numbers", replace(saved, model=elsewhere)), ("nothing", unknown)):
        parts.sessions.show(one, None)
        camera.wait()
        camera.take(f"absent-with-{name}")
    parts.sessions.show(saved, None)
    camera.wait()
    camera.take("from-the-file")
    left = [Left(Path("x.lens"), saved, None), Left(Path("y.lens"), saved, Path("talk.lens"))]
    Offer(left, window).open()
    of_dialog(camera, "crashed", Offer)
    window.session.begin(before)
    parts.absent_bar.show_reference(None)
    camera.wait()
