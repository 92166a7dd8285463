"""Presenting: what an audience sees and how it is stepped through, clicked and typed into."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QDialog

from lensgui.app.stage import awake as waking
from lensgui.app.stage.audience import LEAST_POINTS, NOTHING, Audience
from lensgui.app.stage.awake import Awake
from lensgui.state.selection import Cursor
from lensgui.terms.interventions import Intervention, Site
from tests.pictures import move

OFF = Intervention(Site("z", 1, 1), "zero")
SIZES = [(1280, 720), (1920, 1080)]


@pytest.fixture
def stage(window, parts, qtbot):
    """Four scenes: two panes, the lens, an intervention, one pane alone."""
    stage = parts.commands.stage
    window.resize(1280, 800)
    for title in ("Attention", "Lens", "Attribution"):
        window.show_pane(title)
        window.selection.move(layer=1, head=2, position=3)
        stage.add()
    window.session.edit(interventions=(OFF,))
    window.solo(window.panes["Activation patching"])
    stage.add()
    first = replace(stage.scenes[0], caption="Look at the head that moves the name", notes="Slow!")
    stage.change(0, first)
    stage.show(0)
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    return stage


@pytest.fixture
def present(parts, stage, qtbot, monkeypatch):
    monkeypatch.setattr(Awake, "keep", lambda self: None)
    monkeypatch.setattr(Audience, "showFullScreen", Audience.show)  # which fills small screens late
    present = parts.commands.present
    present.start()
    sized(present, (1280, 720), qtbot)
    yield present
    present.end()


def sized(present, size, qtbot):
    """Give the audience's window a size, once the platform lets it have one."""
    audience = present.audience

    def is_so():
        audience.resize(*size)
        is_laid_out = audience.said.width() > size[0] * 0.7
        return (audience.width(), audience.height()) == size and is_laid_out

    qtbot.waitUntil(is_so)


def drawn(present, qtbot):
    """The audience's window, once all is drawn."""
    qtbot.waitUntil(lambda: present.is_drawn)
    return present.audience


def titles(audience):
    return [canvas.title for canvas in audience.canvases if canvas.isVisible()]


@pytest.mark.parametrize("size", SIZES)
def test_in_each_scene_all_text_is_large_and_nothing_is_clipped(present, stage, qtbot, size):
    audience = present.audience
    sized(present, size, qtbot)
    for at in range(len(stage.scenes)):
        stage.show(at)
        drawn(present, qtbot)
        shown = [canvas for canvas in audience.canvases if canvas.isVisible()]
        assert shown
        for canvas in shown:
            sizes = [word.size for word in canvas.drawing.words]
            assert min(sizes) >= LEAST_POINTS
            assert canvas.drawing.height * canvas.scale <= canvas.height() + 0.5
            assert canvas.drawing.width * canvas.scale <= canvas.width() + 0.5
        for part in (audience.prompt, audience.said, audience.count):
            assert part.font().pointSizeF() >= LEAST_POINTS
            metrics = QFontMetricsF(part.font())
            lines = part.text().split("\n")
            widest, tall = max(map(metrics.horizontalAdvance, lines)), metrics.height() * len(lines)
            qtbot.waitUntil(lambda part=part, wide=widest: wide <= part.width() + 1)
            qtbot.waitUntil(lambda part=part, tall=tall: part.height() >= tall - 1)


def test_it_shows_the_panes_in_front_the_caption_and_the_prompts(present, stage, window, qtbot):
    audience = drawn(present, qtbot)
    assert titles(audience) == ["Attention", "Activation patching"]
    caption, summary = audience.said.text().split("\n")
    assert caption == "Look at the head that moves the name"
    assert summary == window.docks["Prompt"].bar.summary.text() != ""
    assert audience.count.text() == "1 / 4"
    assert audience.prompt.text() == window.session.document.pair.clean
    stage.show(3)
    assert titles(drawn(present, qtbot)) == ["Activation patching"]


def test_on_a_narrow_screen_one_picture_is_large_rather_than_two_small(present, stage, qtbot):
    sized(present, (1024, 768), qtbot)
    qtbot.waitUntil(lambda: len(titles(drawn(present, qtbot))) == 1)
    sized(present, (1280, 720), qtbot)
    qtbot.waitUntil(lambda: len(titles(drawn(present, qtbot))) == 2)


