from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication

from lensgui.app.window.layout import PANES
from lensgui.jobs.answers.arrays import Atlas, Axis, HeadEffects, HeadSlice, Sweep
from lensgui.panes.ablation.ablation import AblationPane
from lensgui.panes.activation.activation import ActivationPane
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.attribution.attribution import AttributionPane
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.panes.figures import files
from lensgui.panes.figures.files import Options
from lensgui.panes.figures.numbers import as_table
from lensgui.panes.figures.shown import plain, slug
from lensgui.panes.generation.generation import GenerationPane
from lensgui.panes.head_grid.panels import numbers, pooled
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
from lensgui.panes.strength.strength import StrengthPane
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.model_key import ModelKey
from tests.panes.conftest import PAIR, tell
from tests.panes.figures.panes import ROWS, figures, opened

EXPECTED = {
    PromptPane: [""],
    AttentionPane: ["", "all heads", "head scores"],
    PatchingPane: [""],
    AllKindsPane: [""],
    NecessaryPane: [""],
    FeedersPane: ["", "strongest cells", "all paths"],
    ActivationPane: [""],
    AttributionPane: ["", "sum so far", "terms"],
    LensPane: ["", "trajectories"],
    HeadsPane: [""],
    NeuronsPane: ["", "over the prompt", "strongest places", "histogram"],
    StrengthPane: [""],
    AblationPane: ["", "by pair"],
    CircuitPane: [""],
    InspectorPane: ["head", "source", "MLP", "logit lens"],
    GenerationPane: [""],
    PairTablePane: [""],
}


OF_PAIRS = ("strongest places", "histogram")  # whose scripts have to read them


def test_every_pane_is_tried():
    assert set(EXPECTED) == set(PANES) - {InterventionsPane}  # which has no picture


@pytest.mark.parametrize("kind", EXPECTED)
def test_every_picture_of_every_pane_becomes_every_kind_of_file(kind, tabled, show):
    if kind is StrengthPane:
        tabled = tabled.having(interventions=(Intervention(Site("mlp_out", 1), "scale"),))
    pane = opened(kind, tabled, show)
    found = figures(pane, tabled)
    assert [shown.name for shown, _ in found] == EXPECTED[kind]
    assert len({made.name for _, made in found}) == len(found)
    for shown, made in found:
        assert not shown.is_stale
        assert made.caption.endswith(".")
        assert "fake" in made.caption.lower()
        for name in files.FORMATS:
            data = files.as_bytes(made, name, Options(times=1))
            assert len(data) > 100, name
            for secret in ("my secret note", ROWS[1].pair.clean):
                is_of_pairs = kind is PairTablePane or shown.name in OF_PAIRS
                assert is_of_pairs or secret.encode() not in data, name
        ElementTree.fromstring(files.as_bytes(made, "svg", Options()))


def read(data):
    """Return the columns of a CSV file."""
    rows = list(csv.reader(io.StringIO(data.decode())))
    return {name: [row[at] for row in rows[1:]] for at, name in enumerate(rows[0])}


def numbers_of(texts):
    return np.array([float(text) if text else np.nan for text in texts])


def test_the_numbers_of_a_sweep_are_those_on_screen(document, show):
    pane = opened(PatchingPane, document, show)
    (_, made), sweep = figures(pane, document)[0], pane.sweep
    columns = read(files.as_bytes(made, "csv", Options()))
    assert columns["layer"][:2] == ["0", "0"]
    assert columns["position_name"][:3] == pane.heatmap.picture.column_names[:3]
    values = numbers_of(columns["value"]).reshape(sweep.values.shape)
    np.testing.assert_array_equal(values.astype(np.float32), sweep.shown)
    arrays = np.load(io.BytesIO(files.as_bytes(made, "npz", Options())))
    np.testing.assert_array_equal(arrays["value"], sweep.shown)
    assert arrays["value.axes"].tolist() == ["layer", "position"]
    assert arrays["position.names"].tolist() == pane.heatmap.picture.column_names
    assert json.loads(str(arrays["provenance"]))["shown"] == "Activation patching"
    pasted = [line.split("\t") for line in as_table(made).splitlines()]
    assert pasted[0][1:] == pane.heatmap.picture.column_names
    assert float(pasted[2][3]) == pytest.approx(float(sweep.shown[1, 2]), rel=1e-5, abs=1e-6)


