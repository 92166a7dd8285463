"""Edges' scores as the EAP-IG package has them, kept in `fixtures/eap_ig`."""

from __future__ import annotations

import json

import pytest

from tests.oracle import circuit_scores

ANSWERS = json.loads((circuit_scores.FIXTURES / "scores.json").read_text())


@pytest.mark.parametrize("name", ANSWERS)
def test_scores_are_those_of_the_package(name):
    found = dict(circuit_scores.compared({name: ANSWERS[name]}))
    assert len(found) == len(circuit_scores.METHODS)
    assert max(found.values()) <= circuit_scores.BAR
