"""The numbers of a figure as CSV and NPZ files, and read again."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes.figures.figure import Data, Figure
from lensgui.terms.errors import ExportError

MOST_ROWS = 2_000_000  # of a CSV file
THEN = (1980, 1, 1, 0, 0, 0)  # the date of every member: equal numbers are equal files


def as_csv(figure: Figure) -> bytes:
    """Return a row for each cell: its panel if there are several, its places, its numbers.

    It is one table, however many panels there are: what a panel does not have is empty.

    Raises:
        ExportError: If there are more than a spreadsheet can take.
    """
    count = sum(int(np.prod(panel.data.shape)) for panel in figure.panels)
    if count > MOST_ROWS:
        raise ExportError(
            f"{figure.title} has {count:,} numbers, too many for a CSV file: choose NPZ instead."
        )
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")  # else a \r in a token is not quoted
    if len(figure.panels) == 1:
        (panel,) = figure.panels
        writer.writerow(_header(panel.data))
        writer.writerows(_rows(panel.data))
    else:
        header = _common([panel.data for panel in figure.panels])
        writer.writerow(["panel", *header])
        for panel in figure.panels:
            places = [header.index(name) for name in _header(panel.data)]
            for row in _rows(panel.data):
                whole = [""] * len(header)
                for at, cell in zip(places, row, strict=True):
                    whole[at] = cell
                writer.writerow([panel.title, *whole])
    return buffer.getvalue().encode("utf-8", "backslashreplace")


def _common(data: Sequence[Data]) -> list[str]:
    """Return the names of columns of all panels: places first, then numbers, then words."""
    names: list[str] = []
    for some in (_places, lambda one: list(one.columns), lambda one: list(one.words)):
        names += [name for one in data for name in some(one)]
    return list(dict.fromkeys(names))


def _header(data: Data) -> list[str]:
    return [*_places(data), *data.columns, *data.words]


def _places(data: Data) -> list[str]:
    names: list[str] = []
    for axis in data.axes:
        names += [axis.name, f"{axis.name}_name"] if _has_names(axis) else [axis.name]
    return names


def _has_names(axis: Axis) -> bool:
    """Whether places are called something that their numbers do not say."""
    places = [str(place) for place in axis.coordinates]
    plain = (places, [f"L{at}" for at in places], [f"H{at}" for at in places])
    return list(axis.labels) not in plain


def _rows(data: Data) -> Iterator[list[str]]:
    columns = [np.asarray(values).reshape(-1) for values in data.columns.values()]
    words = list(data.words.values())
    named = [_has_names(axis) for axis in data.axes]
    for at, place in enumerate(np.ndindex(data.shape)):
        row: list[str] = []
        for axis, index, has_names in zip(data.axes, place, named, strict=True):
            coordinate = axis.coordinates[index]
            row.append("" if coordinate is None else str(coordinate))
            if has_names:
                row.append(axis.labels[index])
        row += ["" if np.isnan(values[at]) else repr(float(values[at])) for values in columns]
        yield [*row, *(texts[at] for texts in words)]


def as_table(figure: Figure) -> str:
    """Return text with tabs, as spreadsheets take it: a map as rows and columns, else as CSV."""
    return "\n".join(_table(panel.data) for panel in figure.panels)


def _table(data: Data) -> str:
    if len(data.axes) == 2 and len(data.columns) == 1:
        rows, columns = data.axes
        (values,) = data.columns.values()
        lines = [["", *columns.labels]]
        for name, row in zip(rows.labels, np.asarray(values), strict=True):
            lines.append([name, *("" if np.isnan(value) else f"{value:.6g}" for value in row)])
    else:
        lines = [_header(data), *_rows(data)]
    return "\n".join("\t".join(" ".join(cell.split()) for cell in line) for line in lines) + "\n"


def count(data: Data) -> int:
    """Return how many cells there are."""
    return int(np.prod(data.shape))


def table(data: Data, most: int) -> tuple[list[str], list[list[str]]]:
    """Return what columns are called, and the first rows, as CSV files have them."""
    return _header(data), list(islice(_rows(data), most))


def as_npz(figure: Figure) -> bytes:
    """Return arrays by name, with the names of their axes' places, the caption and the provenance.

    `values` is an array of the first panel, `panel1.values` of the second; `values.axes` says what
    its dimensions count and `layer.names` what the places of one are called.
    """
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {}
    for number, panel in enumerate(figure.panels):
        before = "" if len(figure.panels) == 1 else f"{number}."
        data = panel.data
        axes = np.array([axis.name for axis in data.axes], np.str_)
        if before:
            arrays[f"{before}title"] = np.array(panel.title, np.str_)
        for name, values in data.columns.items():
            arrays[f"{before}{name}"] = np.asarray(values).reshape(data.shape)
            arrays[f"{before}{name}.axes"] = axes
        for name, texts in data.words.items():
            arrays[f"{before}{name}"] = np.array(texts, np.str_).reshape(data.shape)
        for axis in data.axes:
            places = [-1 if place is None else place for place in axis.coordinates]
            arrays[f"{before}{axis.name}.places"] = np.array(places, np.int64)
            arrays[f"{before}{axis.name}.names"] = np.array(axis.labels, np.str_)
    about = json.dumps(figure.provenance.as_json(), sort_keys=True)
    arrays["caption"] = np.array(figure.caption, np.str_)
    arrays["provenance"] = np.array(about, np.str_)
    return _zipped(arrays)


def _zipped(arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            inside = io.BytesIO()
            np.lib.format.write_array(inside, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", THEN), inside.getvalue())
    return buffer.getvalue()
