"""Which pictures of the panes are on stage: in the window, and where there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lensgui._version import __version__
from lensgui.panes.figures.figure import Figure, Provenance
from lensgui.panes.figures.shown import Shown, slug
from lensgui.state.layout import Layout

ASIDE = ("Prompt", "Inspector")  # panes that stand on stage only where no other one does
MOST = 2


@dataclass(frozen=True, slots=True, eq=False)
class OnStage:
    """A picture that an audience is to see.

    Attributes:
        title: Of its pane.
        shown: The picture.
        names: What all pictures of its pane are called, as scenes name them.
    """

    title: str
    shown: Shown
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the picture is called."""
        return named(self.title, self.shown.name)

    @property
    def figure(self) -> Figure:
        """The picture as it is drawn on stage, which no file says anything of."""
        about = Provenance(__version__, "", "", self.name, {})
        heading, panels = self.shown.heading or self.name, self.shown.panels
        return Figure(slug(self.name), heading, panels, self.shown.says, about)


def named(title: str, name: str) -> str:
    """Return what a picture of a pane is called."""
    return f"{title}: {name}" if name else title


def on_stage(
    layout: Layout,
    pictures_of: Callable[[str], Sequence[Shown]],
    wanted: Sequence[str] = (),
    most: int = MOST,
) -> list[OnStage]:
    """Return the pictures of the largest panes in front that have any, from left to right.

    Args:
        layout: Where the panes stand.
        pictures_of: Returns the pictures of a pane, by its title.
        wanted: Pictures that are seen instead of their panes' main ones.
        most: Of how many panes.
    """
    hidden = (*layout.hidden, *layout.folded)
    areas = [area for area in layout.areas if area.front not in hidden]
    places = {area.front: (area.left, area.top) for area in areas}
    sizes = {area.front: area.width * area.height for area in areas}
    titles = [layout.solo] if layout.solo else sorted(sizes, key=lambda one: -sizes[one])
    first = [title for title in titles if title not in ASIDE]
    rest = [title for title in titles if title in ASIDE]
    found: dict[str, Sequence[Shown]] = {}
    for title in (*first, *rest):
        if title in rest and found:
            break
        if len(found) < most and (pictures := pictures_of(title)):
            found[title] = pictures
    ordered = sorted(found, key=lambda title: places.get(title, (0.0, 0.0)))
    return [_chosen(title, found[title], wanted) for title in ordered]


def _chosen(title: str, pictures: Sequence[Shown], wanted: Sequence[str]) -> OnStage:
    names = tuple(named(title, one.name) for one in pictures)
    at = next((names.index(name) for name in wanted if name in names), 0)
    return OnStage(title, pictures[at], names)
