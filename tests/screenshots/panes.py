"""Scenes of the attention explorer, the lens, the patching panes and the table of pairs."""

from __future__ import annotations

from typing import get_args

from PySide6.QtWidgets import QComboBox

from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.panes.generation.generation import GenerationPane
from lensgui.panes.lens.lens_values import KINDS
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.prompts.tasks import TASKS
from lensgui.state.document import Note
from lensgui.state.selection import Cursor, gathered
from lensgui.state.views import (
    ActivationView,
    AllKindsView,
    AttentionView,
    AttributionView,
    Beside,
    BoardView,
    GenerationView,
    HeadsView,
    LensView,
    Measured,
    NeuronOrder,
    NeuronsView,
)
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import SweepKind
from lensgui.terms.resources import resource
from tests.screenshots.camera import Camera
from tests.windows import pane_of

LOOKS = ("light", "dark")
SOME_HEADS = tuple(  # of the demo model, which bring the name
    Intervention(Site("z", layer, head), "zero")
    for layer, head in ((18, 6), (21, 1), (22, 2), (23, 3))
)


def choose(box: QComboBox, text: str) -> None:
    """Choose an entry as a user does."""
    index = next(at for at in range(box.count()) if box.itemText(at).startswith(text))
    box.setCurrentIndex(index)
    box.activated.emit(index)


def in_both_looks(camera: Camera, name: str, title: str) -> None:
    for look in LOOKS:
        camera.parts.appearance.choose(look)
        camera.wait()
        camera.take(f"{name}-{look}", camera.window.panes[title])
    camera.parts.appearance.choose("light")
    camera.wait()
    camera.take(f"{name}-window")


def undo_all(camera: Camera) -> None:
    while camera.window.session.undo_stack.canUndo():
        camera.window.undo()
    camera.wait()


def lens(camera: Camera) -> None:
    """Every value that the lens shows, of one prompt and of clean − corrupted."""
    camera.window.show_pane("Lens")
    for kind in KINDS:
        value = kind.option.value
        camera.window.session.edit(lens=LensView(value=value))
        camera.wait()
        in_both_looks(camera, f"lens-{value}", "Lens")
        camera.window.session.edit(lens=LensView(value=value, side="difference"))
        camera.wait()
        camera.take(f"lens-{value}-difference", camera.window.panes["Lens"])
    pairs = TASKS[0].draw(8, 1)
    for name, view, changes in (
        ("mid", LensView("logit", mid=True, followed=(" the", " Mary")), {}),
        ("mean", LensView("metric"), {"table": pairs, "is_average": True}),
        ("mean-probability", LensView("probability", mid=True), {}),
    ):
        camera.window.session.edit(lens=view, **changes)
        camera.wait()
        in_both_looks(camera, f"lens-{name}", "Lens")
    undo_all(camera)


def neurons(camera: Camera) -> None:
    """Neurons ranked in every way; a selected one, over pairs and over a text."""
    window = camera.window
    window.show_pane("Neurons")
    for order in get_args(NeuronOrder):
        window.session.edit(neurons=NeuronsView(order))
        camera.wait()
        in_both_looks(camera, f"neurons-{order}", "Neurons")
    window.session.edit(neurons=NeuronsView(side="difference"), table=TASKS[0].draw(8, 1))
    camera.wait()
    pane = pane_of(window, NeuronsPane)
    pane.picked.emit(pane.rows.fields(2))
    camera.wait()
    in_both_looks(camera, "neurons-pairs", "Neurons")
    pane.read_text(str(resource("text", "held_out.txt")))
    camera.wait()
    in_both_looks(camera, "neurons-text", "Neurons")
    window.solo(pane)
    camera.wait()
    camera.take("neurons-solo")
    window.solo(pane)
    undo_all(camera)


def generation(camera: Camera) -> None:
    """What follows the prompt; the same before and after; a token that was drawn, selected."""
    window, title = camera.window, "Generation"
    window.show_pane(title)
    camera.wait()
    in_both_looks(camera, "generation-alone", title)
    window.session.edit(interventions=SOME_HEADS)
    camera.wait()
    pane = pane_of(window, GenerationPane)
    pane.texts[1].picked.emit({"token": 3})
    in_both_looks(camera, "generation", title)
    window.session.edit(generation=GenerationView(temperature=0.8, top_p=0.9, seed=3))
    camera.wait()
    in_both_looks(camera, "generation-drawn", title)
    window.solo(pane)
    camera.wait()
    camera.take("generation-solo")
    window.solo(pane)
    undo_all(camera)


