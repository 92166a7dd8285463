"""What a model takes is known before it is asked for, and said where it is too much."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from lensgui.checkpoints import devices
from lensgui.checkpoints.loading import NO_PROCESSING, from_pretrained, open_model
from lensgui.terms.errors import ModelError
from tests.checkpoints.tiny_models import LENGTH, TINY, prompts, tiny

SWITCHES = ("use_attn_result", "use_split_qkv_input", "use_attn_in", "use_hook_mlp_in")


def opened(name, dtype=torch.float32, **settings):
    hf_model = tiny(name, torch.float32)
    return from_pretrained(hf_model=hf_model, device="cpu", dtype=dtype, **settings)


def held(tensors) -> int:
    """The bytes behind some tensors, those that share memory once."""
    behind = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in tensors}
    return sum(storage.nbytes() for storage in behind.values())


def weights_of(model) -> int:
    """The bytes of a model's weights, a shared embedding's once."""
    is_shared = model.W_U.data_ptr() == model.W_E.data_ptr()
    return sum(weight.nbytes for weight in model.parameters()) - is_shared * model.W_U.nbytes


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_every_familys_weights_are_known_to_the_byte_and_its_cache_to_5_percent(name):
    model = opened(name, **NO_PROCESSING)
    assert devices.parameters_bytes(model.cfg) == weights_of(model)
    _, cache = model.run_with_cache(prompts())
    estimate = devices.cache_bytes(model.cfg, 2, LENGTH)
    assert estimate == pytest.approx(held(cache.values()), rel=0.05)


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "mixtral", "llama (scaled rotary, tied)"])
@torch.no_grad()
def test_half_precision_and_folding_count(name):
    model = opened(name, torch.bfloat16)
    assert devices.parameters_bytes(model.cfg) == weights_of(model)
    _, cache = model.run_with_cache(prompts())
    estimate = devices.cache_bytes(model.cfg, 2, LENGTH)
    assert estimate == pytest.approx(held(cache.values()), rel=0.05)


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("folded", [False, True])
@torch.no_grad()
def test_switches_count(switch, folded):
    model = opened("llama", **({} if folded else NO_PROCESSING))
    setattr(model.cfg, switch, True)
    _, cache = model.run_with_cache(prompts())
    estimate = devices.cache_bytes(model.cfg, 2, LENGTH)
    assert estimate == pytest.approx(held(cache.values()), rel=0.05)


@torch.no_grad()
def test_the_toys_figures(toy_folder):
    model = open_model(str(toy_folder), device="cpu")
    assert devices.parameters_bytes(model.cfg) == weights_of(model)
    _, cache = model.run_with_cache(torch.arange(40)[None] % 50)
    estimate = devices.cache_bytes(model.cfg, 1, 40)
    assert estimate == pytest.approx(held(cache.values()), rel=0.05)


@pytest.fixture
def folder(tmp_path):
    tiny("llama", torch.float32).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("free", "dtype", "advice"),
    [
        (0.99, "float32", 'dtype="bfloat16" would fit'),
        (0.6, "float64", 'dtype="float32" would fit'),
        (0.4, "float32", 'first_n_layers=2 with dtype="bfloat16" would fit'),
        (0.7, "bfloat16", "first_n_layers=1 would fit"),
        (0.0, "float32", "choose a smaller model"),
    ],
)
def test_a_model_that_does_not_fit_says_what_would(folder, monkeypatch, free, dtype, advice):
    needed = devices.parameters_bytes(open_model(str(folder), device="cpu", dtype=dtype).cfg)
    monkeypatch.setattr(devices, "free_bytes", lambda device: int(free * needed))
    with pytest.raises(ModelError) as caught:
        open_model(str(folder), device="cpu", dtype=dtype)
    sentence = str(caught.value)
    assert f"for its weights in {dtype}" in sentence
    assert advice in sentence
    assert "\n" not in sentence


def test_what_is_advised_then_fits(folder, monkeypatch):
    needed = devices.parameters_bytes(open_model(str(folder), device="cpu").cfg)
    monkeypatch.setattr(devices, "free_bytes", lambda device: int(0.4 * needed))
    settings = {"first_n_layers": 2, "dtype": "bfloat16"}
    model = from_pretrained(str(folder), device="cpu", **settings, **NO_PROCESSING)
    assert model.cfg.n_layers == 2


def test_untied_embeddings_count_where_folding_unties_them(monkeypatch):
    name = "llama (scaled rotary, tied)"
    raw = opened(name, **NO_PROCESSING)
    assert raw.cfg.tied_embeddings
    folded = devices.parameters_bytes(opened(name).cfg)
    monkeypatch.setattr(devices, "free_bytes", lambda device: folded - 1)
    opened(name, **NO_PROCESSING)
    with pytest.raises(ModelError, match="would fit"):
        opened(name)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
    ],
)
def test_running_out_while_loading_is_one_sentence(folder, monkeypatch, error):
    def fail(*arguments, **settings):
        raise error

    cfg = opened("gpt2").cfg
    monkeypatch.setattr("lensgui.checkpoints.loading.fill", fail)
    with pytest.raises(ModelError, match=r"cpu ran out of memory while .* was loaded"):
        open_model(str(folder), device="cpu")
    with pytest.raises(RuntimeError, match="something else"), devices.enough(cfg):
        raise RuntimeError("something else")


def test_a_containers_limit_counts(tmp_path, monkeypatch):
    for name, text in {
        "memory.max": "1000",
        "memory.current": "700",
        "memory.stat": "anon 5\ninactive_file 100\n",
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(devices, "CONTAINER", tmp_path)
    assert devices.free_bytes("cpu") == 400
    (tmp_path / "memory.max").write_text("max")
    assert devices.free_bytes("cpu") > 400


PEAK = """
import gc, json, sys, threading
import psutil, torch
from lensgui.checkpoints.loading import from_pretrained
process = psutil.Process()
def measure(folder, settings):
    done, peak, before = threading.Event(), [0], process.memory_info().rss
    def watch():
        while not done.wait(0.002):
            peak[0] = max(peak[0], process.memory_info().rss)
    watching = threading.Thread(target=watch)
    watching.start()
    model = from_pretrained(folder, device="cpu", **settings)
    total = sum(float(weight.sum()) for weight in model.parameters())  # every page of them
    end = process.memory_info().rss
    done.set()
    watching.join()
    return max(end, *peak) - before, sum(weight.nbytes for weight in model.parameters())
