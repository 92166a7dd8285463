"""What must not surprise on stage: half-typed words, other files, keys that are held."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent

from lensgui.app.stage.awake import Awake
from tests.app.test_present import drawn, present, stage
from tests.pictures import move

__all__ = ["present", "stage"]


def test_a_clicker_steps_from_the_notes_and_from_a_floating_pane(
    present, stage, parts, window, qtbot
):
    speaker = parts.commands.speaker
    speaker.show()
    for widget in (speaker.notes, window.panes["Lens"]):
        stage.show(0)
        stage._follow(None, widget)  # what has the keyboard
        qtbot.keyClick(widget, Qt.Key.Key_PageDown)
        assert stage.at == 1
        stage._follow(widget, None)
    speaker.hide()


def test_notes_that_are_half_typed_stay_with_their_scene(stage, parts, window):
    speaker = parts.commands.speaker
    stage.show(1)
    speaker.notes.setPlainText("of the second")
    stage.remove()
    assert all(scene.notes != "of the second" for scene in stage.scenes)
    window.undo()
    assert stage.scenes[1].notes == "of the second"
    stage.show(2)
    speaker.notes.setPlainText("of the third")
    stage.duplicate()
    assert [scene.notes for scene in stage.scenes][2:4] == ["of the third"] * 2
    stage.show(0)
    speaker.notes.setPlainText("of the first")
    others = [one.document.having(clean=f"Prompt {at}") for at, one in enumerate(stage.scenes)]
    listed = zip(stage.scenes, others, strict=True)
    window.session.edit(scenes=tuple(replace(one, document=other) for one, other in listed))
    speaker.keep()
    assert all(scene.notes != "of the first" for scene in stage.scenes)


def test_no_scene_is_shown_of_a_file_that_was_opened(stage, window):
    stage.show(2)
    others = tuple(replace(one, document=replace(one.document)) for one in stage.scenes)
    window.session.begin(replace(window.session.document.having(clean="Other"), scenes=others))
    assert stage.at is None


def test_a_key_that_is_held_is_held_once(present, window):
    held = []
    window.intervening.hold = lambda is_held: held.append(is_held)
    kind, none = QEvent.Type, Qt.KeyboardModifier.NoModifier
    for event in (
        QKeyEvent(kind.KeyPress, Qt.Key.Key_B, none, "b"),
        QKeyEvent(kind.KeyPress, Qt.Key.Key_B, none, "b", True),
        QKeyEvent(kind.KeyPress, Qt.Key.Key_B, none, "b", True),
    ):
        present.audience.passed.emit(event)
    assert held == [True]
    del window.intervening.hold


def test_a_line_break_that_is_pasted_is_a_space(present, window):
    present.audience.typed.emit("one\ntwo")
    assert window.session.document.pair.clean == "one two"
    present._draw()
    assert not present.audience.prompt.isReadOnly()


def test_words_under_the_pointer_are_those_of_the_scene(present, stage, qtbot):
    stage.show(3)
    audience = drawn(present, qtbot)
    canvas = audience.canvases[0]
    (spots,) = canvas.drawing.spots
    place = QPoint(round((spots.x + 2) * canvas.scale), round((spots.y + 2) * canvas.scale))
    move(canvas, place)
    before = audience._hovered
    assert before
    stage.show(1)
    drawn(present, qtbot)
    assert audience._hovered != before


def test_a_scene_that_can_not_be_shown_bit_by_bit_is_stepped_over_at_once(present, stage, window):
    scene = replace(stage.scenes[3], reveal="layers")
    stage.change(3, scene)
    stage.show(3)
    window.solo(window.panes["Prompt"])
    stage.take()
    stage.show(2)
    stage.step(1)
    present._draw()
    assert stage.steps == 0
    assert not stage._reveal(1)


def test_the_window_behind_is_painted_while_it_is_in_front(present, window):
    assert not window.updatesEnabled()
    activate = QEvent(QEvent.Type.WindowActivate)
    present.eventFilter(window, activate)
    assert window.updatesEnabled()
    present.eventFilter(present.audience, activate)
    assert not window.updatesEnabled()


def test_the_screen_is_kept_on_from_the_start_to_the_end_of_a_talk(stage, parts, monkeypatch):
    said = []
    monkeypatch.setattr(Awake, "keep", lambda self: said.append("on"))
    monkeypatch.setattr(Awake, "release", lambda self: said.append("as it likes"))
    parts.commands.present.start()
    assert said == ["on"]
    parts.commands.present.end()
    assert said == ["on", "as it likes"]


def test_screens_that_come_and_go_are_heard(present, parts, window, qapp, monkeypatch, qtbot):
    speaker = parts.commands.speaker
    monkeypatch.setattr(present, "_others", lambda: [window.screen()])
    qapp.screenAdded.emit(window.screen())
    qtbot.waitUntil(speaker.isVisible)
    monkeypatch.setattr(present, "_others", list)
    qapp.screenRemoved.emit(window.screen())
    qtbot.waitUntil(speaker.isHidden)
    assert present.audience.isVisible()


def test_the_canvas_paints_the_frame_and_pales_what_is_old(present, stage, window, qtbot):
    stage.show(3)
    canvas = drawn(present, qtbot).canvases[0]
    window.selection.move(layer=0, position=0)
    drawn(present, qtbot)
    (cell,) = canvas._selected()
    edge = cell.topLeft().toPoint()
    framed = canvas.grab().toImage().pixelColor(edge).name()
    assert framed == present.audience.look.colors.accent
    figure = canvas._figure
    pictures = []
    for is_stale in (False, True):
        canvas.show_figure("a", figure, None, is_stale=is_stale)
        pictures.append(canvas.grab().toImage())
    assert pictures[0] != pictures[1]


def test_what_is_drawn_does_not_depend_on_what_was_drawn_before(present, stage, qtbot):
    stage.show(3)
    canvas = drawn(present, qtbot).canvases[0]
    before = canvas.drawing
    long = replace(canvas._figure, title="A title that is far too long for a line, " * 4)
    canvas.show_figure("a", long, None, is_stale=False)
    canvas.show_figure("a", canvas._figure, None, is_stale=False)
    stage.show(0)
    stage.show(3)
    after = drawn(present, qtbot).canvases[0].drawing
    assert [(one.text, one.x, one.y) for one in after.words] == [
        (one.text, one.x, one.y) for one in before.words
    ]
