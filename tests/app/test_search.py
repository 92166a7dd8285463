"""Whatever a window has is found by some of its letters, and done by Return."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtWidgets import QApplication

from lensgui.app.commands import entries
from lensgui.app.commands.entries import Entry
from lensgui.app.commands.matches import MOST_USES, USES, Matcher, Uses, matching
from lensgui.app.commands.search import ROWS
from lensgui.app.window.actions import COMMANDS
from lensgui.jobs.runner import QUIET_MS
from lensgui.panes import theme
from lensgui.panes.token_text import visible
from lensgui.state.examples import examples
from lensgui.state.selection import Cursor
from tests.app.test_looks import places

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def search(parts, window):
    """The search of a window at rest, closed."""
    return parts.commands.search


def type_in(search, qtbot, text):
    """Open the search by its key and type."""
    qtbot.keyClick(search.parentWidget(), Qt.Key.Key_K, CONTROL)
    assert search.isVisible()
    qtbot.keyClicks(search.field, text)


def choose(search, qtbot, text):
    """Open the search, type, and take what comes first; return what that is."""
    type_in(search, qtbot, text)
    first = search.found.entries[0]
    qtbot.keyClick(search.field, Qt.Key.Key_Return)
    return first


def texts(search):
    return [entry.text for entry in search.found.entries]


def test_an_action_is_found_and_done(search, window, qtbot):
    before = window.session.document
    window.session.edit(answer=" else")
    found = choose(search, qtbot, "undo")
    assert (found.text, found.kind, found.keys) == ("Undo", "action", "Ctrl+Z")
    assert window.session.document == before
    assert not search.isVisible()


def test_a_pane_is_found_and_comes_to_the_front(search, window, qtbot):
    window.show_pane("Prompt pairs")
    qtbot.waitUntil(lambda: not window.panes["Attention"].is_in_front)
    assert choose(search, qtbot, "show attention").kind == "pane"
    qtbot.waitUntil(lambda: window.panes["Attention"].is_in_front)


@pytest.mark.parametrize("typed", ["L4H2", "l4h2", "4.2", "4 2", "L4 H2", " 4, 2 ", "L4.H2"])
def test_a_head_is_found_in_every_spelling(search, window, qtbot, typed):
    found = choose(search, qtbot, typed)
    assert (found.text, found.kind) == ("L4H2", "head")
    assert (window.selection.cursor.layer, window.selection.cursor.head) == (4, 2)


def test_a_head_that_the_model_lacks_is_said_to_be_lacking(search, window, qtbot):
    before = window.selection.cursor
    found = choose(search, qtbot, "L6H0")
    assert found.reason == "There are 6 layers of 4 heads, counted from 0."
    assert window.selection.cursor == before
    assert search.isVisible()


def test_a_token_is_found_by_its_letters_and_by_its_position(search, window, qtbot):
    labels = [token.label for token in window.panes["Prompt"].reading.clean.tokens]
    at = labels.index(" store,") if " store," in labels else labels.index(" store")
    for typed in ("store", f"position {at}"):
        window.selection.move(position=0)
        found = choose(search, qtbot, typed)
        assert (found.text, found.kind) == (f"position {at} {visible(labels[at])}", "token")
        assert window.selection.cursor.position == at


def test_an_example_is_found_and_opens(search, window, qtbot):
    example = examples()[1]
    assert choose(search, qtbot, example.title).kind == "example"
    assert window.session.document.pair == example.document.pair
    assert window.selection.cursor == Cursor(5, 3, 8)


def test_a_choice_of_a_pane_is_found_and_made(search, window, qtbot):
    assert window.session.document.direction == "denoising"
    window.show_pane("Who feeds it")
    found = choose(search, qtbot, "activation patching: direction break")
    assert found.kind == "setting"
    assert window.session.document.direction == "noising"
    qtbot.waitUntil(lambda: window.panes["Activation patching"].is_in_front)


def test_colours_are_found_and_chosen(search, window, qtbot):
    choose(search, qtbot, "colours dark")
    qtbot.waitUntil(lambda: theme.of(window.palette()) == theme.DARK)


def test_something_to_tick_is_found_on_and_off(search, window, qtbot):
    tick = window.panes["Attention"].hide_first
    assert tick.isChecked()
    for choice in ("off", "on"):
        found = choose(search, qtbot, f"attention hide position 0 {choice}")
        assert found.kind == "setting"
        assert tick.isChecked() == (choice == "on")


def test_a_model_is_found_and_opened(search, window, qtbot):
    with qtbot.waitSignal(window.runner.settled):
        assert choose(search, qtbot, "open toy").kind == "model"
    assert window.session.document.model.source == "toy"


def test_what_others_offer_is_found_too(search, qtbot):
    opened = []
    recent = Entry("work/ioi.lens", "file", lambda: opened.append("ioi"))
    search.sources.append(lambda window: iter([recent]))
    assert choose(search, qtbot, "ioi.lens") == recent
    assert opened == ["ioi"]


def test_every_action_is_reached_by_its_name(search, window, qtbot):
    type_in(search, qtbot, "")
    found = list(entries.actions(window))
    assert {command.called for command in COMMANDS} < {entry.text for entry in found}
    assert len(found) > 100
    for entry in found:
        search.field.setText(entry.text)
        assert texts(search)[0] == entry.text


def test_a_button_of_a_pane_is_found_and_pressed(search, window, qtbot):
    window.show_pane("All kinds at once")
    found = choose(search, qtbot, "activation patching: table of the strongest cells")
    assert (found.kind, found.keys) == ("action", "")
    assert window.session.document.views.patching.shows_table
    qtbot.waitUntil(lambda: window.panes["Activation patching"].is_in_front)


def test_a_button_with_a_menu_opens_it(search, window, qtbot):
    choose(search, qtbot, "more about the selected head")
    menu = window.panes["Attention"].focus.bar.more.menu()
    qtbot.waitUntil(menu.isVisible)
    menu.close()


def test_a_line_of_a_panes_menu_is_found_and_done(search, window, qtbot):
    found = choose(search, qtbot, "selected head hide position 0")
    assert found.text.endswith("More about the selected head → Hide position 0 of this head")
    assert window.session.document.views.attention.head_hides_first


def test_a_likely_token_is_found_and_becomes_the_answer(search, window, qtbot):
    row = window.panes["Prompt"].next["clean"]
    chip = row.chips[1]
    found = choose(search, qtbot, f"likeliest clean {chip.text}")
    assert found.text == f"Prompt: {row.accessibleName()} → {chip.text}"
    answer = window.panes["Prompt"].reading.clean.top[1].token.text
    assert window.session.document.pair.answer == answer


def test_the_buttons_of_every_panes_title_are_found(search, window, qtbot):
    assert choose(search, qtbot, "inspector: close").text == "Inspector: close"
    assert not window.docks["Inspector"].isVisible()
    choose(search, qtbot, "show inspector")
    assert window.docks["Inspector"].isVisible()


def test_a_button_of_a_folded_pane_unfolds_it(search, window, qtbot):
    window.docks["Prompt"].fold(is_folded=True)
    choose(search, qtbot, "prompt: surprisal")
    assert not window.docks["Prompt"].is_folded
    assert window.session.document.views.prompt.shows_surprisal


def test_what_is_not_there_at_present_is_faint_and_says_why(search, window, qtbot):
    for typed, reason in (
        ("delete pairs", "The table has no pairs."),
        ("compare no more", "No sweep is kept for comparison."),
        ("intervals", "Only a mean over pairs has intervals."),
    ):
        type_in(search, qtbot, typed)
        assert search.found.entries[0].reason == reason
        qtbot.keyClick(search.field, Qt.Key.Key_Escape)


def test_the_device_is_found_and_chosen(search, window, qtbot):
    found = choose(search, qtbot, "number format float64")
    assert (found.text, found.kind) == ("Device and number format → float64", "setting")
    assert window.session.document.model.dtype == "float64"


def test_what_cannot_be_done_is_faint_and_says_why(search, window, qtbot):
    qtbot.wait(2 * QUIET_MS)  # for what waits for a pause, which a busy machine has later
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    found = choose(search, qtbot, "stop")
    assert (found.text, found.reason) == ("Stop", "Nothing runs.")
    assert search.isVisible()


def test_stop_is_offered_while_something_runs(search, window, answerer, qtbot):
    answerer.is_gated = True
    window.session.edit(corrupted="When Ann and Mary went to the store, Mary gave a drink to")
    qtbot.waitUntil(lambda: window.status.stop.isEnabled())
    assert choose(search, qtbot, "stop").reason == ""
    qtbot.waitUntil(lambda: not window.runner.is_busy)


def test_escape_loses_nothing(search, window, qtbot):
    editor = window.panes["Prompt"].editors["clean"]
    editor.setFocus()
    cursor, document = window.selection.cursor, window.session.document
    type_in(search, qtbot, "9.6")
    qtbot.keyClick(search.field, Qt.Key.Key_Down)
    qtbot.keyClick(search.field, Qt.Key.Key_Escape)
    assert not search.isVisible()
    assert window.focusWidget() is editor
    assert (window.selection.cursor, window.session.document) == (cursor, document)


def test_going_elsewhere_closes_it(search, window, qtbot):
    type_in(search, qtbot, "zoom")
    editor = window.panes["Prompt"].editors["clean"]
    qtbot.mouseClick(editor.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(4, 4))
    editor.setFocus()
    assert not search.isVisible()
    assert window.focusWidget() is editor


def test_nothing_moves_when_it_opens(search, window, qtbot):
    before = places(window)
    bars = [bar.geometry() for bar in (window.menuBar(), window.model_bar, window.status)]
    type_in(search, qtbot, "a")
    height = search.height()
    qtbot.keyClicks(search.field, "bcdefgh")
    assert texts(search) == []
    assert search.height() == height
    assert places(window) == before
    assert [b.geometry() for b in (window.menuBar(), window.model_bar, window.status)] == bars
    window.resize(800, 480)
    assert window.rect().contains(search.geometry())


def test_keys_and_pointer_go_through_what_is_found(search, window, qtbot, monkeypatch):
    said = []
    monkeypatch.setattr(
        "lensgui.app.commands.search.announce", lambda part, words: said.append(words)
    )
    type_in(search, qtbot, "")
    rows = [search.list.currentIndex().row()]
    for key in (
        Qt.Key.Key_Down,
        Qt.Key.Key_Tab,
        Qt.Key.Key_Up,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageUp,
    ):
        qtbot.keyClick(search.field, key)
        rows.append(search.list.currentIndex().row())
    assert rows == [0, 1, 2, 1, ROWS, 1, 0]
    assert said[-1].startswith(f"{search.found.entries[0].text}, action")
    at = texts(search).index("Fold prompts")
    search.list.scrollTo(search.found.index(at, 0))
    where = search.list.visualRect(search.found.index(at, 0)).center()
    qtbot.mouseClick(search.list.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert window.docks["Prompt"].is_folded
    assert not search.isVisible()


def test_what_is_used_comes_first_among_equals(search, window, qtbot, tmp_path):
    type_in(search, qtbot, "zoom")
    assert texts(search)[:2] == ["Zoom in", "Zoom out"]
    search.list.step(1)
    qtbot.keyClick(search.field, Qt.Key.Key_Return)
    type_in(search, qtbot, "zoom")
    assert texts(search)[:2] == ["Zoom out", "Zoom in"]
    qtbot.keyClick(search.field, Qt.Key.Key_Escape)
    type_in(search, qtbot, "")
    assert texts(search)[:2] == ["Zoom out", "New session"]
    kept = QSettings(str(tmp_path / "history.ini"), QSettings.Format.IniFormat)
    assert Uses(kept).of("action: Zoom out") == 1


def test_what_was_chosen_lately_counts_more_than_what_was_long_ago(tmp_path):
    settings = QSettings(str(tmp_path / "history.ini"), QSettings.Format.IniFormat)
    uses = Uses(settings)
    uses.add("early")
    for _ in range(3):
        uses.add("often")
    uses.add("late")
    assert uses.of("often") > uses.of("late") > uses.of("early") > uses.of("never") == 0
    for number in range(2 * MOST_USES):
        uses.add(f"{number} {'long' * 100}")
    assert len(json.loads(settings.value(USES))) == MOST_USES
    assert len(settings.value(USES)) < 100_000


@pytest.mark.parametrize(
    "said",
    [
        "",
        "no JSON",
        "[1, 2]",
        '{"a": "b", "c": null, "d": -1, "e": NaN, "f": Infinity}',
        '{"a": 1' + "0" * 400 + "}",
        "[" * 100_000,
    ],
    ids=["nothing", "words", "a list", "no numbers", "too large", "deep"],
)
def test_uses_that_cannot_be_read_are_ignored(tmp_path, said):
    settings = QSettings(str(tmp_path / "history.ini"), QSettings.Format.IniFormat)
    settings.setValue(USES, said)
    uses = Uses(settings)
    assert not any(uses.of(name) for name in "abcdef")
    uses.add("a")
    assert Uses(settings).of("a") == 1


def test_better_matches_come_first():
    names = ["Zoom out", "Undo going back", "Usual size", "Undo", "Show Attention", "rundown"]
    matcher = Matcher(names, [0.0] * len(names))

    def found(query):
        return [names[at] for at in matcher.best(query, 10)]

    assert found("undo")[:2] == ["Undo", "Undo going back"]
    assert found("attenton show")[0] == "Show Attention"  # a slip, and in another order
    assert found("und")[-1] == "rundown"  # inside of a word
    assert found("uz") == ["Usual size"]  # some letters
    assert found("out zoom") == ["Zoom out"]
    assert found("qqq") == []
    assert found("") == names


@pytest.mark.parametrize(
    ("query", "text", "letters"),
    [
        ("out", "Zoom out", "out"),
        ("OUT zo", "Zoom out", "Zoout"),
        ("attenton", "Show Attention", "Attenton"),
        ("uz", "Usual size", "Uz"),
        ("é", "Café", "é"),
        ("mary", "position 3 ·Mary|·John", "Mary"),
        ("3", "position 13 3", "3"),
        ("zzz", "Undo", ""),
    ],
)
def test_the_letters_that_match_are_known(query, text, letters):
    found = matching(query, text)
    assert "".join(text[at] for at in sorted(found)) == letters


@pytest.mark.parametrize("look", list(theme.THEMES))
def test_it_is_read_in_every_look(search, parts, qtbot, look):
    parts.appearance.choose(look)
    qtbot.waitUntil(lambda: theme.of(search.list.palette()) == theme.THEMES[look])
    type_in(search, qtbot, "zoom")
    before = search.grab().toImage()
    qtbot.keyClick(search.field, Qt.Key.Key_Down)
    assert search.grab().toImage() != before  # which line is chosen is seen
    colors = theme.THEMES[look]
    seen = {before.pixelColor(x, y).name() for x in range(before.width()) for y in range(0, 120, 2)}
    assert {colors.highlight, colors.outline} <= seen


def test_the_entries_are_made_once_each_time_it_opens(search, qtbot, monkeypatch):
    made = []

    def counted(window):
        made.append(1)
        yield from entries.panes(window)

    search.sources[:] = [counted]
    type_in(search, qtbot, "show")
    qtbot.keyClick(search.field, Qt.Key.Key_Escape)
    type_in(search, qtbot, "show")
    assert len(made) == 2
    assert QApplication.focusWidget() is search.field
