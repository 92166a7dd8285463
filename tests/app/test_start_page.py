"""The start page: examples, tours, the files that were open last, models."""

from __future__ import annotations

from pathlib import Path

import pytest

from lensgui.app import start
from lensgui.app.sessions.attaching import SessionFile
from lensgui.models.known_models import CATALOGUE
from lensgui.panes.start.start import MOST_FILES, StartPane
from lensgui.state.examples import examples
from lensgui.state.tours import tours
from tests.windows import pane_of


@pytest.fixture
def page(window):
    window.show_pane("Start")
    return pane_of(window, StartPane)


def test_it_offers_every_example_every_tour_and_every_model(page):
    assert list(page.examples) == [example.name for example in examples()]
    assert list(page.tours) == list(tours())
    assert [one.text().split(" (")[0] for one in page.models.values()] == [
        entry.title.split(" (")[0] for entry in CATALOGUE
    ]


def test_it_shows_no_numbers_and_copies_no_python(page, window):
    bar = window.docks["Start"].bar
    assert not bar.copy.isVisible()
    assert page.shown() == []
    assert page.python(window.session.document, window.selection.cursor) == ""


def test_an_example_is_opened_where_there_is_most_to_see(page, window):
    example = examples()[1]
    page.examples[example.name].click()
    assert window.session.document.pair == example.document.pair
    assert window.panes["Attention"].is_in_front


def test_a_tour_begins(page, parts, monkeypatch):
    began = []
    monkeypatch.setattr(
        type(parts.commands.touring), "start", lambda self, name: began.append(name)
    )
    page.tours["days"].click()
    assert began == ["days"]


def test_the_last_files_are_offered_and_opened(page, window, parts, qtbot, tmp_path, files):
    assert page.no_files.isVisible()
    path = tmp_path / "mine.lens"
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    with qtbot.waitSignal(files.titled):
        files.save_to(path)
    qtbot.waitUntil(lambda: page.files[0].text() == "mine.lens")
    assert not page.no_files.isVisible()
    window.session.edit(clean="Another prompt")
    opened = []
    page.file_wanted.connect(opened.append)
    page.show_files([path, *(Path(f"/x/{at}.lens") for at in range(9))])
    assert [one.isVisible() for one in page.files] == [True] * MOST_FILES
    page.file_wanted.disconnect(files.open_file)
    page.files[0].click()
    page.files[1].click()
    assert opened == [path, Path("/x/0.lens")]


def test_a_model_is_opened_or_fetched(page, window, monkeypatch):
    wanted = []
    page.model_wanted.disconnect(window.model_bar.open_named)
    page.model_wanted.connect(wanted.append)
    for one in page.models.values():
        one.click()
    assert wanted == [entry.name for entry in CATALOGUE]


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        (start.Options(), True),
        (start.Options(safe_mode=True), True),
        (start.Options(model="toy"), False),
        (start.Options(pair=(("clean", "a"),)), False),
        (start.Options(smoke_test=True), False),
        (start.Options(request=SessionFile(Path("x.lens"))), False),
    ],
)
def test_it_is_in_front_where_nothing_was_named(options, begins):
    assert options.begins_anew is begins


def test_it_stands_behind_the_first_example_else(window):
    assert window.panes["Attention"].is_in_front
    assert not window.panes["Start"].is_in_front
    assert not window.docks["Start"].isHidden()
