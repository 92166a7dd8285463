"""Every picture's script computes on the toy model what is shown, and draws or prints it."""

from __future__ import annotations

import ast
import json
import sys
import types

import numpy as np
import pytest

import lensgui
from lensgui.app.window.layout import PANES
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.requests import OpenModel
from lensgui.panes.ablation.ablation import AblationPane
from lensgui.panes.activation.activation import ActivationPane
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.attribution.attribution import AttributionPane
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.panes.figures.shown import Context, figure
from lensgui.panes.generation.generation import GenerationPane
from lensgui.panes.heads.heads import HeadsPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.interventions.tray import InterventionsPane
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.panes.patching.all_kinds import AllKindsPane
from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.python.notebook import Part, notebook
from lensgui.panes.strength.strength import StrengthPane
from lensgui.state.selection import Cursor
from lensgui.state.views import (
    AblationView,
    ActivationView,
    AttentionView,
    AttributionView,
    BoardView,
    GenerationView,
    HeadsView,
    LensValue,
    LensView,
    NeuronsView,
    PatchingView,
    StrengthView,
)
from lensgui.terms import vectors
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.interventions import Intervention, Site, Vector
from lensgui.terms.kinds import Side, SweepKind
from tests.panes.copying import averaging, toy

PLACE = Cursor(1, 2, 10, 4)
DIRECTION = Vector("a direction", vectors.keep("a direction", [1.0, -1.0, 0.5, 2.0] * 16))
STEERED = (
    Intervention(Site("z", 0, 1), "zero"),
    Intervention(Site("mlp_out", 0), "scale", strength=0.3),
    Intervention(Site("resid_post", 0), "add", vector=DIRECTION),
)
SHOWN = {
    PromptPane: 2,
    AttentionPane: 3,
    PatchingPane: 1,
    AllKindsPane: 1,
    NecessaryPane: 1,
    FeedersPane: 3,
    ActivationPane: 1,
    AttributionPane: 3,
    LensPane: 2,
    HeadsPane: 1,
    NeuronsPane: 4,
    StrengthPane: 1,
    AblationPane: 2,
    CircuitPane: 1,
    InspectorPane: 4,
    GenerationPane: 1,
    PairTablePane: 1,
}
WITHOUT_SCRIPT = {"numbers", "estimate against exact", "parts of its nodes"}
TABLED = PatchingView(shows_table=True, shows_intervals=True)
LENS: tuple[tuple[LensValue, bool], ...] = (
    ("metric", False),
    ("logit", True),
    ("rank", False),
    ("surprisal", False),
)
SOME = (
    Intervention(Site("z", 0, 1), "scale", strength=2.5),
    Intervention(Site("mlp_out", 0), "scale", "last", 0.3, runs="corrupted"),
)
KEPT = KeptCircuit(
    (("L1H1", "logits"), ("embed", "L1H1.v"), ("L0H1", "L1H1.q"), ("embed", "L0H1.v"),
     ("MLP 1", "logits"), ("L0H1", "MLP 1")), "drawn by hand",
    tuple(row.pair.clean for row in averaging(4).table[:2]),
)  # fmt: skip
CHANGES: tuple[Side, ...] = ("clean change", "corrupted change")
UNDER = [
    (PromptPane, "a prompt", toy()),
    (PromptPane, "one prompt", toy(corrupted="")),
    (GenerationPane, "drawn", toy(generation=GenerationView("corrupted", 5, 0.8, 9, 0.9, 2))),
    *(
        case
        for side in CHANGES
        for case in (
            (AttentionPane, side, toy(attention=AttentionView(side, score="norm here"))),
            (AttentionPane, f"mean, {side}", averaging(2).having(attention=AttentionView(side))),
            *(
                (LensPane, f"{value}, {side}", toy(lens=LensView(value, side)))
                for value in ("metric", "probability", "rank", "entropy")
            ),
            (LensPane, f"mean, {side}", averaging(2).having(lens=LensView("metric", side))),
            (NeuronsPane, side, toy(neurons=NeuronsView(side=side, count=7))),
            (AttributionPane, side, toy(attribution=AttributionView(side=side))),
            (
                AttributionPane,
                f"mean, {side}",
                averaging(2).having(attribution=AttributionView("component", side)),
            ),
            (ActivationPane, side, toy(activation=ActivationView("attn.hook_pattern", side))),
        )
    ),
]
CASES = [
    *(
        (kind, f"under interventions, {name}", document.having(interventions=SOME))
        for kind, name, document in UNDER
    ),
    *((kind, "a pair", toy(table=averaging().table)) for kind in SHOWN if kind != StrengthPane),
    *(
        (AblationPane, f"{view.op}, {view.of}", document.having(ablation=view))
        for document in (toy(table=averaging(10).table), averaging(10))
        for view in (
            AblationView(heads=((0, 1), (1, 2), (1, 3))),
            AblationView(heads=((0, 1), (1, 2)), op="mean"),
        )
    ),
    (
        AblationPane,
        "all that is on",
        toy(interventions=SOME, ablation=AblationView("interventions")),
    ),
    (
        AblationPane,
        "beside others",
        toy(interventions=SOME, ablation=AblationView(heads=((1, 2),), op="zero")),
    ),
    *(
        (StrengthPane, f"{view}", toy(interventions=STEERED, strength=view))
        for view in (
            StrengthView(),
            StrengthView(has_random=True, is_like_stream=True),
            StrengthView(1, is_wide=True),
        )
    ),
    (AttentionPane, "lines", toy(attention=AttentionView(drawing="lines"))),
    (AttentionPane, "text", toy(attention=AttentionView(drawing="text", measure="writes"))),
    (AttentionPane, "difference", toy(attention=AttentionView("difference", score="induction"))),
    (AttentionPane, "a mean", averaging(2)),
    (AttentionPane, "broken", toy(attention=AttentionView(score="breaks"))),
    (AttentionPane, "restored", averaging(2).having(attention=AttentionView(score="restores"))),
    (PatchingPane, "noising", toy(kind=SweepKind("z", "all"), direction="noising")),
    (PatchingPane, "by position", toy(kind=SweepKind("z"))),
    (PatchingPane, "edges", toy(kind=SweepKind("pattern", "edge"))),
    (PatchingPane, "a mean", averaging(2).having(patching=TABLED)),
    (PatchingPane, "raw", toy(answer=" day", metric="probability")),
    (NecessaryPane, "a mean", averaging(2)),
    *(
        (LensPane, f"{value}, {side}", toy(lens=LensView(value, side, token=int(is_other))))
        for value, is_other in LENS
        for side in ("clean", "corrupted", "difference")
    ),
    *(
        (NeuronsPane, f"{view.order}, {view.side}", toy(neurons=view))
        for view in (
            NeuronsView("gradient"),
            NeuronsView("activation", "corrupted"),
            NeuronsView(side="difference", count=7),
        )
    ),
    *(
        (AttributionPane, f"{by}, {side}", toy(attribution=AttributionView(by, side)))
        for by in ("head", "component")
        for side in ("clean", "corrupted", "difference")
    ),
    *(
        (
            AttributionPane,
            f"mean, {side}",
            averaging(2).having(attribution=AttributionView(side=side)),
        )
        for side in ("clean", "difference")
    ),
    (HeadsPane, "sorted", toy(heads=HeadsView(sort="norm here", is_descending=False))),
    (
        HeadsPane,
        "filtered",
        toy(heads=HeadsView(sort="breaks", filter="induction < .9, layer > 0")),
    ),
    (HeadsPane, "few", toy(heads=HeadsView(("strongest edge here", "edge"), "edge"))),
    (HeadsPane, "a mean", averaging(2).having(heads=HeadsView(("restores",), "attribution"))),
    (HeadsPane, "mean of prompts", averaging(2).having(heads=HeadsView(("norm here", "edge")))),
    *(
        (AttentionPane, key, toy(attention=AttentionView(score=key)))
        for key in ("raw copying", "bottom 5", "norm here")
    ),
    *(
        (ActivationPane, f"{name}, {side}", toy(activation=ActivationView(name, side)))
        for name in ("attn.hook_q", "attn.hook_pattern", "mlp.hook_post", "hook_embed")
        for side in ("clean", "difference")
    ),
    (ActivationPane, "turned", toy(activation=ActivationView("attn.hook_z", down="d_head"))),
    (LensPane, "mid", toy(lens=LensView("logit", mid=True, followed=(" day",), token=2))),
    (LensPane, "a mean", averaging(2).having(lens=LensView("metric", mid=True))),
    *(
        (CircuitPane, f"{view.reference}, {view.by}", document.having(board=view))
        for document, view in (
            (toy(), BoardView("mean", most=10, is_exact=True, measured="edges")),
            (averaging(3), BoardView("zero", by="sign", measured="heads")),
            (averaging(2), BoardView(by="sign", measured="sizes")),
        )
    ),
    *(
        (CircuitPane, f"the circuit, {view.beside}", kept.having(board=view, circuit=KEPT))
        for kept, view in (
            (toy(), BoardView(nodes="circuit", measured="edges", is_exact=True)),
            (
                averaging(4),
                BoardView(nodes="circuit", measured="edges", beside="completeness"),
            ),
            (averaging(2), BoardView(nodes="circuit", measured="heads", beside="parts")),
        )
    ),
    (LensPane, "mean chances", averaging(2).having(lens=LensView("probability", "difference"))),
]


