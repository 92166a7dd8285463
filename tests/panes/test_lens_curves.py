"""The lens pane: trajectories, tokens that are followed, and means over a table of pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt

from lensgui.jobs.answers.arrays import Slice
from lensgui.jobs.answers.lenses import LensGrid, LensMean
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.lens.lens_words import NO_TOKEN
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.state.views import LensView
from tests import fakes
from tests.panes.conftest import CURSOR, PAIR, answer, in_session, tell
from tests.panes.test_lens import viewing


def test_what_a_fitted_lens_is_worth_on_a_text_held_out_decides_and_is_drawn(document, show):
    seen = viewing(document, value="divergence", lens="a.safetensors")
    pane = answer(show(LensPane()), seen)
    worth, plain = (pane.answer(name, Slice) for name in ("worth", "logit lens's worth"))
    means = [float(of.values[:-1].mean()) for of in (worth, plain)]
    assert f"on a text held out {means[0]:.2f} and {means[1]:.2f}" in pane.legend.text()
    assert [curve.name for curve in pane.curves.shown.curves] == [
        "this lens, a text held out", "logit lens, a text held out",
    ]  # fmt: skip
    drawn = [curve.values for curve in pane.curves.shown.curves]
    np.testing.assert_array_equal(drawn, [worth.values, plain.values])
    bad = plain.values.copy()
    bad[1] += 1
    tell(pane, "worth", replace(worth, values=bad), request=pane.reply("worth").request)
    assert "worse at L1: it does not fit this model there." in pane.legend.text()


def test_trajectories_are_the_columns_of_the_grid_by_token(document, show):
    followed = viewing(document, value="logit", followed=(" the",))
    pane = answer(show(LensPane()), followed)
    grid = pane._seen.grid
    pane.show_cursor(Cursor(2, position=3))
    for at, curve in enumerate(pane.curves.shown.curves):
        np.testing.assert_array_equal(curve.values, grid.logits[:, 3, at])
    assert len(pane.curves.shown.curves) == 3
    words = pane.curves.describe(2)
    assert words.startswith("before layer 2: ·word ")
    assert "position 3 " in pane.shown()[1].says
    pane.show_cursor(Cursor())
    np.testing.assert_array_equal(pane.curves.shown.curves[0].values, grid.logits[:, -1, 0])
    both = answer(show(LensPane()), viewing(document, value="probability", side="difference"))
    chances = [
        np.exp(both.answer(side, LensGrid).chosen_log_probs) for side in ("clean", "corrupted")
    ]
    both.show_cursor(Cursor(position=1))
    expected = (chances[0] - chances[1])[:, 1, 0]
    np.testing.assert_allclose(both.curves.shown.curves[0].values, expected, atol=1e-6)


def test_of_another_value_one_trajectory_is_drawn_and_none_if_switched_off(document, show):
    pane = answer(show(LensPane()), viewing(document, value="entropy"))
    pane.show_cursor(Cursor(position=2))
    (curve,) = pane.curves.shown.curves
    np.testing.assert_array_equal(curve.values, pane._seen.grid.entropy[:, 2])
    pane = answer(show(LensPane()), viewing(document, shows_curves=False))
    assert pane.curves.isHidden()
    assert pane.curves.shown is None
    assert [shown.name for shown in pane.shown()] == [""]


def test_a_row_of_the_trajectories_is_picked_and_keys_go_past_what_selects_nothing(
    document, show, qtbot
):
    pane = answer(show(LensPane()), viewing(document, mid=True, value="logit"))
    picked = []
    pane.picked.connect(picked.append)
    place = pane.curves.place_of(4, 0.0).toPoint()  # two rows a layer
    qtbot.mouseClick(pane.curves, Qt.MouseButton.LeftButton, pos=place)
    assert picked == [{"layer": 2}]
    for key, layer in ((Qt.Key.Key_Down, 3), (Qt.Key.Key_Up, 1)):
        pane.show_cursor(Cursor(2, position=1))
        qtbot.keyClick(pane.curves, key)
        assert picked[-1] == {"layer": layer}
        qtbot.keyClick(pane.heatmap, key)
        assert picked[-1] == {"layer": layer, "position": 1}
    assert pane._words(5, 1).startswith("between attention and MLP of layer 2, position 1 ")


def test_a_token_is_followed_by_typing_it_or_from_a_cell_and_left_out_again(document, show, qtbot):
    pane = answer(show(LensPane()), document)
    session = in_session(pane, document)
    pane.controls.follow.setFocus()
    qtbot.keyClicks(pane.controls.follow, " house")
    qtbot.keyClick(pane.controls.follow, Qt.Key.Key_Return)
    assert session.document.views.lens.followed == (" house",)
    assert pane.controls.token.itemText(2) == "·house"
    assert not pane.controls.follow.text()
    (verb,) = pane._following(1, 2)
    assert [one.is_chosen for one in verb.choices] == [False] * fakes.lenses.K + [True]
    verb.choices[0].act()
    assert len(session.document.views.lens.followed) == 2
    session.edit(lens=replace(session.document.views.lens, value="rank", token=3))
    (verb,) = pane._following(1, 2)
    next(one for one in verb.choices if one.is_chosen).act()
    assert len(session.document.views.lens.followed) == 1
    assert session.document.views.lens.token == 0, "the one that was read is followed no longer"


def test_what_is_not_one_token_has_no_line_and_no_number(document, show):
    pane = answer(show(LensPane()), viewing(document, value="rank", token=0))
    grid = pane._seen.grid
    lacking = replace(grid, chosen=(None, *grid.chosen[1:]), remark="‘ a b’ is 2 tokens.")
    tell(pane, "clean", lacking, request=pane.reply("clean").request)
    assert pane.heatmap.empty == NO_TOKEN.format(which="answer")
    assert "‘ a b’ is 2 tokens." in pane.legend.text()
    assert pane.curves.shown is None


def test_of_a_table_the_mean_of_metric_and_probability_is_shown_with_its_spread(document, show):
    rows = tuple(PairRow(replace(PAIR, answer=answer)) for answer in (" a", " b", " c"))
    tabled = document.having(table=rows, is_average=True)
    for view in (LensView("metric"), LensView("probability", "difference", token=1)):
        seen = tabled.having(lens=view)
        pane = answer(show(LensPane()), seen)
        asked = pane.requests(seen, CURSOR)
        assert set(asked) == {"pair", "mean"}
        assert asked["mean"].rows == seen.rows
        mean = pane.answer("mean", LensMean)
        count = len(seen.rows)
        assert f"mean over {count} of {count} pairs" in pane.legend.text()
        np.testing.assert_array_equal(pane.heatmap.picture.values, mean.values)
        pane.show_cursor(Cursor(position=1))
        (curve,) = pane.curves.shown.curves
        np.testing.assert_array_equal(curve.spread, mean.deviation[:, 1])
        assert " over the pairs (standard deviation)" in pane._words(1, 1)
        assert " ± " in pane.curves.describe(1)
        assert "standard deviation" in pane.shown()[1].panels[0].data.columns
    others = tabled.having(lens=LensView("entropy"))
    pane = answer(show(LensPane()), others)
    assert "mean" not in pane.requests(others, CURSOR)
    assert "of this pair alone" in pane.legend.text()


def test_the_selected_token_is_followed_too(document, qtbot):
    pane = LensPane()
    qtbot.addWidget(pane)
    asked = pane.requests(document, replace(CURSOR, token=17))
    assert (asked["clean"].token, asked["selected"].token) == (17, 17)
    assert asked["clean"] != pane.requests(document, CURSOR)["clean"]
