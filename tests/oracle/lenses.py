"""Lenses against the packages that they come from: `make oracle`.

    python -m tests.oracle.lenses

Tuned lenses against tuned-lens, Jacobian lenses against TransformerLens, in build/tuned-lens and
build/reference, on the toy and the demo model, in float32: what is read through a lens of random
numbers in that package's own file, and what is fitted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lensgui.analysis.lenses.files import CONFIG, PARAMS, import_lens, load_lens
from lensgui.analysis.lenses.fitting import JacobianFit
from lensgui.analysis.lenses.lens import Lens, lens_logits, unembedding_hash
from lensgui.analysis.run.run import Run
from lensgui.checkpoints.loading import open_model
from lensgui.models import known_models
from lensgui.transformer.model import HookedTransformer
from tests.bench.environment import python_with, reference_python

PACKAGE = "tuned-lens==0.2.0"
BAR = 1e-5  # largest difference, in units of the answer's largest number
MODELS = ("toy", "smollm2-135m")
Answers = dict[str, NDArray[Any]]


def asked_of(model: HookedTransformer) -> dict[str, Any]:
    """Return tokens to read, and prompts to fit on: of the toy only, where that takes seconds."""
    generator = torch.Generator().manual_seed(0)

    def some(length: int) -> list[int]:
        return torch.randint(3, model.cfg.d_vocab, (length,), generator=generator).tolist()

    return {"tokens": some(20), "prompts": [some(30), some(40)] if model.cfg.n_layers < 4 else []}


def write_tuned(model: HookedTransformer, folder: Path) -> Path:
    """Write a lens of random numbers as tuned-lens does."""
    cfg, generator = model.cfg, torch.Generator().manual_seed(1)
    state = {}
    for layer in range(cfg.n_layers):
        state[f"{layer}.weight"] = torch.randn(cfg.d_model, cfg.d_model, generator=generator) / 50
        state[f"{layer}.bias"] = torch.randn(cfg.d_model, generator=generator)
    lens = folder / "lens"
    lens.mkdir()
    torch.save(state, lens / PARAMS)
    config = {
        "base_model_name_or_path": cfg.model_name, "d_model": cfg.d_model,
        "num_hidden_layers": cfg.n_layers, "unembed_hash": unembedding_hash(model),
    }  # fmt: skip
    (lens / CONFIG).write_text(json.dumps(config))
    return lens


def write_jacobian(model: HookedTransformer, folder: Path) -> Path:
    """Write a lens of random numbers as they are published."""
    cfg, generator = model.cfg, torch.Generator().manual_seed(1)
    layers = range(cfg.n_layers - 1)
    matrices = {
        layer: (torch.randn(cfg.d_model, cfg.d_model, generator=generator) / 10).half()
        for layer in layers
    }
    about = {"J": matrices, "n_prompts": 1, "source_layers": list(layers), "d_model": cfg.d_model}
    torch.save(about, folder / "lens.pt")
    return folder / "lens.pt"


def peer(python: Path, kind: str, model: str, folder: Path) -> Answers:
    """Have the other side answer."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    environment.pop("PYTHONPATH", None)
    script = Path(__file__).with_name("lens_peer.py")
    command: list[str | Path] = [python, script, kind, known_models.path(model), folder]
    subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
    with np.load(folder / "answers.npz") as found:
        return dict(found)


def read(model: HookedTransformer, lens: Lens, tokens: list[int]) -> Answers:
    """Return what is read here, by row."""
    run = Run(model, torch.tensor(tokens)).complete()
    rows = [row for row in range(model.cfg.n_layers) if lens.reads(row)]
    return {
        f"logits.{row}": lens_logits(model, lens, run.residuals[row], row).numpy() for row in rows
    }


def fitted(model: HookedTransformer, prompts: list[list[int]]) -> Answers:
    """Return the Jacobians that are fitted here, by layer."""
    if not prompts:
        return {}
    fit = JacobianFit(model, [torch.tensor(prompt) for prompt in prompts])
    while fit.done < fit.total:
        for _ in fit.step():
            pass
    return {f"jacobian.{layer}": one.numpy() for layer, one in fit.lens().jacobians.items()}


def differences(kind: str, python: Path, name: str) -> Iterator[tuple[str, float]]:
    """Yield each answer's name and how far the two sides are apart."""
    model = open_model(name, device="cpu")
    asked = asked_of(model)
    write = write_tuned if kind == "tuned" else write_jacobian
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["LENSGUI_HOME"], home = place, os.environ.get("LENSGUI_HOME")
        lens = load_lens(import_lens(write(model, folder)))
        os.environ.pop("LENSGUI_HOME")
        if home is not None:
            os.environ["LENSGUI_HOME"] = home
        (folder / "asked.json").write_text(json.dumps(asked))
        theirs = peer(python, kind, name, folder)
    ours = read(model, lens, asked["tokens"])
    if kind == "jacobian":
        ours |= fitted(model, asked["prompts"])
    elif str(theirs.pop("hash")) != unembedding_hash(model):
        yield "the unembedding's hash", float("inf")
    if ours.keys() != theirs.keys():
        yield f"answers: {sorted(ours.keys() ^ theirs.keys())}", float("inf")
    for key in ours.keys() & theirs.keys():
        there = theirs[key].astype(np.float64)
        yield key, float(np.abs(ours[key] - there).max() / np.abs(there).max())


def main() -> int:
    """Ask both packages about both models; print the largest difference of each."""
    pythons = {"tuned": python_with(PACKAGE, "tuned-lens"), "jacobian": reference_python()}
    worst = 0.0
    for kind, python in pythons.items():
        if python is None:
            return 1
        for name in MODELS:
            found = dict(differences(kind, python, name))
            apart, key = max((apart, key) for key, apart in found.items())
            print(f"{kind} lens, {name}: {len(found)} answers, at most {apart:.1e} apart ({key})")
            worst = max(worst, apart)
    return int(worst > BAR)


if __name__ == "__main__":
    sys.exit(main())
