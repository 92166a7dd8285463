"""Steering against repeng and interp-engine, each in an environment of its own: `make oracle`.

    python -m tests.oracle.steering

Tiny models in float64: a control vector that lensgui wrote, as repeng reads and adds it; and the
ops that interp-engine has, at one layer. Its add of a share of the norm takes vectors as they are,
so it is given one of length 1.
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

from lensgui.analysis.interventions.direction_files import read_directions, write_directions
from lensgui.analysis.interventions.directions import Directions
from lensgui.analysis.interventions.listed import Interventions, keep_vector
from lensgui.analysis.interventions.under import intervened
from lensgui.terms.interventions import Intervention, Site
from lensgui.transformer.hooks.names import get_act_name
from tests.bench.environment import python_with
from tests.references import model_of

ENGINE, REPENG = "interp-engine==1.14.2", "repeng==0.4.0"
MODELS = ("gpt2", "llama", "gemma2", "gpt_neox", "qwen3")
LAYER, STRENGTH, BOUNDS, STRENGTHS = 1, 0.7, (-0.1, 0.2), (0.5, -1.5)
TOKENS = list(range(3, 15))
BAR = 1e-10  # largest difference, in float64
ROOT = Path(__file__).parents[2]


def vectors_of(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Two random directions of a model, in float32 as interventions hold them."""
    generator = torch.Generator().manual_seed(7)
    width = model_of(name).cfg.d_model
    return torch.randn(width, generator=generator), torch.randn(width, generator=generator)


def ours(name: str, op: str) -> torch.Tensor:
    """Return the stream that leaves the last layer under an op, [position, d_model]."""
    v, t = (keep_vector(of, one) for of, one in zip("vt", vectors_of(name), strict=True))
    one = Intervention(
        Site("resid_post", LAYER),
        op,  # type: ignore[arg-type]
        strength=STRENGTH,
        vector=v,
        target=t if op == "move" else None,
        bounds=BOUNDS if op == "cap" else None,
    )
    model = model_of(name)
    last = get_act_name("resid_post", model.cfg.n_layers - 1)
    with torch.no_grad(), intervened(model, Interventions((one,)), torch.tensor(TOKENS)):
        return model.run_with_cache(torch.tensor([TOKENS]))[1][last][0]


def ours_of_file(name: str, path: Path, strength: float) -> torch.Tensor:
    """Return logits under the directions of a file, [position, token]."""
    listed = tuple(
        Intervention(
            Site("resid_post", layer), "add", strength=strength, vector=keep_vector("v", vector)
        )
        for layer, vector in read_directions(path).by_layer.items()
    )
    model, tokens = model_of(name), torch.tensor(TOKENS)
    with torch.no_grad(), intervened(model, Interventions(listed), tokens):
        logits: torch.Tensor = model(tokens[None])[0]
    return logits


def ask(package: str, python: Path, folder: Path) -> dict[str, NDArray[Any]]:
    """Have the other side answer."""
    asked = {
        "models": MODELS,
        "tokens": TOKENS,
        "layer": LAYER,
        "strength": STRENGTH,
        "bounds": BOUNDS,
        "strengths": STRENGTHS,
    }
    (folder / "asked.json").write_text(json.dumps(asked))
    kept: dict[str, Any] = {}
    for name in MODELS:
        v, t = vectors_of(name)
        kept |= {f"{name} v": v.double().numpy(), f"{name} t": t.double().numpy()}
        write_directions(folder / f"{name}.gguf", Directions({1: v, 2: t}, model="tiny"))
    np.savez(folder / "vectors.npz", **kept)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    environment.pop("PYTHONPATH", None)
    script = Path(__file__).with_name("steering_peer.py")
    subprocess.run([python, script, package, ROOT, folder], env=environment, check=True)
    with np.load(folder / "answers.npz") as answers:
        return dict(answers)


def compared(requirement: str, folder: Path) -> Iterator[tuple[str, float]]:
    """Yield what was asked, and how far the answers are apart."""
    package = requirement.partition("==")[0]
    python = python_with(requirement, package)
    if python is None:
        return
    for what, theirs in ask(package, python, folder).items():
        name, _, op = what.partition(" ")
        if package == "repeng":
            found = ours_of_file(name, folder / f"{name}.gguf", float(op))
        else:
            found = ours(name, op)
        yield f"{package}: {what}", float((found - torch.from_numpy(theirs)).abs().max())


def main() -> int:
    """Compare; 1 where something differs, or nothing could be compared."""
    agreed, wrong = list[float](), 0
    for requirement in (ENGINE, REPENG):
        with tempfile.TemporaryDirectory() as place:
            found = list(compared(requirement, Path(place)))
        for what, apart in found:
            if apart <= BAR:
                agreed.append(apart)
            else:
                wrong += 1
                print(f"  {what}: {apart:.3g}")
        print(f"{len(found)} answers of {requirement}")
    print(f"steering: {len(agreed)} agree to {max(agreed, default=0.0):.1e}, {wrong} do not")
    return int(wrong > 0 or not agreed)


if __name__ == "__main__":
    sys.exit(main())
