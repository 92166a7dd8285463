"""Teaching models come from the hub when they are imported, and only then: their pickles are read
once, in a limited process, and nothing that is half made is left."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from lensgui import HookedTransformer
from lensgui.checkpoints import hub, imports
from lensgui.checkpoints.files import pickles
from lensgui.models import known_models
from lensgui.models.aliases import TEACHING as ALIASES
from lensgui.terms.errors import ModelError
from tests.checkpoints.hub_server import Repository, Server, serving
from tests.checkpoints.tiny_models import prompts, tiny
from tests.command_line.in_process import lensgui
from tests.reports.small import RAW, is_one_sentence
from tests.reports.teaching import TEACHING, Slowly, Teaching, tensors_of
from tests.reports.test_teaching_models import EXACT, TOKENS, TOKENS_2D

ROOT = Path(__file__).parents[2]
WORDS = ["<|endoftext|>", *"abcdefghijklmnopqrstuv"]

pytestmark = pytest.mark.usefixtures("home")


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def pickled(held: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(held, buffer)
    return buffer.getvalue()


def files_of(model: Teaching, weights: Any = None, **fields: Any) -> dict[str, bytes]:
    """What the hub has of a teaching model."""
    return {
        "config.json": json.dumps(model.config | fields).encode(),
        "model_final.pth": pickled(weights or tensors_of(model)),
        "checkpoints/SoLU_0.pth": b"0",
        "README.md": b"x",
    }


@pytest.fixture(scope="module")
def tokenizer_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("tokenizer")
    made = Tokenizer(WordLevel({word: id_ for id_, word in enumerate(WORDS)}, unk_token=WORDS[0]))
    made.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=made, bos_token=WORDS[0]).save_pretrained(folder)
    others = {"model.safetensors": b"0", "model.safetensors.index.json": b"{}"}
    files = {path.name: path.read_bytes() for path in folder.iterdir()} | others
    return {**files, "config.json": b'{"model_type": "gpt2"}', "tokenizer_config.json": b"{}"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def environment(server: Server, home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    return kept | {
        "HF_ENDPOINT": server.endpoint,
        "HF_HOME": str(home / "hub"),
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Any:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lensgui", "models", *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    return run


@pytest.fixture
def hub_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A hub in this process: each repository is a folder, of which what is chosen is there."""

    def put(**repositories: dict[str, bytes]) -> None:
        def fetch(name: str, *_: Any, choose: Any = hub.needed, **__: Any) -> Path:
            files = repositories[name.replace("/", "__").replace("-", "_")]
            folder = tmp_path / "hub" / name / "0123abcd"
            folder.mkdir(parents=True, exist_ok=True)
            for file in choose(name, list(files)):
                (folder / file).write_bytes(files[file])
            return folder

        monkeypatch.setattr(hub, "fetch", fetch)

    return put


def left(home: Path) -> list[str]:
    """What lies in the models' folder, but for the lock."""
    folder = home / "models"
    return (
        [path.name for path in folder.iterdir() if path.name != ".lock"] if folder.exists() else []
    )


@torch.no_grad()
def test_an_import_is_asked_for_once_and_then_the_alias_opens(
    server, run, home, tokenizer_files, capsys
):
    model = TEACHING["solu-8l-pile"]
    name, folder_name = model.repository, model.repository.replace("/", "--")
    seen = Repository(files_of(model, tokenizer_name="owner/tokenizer"))
    server.repositories |= {name: seen, "owner/tokenizer": Repository(tokenizer_files)}
    done = run("import", "solu-8l-pile", "--json")
    *steps, last = [json.loads(line) for line in done.stdout.splitlines()]
    folder = home / "models" / folder_name
    assert last == {"event": "done", "path": str(folder)}, done.stderr
    names = [step["step"] for step in steps]
    assert list(dict.fromkeys(names)) == ["download", "check", "convert"]
    assert left(home) == [folder_name]
    assert {path.name for path in folder.iterdir()} == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        known_models.CARD,
    }
    assert known_models.read_card(folder)["source"] == name
    opened = HookedTransformer.from_pretrained("solu-8l-pile", dtype="float64", **RAW)
    expected = Slowly(model, tensors_of(model)).logits(TOKENS)
    torch.testing.assert_close(opened(TOKENS_2D)[0], expected, **EXACT)
    assert opened.to_str_tokens("b d") == [WORDS[0], "b", "d"]
    asked = [file for method, file, _ in seen.asked if method == "GET"]
    assert sorted(set(asked)) == ["config.json", "model_final.pth"]
    assert run("import", name).stdout.strip() == str(folder)
    assert [file for method, file, _ in seen.asked if method == "GET"] == asked
    capsys.readouterr()
    for action in ("get", "path"):
        assert lensgui(action, "SoLU-8L-pile") == 0
        assert capsys.readouterr().out.strip() == str(folder)
    assert lensgui("list") == 0
    assert f"{name} (see its model card; imported; here, " in capsys.readouterr().out
    checked = run("check", "solu-8l-pile")
    assert checked.returncode == 1
    assert "there is nothing to compare it with" in checked.stderr
    assert is_one_sentence(checked.stderr.strip())


