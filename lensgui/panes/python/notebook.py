"""Scripts as a Jupyter notebook: the model is opened once, then a cell for each pane."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

FORMAT = (4, 4)  # nbformat: the last one whose cells need no random names
MARKS = re.compile(r"[\\`*_\[\]$~|]")  # that begin something in Markdown, wherever they stand
OPENING = ("model = HookedTransformer.", "# `model` is")


@dataclass(frozen=True, slots=True)
class Part:
    """What one pane computes.

    Attributes:
        title: What it is called.
        caption: What it shows, in sentences.
        code: A script.
    """

    title: str
    caption: str
    code: str


def notebook(title: str, parts: Sequence[Part]) -> bytes:
    """Return a notebook file: what all scripts import and open comes first.

    Args:
        title: What it is called.
        parts: What the panes compute; those without code are left out.
    """
    parts = [part for part in parts if part.code]
    names: dict[str, set[str]] = {"": set()}
    opening: list[str] = []
    bodies = []
    for part in parts:
        kept = []
        for line in part.code.splitlines():
            if line.startswith("from lensgui import "):
                names[""] |= set(line.removeprefix("from lensgui import ").split(", "))
            elif line.startswith("import "):
                names.setdefault(line, set())
            elif line.startswith(OPENING):
                opening += [] if line in opening else [line]
            else:
                kept.append(line)
        bodies.append("\n".join(kept).strip() + "\n")
    imports = sorted(line for line in names if line)
    imports += [f"from lensgui import {', '.join(sorted(names['']))}"] if names[""] else []
    cells = [_words(f"# {title}"), _code("\n".join([*imports, "", *opening]).strip() + "\n")]
    for part, body in zip(parts, bodies, strict=True):
        cells += [_words(f"## {part.title}\n\n{part.caption}".strip()), _code(body)]
    whole = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": FORMAT[0],
        "nbformat_minor": FORMAT[1],
    }
    return (json.dumps(whole, indent=1, sort_keys=True) + "\n").encode()


def _words(text: str) -> dict[str, object]:
    """Return a cell of text, in which no sign of Markdown or HTML means anything but headings."""
    plain = MARKS.sub(r"\\\g<0>", text.replace("&", "&amp;").replace("<", "&lt;"))
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(plain)}


def _code(text: str) -> dict[str, object]:
    ast.parse(text)
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": _lines(text),
    }


def _lines(text: str) -> list[str]:
    return [f"{line}\n" for line in text.rstrip("\n").split("\n")]
