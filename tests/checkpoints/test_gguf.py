"""A GGUF file opens whole or not at all, and nothing beside it plays a part."""

from __future__ import annotations

import functools
import io
import json
import sys

import numpy as np
import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from lensgui.checkpoints import compare_hf, demo, locate, needs, verify
from lensgui.checkpoints.files import gguf_files
from lensgui.checkpoints.loading import open_model
from lensgui.models import known_models
from lensgui.terms.errors import ModelError
from tests.checkpoints.gguf_files import (
    GROUPS,
    HEADS,
    HIDDEN,
    LAYERS,
    WIDTH,
    describe,
    renamed,
    written,
)
from tests.checkpoints.lifted import Lifted
from tests.checkpoints.tiny_models import VOCABULARY, prompts
from tests.command_line.in_process import lensgui

HALF = WIDTH // HEADS // 2
ROPE = np.linspace(1.0, 8.0, HALF, dtype=np.float32)


pytestmark = pytest.mark.usefixtures("home")


def saying(key, value=None):
    """Return how to describe the model with another number under a key, or with none."""

    def say(writer):
        describe(writer)
        if value is None:
            del writer.kv_data[0][f"llama.{key}"]
        else:
            writer.kv_data[0][f"llama.{key}"].value = value

    return say


def telling(key, value):
    """Return how to describe the model with one more number."""

    def say(writer):
        describe(writer)
        add = writer.add_float32 if isinstance(value, float) else writer.add_uint32
        add(f"llama.{key}", value)

    return say


def scaled(writer, kind="linear"):
    describe(writer)
    writer.add_string("llama.rope.scaling.type", kind)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"without": r"blk\.1\.attn_q\.weight"}, r"has no tensor blk\.1\.attn_q, which its model"),
        ({"without": r"output_norm"}, "has no tensor output_norm"),
        ({"without": r"blk\.1\."}, "says that it has 2 layers, and has tensors of 1"),
        ({"without": "."}, "says that it has 2 layers, and has tensors of 0"),
        ({"say": saying("block_count")}, "does not say its block_count"),
        ({"say": saying("attention.head_count")}, r"does not say its attention\.head_count"),
        ({"say": saying("attention.layer_norm_rms_epsilon")}, r"attention\.layer_norm_epsilon"),
        ({"say": saying("block_count", 1)}, "says .* 1 layers, .* of 2"),
        ({"say": saying("block_count", 10**6)}, "says .* 1000000 layers"),
        ({"more": {"blk.0.attn_q.bias": np.ones(WIDTH, np.float32)}}, r"tensor blk\.0\.attn_q\.bi"),
        ({"more": {"rope_factors_long.weight": ROPE}}, r"a tensor rope_factors_long\.weight that"),
        ({"more": {"rope_freqs.weight": ROPE[1:]}}, "can't be read as a GGUF model"),
        ({"say": telling("rope.scale_linear", 4.0)}, r"rope\.scale_linear is 4\.0, which is not"),
        ({"say": telling("rope.scaling.factor", 2.0)}, r"rope\.scaling\.factor is 2\.0"),
        ({"say": telling("attention.sliding_window", 4)}, r"attention\.sliding_window is 4"),
        ({"say": telling("attention.key_length", 8)}, r"attention\.key_length is 8"),
        ({"say": telling("attention.scale", 0.5)}, r"attention\.scale is 0\.5"),
        ({"say": telling("logit_scale", 0.5)}, r"logit_scale is 0\.5"),
        ({"say": scaled}, r"scales its rotary frequencies \(linear\)"),
    ],
)
def test_what_a_file_lacks_or_nothing_reads_is_refused(folder, home, changes, match):
    path, _ = written(folder, **changes)
    with pytest.raises(ModelError, match=match) as caught:
        open_model(str(path), device="cpu")
    assert "\n" not in str(caught.value)
    assert [place.name for place in (home / "models").iterdir()] == [".lock"]


