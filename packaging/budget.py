"""Prints the code lines of the files that must stay small; fails where one has grown too big."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMALL = (
    "lensgui/app/window/window.py",
    "lensgui/jobs/runner.py",
    "lensgui/jobs/worker.py",
    "lensgui/transformer/model.py",
)
MOST_CODE_LINES = 150
MOST_LINES = 400
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def code_lines(source: str) -> int:
    """Return how many lines hold code: no docstrings, comments or blank lines."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if ast.get_docstring(node, clean=False) is not None and first is not None:
                lines.difference_update(range(first.lineno, (first.end_lineno or 0) + 1))
    return len(lines)


def complaints() -> list[str]:
    """Return a sentence for every file over its budget; prints the small files' counts."""
    found = []
    for name in SMALL:
        path = ROOT / name
        if not path.exists():
            print(f"   –  {name} (not there)")
            continue
        count = code_lines(path.read_text(encoding="utf-8"))
        print(f"{count:4d}  {name} (code lines, at most {MOST_CODE_LINES})")
        if count > MOST_CODE_LINES:
            found.append(f"{name} has {count} code lines; it may have {MOST_CODE_LINES}.")
    for folder in ("lensgui", "tests", "packaging", "resources"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            count = len(path.read_text(encoding="utf-8").splitlines())
            if count > MOST_LINES:
                name = path.relative_to(ROOT)
                found.append(f"{name} has {count} lines; a file may have {MOST_LINES}.")
    return found


if __name__ == "__main__":
    failures = complaints()
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)