@pytest.fixture
def filled(dispatcher, qtbot):
    """Fill a pane with what the real answerer says of the toy model."""

    kept = []  # else a pane is gone while Qt still sends it events

    def fill(pane, document):
        kept.append(pane)
        qtbot.addWidget(pane)
        pane.resize(700, 700)
        pane.show()
        asked = {"model": OpenModel(document.model)}
        for _ in range(3):
            for name, request in asked.items():
                *_, found = (answer for answer in dispatcher.answer(request) if answer is not None)
                pane.show_reply(name, Reply(request, found, "whole"))
            pane.show_document(document)
            pane.show_cursor(PLACE)
            asked = pane.requests(document, PLACE)
        context = Context(document, pane.card, asked, code=pane.python(document, PLACE))
        return [(each, figure(pane.title, each, context)) for each in pane.shown()]

    return fill


def first(panel):
    """Return the numbers of a panel as its data have them; of points, both."""
    columns = [np.asarray(values, float) for values in panel.data.columns.values()]
    return np.stack(columns[:2]) if type(panel).__name__ == "Cloud" else columns[0]


def run(code, monkeypatch, tmp_path):
    """Run a script where matplotlib is not there, and return its names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    names: dict[str, object] = {}
    exec(compile(code, "script.py", "exec"), names)
    return names


def test_every_pane_is_tried():
    assert set(SHOWN) == set(PANES) - {InterventionsPane}  # which has no picture


@pytest.mark.parametrize(
    ("kind", "name", "document"), CASES, ids=[f"{c[0].title}: {c[1]}" for c in CASES]
)
def test_a_script_computes_what_the_picture_shows(
    kind, name, document, filled, monkeypatch, tmp_path, capsys
):
    found = filled(kind(), document)
    assert len(found) >= (SHOWN[kind] if name == "a pair" else 1)
    for shown, made in found:
        if shown.name in WITHOUT_SCRIPT:
            continue
        assert made.code, shown.name
        names = run(made.code, monkeypatch, tmp_path)
        assert len(names["numbers"]) == len(made.panels)
        for part, panel in zip(names["numbers"], made.panels, strict=True):
            needed = first(panel)
            assert part.shape == needed.shape, shown.name
            known = np.isfinite(needed)
            assert known.any()
            np.testing.assert_allclose(
                part[known],
                needed[known],
                atol=6e-3 if made.name == "attention-all-heads" else 1e-4,
            )
        assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out


def test_scripts_import_public_names_alone(filled):
    for kind in SHOWN:
        for _, made in filled(kind(), toy(table=averaging().table)):
            imports = [
                node
                for node in ast.walk(ast.parse(made.code or ""))
                if isinstance(node, ast.ImportFrom)
            ]
            for node in imports:
                assert node.module == "lensgui"
                assert {alias.name for alias in node.names} <= set(lensgui.__all__)


class Recorder:
    """Stands in for matplotlib: takes any call, and says what was called."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*parts, **named):
            self.calls.append(name)
            if name == "subplots":
                axes = np.empty((4, 4), object)
                axes.fill(self)
                return self, axes
            return self

        return call


