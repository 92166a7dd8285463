"""Directions are made as by hand, read and written in three formats, and bad files refused."""

from __future__ import annotations

import json

import gguf
import numpy as np
import pytest
import torch

from lensgui.analysis.interventions.direction_files import read_directions, write_directions
from lensgui.analysis.interventions.directions import Directions, mean_difference, token_direction
from lensgui.analysis.interventions.listed import Interventions, keep_vector
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.run.run import Run
from lensgui.terms.errors import ModelError
from lensgui.terms.interventions import Intervention, Site
from lensgui.transformer.model import HookedTransformer
from tests.analysis.interventions.test_under import CLEAN, CORRUPTED, OTHERS
from tests.checkpoints.tiny_models import tiny
from tests.references import close, model_of

DIRECTIONS = Directions({at: torch.randn(7) for at in (0, 1, 3)}, "kindness", "tiny")
SUFFIXES = (".gguf", ".safetensors", ".npz")


def test_a_difference_of_means_is_that_of_the_streams():
    model = model_of("llama")
    prompts = [(CLEAN, CORRUPTED), *zip(OTHERS[:3], OTHERS[3:6], strict=True)]
    pairs = [(Run(model, clean), Run(model, corrupted)) for clean, corrupted in prompts]
    for position in (-1, 2):
        found = mean_difference(pairs, 1, position)
        rows = [
            [model.run_with_cache(ids[None])[1]["resid_post", 1][0, position] for ids in pair]
            for pair in prompts
        ]
        close(found, torch.stack([clean - other for clean, other in rows]).mean(0))
    with pytest.raises(ValueError, match="a prompt of 6 tokens has no position 6".capitalize()):
        mean_difference(pairs, 1, 6)
    with pytest.raises(ValueError, match="no pairs"):
        mean_difference([], 1)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_a_tokens_direction_raises_its_logit_over_the_others_in_raw_and_folded_weights(name):
    model = model_of(name)
    folded = HookedTransformer.from_pretrained(
        hf_model=tiny(name), device="cpu", dtype=torch.float64
    ).requires_grad_(False)
    raw = token_direction(model, 5)
    torch.testing.assert_close(token_direction(folded, 5), raw, atol=1e-8, rtol=1e-8)
    stream = Run(model, CLEAN).complete().residuals[-1][-1]
    scale = model.ln_final.scale(stream)
    read = [model.ln_final.at_scale(part, scale) @ model.unembed.W_U for part in (raw, stream)]
    changed = model.ln_final.at_scale(stream + raw, scale) @ model.unembed.W_U
    change = changed - read[1]
    assert (change - change.mean())[5] == pytest.approx(float(raw @ raw / scale), rel=1e-8)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_directions_are_read_as_they_were_written(tmp_path, suffix):
    path = tmp_path / f"kind{suffix}"
    left_out = write_directions(path, DIRECTIONS)
    found = read_directions(path)
    expected = dict(DIRECTIONS.by_layer)
    if suffix == ".gguf":
        del expected[0]
        assert "block 0 is not in it" in left_out[0]
    else:
        assert left_out == ()
        assert found.name == "kindness"
    assert found.model == "tiny"
    assert found.by_layer.keys() == expected.keys()
    assert all(torch.equal(found.by_layer[at], expected[at]) for at in expected)
    before = path.read_bytes()
    with pytest.raises(ModelError, match="block 1"):
        write_directions(tmp_path / "a.gguf", Directions({0: torch.ones(3)}))
    assert not (tmp_path / "a.gguf").exists()
    assert path.read_bytes() == before


def test_a_gguf_file_is_the_control_vector_of_other_programs(tmp_path):
    path = tmp_path / "kind.gguf"
    write_directions(path, DIRECTIONS)
    reader = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.architecture"] == "controlvector"
    assert fields["controlvector.model_hint"] == "tiny"
    assert fields["controlvector.layer_count"] == 2
    assert sorted(tensor.name for tensor in reader.tensors) == ["direction.1", "direction.3"]
    assert {tensor.tensor_type.name for tensor in reader.tensors} == {"F32"}


def bad_files(folder):
    """Files that hold no directions, with what is said of each."""
    write_directions(folder / "good.gguf", DIRECTIONS)
    whole = (folder / "good.gguf").read_bytes()
    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    writer.add_tensor("direction.1", np.ones(3, np.float32))
    for step in ("header", "kv_data", "tensors"):
        getattr(writer, f"write_{step}_to_file")()
    writer.close()
    (folder / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    (folder / "text.gguf").write_text("no file")
    (folder / "text.safetensors").write_text("no file")
    (folder / "text.npz").write_text("no file")
    (folder / "some.pt").write_text("no file")
    np.savez(folder / "pickle.npz", **{"direction.1": np.array([{}], object)})
    np.savez(folder / "nan.npz", **{"direction.1": np.array([1, np.nan], np.float32)})
    np.savez(folder / "zero.npz", **{"direction.1": np.zeros(3, np.float32)})
    np.savez(folder / "flat.npz", **{"direction.1": np.zeros((3, 2), np.float32)})
    np.savez(folder / "whole.npz", **{"direction.1": np.ones(3, np.int64)})
    np.savez(folder / "odd.npz", **{"other": np.ones(3, np.float32)})
    np.savez(folder / "far.npz", **{"direction.99999": np.ones(3, np.float32)})
    lengths = {"direction.1": np.ones(3, np.float32), "direction.2": np.ones(4, np.float32)}
    np.savez(folder / "lengths.npz", **lengths)
    np.savez(folder / "none.npz")
    return {
        "model.gguf": "is of “llama”, no controlvector",
        "cut.gguf": "holds no directions",
        "text.gguf": "holds no directions",
        "text.safetensors": "holds no directions",
        "text.npz": "holds no directions",
        "some.pt": "ends in .gguf, .safetensors, .npz",
        "pickle.npz": "holds no directions",
        "nan.npz": "layer 1 is not finite",
        "zero.npz": "layer 1 is 0",
        "flat.npz": r"shape \[3, 2\]",
        "whole.npz": "type int64",
        "odd.npz": "“other” is no name of a direction",
        "far.npz": "is no name of a direction",
        "lengths.npz": "rows of one length",
        "none.npz": "no direction in it",
        "absent.npz": "There is no file",
    }


def test_a_file_without_directions_is_refused_in_a_sentence(tmp_path):
    for name, words in bad_files(tmp_path).items():
        with pytest.raises(ModelError, match=words) as refused:
            read_directions(tmp_path / name)
        assert "\n" not in str(refused.value), name


def test_what_stands_beside_a_file_is_not_needed(tmp_path):
    path = tmp_path / "kind.npz"
    write_directions(path, DIRECTIONS)
    beside = tmp_path / "kind.npz.json"
    assert json.loads(beside.read_text()) == {"name": "kindness", "model": "tiny"}
    for text in ("[]", "{", "[" * 100_000):
        beside.write_text(text)
        assert read_directions(path).name == "kind"


def test_a_direction_of_a_file_steers():
    model = model_of("gpt2")
    steering = Directions({1: torch.randn(model.cfg.d_model)})
    layer, vector = next(iter(steering.by_layer.items()))
    named = keep_vector("steering", vector)
    one = Intervention(Site("resid_post", layer), "add", strength=2.0, vector=named)
    clean = Run(model, CLEAN)
    (run, _) = intervened_runs(clean, Interventions((one,)))
    close(run.complete().residuals[2], clean.residuals[2] + 2 * vector.double())