folder, tiny = sys.argv[1:3]
from_pretrained(tiny, device="cpu")  # whatever is imported late is imported now
for settings in json.loads(sys.argv[3]):
    print(*measure(folder, settings))
    gc.collect()
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """About 200 MB of random weights in shards of 25 MB or less."""
    import transformers as hf

    shape = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12}
    heads = {"num_attention_heads": 8, "num_key_value_heads": 8, "vocab_size": 2000}
    folder = tmp_path_factory.mktemp("large")
    with torch.device("meta"):
        model = hf.LlamaForCausalLM(hf.LlamaConfig(**shape, **heads))
    model = model.to_empty(device="cpu")
    for weight in model.parameters():
        weight.data.fill_(0.01)
    model.save_pretrained(folder, max_shard_size="25MB")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="how memory is counted differs")
def test_loading_holds_one_copy_and_one_shard(large, folder):
    ways = [NO_PROCESSING, {**NO_PROCESSING, "dtype": "bfloat16"}, {}]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(large), str(folder), json.dumps(ways)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    shard = max(path.stat().st_size for path in large.glob("*.safetensors"))
    for line in done.stdout.splitlines():
        peak, weights = map(int, line.split())
        assert weights > 90e6
        assert 0.9 * weights <= peak <= 1.15 * (weights + shard)
