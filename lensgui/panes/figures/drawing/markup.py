"""Text as XML and HTML have it: the one place where it is escaped."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from lensgui.panes.figures.drawing.marks import writable

IN_SCRIPTS = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def text(said: str) -> str:
    """Return text for between two tags."""
    return escape(writable(said), quote=False)


def attribute(said: str) -> str:
    """Return text for between two double quotation marks."""
    return escape(writable(said), quote=True).replace("&#x27;", "'")


def data(value: Any) -> str:
    """Return a value as JSON that ends no script and begins no tag, for inside of HTML."""
    written = json.dumps(value, ensure_ascii=True, sort_keys=True, allow_nan=False)
    return "".join(IN_SCRIPTS.get(letter, letter) for letter in written)