@pytest.mark.parametrize("kind", SHOWN)
def test_a_script_draws_with_matplotlib_where_it_is(kind, filled, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for _, made in filled(kind(), toy(table=averaging().table)):
        if not made.code:
            continue
        recorder = Recorder()
        module = types.ModuleType("matplotlib")
        module.pyplot = recorder
        monkeypatch.setitem(sys.modules, "matplotlib", module)
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", recorder)
        exec(compile(made.code, "script.py", "exec"), {})
        assert {"subplots", "suptitle", "savefig"} <= set(recorder.calls)


def test_a_notebook_runs_from_top_to_bottom(filled, monkeypatch, tmp_path, capsys):
    parts = [
        Part(made.title, "<b>& $x$ **y** [z](u) `w`", made.code)
        for kind in (PromptPane, AttentionPane, FeedersPane)
        for _, made in filled(kind(), toy())[:1]
    ]
    cells = json.loads(notebook("Mine", parts))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert code.count("HookedTransformer.from_pretrained") == 1
    names = run(code, monkeypatch, tmp_path)
    assert names["numbers"][0].shape == (2, 5)  # of the last: senders by layer
    words = r"&lt;b>&amp; \$x\$ \*\*y\*\* \[z\](u) \`w\`"
    assert words in "".join(cells[2]["source"])
