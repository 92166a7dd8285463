"""Scenes as one HTML page that needs nothing else: pictures, values under the pointer, tables.

Whatever a prompt or a token says is text: it is escaped where it stands in the page, and what the
script shows is set as text. The page may load nothing and run nothing but its own script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from lensgui._version import __version__
from lensgui.panes.figures import numbers, pointing
from lensgui.panes.figures.drawing import markup, svg
from lensgui.panes.figures.drawing.marks import Drawing
from lensgui.panes.figures.figure import Figure, Panel
from lensgui.panes.figures.slides import Slide, sheet
from lensgui.panes.theme import Theme

MOST_ROWS = 500  # of a table
MOST_CELLS = 20_000  # of a sheet that say their number
STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; font: 1.1rem/1.5 Inter, Helvetica, Arial,
  'DejaVu Sans', sans-serif; background: #ffffff; color: #1b1f26; }
section { margin: 0 0 3rem; scroll-margin: 1rem; }
svg { width: 100%; height: auto; display: block; border: 1px solid #c9ced6; }
figure { margin: 0; position: relative; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { border: 1px solid #c9ced6; padding: .1rem .5rem; text-align: left; }
.scroll { max-height: 24rem; overflow: auto; }
#said { position: fixed; bottom: 1rem; left: 1rem; padding: .3rem .8rem; background: #1b1f26;
  color: #ffffff; border-radius: .3rem; }
"""
SCRIPT = """
'use strict';
const known = JSON.parse(document.getElementById('cells').textContent);
const said = document.getElementById('said');
function say(words) { said.textContent = words; said.hidden = !words; }
for (const picture of document.querySelectorAll('svg[data-scene]')) {
  const grids = known[Number(picture.dataset.scene)];
  picture.addEventListener('pointerleave', () => say(''));
  picture.addEventListener('pointermove', (event) => {
    const place = new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(picture.getScreenCTM().inverse());
    for (const grid of grids) {
      const across = (place.x - grid.x) / grid.width, down = (place.y - grid.y) / grid.height;
      if (across < 0 || across >= 1 || down < 0 || down >= 1) continue;
      const at = Math.floor(down * grid.rows) * grid.columns + Math.floor(across * grid.columns);
      say(grid.words[at]);
      return;
    }
    say('');
  });
}
"""


def page(title: str, slides: Sequence[Slide], colors: Theme) -> bytes:
    """Return an HTML page of some scenes.

    Args:
        title: What it is called.
        slides: The scenes.
        colors: Of the pictures.
    """
    sheets = [sheet(slide, colors) for slide in slides]
    policy = (
        f"default-src 'none'; script-src {_hash(SCRIPT)}; style-src {_hash(STYLE)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    sections = "\n".join(
        _section(at, slide, drawing)
        for at, (slide, drawing) in enumerate(zip(slides, sheets, strict=True))
    )
    cells = markup.data([list(_cells(drawing)) for drawing in sheets])
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{markup.attribute(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="lensgui {markup.attribute(__version__)}">
<title>{markup.text(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{markup.text(title)}</h1>
<main>
{sections}
</main>
<div id="said" role="status" hidden></div>
<script type="application/json" id="cells">{cells}</script>
<script>{SCRIPT}</script>
</body>
</html>
""".encode()


def _hash(source: str) -> str:
    """Return how a policy names what may be used."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _section(at: int, slide: Slide, drawing: Drawing) -> str:
    """Return a scene: its picture, what is said, and a table for each figure."""
    tables = "\n".join(map(_table, slide.figures))
    caption = f"<figcaption>{markup.text(slide.words)}</figcaption>" if slide.words else ""
    return f"""<section id="scene-{at + 1}" aria-label="{markup.attribute(slide.name)}">
<h2>{markup.text(slide.name)}</h2>
<figure>
{svg.inline(drawing, f"scene-{at + 1}", _described(slide), {"data-scene": str(at)})}
{caption}
</figure>
{tables}
</section>"""


def _described(slide: Slide) -> tuple[str, str]:
    """Return the picture's title, and what it shows in words."""
    shown = "; ".join(f"{figure.title}. {figure.caption}" for figure in slide.figures)
    return slide.name, f"{slide.prompt} {shown}"


def _table(figure: Figure) -> str:
    """Return the numbers of a figure as tables that are unfolded."""
    return "\n".join(_panel_table(figure, panel) for panel in figure.panels)


def _panel_table(figure: Figure, panel: Panel) -> str:
    name = f"{figure.title}: {panel.title}" if panel.title else figure.title
    header, rows = numbers.table(panel.data, MOST_ROWS)
    count = numbers.count(panel.data)
    head = "".join(f'<th scope="col">{markup.text(each)}</th>' for each in header)
    lines = "".join(
        "<tr>" + "".join(f"<td>{markup.text(cell)}</td>" for cell in row) + "</tr>\n"
        for row in rows
    )
    more = count - len(rows)
    left = f"<p>… and {more:,} more.</p>" if more > 0 else ""
    return f"""<details>
<summary>Numbers of {markup.text(name)}</summary>
<div class="scroll" tabindex="0"><table>
<caption>{markup.text(name)}</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{lines}</tbody>
</table></div>
{left}
</details>"""


def _cells(drawing: Drawing) -> Iterator[dict[str, Any]]:
    """Yield where cells are, and what each says."""
    left = MOST_CELLS
    for spots in drawing.spots:
        left -= spots.rows * spots.columns
        if left < 0:
            return
        yield {
            "x": round(spots.x, 2),
            "y": round(spots.y, 2),
            "width": round(spots.width, 2),
            "height": round(spots.height, 2),
            "rows": spots.rows,
            "columns": spots.columns,
            "words": pointing.all_words(spots),
        }
