from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from lensgui.app.export.headless import Headless
from lensgui.app.window.layout import PANES
from lensgui.jobs.requests import OpenModel
from lensgui.panes.figures import files
from lensgui.panes.figures.files import Options
from lensgui.prompts.pair import PromptPair
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.sessions.saved import ModelReference, Saved
from lensgui.terms.errors import ExportError, ModelError
from lensgui.terms.model_key import ModelKey
from tests.fakes import FakeAnswerer

WHEN = datetime(2026, 1, 2, tzinfo=UTC)
EDGE = Cursor(2, 1, 3, 1)


@pytest.fixture
def answerer():
    return FakeAnswerer()


@pytest.fixture
def headless(answerer, qapp):
    """Make the figures of a session without a window, and let go of the panes at the end."""
    made = []

    def make(one):
        made.append(Headless(one, answerer))
        return made[-1]

    yield make
    for one in made:
        one.close()


def saved(document, cursor=EDGE):
    return Saved(document, ModelReference.to(document.model), WHEN, cursor)


UNSEEN = {"Prompt pairs", "Interventions", "Strength"}  # without pairs, and interventions


def test_every_pane_has_its_pictures_without_a_window(headless):
    pair = PromptPair("When John and Mary went", "When Mary and Mary went", " Mary", " John")
    run = headless(saved(Document(ModelKey("fake"), pair)))
    found = list(run.figures())
    assert {title for title, _ in found} == {kind.title for kind in PANES} - UNSEEN
    assert not run.failures
    assert len({made.name for _, made in found}) == len(found)
    assert len(run.parts()) == len(PANES)
    again = {made.name: made for _, made in headless(run.saved).figures()}
    for _, made in found:
        for name in ("csv", "py", "png", "svg"):
            if name == "py" and not made.code:
                continue
            options = Options(times=1)
            one, other = (files.as_bytes(each, name, options) for each in (made, again[made.name]))
            assert one == other


def test_the_numbers_are_those_of_the_window(window, parts, headless):
    document, cursor = window.session.document, window.selection.cursor
    run = headless(saved(document, cursor))
    without = {made.name: made for _, made in run.figures()}
    compared = 0
    for picture in parts.commands.exporting.pictures():
        theirs = without[picture.figure.name]
        assert theirs.caption == picture.figure.caption
        for one, other in zip(picture.figure.panels, theirs.panels, strict=True):
            for name, values in one.data.columns.items():
                np.testing.assert_array_equal(values, other.data.columns[name])
                compared += 1
    assert compared > 5


def test_a_model_that_does_not_open_is_one_sentence(answerer, headless):
    answerer.broken[OpenModel] = ModelError("The fake is not here.")
    with pytest.raises(ExportError, match=r"^The fake is not here\.$"):
        headless(saved(Document(ModelKey("fake"), PromptPair("a b"))))


def test_a_selection_beyond_the_model_is_left_out_and_a_fault_is_said(headless):
    pair = PromptPair("a b c", "a b", " c")
    run = headless(saved(Document(ModelKey("fake"), pair), Cursor(99, 99)))
    assert (run.cursor.layer, run.cursor.head) == (None, None)
    titles = {title for title, _ in run.figures()}
    assert "Activation patching" not in titles
    assert "Activation patching" in run.failures
    nothing = replace(run.saved, document=Document(ModelKey("fake"), PromptPair("")))
    assert list(headless(nothing).figures()) == []
