"""A table of pairs as the sweep command takes it: checked, row by row, before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lensgui.analysis.pairs.averages import Case
from lensgui.analysis.pairs.cases import case_of, name_of
from lensgui.prompts.pair import PairRow
from lensgui.prompts.pair_files import read_pairs
from lensgui.terms.errors import ModelError
from lensgui.terms.metric import MetricName
from lensgui.terms.metrics import METRICS
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.tokens import to_str_tokens

NumberedRow = tuple[int, PairRow]  # from 1


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A row of a table, ready to be swept.

    Attributes:
        number: Its place in the table, from 1; rows that are left out count.
        case: Its token ids and its metric.
        tokens: The clean prompt's tokens as text, [position].
    """

    number: int
    case: Case
    tokens: tuple[str, ...]


def read(path: Path, metric: MetricName) -> list[NumberedRow]:
    """Return the rows of a table that are included, with a metric.

    Args:
        path: A CSV, tab-separated or JSON file.
        metric: What is read of each pair.

    Raises:
        ModelError: If it can't be read, or a row lacks what the metric needs.
    """
    try:
        rows = read_pairs(path)
    except ValueError as error:
        raise ModelError(str(error)) from error
    found = [
        (number, replace(row, pair=replace(row.pair, metric=metric)))
        for number, row in enumerate(rows, 1)
        if row.is_included
    ]
    if not found:
        raise ModelError(f"{path.name} has no pair that is included: write yes in that column.")
    for number, row in found:
        missing = [role for role in METRICS[metric].needs if not getattr(row.pair, role)]
        if missing:
            raise ModelError(
                f"{_named(number, row, path.name)}: it has no {' and no '.join(missing)}, which "
                f"the metric {metric} reads; fill it in, or choose another --metric."
            )
    return found


def pairs_of(
    model: HookedTransformer, rows: Iterable[NumberedRow], name: str, *, bos: bool
) -> list[Pair]:
    """Return rows as sweeps take them.

    Args:
        model: The model.
        rows: The rows.
        name: What the table is called.
        bos: Whether the beginning-of-sequence token is put before each prompt.

    Raises:
        ModelError: If a row can't be swept: lengths that differ, an answer that is no token …
    """
    found = []
    for number, row in rows:
        row = replace(row, pair=replace(row.pair, bos=bos))
        try:
            case = case_of(model, row)
        except ValueError as error:
            reason = error.__cause__ or error
            raise ModelError(f"{_named(number, row, name)}: {reason}") from error
        tokens = to_str_tokens(model, case.clean)
        found.append(Pair(number, case, tuple(map(str, tokens))))
    return found


def _named(number: int, row: PairRow, name: str) -> str:
    return f"Pair {number} of {name} (“{name_of(row.pair)}”)"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
