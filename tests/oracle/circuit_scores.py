"""Edges' scores against EAP-IG, which runs in build/eap-ig/venv.

    python -m tests.oracle.circuit_scores [--store]

Every edge of three tiny models in float64, by each of its methods; `--store` writes what it answers
to tests/fixtures/eap_ig instead of comparing. It is installed from the folder that the environment
variable EAP_IG_SOURCE names, else from where it is published.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lensgui.analysis.circuits.edges import edge_attribution
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.models.circuit_files import read_circuit, to_json
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.bench.environment import python_with
from tests.oracle import eap_peer
from tests.oracle.__main__ import ORACLE

COMMIT = "795f5607b25638935aec89aee3c1cb4bd9ed72f1"
PACKAGE = f"git+https://github.com/hannamw/EAP-IG@{COMMIT}"
MODELS = ("gpt2", "gpt_neox", "llama")
METHODS = {  # and how many steps of the path each takes
    "EAP": None,
    "EAP-IG-inputs": 5,
    "EAP-IG-activations": 3,
    "clean-corrupted": None,
}
CLEAN = [[3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]]
CORRUPTED = [[3, 8, 4, 1, 7, 9, 2, 6], [2, 7, 1, 8, 5, 5, 1, 8]]
ANSWER, DISTRACTOR = 11, 7
CIRCUIT, EDGES = "EAP-IG-inputs", 40  # what the stored graphs are, before they are pruned
BAR = 1e-5  # largest difference, in units of the largest score
ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "eap_ig"
Scores = dict[str, dict[str, dict[str, float]]]  # by model, method and edge


@cache
def runs_of(name: str) -> CircuitRuns:
    """The prompts on lensgui's side, the model as the package has it."""
    model = HookedTransformer.from_pretrained_no_processing(
        hf_model=eap_peer.hf_model(name), device="cpu", dtype=torch.float64
    )
    metric = LogitDifference((ANSWER,), (DISTRACTOR,))
    ablation = Ablation("resample", torch.tensor(CORRUPTED))
    return CircuitRuns(model, torch.tensor(CLEAN), metric, ablation)


def ours(name: str, method: str) -> NDArray[np.float64]:
    """Return lensgui's scores, [sender, receiver]."""
    runs, steps = runs_of(name), METHODS[method] or 1
    if method == "EAP":
        found = edge_attribution(runs, at="clean").values
    elif method == "EAP-IG-inputs":
        found = edge_attribution(runs, steps, points="left").values
    elif method == "EAP-IG-activations":
        found = edge_attribution(runs, steps, points="right", along="activations").values
    else:
        clean, other = (edge_attribution(runs, at=at) for at in ("clean", "corrupted"))
        found = (clean.values + other.values) / 2
    return found.double().numpy()


def turned(name: str, theirs: dict[str, float]) -> NDArray[np.float64]:
    """Return its scores as they are meant here, [sender, receiver].

    There a score is (corrupted − clean) · gradient, and divided by the number of prompts although
    the metric is a mean over them already. Edges to keys and values that heads share are added up,
    as they are when a file is read.
    """
    cfg = runs_of(name).model.cfg
    raw = to_json(Graph.whole(cfg), cfg.d_model)
    raw["edges"] = {edge: {"score": score, "in_graph": True} for edge, score in theirs.items()}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "theirs.json"
        path.write_text(json.dumps(raw))
        scores = read_circuit(path, cfg).graph.scores
    assert scores is not None
    return -len(CLEAN) * scores


def unlike(name: str, method: str) -> NDArray[np.bool_]:
    """Return the edges that the package scores otherwise on purpose, [sender, receiver].

    Where positions turn queries and keys, its runs along the embedding have no gradient for what
    reads nothing but that: they count as 0, and divide.
    """
    cfg, graph = runs_of(name).model.cfg, Graph.whole(runs_of(name).model.cfg)
    found = np.zeros_like(graph.exists)
    if method == "EAP-IG-activations" and not cfg.has_pos_embed:
        for node, column in graph.columns.items():
            found[:, column] = graph.exists[:, column].sum() == 1 and node.layer == 0
    return found


def compared(answers: Scores) -> Iterator[tuple[str, float]]:
    """Yield each model and method, and how far its scores are apart, of the largest score."""
    for name, methods in answers.items():
        exists = Graph.whole(runs_of(name).model.cfg).exists
        for method, scores in methods.items():
            here, there = ours(name, method), turned(name, scores)
            alike = exists & ~unlike(name, method)
            apart = np.abs(here - there)[alike].max() / np.abs(there[exists]).max()
            yield f"{name} {method}", float(apart)


def peer_python() -> Path | None:
    """The Python that runs the package; None where it can't be had."""
    python = python_with(ORACLE, "eap-ig/venv")
    if python is None or _has_package(python):
        return python
    source = os.environ.get("EAP_IG_SOURCE")
    package = str(Path(source).resolve()) if source else PACKAGE
    print(f"Installing {package} (once) …", flush=True)
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    done = subprocess.run([*pip, package], capture_output=True, text=True)
    if done.returncode:
        print(f"It can't be had, so nothing is compared with it: {done.stderr.strip()[-400:]}")
        return None
    return python


def _has_package(python: Path) -> bool:
    return subprocess.run([python, "-c", "import eap.graph"], capture_output=True).returncode == 0


def ask(python: Path, folder: Path) -> Scores:
    """Have the package answer; its graphs are left in the folder."""
    asked = {
        "models": MODELS,
        "methods": METHODS,
        "clean": CLEAN,
        "corrupted": CORRUPTED,
        "answer": ANSWER,
        "distractor": DISTRACTOR,
        "circuit": CIRCUIT,
        "edges": EDGES,
    }
    (folder / "asked.json").write_text(json.dumps(asked))
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    environment.pop("PYTHONPATH", None)
    script = Path(__file__).with_name("eap_peer.py")
    subprocess.run([python, script, ROOT, folder], env=environment, check=True)
    answers: Scores = json.loads((folder / "scores.json").read_text())
    return answers


def store(answers: Scores, folder: Path) -> None:
    """Keep the scores, to twelve digits, and the graphs as they were written."""
    kept = {
        name: {
            method: {edge: float(f"{score:.12g}") for edge, score in scores.items()}
            for method, scores in methods.items()
        }
        for name, methods in answers.items()
    }
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / "scores.json").write_text(json.dumps(kept, indent=1) + "\n")
    for name in answers:
        shutil.copyfile(folder / f"graph_{name}.json", FIXTURES / f"graph_{name}.json")


def main() -> int:
    """Compare, or store; 1 where something differs, or the package can't be had."""
    parser = argparse.ArgumentParser(prog="tests.oracle.circuit_scores", description=__doc__)
    parser.add_argument("--store", action="store_true")
    storing = parser.parse_args().store
    python = peer_python()
    if python is None:
        return 1
    with tempfile.TemporaryDirectory() as place:
        answers = ask(python, Path(place))
        if storing:
            store(answers, Path(place))
            return 0
    found = list(compared(answers))
    for what, apart in found:
        print(f"| {what} | {apart:.1e} |")
    return int(any(apart > BAR for _, apart in found))


if __name__ == "__main__":
    sys.exit(main())