def test_steps_of_a_clicker_and_of_the_keyboard(present, stage, qtbot):
    audience = present.audience
    for key, at in (
        (Qt.Key.Key_PageDown, 1),
        (Qt.Key.Key_Space, 2),
        (Qt.Key.Key_Left, 1),
        (Qt.Key.Key_Right, 2),
        (Qt.Key.Key_PageUp, 1),
        (Qt.Key.Key_4, 3),
        (Qt.Key.Key_1, 0),
        (Qt.Key.Key_9, 0),
    ):
        qtbot.keyClick(audience, key)
        assert stage.at == at, key


def test_in_the_prompt_only_a_clicker_steps_and_escape_leaves_it_first(
    present, stage, window, qtbot
):
    audience = present.audience
    audience.prompt.setFocus()
    qtbot.keyClicks(audience.prompt, " 12")
    assert window.session.document.pair.clean.endswith(" 12") or " 12" in audience.prompt.text()
    assert window.session.document.pair.clean == audience.prompt.text()
    assert stage.at == 0
    qtbot.keyClick(audience.prompt, Qt.Key.Key_PageDown)
    assert stage.at == 1
    qtbot.keyClick(audience.prompt, Qt.Key.Key_Escape)
    assert present.audience is audience
    assert not audience.prompt.hasFocus()
    stage.show(0)
    assert " 12" not in window.session.document.pair.clean
    qtbot.keyClick(audience, Qt.Key.Key_Escape)
    assert present.audience is None
    assert window.updatesEnabled()


def test_a_click_selects_and_stays_marked_and_arrows_move_it(present, stage, window, qtbot):
    stage.show(3)
    audience = drawn(present, qtbot)
    canvas = audience.canvases[0]
    (spots,) = canvas.drawing.spots
    times = canvas.scale
    place = QPoint(round((spots.x + 2) * times), round((spots.y + 2) * times))
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    cursor = window.selection.cursor
    assert (cursor.layer, cursor.position) == (0, 0)
    drawn(present, qtbot)
    (marked,) = canvas._selected()
    assert marked.contains(place)
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert window.selection.cursor.position == 1
    assert stage.at == 3


def test_what_is_pointed_at_is_said_with_a_halo(present, stage, qtbot):
    stage.show(3)
    audience = drawn(present, qtbot)
    canvas = audience.canvases[0]
    (spots,) = canvas.drawing.spots
    place = QPoint(round((spots.x + 2) * canvas.scale), round((spots.y + 2) * canvas.scale))
    move(canvas, place)
    assert audience.halo.isVisible()
    assert "layer L0" in audience.said.text()
    assert audience.halo.geometry().contains(canvas.mapTo(audience, place))


def test_looks_go_from_light_to_dark_to_high_contrast(present, qtbot):
    audience = present.audience
    seen = []
    for _ in range(4):
        seen.append(audience.look.colors.name)
        qtbot.keyClick(audience, Qt.Key.Key_H)
    assert set(seen) == {"light", "dark", "high contrast"}
    assert seen[0] == seen[3]


def test_another_picture_of_a_pane_is_kept_with_the_scene(present, stage, qtbot):
    audience = drawn(present, qtbot)
    before = audience.canvases[0].accessibleName()
    qtbot.keyClick(audience, Qt.Key.Key_P)
    assert stage.scenes[0].pictures == ("Attention: all heads",)
    drawn(present, qtbot)
    assert audience.canvases[0].accessibleName() != before
    stage.show(1)
    stage.show(0)
    drawn(present, qtbot)
    assert "all heads" in audience.canvases[0].accessibleName()


def test_a_scene_is_shown_bit_by_bit_by_a_clicker_and_a_slider(present, stage, qtbot):
    stage.show(3)
    audience = drawn(present, qtbot)
    assert not audience.slider.isVisible()
    qtbot.keyClick(audience, Qt.Key.Key_R)
    assert stage.scenes[3].reveal == "layers"
    stage.show(2)
    qtbot.keyClick(audience, Qt.Key.Key_PageDown)
    assert (stage.at, stage.revealed) == (3, 0.0)
    drawn(present, qtbot)
    assert audience.slider.isVisible()
    assert audience.so_far.text() == "layers 0 to 0"
    covered = len(audience.canvases[0].drawing.marks)
    for step in range(1, 7):
        qtbot.keyClick(audience, Qt.Key.Key_PageDown)
        assert (stage.at, stage.revealed) == (3, pytest.approx(step / 6))
    assert len(drawn(present, qtbot).canvases[0].drawing.marks) < covered
    assert audience.so_far.text() == ""
    audience.slider.setValue(500)
    assert stage.revealed == 0.5
    for _ in range(3):
        qtbot.keyClick(audience, Qt.Key.Key_PageUp)
    assert (stage.at, stage.revealed) == (3, 0.0)
    qtbot.keyClick(audience, Qt.Key.Key_PageUp)
    assert (stage.at, stage.revealed) == (2, 1.0)
    present.end()
    assert stage.revealed == 1.0
    stage.show(2)
    stage.step(1)
    assert stage.revealed == 1.0


