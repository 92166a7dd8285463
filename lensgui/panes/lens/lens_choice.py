"""Which lens is read through: those that are here, and one that is imported or dropped."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFileDialog, QSizePolicy, QWidget

from lensgui.models import lenses
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import dress
from lensgui.panes.files import files_folder

LOGIT_LENS, IMPORT = "logit lens", "Import a lens…"
FILTER = "Lenses (*.pt *.safetensors)"
SUFFIXES, PARAMS = (".pt", ".safetensors"), "params.pt"  # the latter in a folder of tuned-lens


class LensChoice(QComboBox):
    """A box of the lenses that are here.

    Attributes:
        chosen: (name,) of the file that was chosen; "" for the logit lens.
        import_requested: (path,) of a file that is to be imported.
    """

    chosen = Signal(str)
    import_requested = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        dress(self, PANE_ACTIONS["which_lens"])
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.show_lens("")
        self.activated.connect(self._choose)

    def show_lens(self, name: str) -> None:
        """Offer what is here, and show which is chosen, be it here or not."""
        files = [path.name for path in lenses.here()]
        if name and name not in files:
            files.append(name)
        offered = [(LOGIT_LENS, ""), *((Path(file).stem, file) for file in files), (IMPORT, None)]
        if offered != [(self.itemText(at), self.itemData(at)) for at in range(self.count())]:
            self.clear()
            for text, data in offered:
                self.addItem(text, data)
        self.setCurrentIndex(["", *files].index(name))
        self._name = name

    @Slot(int)
    def _choose(self, index: int) -> None:
        name = self.itemData(index)
        if name is not None:
            self.chosen.emit(name)
            return
        self.show_lens(self._name)
        path, _ = QFileDialog.getOpenFileName(self, "Import a lens", files_folder(), FILTER)
        if path:
            self.import_requested.emit(path)


def dropped(data: QMimeData) -> Path | None:
    """Return the lens that is dragged: a file, or a folder of tuned-lens; None if it is none."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    path = paths[0] if len(paths) == 1 else None
    if path is None or not (path.suffix in SUFFIXES or (path / PARAMS).is_file()):
        return None
    return path
