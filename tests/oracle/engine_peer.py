"""interp-engine's side, run in its own environment: activations of tiny models, by hook name.

    python engine_peer.py ROOT ASKED.json ANSWERS

ASKED has the hook names of each model; ANSWERS gets MODEL.npz, and refused.json: what could not be
answered, and why. It imports nothing of lensgui's but the tests' own tiny Hugging Face models.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from interp_engine import capture
from interp_engine.address import Address
from interp_engine.mappers import UnmappedHook, tlens_hook_to_point
from interp_engine.model import EagerModel

TOKENS = 12
GLOBAL = {"hook_embed": "embeddings", "unembed.hook_out": "lm_head"}


class NoTokenizer:
    """Token ids are given, so nothing is asked of it."""

    bos_token_id, eos_token_id, pad_token_id = 0, 1, None

    def __getattr__(self, name: str) -> None:
        return None


def points(model: EagerModel, names: list[str]) -> tuple[dict[str, Address], dict[str, str]]:
    """Return what hook names are called there, and why some that it knows can't be had."""
    known, refused = {}, {}
    for name in names:
        try:
            at = Address(GLOBAL[name]) if name in GLOBAL else tlens_hook_to_point(name, model)
        except UnmappedHook:
            continue
        if why := model.refuses(at):
            refused[name] = str(why)
        else:
            known[name] = at
    return known, refused


def answers(model: EagerModel, names: list[str], refused: dict[str, str]) -> dict[str, Any]:
    """Return what can be had, each asked alone where one of them spoils the others."""
    known, why = points(model, names)
    refused |= why
    tokens = torch.arange(TOKENS)[None]
    try:
        cache = capture(model, tokens, list(known.values()))
        return {name: cache[at].detach().numpy() for name, at in known.items()}
    except ValueError:
        found = {}
        for name, at in known.items():
            try:
                found[name] = capture(model, tokens, [at])[at].detach().numpy()
            except ValueError as error:
                refused[name] = str(error)
        return found


def main(root: str, asked: str, where: str) -> None:
    """Answer for each model."""
    sys.path.insert(0, root)
    from tests.checkpoints.lifted import Lifted
    from tests.checkpoints.tiny_models import tiny

    refused: dict[str, dict[str, str]] = {}
    for number, (name, names) in enumerate(json.loads(Path(asked).read_text()).items()):
        refused[name] = {}
        try:
            model = EagerModel("tiny", hf_model=tiny(name), tokenizer=NoTokenizer())
        except ValueError as error:
            refused[name][""] = str(error)
            continue
        with Lifted():
            found = answers(model, names, refused[name])
        np.savez(Path(where) / f"{number}.npz", **found)
    (Path(where) / "refused.json").write_text(json.dumps(refused))


if __name__ == "__main__":
    main(*sys.argv[1:])
