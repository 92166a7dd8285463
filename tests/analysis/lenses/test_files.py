"""Lenses as files: other packages' are what they say, ours come back as they were, others don't."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from lensgui.__main__ import main
from lensgui.analysis.lenses import files
from lensgui.analysis.lenses.lens import Fit, JacobianLens, TunedLens
from lensgui.models import lenses
from lensgui.terms.errors import ModelError

pytestmark = pytest.mark.usefixtures("home")
LAYERS, WIDTH = 3, 4


@pytest.fixture
def apart():
    """The process of its own is one."""


@pytest.fixture(autouse=True)
def here(request, monkeypatch):
    """The process of its own is this one, but where a test is about that."""
    if "apart" in request.fixturenames:
        return

    def run(command, **named):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = main(command[command.index("lens") :])
        return SimpleNamespace(returncode=status, stdout=said.getvalue())

    monkeypatch.setattr(files.subprocess, "run", run)
    monkeypatch.setattr(files.pickles, "limit", lambda size: None)


def numbers(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def tuned_folder(folder, *, bias=True, change=lambda state, config: None):
    """A lens as the package tuned-lens writes it."""
    state = {}
    for layer in range(LAYERS):
        state[f"{layer}.weight"] = numbers(WIDTH, WIDTH) + layer
        if bias:
            state[f"{layer}.bias"] = numbers(WIDTH) - layer
    config = {
        "base_model_name_or_path": "some/model", "d_model": WIDTH, "num_hidden_layers": LAYERS,
        "bias": bias, "unembed_hash": "ab", "lens_type": "linear_tuned_lens",
    }  # fmt: skip
    change(state, config)
    folder.mkdir()
    torch.save(state, folder / files.PARAMS)
    (folder / files.CONFIG).write_text(json.dumps(config))
    return folder


def jacobian_file(path, **changes):
    """A lens as it is published."""
    payload = {
        "J": {layer: (numbers(WIDTH, WIDTH) * (layer + 1)).half() for layer in (0, 1)},
        "n_prompts": 100,
        "source_layers": [0, 1],
        "d_model": WIDTH,
        "metadata": {"model_name": "some/model", "target_layer": 2},
    } | changes
    torch.save({name: value for name, value in payload.items() if value is not None}, path)
    return path


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("as_file", [False, True])
def test_a_tuned_lens_is_read_as_its_package_wrote_it(tmp_path, bias, as_file):
    folder = tuned_folder(tmp_path / "a-lens", bias=bias)
    path = files.import_lens(folder / files.PARAMS if as_file else folder)
    assert path.parent == lenses.folder()
    assert path.name.startswith("a-lens-")
    lens = files.load_lens(path)
    assert isinstance(lens, TunedLens)
    assert lens.fit == Fit("some/model", "", "ab")
    for layer in range(LAYERS):
        assert lens.weights[layer].equal(numbers(WIDTH, WIDTH) + layer)
        assert lens.biases[layer].equal(numbers(WIDTH) - layer if bias else torch.zeros(WIDTH))
    assert lenses.here() == [path]
    assert files.import_lens(folder) == path


def test_a_jacobian_lens_is_read_as_it_is_published(tmp_path):
    lens = files.load_lens(files.import_lens(jacobian_file(tmp_path / "j.pt")))
    assert isinstance(lens, JacobianLens)
    assert lens.fit == Fit("some/model", "100 prompts")
    for layer in (0, 1):
        assert lens.jacobians[layer].equal((numbers(WIDTH, WIDTH) * (layer + 1)).half())


def test_a_checkpoint_of_a_fit_is_the_mean_so_far(tmp_path):
    sums = {0: numbers(WIDTH, WIDTH) * 7}
    path = jacobian_file(
        tmp_path / "c.pt", J=None, n_prompts=None, metadata=None, jacobian_sum=sums, n_done=7,
        model_name="some/model",
    )  # fmt: skip
    lens = files.load_lens(files.import_lens(path))
    torch.testing.assert_close(lens.jacobians[0], numbers(WIDTH, WIDTH))
    assert lens.fit == Fit("some/model", "7 prompts")


class Evil:
    def __reduce__(self):
        return os.mkdir, (f"{os.environ['LENSGUI_HOME']}-was-run",)


def evil(path):
    path.write_bytes(pickle.dumps({"J": Evil()}))
    return path


def with_code(path):
    torch.save({"J": {0: Evil()}}, path)
    return path


NAN = {0: torch.full((WIDTH, WIDTH), torch.nan)}


@pytest.mark.parametrize("make", [jacobian_file, evil])
def test_a_pickle_is_read_by_a_process_of_its_own(tmp_path, make, home, apart):
    path = make(tmp_path / "lens.pt")
    if make is jacobian_file:
        assert files.load_lens(files.import_lens(path)).reads(1)
    else:
        with pytest.raises(ModelError, match="asks to run code"):
            files.import_lens(path)
    assert not os.path.exists(f"{home}-was-run")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (with_code, "it is damaged, or asks to run code"),
        (lambda path: path, "There is no file"),
        (lambda path: path.write_text("words") and path, "is no plain file of tensors"),
        (lambda path: jacobian_file(path, J=NAN), "is no lens that lensgui reads"),
        (lambda path: jacobian_file(path, J={}), "is no lens that lensgui reads"),
        (lambda path: jacobian_file(path, J={0: numbers(3, 4)}), "not of one width"),
        (lambda path: jacobian_file(path, J=None), "is no lens that lensgui reads"),
        (lambda path: jacobian_file(path, J={0: [1.0]}), "is no lens that lensgui reads"),
        (
            lambda path: jacobian_file(path, metadata={"target_layer": 1}),
            "leads to layer 1, and not to the end",
        ),
        (
            lambda path: jacobian_file(path, J=None, jacobian_sum=NAN, n_done=0),
            "no prompt has been taken in",
        ),
    ],
)
def test_what_is_no_lens_is_refused_in_a_sentence_and_never_run(tmp_path, make, says, home):
    with pytest.raises(ModelError, match=says) as caught:
        files.import_lens(make(tmp_path / "lens.pt"))
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "lens.pt") in str(caught.value)
    assert not os.path.exists(f"{home}-was-run")
    assert lenses.here() == []


def lacking(state, config):
    del state["1.bias"]


def odd(state, config):
    state["unembed.weight"] = numbers(WIDTH, WIDTH)


def more(state, config):
    config["num_hidden_layers"] = LAYERS - 1


def fewer(state, config):
    config["num_hidden_layers"] = LAYERS + 1


def narrow(state, config):
    config["d_model"] = WIDTH + 1


def another_kind(state, config):
    config["lens_type"] = "mlp"


def many(state, config):
    config["num_hidden_layers"] = 10**9


@pytest.mark.parametrize("change", [lacking, odd, more, fewer, narrow, another_kind, many])
def test_a_tuned_lens_that_contradicts_itself_is_refused(tmp_path, change):
    with pytest.raises(ModelError, match="is no lens that lensgui reads"):
        files.import_lens(tuned_folder(tmp_path / "a-lens", change=change))
    assert lenses.here() == []


@pytest.mark.parametrize(
    "lens",
    [
        TunedLens(numbers(LAYERS, WIDTH, WIDTH), numbers(LAYERS, WIDTH), Fit("m", "2 prompts")),
        JacobianLens({0: numbers(WIDTH, WIDTH), 11: numbers(WIDTH, WIDTH)}, Fit("m", "", "cd")),
    ],
)
def test_ours_come_back_as_they_were(tmp_path, lens):
    path = tmp_path / "folder" / "lens.safetensors"
    files.save_lens(lens, path)
    kept = files.import_lens(path)
    assert kept.parent == lenses.folder()
    assert files.import_lens(kept) == kept
    again = files.load_lens(kept.name)
    assert (again.name, again.fit) == (lens.name, lens.fit)
    stream = numbers(5, WIDTH)
    for row in range(14):
        assert again.reads(row) is lens.reads(row)
        if lens.reads(row):
            assert again.transport(stream, row).equal(lens.transport(stream, row))


def test_names_of_lenses_have_plain_letters_only(tmp_path):
    path = files.import_lens(jacobian_file(tmp_path / "a: lens, à moi (2).pt"))
    assert path.name.startswith("a-lens-")
    assert lenses.here() == [path]
    (lenses.folder() / "not: mine.safetensors").touch()
    assert lenses.here() == [path]


def test_files_that_are_no_lens_of_ours_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(ModelError, match="There is no lens"):
        files.load_lens(path)
    save_file({"weights": numbers(2, 2)}, path)
    with pytest.raises(ModelError, match="is no lens, or damaged"):
        files.load_lens(path)
    lens = TunedLens(numbers(LAYERS, WIDTH, WIDTH), numbers(LAYERS, WIDTH))
    files.save_lens(lens, path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ModelError, match="is no lens, or damaged"):
        files.load_lens(path)
