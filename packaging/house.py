"""Checks what can be checked of how the package is laid out; prints a sentence for each fault.

Folders hold few modules and say in their `__init__` what each is; nothing imports in a circle, not
even inside functions; a small module has more than one user, or stands in `SMALL_ON_PURPOSE`; and
no text that varies reaches Qt where it would guess whether that is HTML.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_MODULES = 12
ROOMY = {"lensgui": 16, "lensgui.checkpoints.families": 40}  # old import paths; architectures
GROWING_MOST = 9  # where more is to come
GROWING = {
    *(f"lensgui.analysis.{name}" for name in ("graph", "heads", "notebooks")),
    *(f"lensgui.analysis.{name}" for name in ("pairs", "run", "sweep")),
    *(f"lensgui.{name}" for name in ("app", "app.commands", "app.window", "jobs.handlers")),
    *(f"lensgui.panes.{name}" for name in ("controls", "pictures")),
}
LEAST_LINES = 60
LABELS = "lensgui.panes.controls.controls"
PAGES = "lensgui.app.help.guide"  # shows Markdown, which is the project's own
GUESSING = {"QLabel", "QMessageBox", "QTextBrowser", "QTextEdit", "setHtml", "setTextFormat"}
TIPS = {"setToolTip": 0, "setWhatsThis": 0, "showText": 1}  # where in a call the text stands
ALLOWED_UPWARDS = {  # names that notebooks look for on a model
    "lensgui.transformer.model": "lensgui.checkpoints.loading",  # from_pretrained
    "lensgui.transformer.notebook_methods": "lensgui.analysis.interventions.under",  # intervened
}
SMALL_ON_PURPOSE = frozenset(  # each with its reason in ARCHITECTURE.md
    {
        "lensgui.app.smoke",
        "lensgui.notebook_names",
        "lensgui.transformer.layers.activations",
    }
)


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name; packages by their folder's."""
    found = {}
    for path in sorted((ROOT / "lensgui").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the package's modules that a module imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in known}
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inside & known.keys()) or {node.module}
    return found


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Yield a way around each circle of imports that is found, depth first."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> Iterator[list[str]]:
        if name in way:
            yield [*way[way.index(name) :], name]
        elif name not in done:
            for other in sorted(graph[name]):
                yield from visit(other, [*way, name])
            done.add(name)

    for name in graph:
        yield from visit(name, [])


def crowded(known: dict[str, Path]) -> Iterator[str]:
    """Yield a sentence for each folder with too many modules, and for each empty map."""
    folders = {name: path.parent for name, path in known.items() if path.name == "__init__.py"}
    for name, folder in folders.items():
        count = sum(path.parent == folder for path in known.values()) - 1
        most = ROOMY.get(name, GROWING_MOST if name in GROWING else MOST_MODULES)
        if count > most:
            yield f"{name} has {count} modules; it may have {most}: part it."
        text = known[name].read_text(encoding="utf-8")
        named = {path.stem for path in known.values() if path.parent == folder} - {"__init__"}
        if name not in ROOMY:
            lost = sorted(stem for stem in named if f"\n{stem}: " not in text)
            if lost:
                yield f"{known[name].relative_to(ROOT)} does not say what {', '.join(lost)} is."


def fragments(known: dict[str, Path], graph: dict[str, set[str]]) -> Iterator[str]:
    """Yield a sentence for each small module that one module alone imports."""
    for name, path in known.items():
        users = [other for other, needed in graph.items() if name in needed]
        size = len(path.read_text(encoding="utf-8").splitlines())
        is_free = path.name == "__init__.py" or ".families." in name or name in SMALL_ON_PURPOSE
        if size < LEAST_LINES and len(users) == 1 and not is_free:
            yield f"{name} has {size} lines and is imported by {users[0]} alone: move it in there."


def guesses(name: str, path: Path) -> Iterator[str]:
    """Yield a sentence for each call that lets Qt guess whether a text is HTML."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and name != LABELS:
            called = [ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases]
        elif isinstance(node, ast.Call):
            called = [ast.unparse(node.func).rsplit(".", 1)[-1]]
        else:
            continue
        if name not in (LABELS, PAGES) and GUESSING & set(called):
            yield f"{name}, line {node.lineno}: make labels with {LABELS}'s functions."
        at = TIPS.get(called[0], -1) if isinstance(node, ast.Call) else -1
        if at >= 0 and not is_plain(node.args[at]):
            yield f"{name}, line {node.lineno}: give {called[0]} a constant or plain_tip(…)."


def is_plain(text: ast.expr) -> bool:
    """Whether a tooltip's text is constant, escaped, or another tooltip's."""
    if isinstance(text, ast.BoolOp):
        return all(map(is_plain, text.values))
    if isinstance(text, ast.Call):
        return ast.unparse(text.func).rsplit(".", 1)[-1] in ("plain_tip", "toolTip")
    return isinstance(text, ast.Constant)


def complaints() -> list[str]:
    """Return a sentence for every fault."""
    known = modules()
    graph = {name: imports(path, known) - {name} for name, path in known.items()}
    for module, imported in ALLOWED_UPWARDS.items():
        graph.get(module, set()).discard(imported)
    ways = [f"Circle of imports: {' → '.join(way)}." for way in circles(graph)]
    html = [one for name, path in known.items() for one in guesses(name, path)]
    return [*crowded(known), *ways, *fragments(known, graph), *html]


if __name__ == "__main__":
    failures = complaints()
    print("\n".join(failures) or "The house is in order.")
    sys.exit(1 if failures else 0)