def test_a_terminated_import_leaves_nothing_and_the_next_goes_on(server, run, home, environment):
    model = replace(TEACHING["attn-only-1l"], sizes={"d_vocab": 180_000})
    name = "owner/Attn_Only_Large"
    seen = server.repositories[name] = Repository(files_of(model), slow=True)
    command = [sys.executable, "-m", "lensgui", "models", "import", name, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["done"] >= 10 << 20:
                break
        process.send_signal(signal.SIGTERM)
        *_, last = process.stdout.read().splitlines()
    assert process.returncode == 130
    assert "the same command goes on" in json.loads(last)["message"]
    assert left(home) == []
    seen.go.set()
    assert run("import", name).returncode == 0
    assert left(home) == ["owner--Attn_Only_Large"]
    assert [asked for *_, asked in seen.asked if asked] == [f"bytes={10 << 20}-"]


@pytest.mark.parametrize("alias", ["attn-only-1l", "solu-8l-old", "gelu-4l", "redwood_attn_2l"])
def test_without_an_import_one_sentence_says_what_to_run(alias, monkeypatch, capsys):
    monkeypatch.setattr(hub, "fetch", lambda *_, **__: pytest.fail("the hub was asked"))
    for name in (alias, ALIASES[alias]):
        with pytest.raises(ModelError, match=f"`lensgui models import {name}`") as caught:
            HookedTransformer.from_pretrained(name)
        assert is_one_sentence(str(caught.value))
    assert lensgui("get", alias) == 1
    assert f"`lensgui models import {alias}`" in capsys.readouterr().err


@torch.no_grad()
def test_transformers_own_pickles_are_imported_too(hub_of):
    model, name = tiny("llama", torch.float32), "owner/llama"
    described = {"config.json": model.config.to_json_string().encode()}
    hub_of(owner__llama={**described, "pytorch_model.bin": pickled(model.state_dict())})
    with pytest.raises(ModelError, match=f"`lensgui models import {name}`"):
        HookedTransformer.from_pretrained(name)
    imports.fetch(name)
    opened = HookedTransformer.from_pretrained_no_processing(name, device="cpu")
    torch.testing.assert_close(opened(prompts()), model(prompts()).logits, atol=1e-4, rtol=1e-4)


def test_revisions_are_imported_side_by_side(hub_of, home):
    model = TEACHING["gelu-2l"]
    hub_of(owner__gelu=files_of(model))
    assert imports.fetch("owner/gelu") != imports.fetch("owner/gelu", "refs/pr/1")
    assert sorted(left(home)) == ["owner--gelu", "owner--gelu@refs--pr--1"]
    assert known_models.imports() == ["owner/gelu"]


BROKEN = {
    "code": (lambda mark: {"weights": Bomb(f"touch {mark}")}, "no plain file of tensors"),
    "no tensors": (lambda mark: {"weights": {"a": 1}}, "other things than dense tensors"),
    "another layout": (lambda mark: {"architecture": "mingpt"}, "has no tensor tok_emb.weight"),
    "an unknown one": (lambda mark: {"architecture": "new"}, "whose layout is not known"),
    "another depth": (lambda mark: {"n_layers": 3}, "3 layers"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_opened_leaves_nothing(hub_of, home, tmp_path, capfd, what):
    make, sentence = BROKEN[what]
    mark = tmp_path / "mark"
    hub_of(owner__gelu=files_of(TEACHING["gelu-2l"], **make(mark)))
    with pytest.raises(ModelError, match=sentence) as caught:
        imports.fetch("owner/gelu")
    assert is_one_sentence(str(caught.value))
    assert ".get-" not in str(caught.value)
    assert left(home) == []
    assert not mark.exists()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"model.safetensors": b"", "model_final.pth": b""}, "as safetensors: open it as it is"),
        ({"config.json": b"{}", "data.pt": b""}, "no pickled weights such as model_final.pth"),
    ],
)
def test_only_weights_that_must_be_are_unpickled(hub_of, files, sentence):
    hub_of(owner__gelu=files)
    with pytest.raises(ModelError, match=sentence) as caught:
        imports.fetch("owner/gelu")
    assert is_one_sentence(str(caught.value))


def test_a_tokenizer_that_the_hub_has_not_is_said(hub_of, home):
    hub_of(
        owner__gelu=files_of(TEACHING["gelu-2l"], tokenizer_name="owner/tokenizer"),
        owner__tokenizer={"config.json": b"{}"},
    )
    with pytest.raises(ModelError, match="owner/tokenizer has no tokenizer"):
        imports.fetch("owner/gelu")
    hub_of(owner__gelu=files_of(TEACHING["gelu-2l"], tokenizer_name="../../etc"))
    with pytest.raises(ModelError, match="There is no model named"):
        imports.fetch("owner/gelu")
    assert left(home) == []


@pytest.mark.parametrize("moment", ["copyfile", "import_weights"])
@pytest.mark.parametrize(
    ("error", "becomes", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), ModelError, "is full"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
    ],
)
def test_a_full_disk_and_an_interruption_leave_nothing(
    hub_of, home, monkeypatch, moment, error, becomes, sentence
):
    def fail(*arguments: Any) -> None:
        raise error

    hub_of(owner__gelu=files_of(TEACHING["gelu-2l"]))
    monkeypatch.setattr(*((shutil, moment) if moment == "copyfile" else (pickles, moment)), fail)
    with pytest.raises(becomes, match=sentence):
        imports.fetch("owner/gelu")
    assert left(home) == []


@pytest.mark.parametrize("word", ["checkpoint_index", "checkpoint_value"])
@pytest.mark.parametrize("how", ["from_pretrained", "from_pretrained_no_processing"])
def test_checkpoints_of_training_are_not_to_be_had_and_the_way_is_said(word, how):
    with pytest.raises(ValueError, match=f"{word}=3 is not to be had: .*revision=") as caught:
        getattr(HookedTransformer, how)("solu-1l", **{word: 3})
    assert is_one_sentence(str(caught.value))
