"""A window on a model in memory, as notebooks and scripts open it."""

from __future__ import annotations

import gc
import sys

import pytest
import torch
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtWidgets import QApplication

import lensgui
from lensgui import HookedTransformer, opening
from lensgui.app import notebook
from lensgui.checkpoints.loading import open_model
from lensgui.jobs.requests import ReadPair
from lensgui.prompts.pair import PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import ModelKey
from tests.answering import CLEAN
from tests.checkpoints.tiny_models import tiny

CORRUPTED = CLEAN.replace("apple", "stone")


@pytest.fixture
def quiet(tmp_path, monkeypatch, qapp):
    """Leave the interpreter as it was found."""
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path))
    interval, collects = sys.getswitchinterval(), gc.isenabled()
    yield
    assert gc.isenabled() == collects
    gc.unfreeze()
    sys.setswitchinterval(interval)


def test_the_window_runs_the_weights_that_were_given(quiet, qtbot):
    model = open_model("toy", device="cpu")
    window = lensgui.open(model, clean=CLEAN, corrupted=CORRUPTED, answer=" apple", block=False)
    qtbot.waitUntil(lambda: window.exchange.card is not None and not window.runner.is_busy)
    reading = window.panes["Prompt"].reading
    assert window.exchange.card.title == model.cfg.model_name
    before = reading.clean.top[0].probability
    with torch.no_grad():
        model.unembed.W_U.mul_(0)
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean=CLEAN + " apple")
    after = window.panes["Prompt"].reading.clean.top[0].probability
    assert after == pytest.approx(1 / model.cfg.d_vocab, rel=1e-3)
    assert before > 0.5
    window.undo()  # what was known of the weights before is not given again
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    again = window.panes["Prompt"].reading.clean.top[0].probability
    assert again == pytest.approx(1 / model.cfg.d_vocab, rel=1e-3)
    window.close()
    qtbot.waitUntil(lambda: not notebook.open_windows)


def test_a_models_version_changes_with_its_weights_and_its_hooks():
    model = open_model("toy", device="cpu")
    versions = [opening.version_of(model)]
    with torch.no_grad():
        model.W_U.add_(0)
    versions.append(opening.version_of(model))
    model.blocks[0].hook_resid_pre.add_hook(lambda activation, hook: None)
    versions.append(opening.version_of(model))
    assert len(set(versions)) == 3
    model.reset_hooks()
    assert opening.version_of(model) == versions[1]


def test_a_hugging_face_model_is_hooked_without_copying_its_weights():
    theirs = tiny("llama")
    ours = opening.hook(theirs, open_model("toy").tokenizer)
    addresses = {weight.untyped_storage().data_ptr() for weight in theirs.parameters()}
    assert ours.embed.W_E.untyped_storage().data_ptr() in addresses
    assert ours.blocks[0].attn.W_Q.untyped_storage().data_ptr() in addresses
    tokens = torch.tensor([[1, 5, 9]])
    torch.testing.assert_close(ours(tokens), theirs(tokens).logits, atol=1e-4, rtol=0)


def test_what_is_no_model_is_refused_in_a_sentence():
    with pytest.raises(ModelError, match=r"A dict is no model: give a HookedTransformer"):
        opening.hook({})
    with pytest.raises(ModelError, match=r"has no tokenizer: give one"):
        opening.hook(tiny("llama"))


def test_without_a_display_it_says_so(monkeypatch):
    monkeypatch.setattr(opening, "lacks_display", lambda environment: True)
    with pytest.raises(RuntimeError, match=r"There is no display"):
        lensgui.open(HookedTransformer)


def test_what_was_handed_over_runs_as_it_was_made():
    model = open_model("toy", device="cpu")
    key = opening.key_of(model)
    answerer = opening.Dispatcher(threads=1, given={key: model})
    assert answerer.loaded.use(key) is model
    other = ModelKey(key.source, dtype="float64")
    with pytest.raises(ModelError, match=r"was handed over in memory"):
        answerer.loaded.use(other)


def test_weights_changed_in_place_leave_nothing_of_what_was_computed():
    model = open_model("toy", device="cpu")
    key = opening.key_of(model)
    answerer = opening.Dispatcher(threads=1, given={key: model})
    pair = PromptPair(CLEAN, CORRUPTED, " apple", " stone")

    def read(answerer):
        *_, answer = (a for a in answerer.answer(ReadPair(key, pair)) if a is not None)
        return answer.clean.metric

    before = read(answerer)
    with torch.no_grad():
        model.blocks[0].attn.W_O.mul_(0.5)
    fresh = read(opening.Dispatcher(threads=1, given={key: model}))
    assert fresh != pytest.approx(before, abs=1e-3)
    assert read(answerer) == pytest.approx(fresh, abs=1e-5)


@pytest.mark.parametrize("name", ["notes.txt", "work.lens.bak"])
def test_what_is_no_session_is_not_taken(window, tmp_path, name):
    (tmp_path / name).write_text("x")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPointF(9, 9).toPoint(), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert not enter.isAccepted()
