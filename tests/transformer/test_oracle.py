"""The numbers that TransformerLens 3.9 gave for the same weights (`make oracle`), given again."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.oracle import answers, circuits, comparison, decompositions, questions, subjects
from tests.oracle.differences import DIFFERENCES

QUICK = (questions.config, questions.hooks, decompositions.components, circuits.some_patching)


def stored(name: str) -> answers.Answers:
    """The answers stored for a subject, once its weights are known to be those of then."""
    found = answers.load(comparison.FIXTURES / f"{name}.npz")
    weights = subjects.fingerprint(name)
    there = {key: value for key, value in found.items() if key.startswith("tensor/")}
    assert {f"tensor/{key}" for key in weights} == set(there), "other tensors than were stored"
    for key, value in weights.items():
        was = float(there[f"tensor/{key}"][1][0])
        same = math.isclose(value, was, rel_tol=1e-4, abs_tol=1e-3)
        assert same, f"{name}: the weight {key} is not what it was: run `make oracle ARGS=--store`"
    return {key: value for key, value in found.items() if key not in there}


def wrong(name, asked):
    compared = list(comparison.compare(name, stored(name), asked))
    assert len(compared) > 50
    return [(one.name, one.distance) for one in compared if not one.holds]


@pytest.mark.parametrize("name", [*subjects.TINY, *subjects.FILES])
def test_every_number_of_a_tiny_model(name):
    assert wrong(name, comparison.QUESTIONS) == []


@pytest.mark.demo
def test_the_demo_models_activations_decompositions_and_patches(demo_folder):
    assert wrong(subjects.DEMO, QUICK) == []


def test_a_changed_number_is_seen():
    value = [[1.0, 2.0], [3.0, math.inf]]
    path_answers = ((2, 2), answers.as_array(value).reshape(-1))
    assert answers.distance(value, path_answers) == 0
    assert answers.distance([[1.0, 2.5], [3.0, math.inf]], path_answers) == 0.5
    assert answers.distance([[1.0, 2.0], [3.0, 4.0]], path_answers) == math.inf
    assert answers.distance([1.0, 2.0, 3.0, math.inf], path_answers) == math.inf


def test_what_differs_on_purpose_is_explained():
    table = (Path(answers.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert [heading for heading in DIFFERENCES if f"| {heading} |" not in table] == []
    names = [
        f"{name}/{key}"
        for name in subjects.TINY
        for key in answers.load(comparison.FIXTURES / f"{name}.npz")
    ]
    assert [name for name in names if comparison.purpose(name)] == [], "stored, yet not compared"