def attribution(camera: Camera) -> None:
    """A head by source, an MLP by neuron, components of a difference, and a mean."""
    window, title = camera.window, "Attribution"
    window.show_pane(title)
    in_both_looks(camera, "attribution-head", title)
    window.session.edit(attribution=AttributionView("component", "difference"))
    camera.wait()
    camera.take("attribution-component-difference", window.panes[title])
    window.selection.move(layer=24)
    in_both_looks(camera, "attribution-neurons", title)
    window.session.edit(table=TASKS[0].draw(8, 1), is_average=True)
    in_both_looks(camera, "attribution-mean", title)
    undo_all(camera)


def heads(camera: Camera) -> None:
    """The table of heads: at first, sorted, filtered, with a fault, with several selected."""
    window = camera.window
    window.show_pane("Heads")
    camera.wait()
    in_both_looks(camera, "heads-at-first", "Heads")
    window.selection.move(layer=23, head=3, position=13, source=3)
    window.session.edit(notes=(Note(Cursor(23, 3), "lowers John"),))
    for name, view in {
        "sorted": HeadsView(sort="attribution"),
        "filtered": HeadsView(sort="induction", filter="induction > .4 and layer < 20"),
        "fault": HeadsView(filter="charm > 2"),
        "empty": HeadsView(filter="induction > 2"),
    }.items():
        window.session.edit(heads=view)
        camera.wait()
        in_both_looks(camera, f"heads-{name}", "Heads")
    window.session.edit(heads=HeadsView(sort="restores"))
    window.selection.move(**gathered([(23, 3), (29, 1), (20, 0)]))
    window.solo(window.panes["Heads"])
    camera.wait()
    in_both_looks(camera, "heads-alone", "Heads")
    camera.parts.appearance.choose("high contrast")
    camera.wait()
    camera.take("heads-high-contrast", window.panes["Heads"])
    camera.parts.appearance.choose("light")
    window.session.edit(clean="word", corrupted="")
    camera.wait()
    camera.take("heads-one-token", window.panes["Heads"])
    window.solo(window.panes["Heads"])
    undo_all(camera)


def circuit(camera: Camera) -> None:
    """The board: estimates, exact with a group, around a head, and beside it what is measured."""
    window, title = camera.window, "Circuit"
    window.show_pane(title)
    camera.wait()
    in_both_looks(camera, "circuit-strongest", title)
    group = ("name movers", ("L23H1", "L23H2", "L23H7"))
    window.session.edit(board=BoardView(is_exact=True, groups=(group,)))
    camera.wait()
    in_both_looks(camera, "circuit-group", title)
    window.selection.move(layer=23, head=3)
    window.session.edit(board=BoardView(nodes="selected", is_exact=True, fades=True))
    camera.wait()
    in_both_looks(camera, "circuit-around", title)
    window.solo(window.panes[title])
    for measured in get_args(Measured):
        window.session.edit(board=BoardView(measured=measured))
        camera.wait()
        in_both_looks(camera, f"circuit-{measured or 'solo'}", title)
    pane = pane_of(window, CircuitPane)
    pane.controls.suggest.click()
    camera.wait(lambda: pane.search.reading is not None and bool(pane.search.reading.circuit))
    in_both_looks(camera, "circuit-suggested", title)
    pane.search.stop()
    for beside in get_args(Beside):
        view = BoardView(nodes="circuit", measured="edges", beside=beside, is_exact=True)
        window.session.edit(board=view)
        camera.wait()
        in_both_looks(camera, f"circuit-kept-{beside}", title)
    window.solo(window.panes[title])
    undo_all(camera)


def activation(camera: Camera) -> None:
    """The map, and arrays of two and three axes."""
    window, title = camera.window, "Activation"
    window.show_pane(title)
    for name in ("hook_resid_pre", "attn.hook_pattern", "attn.hook_q", "mlp.hook_post"):
        window.session.edit(activation=ActivationView(name))
        in_both_looks(camera, f"activation-{name}", title)
    undo_all(camera)


