"""What is kept and found: search, settings, models and their formats, sessions with and without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QDialog

from lensgui.app.export.dialog import ExportDialog
from lensgui.app.sessions.autosaving import Offer
from lensgui.jobs.downloads import Fetched
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
        for name in ("settings", "show_keys", "history"):
            window.actions_by_name[name].trigger()
            of_dialog(camera, f"{name}-{look}")
    parts.appearance.choose("light")
    window.undo()
    camera.wait()


FOUND = {
    "source": "openai-community/gpt2",
    "licence": "mit",
    "is_here": False,
    "download": 548_105_171,
    "arrived": 120_000_000,
    "disk": 551_000_000,
    "free_disk": 66_900_000_000,
    "parameters": 124_439_808,
    "parameters_folded": 163_037_184,
    "layers": 12,
    "is_gated": False,
    "is_accepted": True,
    "is_pickled": False,
    "free_memory": {"cpu": 23_500_000_000},
}
REFUSED = {
    **FOUND,
    "source": "meta-llama/Llama-3.1-8B",
    "licence": "llama3.1",
    "download": 16_060_000_000,
    "arrived": 0,
    "disk": 16_060_000_000,
    "parameters": 8_030_000_000,
    "parameters_folded": 8_030_000_000,
    "layers": 32,
    "is_gated": True,
    "is_accepted": False,
}


def models(camera: Camera) -> None:
    """The dialog of models in every look: the list, one that arrives, one that is in the way."""
    parts, window = camera.parts, camera.window
    for look in LOOKS:
        parts.appearance.choose(look)
        window.actions_by_name["models"].trigger()
        dialog = parts.models.dialog
        assert dialog is not None
        camera.wait()
        camera.take(f"models-{look}", dialog)
        dialog.another.show_facts("gpt2-small", FOUND)
        for done in (120_000_000, 163_000_000):
            arrived = Fetched("Downloading openai-community/gpt2", done, 548_105_171)
            parts.fetching.fetched.emit(arrived)
            camera.wait()
            camera.wait()
        camera.take(f"models-fetching-{look}", dialog)
        parts.fetching.fetched.emit(None)
        dialog.another.show_facts("llama-3.1-8b", REFUSED)
        camera.wait()
        camera.take(f"models-refused-{look}", dialog)
        dialog.another.field.clear()
        dialog.close()
    parts.appearance.choose("light")


def formats(camera: Camera) -> None:
    """The dialog of number formats in every look: as it waits, and with all of them measured."""
    parts, window = camera.parts, camera.window
    window.actions_by_name["compare_formats"].trigger()
    dialog = parts.formats.dialog
    assert dialog is not None
    camera.take("formats-waiting", dialog)
    camera.wait()
    for look in LOOKS:
        parts.appearance.choose(look)
        camera.wait()
        camera.take(f"formats-{look}", dialog)
    dialog.close()
    parts.appearance.choose("light")


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
