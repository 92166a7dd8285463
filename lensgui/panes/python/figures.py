"""A whole script for each picture: it computes the figure's numbers, and draws or prints them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes.figures.figure import (
    Bars,
    Cells,
    Cloud,
    Lines,
    Panel,
    Prose,
    Scale,
    Sheet,
    Strands,
    Thumbs,
    Web,
)

SIGNED, AMOUNT = "RdBu", "Blues"  # matplotlib's colours of signed numbers, and of amounts
MOST_NAMES = 60  # bars that are drawn
KNOWN = {"np", "plt", "model", "torch"}  # names that need no import from lensgui


@dataclass(frozen=True, slots=True)
class Code:
    """How a script gets at the numbers of a picture, after a pane's own lines.

    Attributes:
        values: For each panel an expression for its numbers, in the order of its data; () where no
            script computes them.
        lines: What is to be computed first.
    """

    values: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


NO_CODE = Code()


def script(code: str, made: Code, panels: tuple[Panel, ...], title: str, name: str) -> str:
    """Return a script that computes what panels show as `numbers`, and draws or prints it.

    Args:
        code: The lines that the pane copies.
        made: How to get at the numbers; "" is returned where that is not known.
        panels: What is drawn.
        title: What stands above it.
        name: What the picture's file is called, without its ending.
    """
    if not code or len(made.values) != len(panels):
        return ""
    listed = ", ".join(made.values) + "," * (len(made.values) == 1)
    columns = min(len(panels), 4)
    rows = -(-len(panels) // columns)
    lines = [
        *made.lines,
        f"numbers = [np.asarray(part, dtype=float) for part in ({listed})]  # what is drawn",
        "try:",
        "    import matplotlib.pyplot as plt",
        "except ImportError:  # then print what would be drawn",
        "    for part in numbers:",
        "        print(table(part))",
        "else:",
        f"    size = ({columns} * 5, {rows} * 5)",
        f"    figure, axes = plt.subplots({rows}, {columns}, squeeze=False, figsize=size)",
    ]
    for at, panel in enumerate(panels):
        place = f"axes[{at // columns}, {at % columns}]"
        lines += [f"    axis, part = {place}, numbers[{at}]"]
        lines += [f"    {line}" for line in draw(panel)]
        lines += [f"    axis.set_title({panel.title!r})"] if panel.title else []
    lines += [
        f"    figure.suptitle({title!r})",
        "    figure.tight_layout()",
        f'    figure.savefig("{name}.png", dpi=300)',
    ]
    return extended(code, lines)


def extended(code: str, lines: Iterable[str]) -> str:
    """Return a script with more lines, and with what they import."""
    kept = [line for line in code.splitlines() if not _is_import(line)]
    body = "\n".join([*kept, *lines]).strip() + "\n"
    tree = ast.parse(body)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    made |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    used = {node.id for node in names} - made - KNOWN - set(dir(builtins))
    said = {node.id for node in names}
    imports = [f"import {name}" for name in ("torch",) if name in said]
    imports = ["import numpy as np"] * ("np" in said) + imports
    if used:
        imports.append(f"from lensgui import {', '.join(sorted(used))}")
    return "\n".join([*imports, "", body])


def _is_import(line: str) -> bool:
    return line.startswith(("import ", "from lensgui import "))


@singledispatch
def draw(panel: object) -> list[str]:
    """Return the lines that draw `part` on `axis` of `figure`, as a panel is drawn."""
    raise TypeError(f"nothing draws a {type(panel).__name__}")


def _labels(which: str, axis: Axis) -> str:
    turned = ", rotation=90" * (which == "x")
    return f"axis.set_{which}ticks(range({len(axis)}), {list(axis.labels)!r}{turned})"


def _bar(scale: Scale) -> str:
    return f"figure.colorbar(picture, ax=axis, label={scale.counted!r})"


def _shades(scale: Scale) -> str:
    colors = SIGNED if scale.is_signed else AMOUNT
    return f'cmap="{colors}", vmin={scale.low:.6g}, vmax={scale.high:.6g}'


@draw.register
def _(panel: Cells) -> list[str]:
    rows, columns = panel.data.axes
    shape = "" if panel.is_square else ', aspect="auto"'
    return [
        f"picture = axis.imshow(part, {_shades(panel.scale)}{shape})",
        _labels("y", rows),
        _labels("x", columns),
        _bar(panel.scale),
    ]


@draw.register
def _(panel: Thumbs) -> list[str]:
    rows, columns = panel.data.axes[:2]
    return [
        "layers, heads, height, width = part.shape",
        "whole = np.pad(part, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)",
        "whole = whole.swapaxes(1, 2).reshape(layers * (height + 1), heads * (width + 1))",
        f"picture = axis.imshow(whole, {_shades(panel.scale)})",
        f"axis.set_yticks(height / 2 + np.arange(layers) * (height + 1), {list(rows.labels)!r})",
        f"axis.set_xticks(width / 2 + np.arange(heads) * (width + 1), {list(columns.labels)!r})",
        _bar(panel.scale),
    ]


@draw.register
def _(panel: Cloud) -> list[str]:
    return [
        "axis.scatter(*part, s=12)",
        f"for name, x, y in zip({list(panel.names)!r}, *part):",
        "    axis.annotate(name, (x, y), fontsize=6)",
        f"axis.set_xlabel({panel.titles[0]!r})",
        f"axis.set_ylabel({panel.titles[1]!r})",
    ]


@draw.register
def _(panel: Strands) -> list[str]:
    least = float(np.abs(panel.shares).min()) * panel.scale.high if len(panel.shares) else 0.0
    return [
        f"for end, start in np.argwhere(np.abs(part) >= {least:.6g}):",
        "    strength = min(1.0, abs(part[end, start]) / np.nanmax(np.abs(part)))",
        '    axis.plot([0, 1], [end, start], color="tab:blue", alpha=strength)',
        _labels("y", panel.data.axes[0]),
        "axis.invert_yaxis()",
        'axis.set_xticks([0, 1], ["destination", "source"])',
    ]


@draw.register
def _(panel: Web) -> list[str]:
    places = dict(
        zip(panel.names, zip(panel.across.tolist(), panel.rows.tolist(), strict=True), strict=True)
    )
    ends = [(panel.names[one], panel.names[other]) for one, other in panel.ends[::-1].tolist()]
    return [
        f"places = {places!r}",
        f"ends = {ends!r}",
        "for (one, other), value in zip(ends, part):",
        "    (x, y), (to_x, to_y) = places[one], places[other]",
        '    color = "tab:blue" if value > 0 else "tab:red"',
        "    width = 4 * abs(value) / max(abs(part))",
        "    axis.plot([x, to_x], [y, to_y], color=color, linewidth=width)",
        "for name, (x, y) in places.items():",
        '    axis.annotate(name, (x, y), ha="center", va="center", fontsize=6)',
        "axis.invert_yaxis()",
        "axis.set_xticks([])",
        f"axis.set_yticks(range({len(panel.row_names)}), {panel.row_names!r})",
    ]


@draw.register
def _(panel: Prose) -> list[str]:
    return [
        f'picture = axis.imshow(part[None], {_shades(panel.scale)}, aspect="auto")',
        _labels("x", panel.data.axes[0]),
        "axis.set_yticks([])",
        _bar(panel.scale),
    ]


@draw.register
def _(panel: Bars) -> list[str]:
    names = list(panel.data.axes[0].labels)[:MOST_NAMES]
    return [
        f"names = {names!r}",
        "axis.barh(range(len(names)), part[: len(names)])",
        "axis.set_yticks(range(len(names)), names)",
        "axis.invert_yaxis()",
        f"axis.set_xlabel({panel.counted!r})",
    ]


@draw.register
def _(panel: Lines) -> list[str]:
    return [
        f"for name, line in zip({list(panel.names)!r}, np.atleast_2d(part)):",
        "    axis.plot(range(len(line)), line, label=name)",
        _labels("x", panel.places),
        f"axis.set_ylabel({panel.counted!r})",
        "axis.legend()",
    ]


@draw.register
def _(panel: Sheet) -> list[str]:
    names = list(panel.data.axes[0].labels)[:MOST_NAMES]
    return [
        f"names = {names!r}",
        'axis.plot(part[: len(names)], range(len(names)), "o")',
        "axis.set_yticks(range(len(names)), names)",
        "axis.invert_yaxis()",
    ]
