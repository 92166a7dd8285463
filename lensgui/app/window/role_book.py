"""What part each head plays: what has to be asked for the rules, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lensgui.jobs.answers.arrays import Evidence, ModelScores
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.request import Request
from lensgui.jobs.requests import ReadEvidence, ScoreHeads
from lensgui.panes.pane import Channel
from lensgui.state.document import Document
from lensgui.terms.kinds import Head
from lensgui.terms.roles import ENOUGH_PAIRS, PairMeasures, Part, find_roles

SCORES: Channel = ("", "head scores")
PAIR: Channel = ("", "evidence")
TABLE: Channel = ("", "evidence of the table")
CHANNELS = SCORES, PAIR, TABLE


def questions(document: Document) -> dict[Channel, Request]:
    """Return what the rules need to know: of the model, the pair at hand, and the table."""
    model = document.model
    needed: dict[Channel, Request] = {}
    if not document.pair.clean:
        return needed
    needed[SCORES] = ScoreHeads(model)
    needed[PAIR] = ReadEvidence(model, (document.pair,))
    table = tuple(row.pair for row in document.table if row.is_included)[:ENOUGH_PAIRS]
    if len(table) > 1:
        needed[TABLE] = ReadEvidence(model, table)
    return needed


class RoleBook:
    """Keeps what is known, and what follows from it; what was known stays until there is more."""

    def __init__(self) -> None:
        self._scores: ModelScores | None = None
        self._shown: PairMeasures | None = None
        self._table: tuple[PairMeasures, ...] = ()

    def take(self, channel: Channel, reply: Reply | None) -> bool:
        """Take what is known of a question; whether that is news."""
        known = reply.known if reply is not None else None
        before = self._scores, self._shown, self._table
        match channel, known:
            case _, ModelScores() as scores if "copying" not in scores.unsettled:
                self._scores = scores
            case _, ModelScores() as scores if "induction" not in scores.unsettled:
                unknown = np.full_like(scores.measures.copying, np.nan)
                measures = replace(scores.measures, copying=unknown)
                self._scores = replace(scores, measures=measures)
            case _, Evidence() as found if channel == PAIR:
                self._shown = found.measures[0] if found.measures else None
            case _, Evidence() as found:
                self._table = found.measures
            case _ if channel == TABLE and reply is None:
                self._table = ()
            case _ if channel == PAIR and reply is not None and reply.status == "failed":
                self._shown = None
        return before != (self._scores, self._shown, self._table)

    def roles(self, document: Document) -> Mapping[Head, Part]:
        """Return what part each head plays."""
        if self._scores is None:
            return {}
        return find_roles(
            self._shown,
            self._scores.measures,
            self._table,
            document.bounds,
            document.roles,
            is_of_names=document.pair.has_name,
        )
