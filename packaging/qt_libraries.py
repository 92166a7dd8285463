"""Whether Qt can really be loaded here: `qt_libraries.py offscreen|window`; exit 1 if not."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import sys
from pathlib import Path

MODULES = ("PySide6.QtGui", "PySide6.QtWidgets", "PySide6.QtSvg", "PySide6.QtSvgWidgets")
PLUGINS = {
    "offscreen": ("platforms/libqoffscreen.so",),
    "window": ("platforms/libqoffscreen.so", "platforms/libqxcb.so"),
}


def what_fails(kind: str) -> str:
    """Return the loader's message about the first thing that can't be loaded, or "" if all can.

    Args:
        kind: "offscreen" or "window".
    """
    spec = importlib.util.find_spec("PySide6")
    if spec is None or spec.origin is None:
        return "PySide6 is not installed"
    plugins = Path(spec.origin).parent / "Qt" / "plugins"
    try:
        for module in MODULES:
            importlib.import_module(module)
        for plugin in PLUGINS[kind]:
            ctypes.CDLL(str(plugins / plugin))
    except (ImportError, OSError) as error:
        return str(error)
    return ""


if __name__ == "__main__":
    failure = what_fails(sys.argv[1])
    if failure:
        print(f"lensgui: Qt can't be loaded here yet: {failure}", file=sys.stderr)
    sys.exit(1 if failure else 0)
