"""After a model moves, its config says where it is, and in what (decoderesearch/SAELens#233)."""

from __future__ import annotations

import pytest
import torch

from tests.reports.small import TOKENS, random_model

MOVES = {
    "to": (lambda model: model.to(torch.float64), torch.float64),
    "to a device": (lambda model: model.to("cpu", torch.bfloat16), torch.bfloat16),
    "to by name": (lambda model: model.to(dtype=torch.float16), torch.float16),
    "like": (lambda model: model.to(torch.zeros(1, dtype=torch.float64)), torch.float64),
    "double": (lambda model: model.double(), torch.float64),
    "half": (lambda model: model.half(), torch.float16),
    "bfloat16": (lambda model: model.bfloat16(), torch.bfloat16),
    "float": (lambda model: model.half().float(), torch.float32),
    "cpu": (lambda model: model.cpu(), torch.float32),
}


@pytest.mark.parametrize("move", MOVES)
def test_the_number_format_follows(move):
    model = random_model()
    change, dtype = MOVES[move]
    assert change(model) is model
    assert model.cfg.dtype == dtype == model(TOKENS).dtype
    assert model.cfg.device == "cpu"


def test_the_device_follows():
    model = random_model().to("meta")
    assert (model.cfg.device, model.cfg.dtype) == ("meta", torch.float32)
    model.to_empty(device="cpu")
    assert model.cfg.device == "cpu"


@pytest.mark.parametrize("kind", ["rotary", "alibi"])
@torch.no_grad()
def test_what_is_worked_out_from_it_is_as_exact(kind):
    settings = {"positional_embedding_type": kind, "init_range": 0.5}
    moved = random_model(**settings).double()
    made = random_model(**settings, dtype=torch.float64)
    made.load_state_dict(moved.state_dict())
    assert torch.equal(moved(TOKENS), made(TOKENS))
