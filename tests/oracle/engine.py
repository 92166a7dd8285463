"""Every activation against interp-engine, which runs in build/interp-engine: `make oracle`.

    python -m tests.oracle.engine [MODEL …]

Tiny models of all families, in float64. What a name means is looked up by interp-engine's own table
of TransformerLens's names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tests.bench.environment import python_with
from tests.checkpoints.tiny_models import TINY
from tests.references import model_of

REQUIREMENT = "interp-engine==1.14.2"
TOKENS = 12
BAR = 1e-10  # largest difference in float64, in units of the activation's largest number or 1
ROOT = Path(__file__).parents[2]
Refused = dict[str, dict[str, str]]


def purpose(name: str, hook: str) -> str:
    """Return why an activation is another one there; "" if it should be the same."""
    family, point = name.split(" ")[0], hook.rpartition(".")[2]
    scaled = family.startswith(("granite", "cohere"))
    if hook == "hook_embed" and family.startswith(("granite", "bloom")):
        return "there it is the table's row, before the embedding's multiplier or norm"
    if point in ("hook_attn_out", "hook_mlp_out") and family.startswith("granite"):
        return "there it is before the residual multiplier, here what reaches the stream"
    if hook == "unembed.hook_out" and scaled:
        return "there it is before the scale of logits"
    if point == "hook_v" and family == "olmo":
        return "there it is before values are clipped"
    if point == "hook_v" and family == "mpt":
        return "it cuts the fused projection elsewhere: here pattern and values give z"
    if hook == "unembed.hook_in" and family == "xglm":
        return "it takes another norm: here it is what Hugging Face's lm_head reads"
    return ""


def ask(python: Path, names: list[str], folder: Path) -> Refused:
    """Have interp-engine answer, into a folder; return what of each model it refused, and why."""
    asked = {name: list(model_of(name).hook_dict) for name in names}
    (folder / "asked.json").write_text(json.dumps(asked))
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    environment.pop("PYTHONPATH", None)
    script = Path(__file__).with_name("engine_peer.py")
    command = [python, script, ROOT, folder / "asked.json", folder]
    subprocess.run(command, env=environment, check=True)
    refused: Refused = json.loads((folder / "refused.json").read_text())
    return refused


def distance(ours: torch.Tensor, theirs: NDArray[Any]) -> float:
    """Return the largest difference, in units of the largest number or 1.

    A source that is not seen is −∞ in one, and the format's least number in the other.
    """
    other = torch.from_numpy(theirs).double().reshape(ours.shape)
    unseen = ours.isneginf()
    if not bool((other[unseen] < -1e30).all()):
        return float("inf")
    ours, other = ours.double()[~unseen], other[~unseen]
    return float((ours - other).abs().max()) / max(1.0, float(other.abs().max()))


def compared(name: str, theirs: dict[str, NDArray[Any]]) -> Iterator[tuple[str, float]]:
    """Yield how far each activation of a model is from its answer."""
    with torch.no_grad():
        _, cache = model_of(name).run_with_cache(torch.arange(TOKENS)[None])
    for hook, answer in theirs.items():
        if hook.endswith("hook_expert_indices"):  # there in no order
            yield hook, distance(cache[hook].sort(-1).values, np.sort(answer, -1))
        else:
            yield hook, distance(cache[hook], answer)


def results(names: list[str], folder: Path, refused: Refused) -> Iterator[tuple[str, str, float]]:
    """Yield each model's hooks and how far they are apart, and say what was not answered."""
    for number, name in enumerate(names):
        for hook, why in refused[name].items():
            print(f"  not asked: {name} {hook}: {why:.100}")
        if (folder / f"{number}.npz").exists():
            with np.load(folder / f"{number}.npz") as theirs:
                for hook, apart in compared(name, dict(theirs)):
                    yield name, hook, apart


def main(names: list[str]) -> int:
    """Compare; 1 where something differs."""
    python = python_with(REQUIREMENT, "interp-engine")
    if python is None:
        return 1
    names, wrong = names or list(TINY), 0
    agreed: list[float] = []
    explained: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        for name, hook, apart in results(names, Path(place), ask(python, names, Path(place))):
            if apart <= BAR:
                agreed.append(apart)
            elif why := purpose(name, hook):
                explained[why] += 1
            else:
                wrong += 1
                print(f"  {name} {hook}: {apart:.3g}")
    for why, times in explained.items():
        print(f"  {times} on purpose: {why}")
    print(f"{len(agreed)} activations of {len(names)} models agree with {REQUIREMENT}", end=" ")
    print(f"to {max(agreed, default=0.0):.1e}, {wrong} do not")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