def explorer(camera: Camera) -> None:
    """Every view and every measure of a head; the grid sorted; clean − corrupted."""
    pane = pane_of(camera.window, AttentionPane)
    camera.window.show_pane("Attention")
    bar = pane.focus.bar
    for view in [bar.view.itemText(at) for at in range(bar.view.count())]:
        choose(bar.view, view)
        camera.wait()
        in_both_looks(camera, f"attention-{view}", "Attention")
    choose(bar.view, bar.view.itemText(0))
    for measure in [bar.measure.itemText(at) for at in range(bar.measure.count())][1:]:
        choose(bar.measure, measure)
        camera.wait()
        camera.take(f"attention-measure-{measure.replace('/', ' ')}", pane)
    choose(bar.measure, bar.measure.itemText(0))
    for arrangement in ("ranked", "map"):
        camera.window.session.edit(attention=AttentionView(arrangement=arrangement))
        camera.wait()
        in_both_looks(camera, f"attention-{arrangement}", "Attention")
    camera.window.session.edit(attention=AttentionView("difference"))
    camera.wait()
    in_both_looks(camera, "attention-difference", "Attention")
    camera.window.session.edit(attention=AttentionView())
    long_one = "The cat sat on the mat and looked at the dog. " * 22
    camera.window.session.edit(clean=long_one, corrupted="")
    camera.wait()
    camera.take("attention-long")
    choose(bar.view, "lines")
    camera.wait()
    camera.take("attention-long-lines")
    choose(bar.view, bar.view.itemText(0))
    undo_all(camera)


def patching(camera: Camera) -> None:
    """Heads by position, edges, comparison, table, estimate, the other panes."""
    window = camera.window
    pane = pane_of(window, PatchingPane)
    for name, kind in {
        "by-position": SweepKind("z"),
        "edges": SweepKind("pattern", "edge"),
        "heads": SweepKind("z", "all"),
    }.items():
        window.session.edit(kind=kind)
        camera.wait()
        in_both_looks(camera, f"patching-{name}", "Activation patching")
    pane.view.tools.table.click()
    pane.view.tools.estimate.click()
    camera.wait()
    in_both_looks(camera, "patching-table-and-estimate", "Activation patching")
    pane.view.tools.table.click()
    pane.view.tools.estimate.click()
    pane.view.tools.keep.click()
    camera.wait()
    window.session.edit(direction="noising")
    camera.wait()
    in_both_looks(camera, "patching-compare", "Activation patching")
    undo_all(camera)
    for title in ("All kinds at once", "Necessary or sufficient", "Who feeds it"):
        window.selection.move(**gathered([(17, 4), (20, 0), (23, 3), (29, 1)]))
        window.show_pane(title)
        camera.wait()
        in_both_looks(camera, title.lower(), title)
    window.show_pane("Activation patching")


def all_kinds(camera: Camera) -> None:
    """All kinds at once in small and large windows, and one of them enlarged."""
    window = camera.window
    for size in ((800, 480), (1700, 900)):
        window.resize(*size)
        window.reset_layout()
        window.show_pane("All kinds at once")
        camera.wait()
        camera.take(f"all-kinds-{size[0]}x{size[1]}")
    window.session.edit(all_kinds=AllKindsView(enlarged=3))
    camera.wait()
    camera.take("all-kinds-enlarged")
    window.session.edit(all_kinds=AllKindsView())
    window.resize(1280, 800)
    window.reset_layout()


def pairs_under(camera: Camera) -> None:
    """The table under means by role, of which the tray tells; and while it is read anew."""
    window = camera.window
    window.show_pane("Prompt pairs")
    task = next(task for task in TASKS if task.recognises(window.session.document.pair))
    heads = (Intervention(Site("z", 23, head), "mean") for head in range(3))
    window.session.edit(table=task.draw(8, 1), interventions=tuple(heads))
    camera.wait()
    camera.take("pairs-under")
    window.show_pane("Interventions")
    camera.wait()
    in_both_looks(camera, "interventions-by-role", "Interventions")
    window.session.edit(interventions=(Intervention(Site("z", 0, 1), "zero"),))
    camera.take("pairs-anew")
    camera.wait()
    undo_all(camera)
    window.reset_layout()


def pairs(camera: Camera) -> None:
    """The table, empty and drawn, and panes that average over it."""
    window = camera.window
    window.show_pane("Prompt pairs")
    camera.wait()
    camera.take("pairs-empty", window.panes["Prompt pairs"])
    task = next(task for task in TASKS if task.recognises(window.session.document.pair))
    window.session.edit(table=task.draw(8, 1), is_average=True)
    camera.wait()
    in_both_looks(camera, "pairs", "Prompt pairs")
    window.show_pane("Attention")
    camera.wait()
    camera.take("pairs-attention")
    undo_all(camera)
    prompt = pane_of(window, PromptPane)
    prompt.surprisal.click()
    camera.wait()
    in_both_looks(camera, "prompt-surprisal", "Prompt")
    prompt.surprisal.click()
    window.session.edit(metric="KL divergence")
    camera.wait()
    camera.take("prompt-kl")
    undo_all(camera)
    window.reset_layout()
