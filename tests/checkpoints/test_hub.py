"""Models come from the hub whole or not at all, and an interrupted fetch goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lensgui.checkpoints.loading import open_model
from tests.checkpoints.hub_server import LARGE, Repository, serving
from tests.checkpoints.tiny_models import prompts, tiny

ROOT = Path(__file__).parents[2]
PIECE = 1 << 20  # bytes; huggingface_hub writes ten of them at a time


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny model's folder."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny("llama", torch.float32).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def files(model):
    """Its files, and some that nobody needs."""
    found = {path.name: path.read_bytes() for path in model.iterdir()}
    return {**found, "onnx/model.onnx": b"0" * 99, "README.md": b"x", "onnx/config.json": b"{}"}


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def environment(server, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    ours = {
        "HF_ENDPOINT": server.endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "LENSGUI_HOME": str(home / "lensgui"),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
    }
    return kept | ours


@pytest.fixture(scope="module")
def client(environment):
    command = [sys.executable, "-m", "tests.checkpoints.hub_client"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def fetch(client):
    def fetch(name, **settings):
        client.stdin.write(json.dumps({"name": name, **settings}) + "\n")
        client.stdin.flush()
        return json.loads(client.stdout.readline())

    return fetch


@pytest.fixture
def needs(client):
    """Asks what a model needs."""

    def ask(name):
        client.stdin.write(json.dumps({"needs": name}) + "\n")
        client.stdin.flush()
        return json.loads(client.stdout.readline())

    return ask


@pytest.fixture
def repository(server, files, request):
    """Adds a repository that is this test's own, and returns its name and what it saw."""

    def add(contents=None, **behaviour):
        name = f"owner/{request.node.name.split('[')[0]}-{len(server.repositories)}"
        server.repositories[name] = Repository(contents or files, **behaviour)
        return name, server.repositories[name]

    return add


def asked_for(seen: Repository) -> list[str]:
    return [name for method, name, _ in seen.asked if method == "GET"]


@torch.no_grad()
def test_a_model_is_fetched_once_without_what_nobody_needs(fetch, repository, model):
    name, seen = repository()
    answer = fetch(name)
    folder = Path(answer["folder"])
    assert sorted(path.name for path in folder.iterdir()) == sorted(os.listdir(model))
    tokens = prompts()
    fetched, local = (open_model(str(where), device="cpu") for where in (folder, model))
    assert torch.equal(fetched(tokens), local(tokens))
    before = asked_for(seen)
    assert fetch(name) == {"folder": str(folder), "steps": []}
    assert asked_for(seen) == before


def test_progress_is_in_bytes_and_ends_at_the_total(fetch, repository, model):
    steps = fetch(repository()[0])["steps"]
    total = sum(path.stat().st_size for path in model.iterdir() if path.name != "config.json")
    assert steps[-1] == ["check", total, total]
    downloads = [done for step, done, _ in steps if step == "download"]
    assert downloads == sorted(downloads)
    assert downloads[-1] == total


def test_shards_come_with_their_index(fetch, repository, tmp_path):
    tiny("llama", torch.float32).save_pretrained(tmp_path, max_shard_size="20KB")
    name, _ = repository({path.name: path.read_bytes() for path in tmp_path.iterdir()})
    folder = Path(fetch(name)["folder"])
    assert len(list(folder.glob("*.safetensors"))) > 1
    open_model(str(folder), device="cpu")


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_model_needs_its_token(fetch, repository, status):
    name, _ = repository(gated=status)
    assert fetch(name)["error"] == (
        f"{name} is gated: accept its terms on https://huggingface.co/{name}, and set a token "
        "(HF_TOKEN, or `hf auth login`)."
    )
    assert "folder" in fetch(name, token="secret")


def test_an_unknown_model_and_an_unknown_revision(fetch, repository):
    assert fetch("owner/nothing")["error"].startswith("The hub has no model owner/nothing")
    name, _ = repository()
    assert fetch(name, revision="v9")["error"].startswith(f"{name} has no revision v9")


def test_revisions_lie_side_by_side(fetch, repository):
    name, _ = repository(revisions={"main": "a" * 40, "v1": "b" * 40})
    main, old = fetch(name), fetch(name, revision="v1")
    assert Path(main["folder"]).name == "a" * 40
    assert Path(old["folder"]).name == "b" * 40
    assert old["steps"] == [], "the same files were fetched twice"


@pytest.fixture
def large(files):
    """A model whose weights come in more than one piece, of which each is kept once it is here."""
    return {"config.json": files["config.json"], "model.safetensors": os.urandom(24 * PIECE)}


def test_a_dropped_connection_goes_on_at_its_byte(fetch, repository, large):
    name, seen = repository(large, drop_after=15 * PIECE)
    assert "folder" in fetch(name)
    ranges = [asked for _, file, asked in seen.asked if file.endswith(LARGE) and asked]
    assert ranges == [f"bytes={10 * PIECE}-"]