def test_layers_are_counted_before_anything_is_made_of_their_number(folder, monkeypatch):
    path, _ = written(folder, say=saying("block_count", 4 * 10**9))
    monkeypatch.setattr(hf.AutoConfig, "from_pretrained", None)
    with pytest.raises(ModelError, match="says that it has 4000000000 layers"):
        open_model(str(path), device="cpu")


@torch.no_grad()
@pytest.mark.parametrize("is_tied", [True, False])
def test_without_an_output_the_embedding_is_the_unembedding(folder, is_tied):
    path, kept = written(folder, without=r"output\.weight" if is_tied else "$")
    model = open_model(str(path), device="cpu")
    assert model.cfg.tied_embeddings is is_tied
    name = "model.embed_tokens.weight" if is_tied else "lm_head.weight"
    assert torch.equal(model.W_U.T, kept[name])


@torch.no_grad()
def test_rotary_factors_divide_the_frequencies(folder):
    path, kept = written(
        folder, more={"rope_freqs.weight": ROPE}, say=functools.partial(scaled, kind="none")
    )
    model = open_model(str(path), device="cpu", dtype="float64")
    assert model.cfg.n_ctx == 48
    reference = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    reference.load_state_dict(kept)
    plain = reference.model.rotary_emb.inv_freq.clone()
    reference.model.rotary_emb.inv_freq = plain / torch.from_numpy(ROPE)
    tokens = prompts(length=48)
    with Lifted():
        theirs = reference(tokens, use_cache=False).logits
    bar = 1e-6 * theirs.abs().max()  # frequencies are in float32
    assert (model(tokens) - theirs).abs().max() <= bar
    reference.model.rotary_emb.inv_freq = plain
    with Lifted():
        assert (model(tokens) - reference(tokens, use_cache=False).logits).abs().max() > 1e3 * bar


SIZES = {
    "vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": HIDDEN,
    "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": GROUPS,
    "max_position_embeddings": 48, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip
LAYER_NORM = {"attention.layer_norm_rms_epsilon": None, "attention.layer_norm_epsilon": 1e-5}
LEFT_OUT = {  # numbers that transformers does not read from these files
    "starcoder2": ("Starcoder2", {"rope_theta": 500.0}, {"rope.freq_base": 500.0, **LAYER_NORM}),
    "stablelm": ("StableLm", {"rope_theta": 500.0}, {"rope.freq_base": 500.0, **LAYER_NORM}),
    "phi3": ("Phi3", {"sliding_window": 7, "rms_norm_eps": 1e-6}, {"attention.sliding_window": 7}),
}


@torch.no_grad()
@pytest.mark.parametrize("kind", LEFT_OUT)
def test_numbers_that_hugging_face_leaves_out_are_taken(kind, tmp_path):
    name, settings, numbers = LEFT_OUT[kind]
    torch.manual_seed(0)
    config = getattr(hf, f"{name}Config")(**SIZES, **settings, attn_implementation="eager")
    reference = getattr(hf, f"{name}ForCausalLM")(config).eval()
    for weight in reference.parameters():
        weight.normal_(0.0 if weight.ndim > 1 else 1.0, 0.3)
    harmless = {"rope.dimension_count": 4 if kind == "stablelm" else 16, "attention.key_length": 16}
    path = tmp_path / f"{kind}.gguf"
    renamed(path, reference, kind, numbers | harmless)
    tokens = prompts()
    with Lifted():
        theirs = reference.double()(tokens, use_cache=False).logits
    ours = open_model(str(path), device="cpu", dtype="float64")(tokens)
    assert (ours - theirs).abs().max() <= 1e-6 * theirs.abs().max()


def test_an_older_lensguis_conversion_is_not_believed(folder):
    path, kept = written(folder)
    place = locate.locate(str(path))
    card = json.loads((place / known_models.CARD).read_text())
    right = load_file(place / "model.safetensors")
    save_file({name: tensor + 1 for name, tensor in right.items()}, place / "model.safetensors")
    (place / known_models.CARD).write_text(json.dumps({"title": card["title"]}))
    assert locate.locate(str(path)) == place
    again = load_file(place / "model.safetensors")
    assert all(torch.equal(again[name], kept[name]) for name in kept)


def test_checking_says_whose_dequantised_weights_they_are(folder, capsys, monkeypatch):
    path, _ = written(folder)
    monkeypatch.setattr(compare_hf, "PROMPT", "ABBA")
    monkeypatch.setattr(
        verify,
        "verify",
        lambda place, dtype, is_automatic: compare_hf.compare(place, dtype),
    )
    for name, is_converted in ((str(path), True), ("toy", False)):
        assert lensgui("check", name) == 0
        assert ("dequantised from the GGUF file" in capsys.readouterr().out) is is_converted


@pytest.fixture
def trap(folder, tmp_path, monkeypatch):
    """Put code beside a model that leaves a marker where it runs; the user would answer yes."""
    marker = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    auto_map = dict.fromkeys(("AutoConfig", "AutoModelForCausalLM"), "evil.Evil")
    auto_map["AutoTokenizer"] = ["evil.Evil", "evil.Evil"]
    for name in ("config.json", "tokenizer_config.json"):
        path = folder / name
        facts = json.loads(path.read_text()) if path.is_file() else {}
        path.write_text(json.dumps(facts | {"auto_map": auto_map}))
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 50))
    return marker


