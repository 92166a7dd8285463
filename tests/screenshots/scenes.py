"""The states of the window that are worth a picture."""

from __future__ import annotations

from lensgui.panes.activation.activation import ActivationPane
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.attribution.attribution import AttributionPane
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.state.examples import TOY, find
from lensgui.state.views import ActivationView, AttentionView, AttributionView, LensView
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import SweepKind
from tests.screenshots.camera import Camera, Held
from tests.windows import pane_of

LOOKS = ("light", "dark", "high contrast")


def half_way(camera: Camera) -> None:
    """The sweep, held while some of its cells are not known."""
    Held.is_held = True
    window = camera.window
    pane = pane_of(window, PatchingPane)
    pair = window.session.document.pair
    window.session.edit(corrupted=pair.corrupted.replace("Mary gave", "Paul gave"))
    camera.wait(lambda: pane.sweep is not None and "Paul" in str(pane.sweep.axes[1].labels))
    camera.take("sweep-half-way")
    camera.take("pane-patching-half-way", pane)
    window.status.stop.click()
    camera.wait()
    camera.take("sweep-stopped")
    Held.is_held = False
    window.undo()
    camera.wait()


def kinds(camera: Camera) -> None:
    """Patching of heads, of key/value heads, and the other way round."""
    window = camera.window
    pane = pane_of(window, PatchingPane)
    states: dict[str, dict[str, object]] = {
        "heads": {"kind": SweepKind("z", "all")},
        "values": {"kind": SweepKind("v", "all")},
        "noising": {"kind": SweepKind("z", "all"), "direction": "noising"},
    }
    for name, changes in states.items():
        window.session.edit(**changes)
        camera.wait()
        for look in ("dark", "light"):
            camera.parts.appearance.choose(look)
            camera.wait()
            camera.take(f"pane-patching-{name}-{look}", pane)
        camera.take(f"patching-{name}")
    while window.session.undo_stack.canUndo():
        window.undo()
    camera.wait()


def prompts(camera: Camera) -> None:
    """One prompt only; a long one; two of different lengths; a failure; no prompt."""
    window = camera.window
    states = {
        "one-prompt": {"clean": "The Eiffel Tower is located in the city of", "corrupted": ""},
        "long": {
            "clean": "The cat sat on the mat. " * 12,
            "corrupted": "The dog sat on the mat. " * 12,
        },
        "different-lengths": {"clean": "The cat sat on", "corrupted": "The cats of Rome sat on "},
        "odd-letters": {"clean": "🎉 مرحبا\nline\ttab \x00 nul", "corrupted": ""},
        "empty": {"clean": "", "corrupted": ""},
    }
    for name, changes in states.items():
        window.session.edit(**(changes | {"answer": "", "distractor": ""}))
        camera.wait()
        camera.take(f"prompt-{name}")
    while window.session.undo_stack.canUndo():
        window.undo()
    camera.wait()


def sizes(camera: Camera) -> None:
    """The smallest and a large window."""
    for width, height in ((1024, 700), (1920, 1080)):
        camera.window.resize(width, height)
        camera.wait()
        camera.take(f"size-{width}x{height}")
    camera.window.resize(1280, 800)
    camera.window.reset_layout()


def looks(camera: Camera) -> None:
    """The whole window and each pane, in every look."""
    for look in LOOKS:
        camera.parts.appearance.choose(look)
        camera.wait()
        camera.take(f"window-{look}")
        for title, pane in camera.window.panes.items():
            camera.window.show_pane(title)  # what is behind a tab asks for nothing
            camera.wait()
            camera.take(f"pane-{title.lower()}-{look}", pane)
    camera.parts.appearance.choose("light")
    camera.window.reset_layout()
    camera.wait()


def interventions(camera: Camera) -> None:
    """A head that is off; and one that the model does not have."""
    for name, layer in (("head-off", 23), ("not-there", 99)):
        camera.window.session.edit(
            interventions=(Intervention(Site("z", layer, 1), "zero"),),
        )
        camera.wait()
        camera.take(f"interventions-{name}")
    changes(camera)
    while camera.window.session.undo_stack.canUndo():
        camera.window.undo()
    camera.wait()


def changes(camera: Camera) -> None:
    """What a head that is off changes; and nothing to compare with."""
    window = camera.window
    for name, layer in (("", 0), ("-none", None)):
        listed = () if layer is None else (Intervention(Site("z", layer, 1), "zero"),)
        window.session.edit(
            interventions=listed,
            attention=AttentionView("clean change"),
            lens=LensView("metric", "corrupted change"),
            attribution=AttributionView(side="clean change"),
            activation=ActivationView(side="clean change"),
        )
        for kind in (AttentionPane, LensPane, AttributionPane, ActivationPane):
            window.show_pane(kind.title)
            camera.wait()
            camera.take(f"changes-{kind.view_name}{name}")


def failures(camera: Camera) -> None:
    """A model that is not there, and the toy."""
    window = camera.window
    window.model_bar.open_source("/no/such/folder")
    camera.wait()
    camera.take("model-missing")
    window.undo()
    camera.wait()
    example = find(TOY)
    window.session.edit(model=example.document.model, pair=example.document.pair)
    camera.wait()
    camera.take("toy")