@pytest.mark.parametrize("behaviour", ["lie", "longer", "shorter"])
def test_a_file_that_is_not_what_was_announced_is_thrown_away(fetch, repository, files, behaviour):
    weights = files["model.safetensors"]
    settings = {
        "lie": {"lie": weights[:-1] + bytes([weights[-1] ^ 1])},
        "longer": {"declared": 10},
        "shorter": {"declared": -10},
    }
    name, seen = repository(**settings[behaviour])
    answer = fetch(name)
    assert "checksum differs" in answer["error"] or "Consistency check" in answer["error"]
    seen.lie, seen.declared = b"", 0
    folder = Path(fetch(name)["folder"])
    assert (folder / "model.safetensors").read_bytes() == weights
    assert not list(folder.parents[1].rglob("*.incomplete"))


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"model_type": "t5"}, "'t5' is not supported"),
        ({"model_type": "new", "auto_map": {}}, "needs code that it brings itself"),
        ({"model_type": "gpt2", "add_cross_attention": True}, "cross-attention"),
        ({"model_type": "gpt2", "activation_function": "prelu"}, "'prelu' is not supported"),
        ({"model_type": "gpt2", "quantization_config": {"quant_method": "gptq"}}, "(gptq)"),
        ({"model_type": "llama4"}, "of the multimodal 'llama4'"),
    ],
)
def test_what_cannot_be_opened_is_refused_before_its_weights_come(
    fetch, repository, files, config, sentence
):
    name, seen = repository(files | {"config.json": json.dumps(config).encode()})
    assert sentence in fetch(name)["error"]
    assert asked_for(seen) == ["config.json"]


@pytest.mark.parametrize(
    ("file", "sentence"),
    [("pytorch_model.bin", "pickled"), ("a.gguf", "GGUF"), ("x", "no *.safetensors file")],
)
def test_a_model_without_safetensors_is_refused(fetch, repository, files, file, sentence):
    name, seen = repository({"config.json": files["config.json"], file: b"0"})
    assert sentence in fetch(name)["error"]
    assert asked_for(seen) == []


def test_without_a_network_what_is_here_opens_and_the_rest_says_so(fetch, repository, server):
    name, _ = repository()
    folder = fetch(name)["folder"]
    missing, _ = repository()
    with server.away():
        assert fetch(name) == {"folder": folder, "steps": []}
        sentence = fetch(missing)["error"]
    assert sentence.startswith(f"{missing} is not on this machine and the hub can't be reached")


def test_what_the_hub_no_longer_has_opens_from_here(fetch, repository, server):
    name, _ = repository()
    folder = fetch(name)["folder"]
    del server.repositories[name]
    assert fetch(name) == {"folder": folder, "steps": []}


def test_a_terminated_fetch_goes_on_where_it_stopped(fetch, repository, large, environment):
    name, seen = repository(large, slow=True)
    command = [sys.executable, "-m", "lensgui", "models", "get", name, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stdout:
            if json.loads(line)["done"] >= 10 * PIECE:
                break
        process.send_signal(signal.SIGTERM)
        *_, last = process.stdout.read().splitlines()
    assert process.returncode == 130
    assert "goes on" in json.loads(last)["message"]
    seen.go.set()
    assert "folder" in fetch(name)
    starts = [asked for _, file, asked in seen.asked if file.endswith(LARGE) and asked]
    assert starts == [f"bytes={10 * PIECE}-"]


def test_what_a_model_needs_is_said_before_its_weights_are_fetched(
    needs, fetch, repository, model, environment
):
    name, seen = repository(tags=("license:mit", "text-generation"))
    said = needs(name)
    assert asked_for(seen) == ["config.json"]
    total = sum(path.stat().st_size for path in model.iterdir())
    assert (said["download"], said["disk"], said["arrived"]) == (total, total, 0)
    count = sum(weight.numel() for weight in open_model(str(model), device="cpu").parameters())
    assert count - 1000 < said["parameters"] <= said["parameters_folded"] == count
    assert (said["licence"], said["is_here"], said["is_gated"]) == ("mit", False, False)
    assert min(said["free_disk"], said["free_memory"]["cpu"]) > 0
    blobs = Path(environment["HF_HOME"]) / "hub" / f"models--{name.replace('/', '--')}" / "blobs"
    weights = seen.files["model.safetensors"]
    partial = blobs / f"{hashlib.sha256(weights).hexdigest()}.lensgui.incomplete"
    partial.write_bytes(weights[:100])  # as an interrupted fetch leaves it
    assert needs(name)["arrived"] == 100
    fetch(name)
    again = needs(name)
    assert (again["download"], again["disk"], again["is_here"]) == (0, 0, True)


def test_terms_that_were_not_accepted_are_said_with_what_is_known(needs, repository, model):
    name, _ = repository(terms=True)
    said = needs(name)
    assert (said["is_gated"], said["is_accepted"], said["parameters"]) == (True, False, 0)
    assert said["download"] == sum(path.stat().st_size for path in model.iterdir())


def test_pickled_weights_are_said_to_be(needs, repository, files):
    pickled = {"pytorch_model.bin": b"p" * 5000, "config.json": files["config.json"]}
    said = needs(repository(pickled)[0])
    assert said["is_pickled"]
    assert not said["is_here"]
    assert said["disk"] == said["download"] + 5000 + len(files["config.json"])


def test_what_needs_cannot_be_told_is_one_sentence(needs, server, repository, files):
    assert "The hub has no model owner/nothing" in needs("owner/nothing")["error"]
    gguf = {"model.gguf": b"GGUF", "config.json": files["config.json"]}
    assert "has GGUF files only" in needs(repository(gguf)[0])["error"]
    odd = {**files, "config.json": b'{"model_type": "unheard-of"}'}
    assert "unheard-of" in needs(repository(odd)[0])["error"]
    name, _ = repository()
    with server.away():
        assert "the hub can't be reached" in needs(name)["error"]
