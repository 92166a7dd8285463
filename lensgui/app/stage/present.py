"""Presenting: an audience's window is filled from the panes, and kept on a screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QTimer, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QScreen
from PySide6.QtWidgets import QApplication, QDockWidget

from lensgui.app.help.help import Help
from lensgui.app.sessions.host import Host
from lensgui.app.stage.audience import Audience
from lensgui.app.stage.awake import Awake
from lensgui.app.stage.canvas import Revealing
from lensgui.app.stage.pictures import MOST, OnStage, on_stage
from lensgui.app.stage.speaker import Speaker
from lensgui.app.stage.stage import Stage
from lensgui.app.window.window import MainWindow
from lensgui.panes import theme
from lensgui.panes.figures.reveal import Reveal, possible, steps
from lensgui.panes.figures.shown import Shown
from lensgui.panes.prompt.prompt import PromptPane

SOON_MS, LATER_MS = 0, 100  # from a step, and from an answer, to what is drawn
STEP_MS = 300  # after a step, in which what is known comes in
PASSED = ("B", "[", "]", "Left", "Right", "Up", "Down")
FROM_FILE = "as the file has it"


class Present(QObject):
    """Shows the panes in front to an audience.

    Where there is a second screen, the audience's window is there, and this window stays as it is;
    else it is above this one.

    Attributes:
        audience: What the audience sees; None while nothing is presented.
    """

    def __init__(self, window: MainWindow, stage: Stage, speaker: Speaker, help_: Help) -> None:
        super().__init__(window)
        self._window, self._stage, self._help = window, stage, help_
        self._speaker, self._host = speaker, Host(window)
        self._opened_speaker = False  # rather than the user
        self.audience: Audience | None = None
        self._awake = Awake()
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._later = QTimer(self, singleShot=True, interval=LATER_MS)
        self._since = QElapsedTimer()  # the last step
        self._since.start()
        for timer in (self._soon, self._later):
            timer.timeout.connect(self._draw)
        for changed in (window.session.changed, window.selection.changed, stage.changed):
            changed.connect(self._draw_soon)
        for changed in (window.runner.replied, window.runner.settled):
            changed.connect(self._draw_later)
        self._prompts = window.docks[PromptPane.title].bar.summary
        window.panes[PromptPane.title].summarised.connect(self._draw_later)
        for dock in window.docks.values():
            dock.visibilityChanged.connect(self._draw_later)
            dock.installEventFilter(self)
        window.appearance.zoomed.connect(self._draw_later)
        window.closed.connect(self.end)
        app = QApplication.instance()
        assert isinstance(app, QGuiApplication)
        app.screenAdded.connect(self._place_again)
        app.screenRemoved.connect(self._place_again)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Paint the window behind the stage while somebody has brought it to the front.

        And keep a pane that floats from covering the only screen: the audience sees its figure.
        """
        if self.audience is None:
            return False
        if isinstance(watched, QDockWidget):
            if event.type() == QEvent.Type.Show and watched.isWindow() and not self._others():
                QTimer.singleShot(0, self._come_forward)  # once it is shown
        elif event.type() == QEvent.Type.WindowActivate:
            is_seen = watched is self._window or bool(self._others())
            self._window.setUpdatesEnabled(is_seen)
        return False

    @Slot()
    def toggle(self) -> None:
        """Begin, or end."""
        if self.audience is None:
            self.start()
        else:
            self.end()

    @Slot()
    def start(self) -> None:
        """Show the audience's window, at the scene that is shown or at the first one."""
        if self.audience is not None:
            return
        look = theme.of(self._window.palette()).name
        audience = self.audience = Audience(look, self._window)
        for one in (audience, self._window):
            one.installEventFilter(self)
        audience.stepped.connect(self._stage.step)
        audience.chosen.connect(self._go)
        audience.left.connect(self.end)
        audience.typed.connect(self._type)
        audience.resized.connect(self._draw_soon)
        audience.passed.connect(self._pass)
        audience.another.connect(self._show_another)
        audience.turned.connect(self._turn)
        audience.revealed.connect(self._stage.reveal)
        for canvas in audience.canvases:
            canvas.picked.connect(self._window.exchange.pick)
            canvas.alone.connect(self._show_alone)
        self._awake.keep()
        self._stage.is_presenting = self._help.is_quiet = True
        if self._stage.at is None and self._stage.scenes:
            self._stage.show(0)
        self._place()
        self._draw()
        audience.setFocus()

    @Slot()
    def end(self) -> None:
        """Put the audience's window away; what was shown is shown in this one."""
        audience, self.audience = self.audience, None
        if audience is None:
            return
        self._awake.release()
        self._window.removeEventFilter(self)
        if self._opened_speaker:
            self._speaker.hide()
            self._opened_speaker = False
        self._stage.is_presenting = self._help.is_quiet = False
        self._stage.reveal(1.0)
        self._window.setUpdatesEnabled(True)
        audience.hide()
        audience.deleteLater()
        self._window.activateWindow()

    def _place(self) -> None:
        """Fill the other screen, or the only one."""
        audience = self.audience
        if audience is None:
            return
        own, others = self._window.screen(), self._others()
        screen = others[0] if others else own
        self._window.setUpdatesEnabled(bool(others))  # else nobody sees it
        if audience.isFullScreen():  # else many a desktop leaves it where it is
            audience.showNormal()
        audience.setScreen(screen)
        audience.setGeometry(screen.geometry())
        audience.showFullScreen()
        if others:
            self._opened_speaker |= self._speaker.isHidden()
            self._speaker.show()
        else:
            self._speaker.hide()  # it is not for the audience
            audience.raise_()
        audience.activateWindow()

    @Slot()
    def _come_forward(self) -> None:
        if self.audience is not None:
            self.audience.raise_()
            self.audience.activateWindow()

    def _others(self) -> list[QScreen]:
        """Return the screens that this window is not on, and that do not mirror its."""
        own = self._window.screen()
        return [
            screen
            for screen in QGuiApplication.screens()
            if screen is not own and not screen.geometry().intersects(own.geometry())
        ]

    @Slot(QScreen)
    def _place_again(self, screen: QScreen) -> None:
        """Go on wherever there is a screen: one was plugged in, or is gone."""
        QTimer.singleShot(0, self._place)  # once Qt has moved what was there

    def pictures(self) -> list[OnStage]:
        """Return what of the panes in front the audience sees, from left to right."""
        panes, at = self._window.panes, self._stage.at
        wanted = self._stage.scenes[at].pictures if at is not None else ()

        def pictures_of(title: str) -> list[Shown]:
            return panes[title].shown() if title in panes else []

        most = self.audience.most if self.audience is not None else MOST
        return on_stage(self._host.layout(), pictures_of, wanted, most)

    @Slot()
    def _draw_soon(self) -> None:
        if self.audience is not None:
            self._since.restart()
            self._soon.start()

    @Slot()
    def _draw_later(self) -> None:
        if self.audience is None:
            return
        if self._since.elapsed() < STEP_MS:
            self._soon.start()
        elif not self._later.isActive():
            self._later.start()

    @property
    def is_drawn(self) -> bool:
        """Whether the audience sees what the panes show now."""
        return not (self._soon.isActive() or self._later.isActive())

    @Slot()
    def _draw(self) -> None:
        """Show what the panes show."""
        audience, stage = self.audience, self._stage
        if audience is None:
            return
        self._soon.stop()
        self._later.stop()
        document = self._window.session.document
        text = document.pair.clean
        audience.show_prompt(text, can_be_typed="\n" not in text and not document.is_average)
        at, scenes = stage.at, stage.scenes
        how = scenes[at].reveal if at is not None else ""
        shown = self.pictures()
        panels = [panel for one in shown for panel in one.shown.panels]
        stage.steps = steps(panels, how) if how else 0
        audience.show_reveal(Revealing(how, stage.revealed) if how and stage.steps else None)
        audience.show_pictures(shown, self._window.selection.cursor)
        caption = scenes[at].caption if at is not None else ""
        count = f"{at + 1} / {len(scenes)}" if at is not None else ""
        audience.show_words(caption, self._said(), count)

    def _said(self) -> str:
        """Return the prompts in short, and where numbers are from that are not computed here."""
        is_absent = self._window.exchange.card is None
        return " · ".join(filter(None, (self._prompts.text(), FROM_FILE * is_absent)))

    @Slot(int)
    def _go(self, at: int) -> None:
        if at < len(self._stage.scenes):
            self._stage.show(at)

    @Slot(str)
    def _type(self, text: str) -> None:
        self._window.exchange.edit({"clean": " ".join(text.splitlines())})

    @Slot(str)
    def _show_alone(self, title: str) -> None:
        self._window.solo(self._window.panes[title])

    @Slot(object)
    def _pass(self, event: QKeyEvent) -> None:
        """Have a key mean what it means in the window."""
        if QKeySequence(event.key()).toString() in PASSED:
            how = event.text(), event.isAutoRepeat(), event.count()
            copied = QKeyEvent(event.type(), event.key(), event.modifiers(), *how)
            QApplication.sendEvent(self._window, copied)

    @Slot()
    def _turn(self) -> None:
        """Show the scene bit by bit in the next way that its pictures have, or at once."""
        at = self._stage.at
        if at is None:
            return
        panels = [panel for one in self.pictures() for panel in one.shown.panels]
        ways: tuple[Reveal | Literal[""], ...] = ("", *possible(panels))
        scene = self._stage.scenes[at]
        before = ways.index(scene.reveal) if scene.reveal in ways else 0
        after = ways[(before + 1) % len(ways)]
        self._stage.change(at, replace(scene, reveal=after))
        self._stage.reveal(0.5 if after else 1.0)

    @Slot(str)
    def _show_another(self, title: str) -> None:
        """Show the next picture of a pane, and keep that with the scene."""
        at = self._stage.at
        one = next((one for one in self.pictures() if one.title == title), None)
        if at is None or one is None:
            return
        after = one.names[(one.names.index(one.name) + 1) % len(one.names)]
        scene = self._stage.scenes[at]
        kept = [name for name in scene.pictures if name not in one.names]
        self._stage.change(at, replace(scene, pictures=(*kept, after)))
