"""Tables of prompt pairs as text: CSV, tab-separated and JSON, read and written."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lensgui.prompts.pair import TYPED, PairRow, PromptPair, Role

NEEDED = ("clean", "corrupted")
ROLES, INCLUDED = "roles", "included"  # columns that may follow
TICKS = {"": True, "yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
HALF = re.compile("[\ud800-\udfff]")  # of a character beyond U+FFFF: JSON can hold it alone
MOST_ROWS = 20_000
EXAMPLE = ",".join(TYPED)


def read_pairs(path: str | Path) -> tuple[PairRow, ...]:
    """Return the pairs of a CSV, tab-separated or JSON file.

    Raises:
        ValueError: If it can't be read; the sentence says what is wrong, where, and what to do.
    """
    name = Path(path).name
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{name} can't be read: {error.strerror}.") from error
    return read_text(_decoded(raw, name), name)


def read_files(paths: Iterable[str | Path]) -> tuple[tuple[PairRow, ...], list[str]]:
    """Return the pairs of several files, and a sentence for each file that can't be read."""
    rows: list[PairRow] = []
    faults: list[str] = []
    for path in paths:
        try:
            rows += read_pairs(path)
        except ValueError as error:
            faults.append(str(error))
    return tuple(rows), faults


def read_text(text: str, name: str) -> tuple[PairRow, ...]:
    """Return the pairs in a text.

    Args:
        text: JSON if it begins with a bracket, else lines of columns.
        name: What the sentences call it: "pairs.csv" or "The pasted text".

    Raises:
        ValueError: If there are none, or something is wrong; the sentence says what and where.
    """
    if not text.strip():
        raise ValueError(f"{name} is empty: give a line for each pair, such as {EXAMPLE}.")
    rows = _of_json(text, name) if text.lstrip()[0] in "[{" else _of_lines(text, name)
    if not rows:
        raise ValueError(f"{name} holds no pairs below its first line: add some.")
    return rows


