"""Which scene is shown: adding and changing scenes, stepping, and what is worked out ahead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from PySide6.QtCore import QBuffer, QByteArray, QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from lensgui.app.sessions.host import Host
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.request import Request
from lensgui.state.document import Document, Scene
from lensgui.state.layout import Area, Layout

THUMB = QSize(320, 200)  # pixels at most
BESIDE = "scenes"
TAKEN = "document", "cursor", "layout", "thumb"  # of a scene, by what is shown
NEAR = 0.03  # of the window: by how much places may differ that are the same
KEYS = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}
NONE = "There are no scenes: add what is shown now by View ▸ Add scene."


class Stage(QObject):
    """The scenes of a window's session, and the one that was gone to last.

    PageDown and PageUp step wherever the keyboard is, as that is what clickers send. What scenes
    show is worked out as soon as they are there, and kept with what else is known.

    Attributes:
        changed: There are other scenes, or another one is shown.
        begun: The first scene is about to be added.
        leaving: Another scene is about to be shown or added: what is half typed is of this one.
        at: The number of the scene that was gone to last; None for none.
        is_presenting: Whether scenes are shown bit by bit that are to be.
        revealed: How much of the scene is shown, 0 to 1.
        steps: In how many steps it is.
    """

    changed = Signal()
    begun = Signal()
    leaving = Signal()

    def __init__(self, host: Host) -> None:
        super().__init__(host.window)
        self._host = host
        self.at: int | None = None
        self.is_presenting, self.revealed, self.steps = False, 1.0, 0
        self._waiting: dict[str, Request] = {}
        self._known: tuple[object, ...] = ()
        self._listed: tuple[Scene, ...] = ()
        host.session.changed.connect(self._show_document)
        host.exchange.opened.connect(self.prepare)
        host.exchange.replied.connect(self._take)
        host.window.installEventFilter(self)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._follow)
        self._show_document(host.session.document)

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """All scenes, in order."""
        return self._host.session.document.scenes

    @Slot()
    def add(self) -> None:
        """Add what is shown now, behind the scene that is shown."""
        self.leaving.emit()
        at = len(self.scenes) if self.at is None else self.at + 1
        listed = [*self.scenes]
        if not listed:
            self.begun.emit()
        listed.insert(at, self._now(f"Scene {len(listed) + 1}"))
        self._edit(listed, at)
        self._say(f"Added as {listed[at].name}: PageDown and PageUp step from scene to scene.")

    @Slot()
    def take(self) -> None:
        """Have the scene show what is shown now; its name and caption stay."""
        if self.at is not None:
            before, now = self.scenes[self.at], self._now("")
            fields = {name: getattr(now, name) for name in TAKEN}
            self.change(self.at, replace(before, **fields))

    @Slot()
    def duplicate(self) -> None:
        """Add the scene that is shown once more, behind itself."""
        self.leaving.emit()
        if self.at is not None:
            one = self.scenes[self.at]
            copied = replace(one, name=f"{one.name} (copy)")
            at = self.at + 1
            self._edit([*self.scenes[:at], copied, *self.scenes[at:]], at)

    @Slot()
    def remove(self) -> None:
        """Leave out the scene that is shown; what the window shows stays."""
        self.leaving.emit()
        if self.at is not None:
            rest = [*self.scenes[: self.at], *self.scenes[self.at + 1 :]]
            self._edit(rest, min(self.at, len(rest) - 1) if rest else None)

    def find(self, scene: Scene | None) -> int | None:
        """Return where a scene stands by now, whatever became of its words; None if nowhere.

        A scene and its duplicate are the same but for their places: the one that is shown counts.
        """
        if scene is None:
            return None
        places = range(len(self.scenes)) if self.at is None else (self.at, *range(len(self.scenes)))
        alike = (at for at in places if self.scenes[at].document is scene.document)
        return next(alike, None)

    def change(self, at: int, scene: Scene) -> None:
        """Have another scene in the place of one."""
        self._edit([*self.scenes[:at], scene, *self.scenes[at + 1 :]], self.at)

    def move(self, at: int, to: int) -> None:
        """Put a scene elsewhere in the order; the one that is shown stays that."""
        self.leaving.emit()
        order = [*range(len(self.scenes))]
        order.insert(to, order.pop(at))
        shown = None if self.at is None else order.index(self.at)
        self._edit([self.scenes[number] for number in order], shown)

    def step(self, by: int) -> None:
        """Go to the scene that is so many ahead, whatever was changed since the last."""
        count = len(self.scenes)
        if not count:
            self._say(NONE)
            return
        if self._reveal(by):
            return
        at = (0 if by > 0 else count - 1) if self.at is None else self.at + by
        if 0 <= at < count:
            self.show(at)
            self.reveal(0.0 if by > 0 and self._reveals else 1.0)
        else:
            self._say("This is the last scene." if by > 0 else "This is the first scene.")

    @property
    def _reveals(self) -> bool:
        """Whether the scene is shown bit by bit."""
        return self.is_presenting and self.at is not None and bool(self.scenes[self.at].reveal)

    def _reveal(self, by: int) -> bool:
        """Show a bit more of the scene, or less; return whether there was any."""
        count = self.steps
        if not (self._reveals and count):
            return False
        after = min(count, max(0, round(self.revealed * count) + by)) / count
        if after == self.revealed:
            return False
        self.reveal(after)
        return True

    def reveal(self, share: float) -> None:
        """Show some of the scene, 0 to 1."""
        if share != self.revealed:
            self.revealed = share
            self.changed.emit()

    def show(self, at: int) -> None:
        """Go to a scene: its prompts, panes, settings, interventions and selection."""
        self.leaving.emit()
        host, scene = self._host, self.scenes[at]
        self.at, self.revealed = at, 1.0
        self._lay_out(scene.layout)
        host.session.step_to(scene.after(host.session.document), f"Scene: {scene.name}")
        host.selection.move(**asdict(scene.cursor))
        self._say(f"{at + 1} of {len(self.scenes)}: {scene.caption or scene.name}")
        self.changed.emit()

    @Slot()
    def prepare(self) -> None:
        """Have worked out what the scenes show and is not known yet."""
        if self._host.card is None or self._host.card.key != self._host.session.document.model:
            return
        unknown = self._host.unknown(self.scenes)
        self._waiting = {f"scenes {at}": request for at, request in enumerate(unknown)}
        self._ask()

    def _ask(self) -> None:
        exchange = self._host.exchange
        if self._waiting or exchange.beside.get(BESIDE):
            exchange.beside[BESIDE] = dict(self._waiting)
            exchange.ask()

    @Slot(str, object)
    def _take(self, name: str, reply: Reply | None) -> None:
        """Ask no more for what is known, or can't be."""
        is_done = reply is not None and reply.status in ("whole", "failed")
        if is_done and self._waiting.pop(name, None) is not None:
            self._ask()

    def _now(self, name: str) -> Scene:
        """Return what is shown now as a scene."""
        host = self._host
        picture = host.window.grab().scaled(
            THUMB,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        picture.save(buffer, "PNG")
        layout, thumb = host.layout(), bytes(data.data())
        return Scene.of(name, host.session.document, host.selection.cursor, layout, thumb)

    def _edit(self, listed: Sequence[Scene], at: int | None) -> None:
        self.at = at
        self._host.session.edit(scenes=tuple(listed))
        self.changed.emit()

    @Slot(object)
    def _show_document(self, document: Document) -> None:
        """Find out which scene is shown, after an undo too; prepare what is new."""
        scenes, before, listed = document.scenes, self._known, self._listed
        self._known, self._listed = (scenes, document.model), scenes
        if self.at is not None and (self.at >= len(scenes) or _are_others(listed, scenes)):
            self.at = None
        is_other = self.at is None or scenes[self.at].after(document) != document
        if is_other and self._known == before:
            shown = (at for at, one in enumerate(scenes) if one.after(document) == document)
            self.at = next(shown, self.at)
        if self._known != before:
            self.prepare()
        self.changed.emit()

    def _lay_out(self, layout: Layout) -> None:
        """Put the panes where a scene has them; where only tabs differ, turn these alone."""
        docks = self._host.window.docks
        if not _are_places_alike(self._host.layout(), layout):
            self._host.show_layout(layout)
            return
        for area in layout.areas:
            if area.front in docks:
                docks[area.front].raise_()

    def _say(self, sentence: str) -> None:
        self._host.exchange.status_message.emit(sentence)

    @Slot(QWidget, QWidget)
    def _follow(self, before: QWidget | None, now: QWidget | None) -> None:
        """See the keys first that go to whatever of the window has the keyboard."""
        window = self._host.window
        if before is not None and before is not window:
            before.removeEventFilter(self)
        if now is None or now is window:
            return
        top = now.window()
        if not top.isModal() and window in (top, *_owners(top)):  # a floating pane's, too
            now.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Step, wherever the keyboard is, if there is anything to step through."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        by = KEYS.get(Qt.Key(event.key()))
        keypad = Qt.KeyboardModifier.KeypadModifier
        if by is None or event.modifiers() & ~keypad or not self.scenes:
            return False
        if not event.isAutoRepeat():
            self.step(by)
        return True


def _owners(widget: QObject) -> Iterator[QObject]:
    """Yield what a widget belongs to, other windows too."""
    above = widget.parent()
    while above is not None:
        yield above
        above = above.parent()


def _are_others(before: Sequence[Scene], now: Sequence[Scene]) -> bool:
    """Whether none of some scenes was there before, as where another file is opened."""
    known = {id(scene.document) for scene in before}
    return bool(before) and known.isdisjoint(id(scene.document) for scene in now)


def _are_places_alike(one: Layout, other: Layout) -> bool:
    """Whether two layouts differ in nothing but which tabs are in front."""
    rest = [replace(layout, areas=()) for layout in (one, other)]
    areas = [{frozenset(area.panes): area for area in layout.areas} for layout in (one, other)]
    return (
        rest[0] == rest[1]
        and areas[0].keys() == areas[1].keys()
        and all(_is_near(area, areas[1][panes]) for panes, area in areas[0].items())
    )


def _is_near(one: Area, other: Area) -> bool:
    shares = [(of.left, of.top, of.width, of.height) for of in (one, other)]
    return one.is_floating == other.is_floating and all(
        abs(a - b) < NEAR for a, b in zip(*shares, strict=True)
    )