def test_what_answers_an_older_question_is_pale(present, window, qtbot):
    audience = drawn(present, qtbot)
    window.session.edit(clean="Another prompt altogether")
    present._draw()
    assert any(canvas._is_stale for canvas in audience.canvases if canvas.isVisible())


def test_a_pane_without_a_picture_is_said(present, stage, window, qtbot):
    window.solo(window.panes["Interventions"])
    qtbot.waitUntil(lambda: present.audience.nothing.isVisible())
    assert present.audience.nothing.text() == NOTHING


def test_no_dialog_opens_by_itself(present, parts):
    parts.faults.caught.emit("ValueError: of a test", "details")
    assert not [w for w in parts.window.findChildren(QDialog) if w.isVisible()]
    present.end()
    parts.faults.caught.emit("ValueError: of a test", "details")
    dialogs = [w for w in parts.window.findChildren(QDialog) if w.isVisible()]
    assert dialogs
    dialogs[0].close()


def test_on_a_second_screen_the_window_stays_as_it_is_and_notes_are_beside_it(
    present, parts, window, monkeypatch
):
    speaker = parts.commands.speaker
    assert not window.updatesEnabled()
    assert speaker.isHidden()
    monkeypatch.setattr(present, "_others", lambda: [window.screen()])
    present._place()
    assert window.updatesEnabled()
    assert speaker.isVisible()
    assert speaker.notes.toPlainText() == "Slow!"
    assert speaker.next.text() == "Scene 2"
    monkeypatch.setattr(present, "_others", list)
    present._place()  # the screen is unplugged
    assert present.audience.isVisible()
    assert not window.updatesEnabled()
    present.end()
    assert speaker.isHidden()


def test_notes_are_kept_with_their_scene(stage, parts, qtbot):
    speaker = parts.commands.speaker
    speaker.toggle()
    speaker.notes.setPlainText("Ask who has seen this before.")
    stage.step(1)
    assert stage.scenes[0].notes == "Ask who has seen this before."
    assert speaker.notes.toPlainText() == ""
    stage.show(3)
    assert speaker.next.text() == "This is the last scene."
    speaker.toggle()
    assert speaker.isHidden()


def test_the_first_scene_is_gone_to_where_none_was(stage, parts, window, monkeypatch):
    monkeypatch.setattr(Awake, "keep", lambda self: None)
    stage.at = None
    window.selection.move(layer=0)
    parts.commands.present.start()
    assert stage.at == 0
    assert window.selection.cursor == Cursor(1, 2, 3)
    parts.commands.present.toggle()
    assert parts.commands.present.audience is None


def test_the_screen_is_kept_on_until_the_talk_is_over(monkeypatch):
    said = []

    def ask():
        said.append("stay on")
        return lambda: said.append("as you like")

    monkeypatch.setattr(waking, "_ask_desktop", ask)
    monkeypatch.setattr(waking, "_ways", {"odd": lambda: (_ for _ in ()).throw(OSError("none"))})
    awake = Awake("linux")
    awake.keep()
    awake.keep()
    awake.release()
    awake.release()
    assert said == ["stay on", "as you like"]
    odd = Awake("odd")
    odd.keep()
    odd.release()


def test_answers_that_come_later_are_drawn(present, window, parts, qtbot):
    audience = present.audience
    before = [canvas.drawing for canvas in audience.canvases]
    pair = window.session.document.pair
    texts = [text.replace("store", "park") for text in (pair.clean, pair.corrupted)]
    assert texts[0] != pair.clean
    window.session.edit(clean=texts[0], corrupted=texts[1])
    present._draw()
    assert audience.canvases[1]._is_stale
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    qtbot.waitUntil(lambda: present.is_drawn and not audience.canvases[1]._is_stale)
    assert audience.canvases[1].drawing is not before[1]


def test_a_pane_that_floats_stays_behind_the_only_screen(present, window, qtbot):
    dock, forward = window.docks["Lens"], []
    present.audience.raise_ = lambda: forward.append(True)
    dock.show()
    qtbot.wait(20)
    assert not forward
    dock.setFloating(True)
    dock.show()
    qtbot.waitUntil(lambda: dock.isVisible() and bool(forward))
    qtbot.waitUntil(lambda: present.audience.isActiveWindow())
    dock.setFloating(False)
