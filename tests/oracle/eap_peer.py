"""EAP-IG's side of edges' scores, run in an environment of its own.

    python eap_peer.py ROOT FOLDER

FOLDER has `asked.json`; it gets `scores.json`, {model: {method: {edge: score}}}, and of each model
`graph_MODEL.json`, the circuit of its strongest edges as the package writes it. Its weights are as
they came, in float64. It imports nothing of lensgui's but the tests' own tiny Hugging Face models.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

STREAMS = {"use_attn_result": True, "use_split_qkv_input": True, "use_hook_mlp_in": True}


class OnCPU(TorchFunctionMode):
    """Makes on the CPU what would be made on the GPU that the package takes for granted."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if kwargs.get("device") == "cuda":
            kwargs["device"] = "cpu"
        return func(*args, **kwargs)


def hf_model(name: str) -> Any:
    """Return a tiny Hugging Face model, without the biases that TransformerLens has no place for.

    Both sides open this one.
    """
    from tests.checkpoints.tiny_models import tiny

    model = tiny(name)
    model.config.architectures = [type(model).__name__]
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if key.endswith(("gate_proj.bias", "up_proj.bias")):
                parameter.zero_()
    return model


def opened(name: str) -> Any:
    """Return that model as TransformerLens has it, every head's part and input kept apart."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    from tests.oracle import reference

    theirs = hf_model(name)
    fields, convert = reference.FAMILIES[theirs.config.model_type]
    cfg = HookedTransformerConfig(**fields(theirs.config), **STREAMS, dtype=torch.float64)
    cfg.ungroup_grouped_query_attention = cfg.n_key_value_heads is not None
    model = HookedTransformer(cfg, move_to_device=False)
    state = convert(theirs, cfg)
    if hasattr(theirs, "model"):
        reference.add_biases(state, theirs, cfg)
    # Its own way to load weights, though asked for no processing, rounds them to float32.
    model.load_state_dict(model.fill_missing_keys(state))
    return model.eval()


def tokens_given(model: Any, prompts: list[list[int]]) -> tuple[Any, Any, Any, int]:
    """Stand in for the package's tokenizing: ids of one length, nothing before or after them."""
    tokens = torch.tensor(prompts)
    mask = torch.ones_like(tokens)
    return tokens, mask, mask.sum(1), tokens.shape[1]


def scored(graph: Any, model: Any, method: str, asked: dict[str, Any]) -> dict[str, float]:
    """Have the package score a graph's edges; return the scores by edge."""
    attribute: Any = importlib.import_module("eap.attribute")
    attribute.tokenize_plus = tokens_given
    answer, distractor = asked["answer"], asked["distractor"]

    def metric(logits: torch.Tensor, *_: Any) -> torch.Tensor:
        return (logits[:, -1, answer] - logits[:, -1, distractor]).mean()

    batches = [(asked["clean"], asked["corrupted"], None)]
    steps = asked["methods"][method]
    with OnCPU():
        attribute.attribute(model, graph, batches, metric, method, ig_steps=steps, quiet=True)
    return {name: float(edge.score) for name, edge in graph.edges.items()}


def main(root: str, where: str) -> None:
    """Answer for each model."""
    sys.path.insert(0, root)
    graphs = importlib.import_module("eap.graph")
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    folder = Path(where)
    asked = json.loads((folder / "asked.json").read_text())
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in asked["models"]:
        model, found[name] = opened(name), {}
        for method in asked["methods"]:
            graph = graphs.Graph.from_model(model)
            graph.scores = graph.scores.double()
            found[name][method] = scored(graph, model, method, asked)
            if method == asked["circuit"]:
                graph.apply_topn(asked["edges"])
                graph.to_json(str(folder / f"graph_{name}.json"))
    (folder / "scores.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