def test_the_numbers_of_a_head_are_those_on_screen(document, show):
    pane = opened(AttentionPane, document, show)
    found = {shown.name: made for shown, made in figures(pane, document)}
    head = pane.answer("head", HeadSlice)
    values = found[""].panels[0].data.columns["value"]
    known = ~np.isnan(values)
    np.testing.assert_array_equal(values[known], head.values[known])
    assert known.sum() == np.tri(len(values)).sum()
    every = found["all heads"].panels[0].data.columns["value"]
    np.testing.assert_allclose(
        np.nan_to_num(every[0, 0]),
        pane.grid.atlas.values[0, 0] / 255 * np.tri(len(values)),
        atol=1e-6,
    )
    ranks = found["head scores"].panels[0].data.columns["value"]
    np.testing.assert_array_equal(ranks, pane.grid.ranking.values)


def test_the_numbers_of_all_kinds_are_those_on_screen(document, show):
    pane = opened(AllKindsPane, document, show)
    (_, made) = figures(pane, document)[0]
    assert len(made.panels) == 8
    for panel, sweep in zip(made.panels, pane.sweeps, strict=True):
        np.testing.assert_array_equal(panel.data.columns["value"], sweep.shown)
    columns = read(files.as_bytes(made, "csv", Options()))
    assert list(columns)[:6] == ["panel", "layer", "position", "position_name", "head", "head_name"]
    for panel, sweep in zip(made.panels, pane.sweeps, strict=True):
        rows = [at for at, title in enumerate(columns["panel"]) if title == panel.title]
        values = numbers_of([columns["value"][at] for at in rows])
        np.testing.assert_array_equal(values.astype(np.float32), sweep.shown.ravel())
        assert any(columns["position"][at] for at in rows) is (sweep.axes[1].name == "position")


def test_the_strongest_cells_are_numbers_in_a_file(document, show):
    (_, made) = figures(opened(FeedersPane, document, show), document)[1]
    assert made.name == "who-feeds-it-strongest-cells"
    columns = read(files.as_bytes(made, "csv", Options()))
    for name, texts in columns.items():
        if name not in ("row_name", "place"):
            assert np.isfinite(numbers_of(texts)).all(), name
    assert {"share", "logits", "value"} <= set(columns)


def test_bars_say_small_numbers_too(document, show):
    pane = opened(FeedersPane, document, show)
    totals = pane.answer("totals", Sweep)
    tiny = replace(totals, values=np.full_like(totals.values, 1.234e-4 * totals.scale))
    pane.input.show_totals(tiny)
    assert pane.input.shown_bars().words == ["+0.000123"] * 4


def test_positions_of_all_heads_are_spelled_as_on_screen(document, show):
    found = figures(opened(AttentionPane, document, show), document)
    labels = [axis.labels for axis in found[1][1].panels[0].data.axes]
    assert labels[2] == labels[3] == ("When", "·John", "·and", "·Mary", "·went")


def test_the_numbers_of_points_are_those_on_screen(document, show):
    pane = opened(NecessaryPane, document, show)
    (_, made) = figures(pane, document)[0]
    columns, points = read(files.as_bytes(made, "csv", Options())), pane.scatter.points
    np.testing.assert_array_equal(numbers_of(columns["restores"]), points.x)
    np.testing.assert_array_equal(numbers_of(columns["breaks"]), points.y)
    assert columns["point_name"] == points.names
    effects = pane.answer("roles", HeadEffects)
    for name, values in (
        ("direct_attribution", effects.attribution),
        ("attention_to_answer", effects.attention),
    ):
        np.testing.assert_allclose(numbers_of(columns[name]), values.ravel(), rtol=1e-6)


def test_how_surprising_tokens_are_is_a_picture_once_it_is_known(document, show):
    pane = opened(PromptPane, document, show)
    reading = pane.reading
    count = len(reading.clean.tokens)
    bits = (None, *range(1, count))
    known = replace(reading, clean=replace(reading.clean, surprisals=bits))
    tell(pane, "pair", known)
    shown, made = figures(pane, document)[1]
    assert (shown.name, made.title) == ("surprisal", "Surprisal")
    values = made.panels[0].data.columns["surprisal"]
    assert np.isnan(values[0])
    assert values[1:].tolist() == list(range(1, count))


