"""The grid of all heads with what ranks them, the magnifier, and the rules of their roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QRect, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from lensgui.jobs.answers.arrays import Atlas
from lensgui.jobs.answers.reply import Reply
from lensgui.panes.controls.controls import line
from lensgui.panes.head_grid.grid import HeadGrid
from lensgui.panes.head_grid.image import scale_words
from lensgui.panes.head_grid.layout import GridView
from lensgui.panes.head_grid.magnifier import Magnifier
from lensgui.panes.head_grid.rank_bar import RankBar
from lensgui.panes.head_grid.ranking import NAMED, ranking
from lensgui.panes.head_grid.role_rules import RoleRules
from lensgui.panes.token_text import plain_tip
from lensgui.state.selection import Cursor
from lensgui.state.views import AttentionView
from lensgui.terms.kinds import Head
from lensgui.terms.roles import USUAL, Part, RoleBounds
from lensgui.terms.scores import HeadScore


class AllHeads(QWidget):
    """The grid under a line that says what ranks it; its bar is laid out by its owner.

    Attributes:
        grid: The heads.
        bar: What ranks and arranges them.
        ranked: The line above the grid.
        magnifier: The head under the pointer, over the owner.
        rules: The dialog of the rules; None until it is wanted.
        chosen: (changes,) fields of the view that the user set otherwise.
        bounds_changed: (RoleBounds,) a number of the rules was changed.
    """

    chosen = Signal(object)
    bounds_changed = Signal(object)

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._roles: Mapping[Head, Part] = {}
        self._bounds = USUAL
        self._view = AttentionView()
        self._ranked: tuple[object, ...] = ()  # what the heads were ranked by last
        self.bar = RankBar(self)
        self.ranked = line(self)
        self.grid = HeadGrid(self)
        self.magnifier = Magnifier(owner)
        self.rules: RoleRules | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.ranked)
        column.addWidget(self.grid, 1)
        self.bar.chosen.connect(self.chosen)
        self.grid.pointed.connect(self._magnify)
        self.bar.roles.clicked.connect(self._show_rules)

    @property
    def score(self) -> HeadScore:
        """What the heads are ranked by."""
        return NAMED[self._view.score]

    def rank(self, reply: Reply | None, atlas: Atlas | None, cursor: Cursor) -> None:
        """Rank the heads by what is known now; until it is, they stay as they are.

        Args:
            reply: How the question stands that the score needs; None if it needs none.
            atlas: The attention on this prompt.
            cursor: What is selected.
        """
        before = self.grid.ranking
        if reply is not None and reply.is_old and before is not None and before.score == self.score:
            return
        known, why = (None, "") if reply is None else (reply.known, reply.sentence)
        asked = self.score, known, why, atlas, cursor, tuple(self.grid.tokens)
        if asked == self._ranked:
            return
        self._ranked = asked
        found = ranking(self.score, known, atlas, cursor, self.grid.tokens)
        if why:
            found = replace(found, remark=why, is_whole=True)
        self.grid.show_ranking(found)
        scale = scale_words(atlas) if atlas is not None else ""
        said = " · ".join(filter(None, (found.remark or self.score.title, scale)))
        self.ranked.setText(said)
        self.ranked.setToolTip(plain_tip(f"{self.score.title}: {self.score.meaning}\n{said}"))

    def show_view(self, view: AttentionView) -> None:
        """Rank, arrange or filter the heads; a filter leaves them as large as they were."""
        if view == self._view:
            return
        self._view = view
        self.bar.show_view(view)
        before = self.grid.view
        if view.arrangement != before.arrangement:
            self.grid.show_view(GridView(view.arrangement, view.least_score))
            self.grid.reveal()
        elif view.least_score != before.least:
            self.grid.show_view(replace(before, least=view.least_score))

    def show_roles(self, roles: Mapping[Head, Part]) -> None:
        """Write the letters of roles."""
        self._roles = roles
        self.grid.show_roles(roles)
        if self.rules is not None:
            self.rules.show_roles(roles)

    def show_bounds(self, bounds: RoleBounds) -> None:
        """Show the numbers in the rules."""
        self._bounds = bounds
        if self.rules is not None:
            self.rules.show_bounds(bounds)

    def magnify_anew(self) -> None:
        """Show the head under a pointer that rests as it is drawn now."""
        if self.magnifier.isVisible():
            self._magnify(self.grid.head_pointed_at)

    @Slot()
    def _show_rules(self) -> None:
        """Show the rules."""
        if self.rules is None:
            self.rules = RoleRules(self)
            self.rules.changed.connect(self.bounds_changed)
        self.rules.show_roles(self._roles)
        self.rules.show_bounds(self._bounds)
        self.rules.show()
        self.rules.raise_()

    @Slot(object)
    def _magnify(self, head: Head | None) -> None:
        """Show the head under the pointer large, in a corner that it is not in."""
        atlas, layout, owner = self.grid.atlas, self.grid.layout_now(), self._owner
        if head is None or atlas is None or head[0] >= atlas.layers:
            self.magnifier.hide()
            self.grid.is_magnified = False
            return
        frame = layout.frame(head[0] * len(atlas.axes[1]) + head[1]).toAlignedRect()
        place = QRect(self.grid.mapTo(owner, frame.topLeft()), frame.size())
        room = owner.rect().adjusted(0, self.mapTo(owner, self.rect().topLeft()).y(), 0, 0)
        has_room = self.magnifier.stand_away(place, room, self.grid.tokens)
        self.magnifier.setVisible(has_room)
        self.grid.is_magnified = has_room
        if has_room:
            self.magnifier.show_head(atlas, head, self.grid.words(*head))
            self.magnifier.raise_()
