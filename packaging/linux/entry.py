"""What the bundle starts: the program itself, or one sentence where its files are not whole."""

import os
import sys
from pathlib import Path

from lensgui.terms.resources import damage


def main() -> int:
    """Run lensgui."""
    sentence = damage()
    if sentence:
        print(sentence, file=sys.stderr, flush=True)
    try:
        from lensgui.__main__ import main

        return main()
    except (ImportError, OSError):
        if not sentence:
            raise
        show(sentence)
        return 1


def show(sentence: str) -> None:
    """Show a sentence to who started the program from a menu, if that much of it still works."""
    is_of_window = all(Path(word).suffix == ".lens" for word in sys.argv[1:])
    has_display = any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    if not is_of_window or not has_display or sys.stderr.isatty():
        return
    try:
        from PySide6.QtWidgets import QApplication, QMessageBox

        application = QApplication.instance() or QApplication([])
        QMessageBox.critical(None, "lensgui", sentence)
        del application
    except ImportError:
        return


sys.exit(main())
