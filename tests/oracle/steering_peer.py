"""The other side of steering, run in an environment of its own.

    python steering_peer.py repeng|interp-engine ROOT FOLDER

FOLDER has `asked.json`, vectors in `vectors.npz`, and control vectors as lensgui wrote them; it
gets `answers.npz`: of each model the logits, or of interp-engine the stream that leaves the last
layer. It imports nothing of lensgui's but the
tests' own tiny Hugging Face models.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch


class NoTokenizer:
    """Token ids are given, so nothing is asked of it."""

    bos_token_id, eos_token_id, pad_token_id = 0, 1, None

    def __getattr__(self, name: str) -> None:
        return None


def repeng(name: str, hf_model: Any, asked: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return logits under the control vector of a file; none of a model that it can't wrap."""
    from repeng import ControlModel, ControlVector

    vector = ControlVector.import_gguf(folder / f"{name}.gguf")
    layers = sorted(vector.directions)
    vector.directions = {at: one.astype(np.float64) for at, one in vector.directions.items()}
    try:
        model = ControlModel(hf_model, layers)
    except ValueError:
        return {}
    found = {}
    for strength in asked["strengths"]:
        model.set_control(vector, strength)
        tokens = torch.tensor([asked["tokens"]])
        found[f"{name} {strength}"] = hf_model(tokens).logits[0].detach().numpy()
    model.unwrap()
    return found


def engine(name: str, hf_model: Any, asked: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the last stream under each op that interp-engine has."""
    from interp_engine import capture
    from interp_engine.mappers import tlens_hook_to_point
    from interp_engine.model import EagerModel
    from interp_engine.steer import SteerSpec, steer

    with np.load(folder / "vectors.npz") as kept:
        vector, target = (torch.from_numpy(kept[f"{name} {of}"]) for of in ("v", "t"))
    model = EagerModel("tiny", hf_model=hf_model, tokenizer=NoTokenizer())
    unit = vector / vector.norm()
    low, high = asked["bounds"]
    ways: dict[str, dict[str, Any]] = {
        "add": {"vector": vector, "method": "additive", "coeff": asked["strength"]},
        "add_norm": {"vector": unit, "method": "norm_scaled_add", "coeff": asked["strength"]},
        "remove": {"vector": vector, "method": "ablate"},
        "cap": {"vector": vector, "method": "projection_cap", "min": low, "max": high},
        "move": {"vector": vector, "method": "swap", "target": target},
    }
    tokens, found = torch.tensor([asked["tokens"]]), {}
    for op, way in ways.items():
        with steer(model, [SteerSpec(layer=asked["layer"], **way)], prompt_token_ids=tokens):
            last = hf_model.config.num_hidden_layers - 1
            at = tlens_hook_to_point(f"blocks.{last}.hook_resid_post", model)
            found[f"{name} {op}"] = capture(model, tokens, [at])[at][0].detach().numpy()
    return found


def main(package: str, root: str, where: str) -> None:
    """Answer for each model."""
    sys.path.insert(0, root)
    from tests.checkpoints.lifted import Lifted
    from tests.checkpoints.tiny_models import tiny

    folder = Path(where)
    asked = json.loads((folder / "asked.json").read_text())
    answer = repeng if package == "repeng" else engine
    found: dict[str, Any] = {}
    for name in asked["models"]:
        hf_model = tiny(name)  # whose frequencies stay as they are made
        with Lifted():
            found |= answer(name, hf_model, asked, folder)
    np.savez(folder / "answers.npz", **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