def write_text(rows: Iterable[PairRow]) -> str:
    """Return pairs as CSV with a heading; roles and inclusion have columns where they matter."""
    rows = tuple(rows)
    kept = []
    if any(row.roles for row in rows):
        kept.append(ROLES)
    if not all(row.is_included for row in rows):
        kept.append(INCLUDED)
    lines = io.StringIO()
    # Lines end as RFC 4180 has it, by which texts with either character are quoted.
    writer = csv.DictWriter(lines, (*TYPED, *kept), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(_cells(row) for row in rows)
    return lines.getvalue()


def _cells(row: PairRow) -> dict[str, str]:
    roles = {role.name: role.end for role in row.roles}
    return {
        **{column: getattr(row.pair, column) for column in TYPED},
        ROLES: json.dumps(roles, ensure_ascii=False) if roles else "",
        INCLUDED: "yes" if row.is_included else "no",
    }


def _decoded(raw: bytes, name: str) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{name} is written in UTF-16: save it as UTF-8.")
    if b"\0" in raw:
        raise ValueError(f"{name} is not a text file: choose a CSV or JSON file.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ValueError(f"{name} is not UTF-8 in line {line}: save it as UTF-8.") from error


def _of_lines(text: str, name: str) -> tuple[PairRow, ...]:
    """Return the pairs of lines that have commas, semicolons or tabs between their columns."""
    first = text.lstrip("\n").split("\n", 1)[0]
    mark = next((mark for mark in "\t,;" if mark in first), None)
    if mark is None:
        raise ValueError(
            f"{name} has a single column in its first line: put commas or tabs between the clean "
            "and corrupted prompt, answer and distractor."
        )
    reader = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    rows: list[PairRow] = []
    columns: tuple[str, ...] = ()
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns, is_heading = _columns(cells, name)
                if is_heading:
                    continue
            rows.append(_row_of_cells(cells, columns, f"Line {reader.line_num} of {name}"))
            _check_count(len(rows), name)
    except csv.Error as error:
        raise ValueError(
            f"Line {reader.line_num} of {name} can't be split into columns ({error}): check its "
            "quotation marks."
        ) from error
    return tuple(rows)


def _columns(cells: Sequence[str], name: str) -> tuple[tuple[str, ...], bool]:
    """Return what each column holds, and whether the first line says so."""
    named = tuple(cell.strip().casefold() for cell in cells)
    if not set(named) & set(TYPED):
        return TYPED[: max(len(cells), len(NEEDED))], False
    missing = [column for column in NEEDED if column not in named]
    if missing:
        raise ValueError(
            f"{name} has no column {' and no column '.join(missing)}: its first line must name "
            f"them, such as {EXAMPLE}."
        )
    return named, True


def _row_of_cells(cells: Sequence[str], columns: Sequence[str], where: str) -> PairRow:
    if not len(NEEDED) <= len(cells) <= len(columns):
        raise ValueError(
            f"{where} has {len(cells)} columns and not {len(columns)}: put quotation marks around "
            "texts with commas."
        )
    held = dict(zip(columns, cells, strict=False))
    try:
        roles = json.loads(held.get(ROLES, "").strip() or "{}")
    except (ValueError, RecursionError):
        roles = None
    included = TICKS.get(held.get(INCLUDED, "").strip().casefold())
    return _row({column: held.get(column, "") for column in TYPED}, roles, included, where)


def _row(texts: dict[str, str], roles: Any, included: Any, where: str) -> PairRow:
    for column in NEEDED:
        if not texts[column]:
            raise ValueError(f"{where} has no {column} prompt: fill it in or remove the line.")
    if not isinstance(included, bool):
        raise ValueError(f"{where} does not say whether it is included: write yes or no.")
    if not isinstance(roles, dict):
        raise _no_roles(where)
    for column, text in [*texts.items(), *((ROLES, name) for name in roles)]:
        if half := HALF.search(text):
            raise ValueError(
                f"{where} has half a character (U+{ord(half[0]):04X}) in its {column}: replace it."
            )
    pair = PromptPair(texts["clean"], texts["corrupted"], texts["answer"], texts["distractor"])
    return PairRow(pair, _roles(roles, len(pair.clean), where), included)


def _of_json(text: str, name: str) -> tuple[PairRow, ...]:
    """Return the pairs of a JSON list of objects, or of an object's list "pairs"."""
    try:
        held = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{name} is not sound JSON in line {error.lineno}: check its brackets."
        ) from error
    except (ValueError, RecursionError) as error:
        what = "brackets" if isinstance(error, RecursionError) else "numbers, one of which is huge"
        raise ValueError(f"{name} is not sound JSON: check its {what}.") from error
    entries = held.get("pairs") if isinstance(held, dict) else held
    if not isinstance(entries, list):
        raise ValueError(
            f"{name} holds no list of pairs: it must be a list of objects that have “clean”, "
            "“corrupted”, “answer” and “distractor”."
        )
    _check_count(len(entries), name)
    return tuple(
        _row_of_entry(entry, f"Pair {number} of {name}") for number, entry in enumerate(entries, 1)
    )


def _row_of_entry(entry: Any, where: str) -> PairRow:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is not an object with “clean” and “corrupted”: make it one.")
    texts = {column: entry.get(column, "") for column in TYPED}
    for column, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"{where} has a {column} that is not text: put it in quotation marks.")
    included = entry.get(INCLUDED, True)
    included = TICKS.get(included.casefold()) if isinstance(included, str) else included
    return _row(texts, entry.get(ROLES, {}), included, where)


def _roles(named: dict[str, Any], length: int, where: str) -> tuple[Role, ...]:
    if not all(isinstance(end, int) and 0 < end <= length for end in named.values()):
        raise _no_roles(where)
    return tuple(Role(name, end) for name, end in named.items())


def _no_roles(where: str) -> ValueError:
    return ValueError(
        f"{where} has roles that are not ends of words: give each name the number of letters "
        'before the word\'s end, such as {"S1": 4}.'
    )


def _check_count(count: int, name: str) -> None:
    if count > MOST_ROWS:
        raise ValueError(f"{name} holds more than {MOST_ROWS:,} pairs: split it.")