@pytest.mark.parametrize("is_chosen_alone", [True, False])
def test_code_beside_a_gguf_file_plays_no_part(folder, trap, is_chosen_alone, capsys):
    path, kept = written(folder)
    (folder / "model.safetensors").unlink()
    path = path.rename(folder / path.name)
    model = open_model(str(path if is_chosen_alone else folder), device="cpu")
    assert torch.equal(model.W_E, kept["model.embed_tokens.weight"])
    assert model.to_str_tokens("ABBA", prepend_bos=False) == ["AB", "B", "A"]
    assert not trap.exists()
    assert "[y/N]" not in capsys.readouterr().out


def test_a_tokenizer_that_brings_code_is_refused_in_one_sentence(folder, trap, capsys):
    (folder / "tokenizer.json").write_text("{}")
    for opens in (open_model, lambda place: compare_hf.compare(folder, "float32")):
        with pytest.raises(ModelError, match="needs code that it brings itself") as caught:
            opens(str(folder))
        assert "\n" not in str(caught.value)
    assert not trap.exists()
    assert "[y/N]" not in capsys.readouterr().out


def test_code_beside_safetensors_never_runs(folder, trap, capsys):
    open_model(str(folder), device="cpu")
    compare_hf.reference_logits(folder, "float32", prompts())
    compare_hf.reference_logits(folder / "model.safetensors", "float32", prompts())
    assert not trap.exists()
    assert "[y/N]" not in capsys.readouterr().out


def test_the_demo_models_card_has_the_format(tmp_path):
    demo.write_card(known_models.DEMO, tmp_path)
    assert known_models.read_card(tmp_path)["format"] == gguf_files.FORMAT


def test_what_a_file_needs_is_said_before_it_is_converted(folder, home):
    gguf, _ = written(folder)
    said = needs.of(str(gguf))
    assert said.is_here
    assert said.disk == 4 * said.parameters == 4 * gguf_files.elements(gguf)
    assert not any(home.glob("models/*"))
    gguf_files.folder_of_gguf(gguf)
    again = needs.of(str(gguf))
    assert (again.disk, again.download) == (0, 0)
    assert again.layers > 0
    alone = needs.of(str(folder))
    assert (alone.source, alone.parameters) == (str(folder), again.parameters)
    (folder / "config.json").write_text(
        '{"model_type": "llama", "quantization_config": {"bits": 4}}'
    )
    with pytest.raises(ModelError, match="holds quantised weights"):
        needs.of(str(folder))
