"""The text file that strongest places are sought in: chosen, or dropped."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QFileDialog, QWidget

from lensgui.jobs.questions.neuron_requests import TextFile
from lensgui.panes.files import files_folder

FILTER = "Text (*.txt *.md *.csv *.json *.py);;All files (*)"
NOT_TEXT = (".lens", ".safetensors", ".pt", ".gguf", ".png", ".pdf", ".zip", ".npz")
GONE = "{name} can't be read: {reason}."


def dropped_text(data: QMimeData) -> str:
    """Return the path of the one file that is dragged; "" if it is none, or surely no text."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    if len(paths) != 1 or not paths[0].is_file() or paths[0].suffix in NOT_TEXT:
        return ""
    return str(paths[0])


def ask_for_text(parent: QWidget) -> str:
    """Let the user choose a file; return its path, "" for none."""
    path, _ = QFileDialog.getOpenFileName(parent, "Read a text", files_folder(), FILTER)
    return path


def text_file(path: str) -> TextFile:
    """Return a file as it is now.

    Raises:
        ValueError: If it can't be looked at; a sentence says why.
    """
    try:
        stat = Path(path).stat()
    except OSError as error:
        reason = error.strerror or "it is not there"
        raise ValueError(GONE.format(name=Path(path).name, reason=reason)) from error
    return TextFile(path, stat.st_size, stat.st_mtime_ns)