def test_lines_and_text_are_taken_as_they_are_drawn(document, show):
    for drawing, kind in (("lines", "Strands"), ("text", "Prose")):
        view = replace(document.views.attention, drawing=drawing)
        chosen = document.having(attention=view)
        pane = opened(AttentionPane, chosen, show)
        shown, made = figures(pane, chosen)[0]
        assert type(made.panels[0]).__name__ == kind
        assert shown.is_of(pane.focus.lines if drawing == "lines" else pane.focus.text)


def test_provenance_says_what_was_asked_of_which_model(document, show):
    pane = opened(PatchingPane, document, show)
    about = figures(pane, document)[0][1].provenance.as_json()
    assert about["requests"]["sweep"]["type"] == "Patching"
    assert about["requests"]["sweep"]["pair"]["clean"] == PAIR.clean
    assert about["changed"] == "2026-01-02T00:00:00+00:00"
    assert "model" not in about["requests"]["sweep"]


def test_a_model_is_named_without_where_it_lies(document, show):
    elsewhere = document.having(model=ModelKey("/home/ann/models/mine"))
    pane = opened(PatchingPane, elsewhere, show)
    pane.card = None
    (_, made) = figures(pane, elsewhere)[0]
    assert "Model: mine." in made.caption
    assert made.provenance.as_json()["model"]["name"] == "mine"
    for name in files.FORMATS:
        if name != "py":  # which has to open it
            assert b"/home/ann" not in files.as_bytes(made, name, Options(times=1))


def test_a_request_is_told_without_its_model_and_its_pairs(document):
    asked = document.having(table=ROWS, is_average=True).patching()
    told = json.dumps(plain(asked))
    assert "fake" not in told
    assert ROWS[0].pair.clean not in told


@pytest.mark.parametrize("text", ["", "A — b/c", "../../etc", "国", "L23H3.q"])
def test_names_of_files_are_plain(text):
    assert slug(text)
    assert all(letter.isalnum() or letter == "-" for letter in slug(text))


def test_an_old_picture_is_known_to_be_old(document, show):
    pane = opened(PatchingPane, document, show)
    pane.view.show_sweeps(replace(pane.view.given, is_stale=True))
    assert all(shown.is_stale for shown in pane.shown())


def test_a_right_click_where_there_is_no_menu_offers_the_picture(document, show, qtbot):
    pane = opened(InspectorPane, document, show)
    widget = pane.lens
    with qtbot.waitSignal(pane.taken) as taken:
        where = widget.mapTo(pane, QPoint(20, 20))
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, pane.mapToGlobal(where))
        QApplication.sendEvent(pane, event)
    assert taken.args[1] == "menu"


def test_large_patterns_are_pooled_to_what_is_farthest_from_zero():
    values = np.zeros((1, 1, 5, 5), np.float32)
    values[0, 0, 4, 4], values[0, 0, 0, 1] = -3, 2
    values[0, 0, 0, 2:] = np.nan
    small = pooled(values, 3)[0, 0]
    assert small.shape == (3, 3)
    assert (small[0, 0], small[2, 2]) == (2, -3)
    assert pooled(values, 5) is values


def test_bytes_of_a_grid_stand_for_numbers():
    steps = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    axes = tuple(Axis(name, (0,), ("0",)) for name in ("layer", "head", "position", "source"))
    atlas = Atlas(axes, steps, 1, np.zeros((5, 1, 1)), np.zeros((1, 1, 2)), False)
    known = np.tri(16, dtype=bool)
    np.testing.assert_allclose(numbers(atlas)[0, 0][known], steps[0, 0][known] / 255, rtol=1e-6)
    assert np.isnan(numbers(atlas)[0, 0][~known]).all()
    ends = np.array([[[-2.0, 3.0]]], np.float32)
    other = replace(atlas, measure="scores", ends=ends)
    assert numbers(other)[0, 0, 0, 0] == -2
    assert numbers(other)[0, 0, 15, 15] == 3
    signed = replace(atlas, measure="contribution", ends=np.array([[[-3.0, 3.0]]], np.float32))
    assert numbers(signed)[0, 0, 8, 0] == 0
    assert numbers(signed)[0, 0, 15, 15] == 3
