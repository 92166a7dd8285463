"""Vectors that interventions name travel with the session, and come back as what they were."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from lensgui.prompts.pair import PromptPair
from lensgui.state.document import Document
from lensgui.state.sessions.container import pack
from lensgui.state.sessions.saved import ModelReference, Saved
from lensgui.state.sessions.sessions import from_bytes, to_bytes
from lensgui.terms import vectors
from lensgui.terms.errors import SessionError
from lensgui.terms.interventions import Intervention, Site, Vector
from tests.state.sessions.strategies import MODEL
from tests.state.sessions.test_round_trip import NOW, again

TRUTH = np.linspace(-1, 2, 7, dtype=np.float32)


def session(*named):
    listed = tuple(
        Intervention(Site("resid_post", at), "add", strength=0.5, vector=vector)
        for at, vector in enumerate(named)
    )
    document = Document(MODEL, PromptPair("clean", "corrupted", interventions=listed))
    return Saved(document, ModelReference.to(MODEL), NOW)


def members_of(data):
    with zipfile.ZipFile(BytesIO(data)) as held:
        return {name: held.read(name) for name in held.namelist()}


def test_a_vector_is_there_again_where_it_was_not_known(monkeypatch):
    named = Vector("truth", vectors.keep("truth", TRUTH))
    data = to_bytes(session(named, named))
    assert len([name for name in members_of(data) if name.startswith("arrays/")]) == 1
    monkeypatch.setattr(vectors, "_KEPT", {})
    assert vectors.kept(named.content) is None
    opened = from_bytes(data)
    assert opened.document == session(named, named).document
    np.testing.assert_array_equal(vectors.kept(named.content), TRUTH)
    assert not opened.is_lossy


def test_a_vector_that_was_never_kept_is_named_all_the_same():
    unknown = Vector("gone", "0" * 32)
    assert again(session(unknown)).document == session(unknown).document


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: {**one, "content": "f" * 32}, "it is not what its name says"),
        (lambda one: {**one, "array": "a" * 64}, "is not there|missing|no member"),
        (lambda one: {**one, "array": "../x"}, "vectors"),
        (lambda one: {"content": one["content"]}, "vectors"),
    ],
)
def test_a_vector_that_is_another_is_refused(change, words):
    named = Vector("truth", vectors.keep("truth", TRUTH))
    members = members_of(to_bytes(session(named)))
    manifest = json.loads(members["manifest.json"])
    manifest["vectors"]["kept"] = [change(one) for one in manifest["vectors"]["kept"]]
    members["manifest.json"] = json.dumps(manifest).encode()
    with pytest.raises(SessionError, match=rf"is damaged or was not written by lensgui.*({words})"):
        from_bytes(pack(members))


def test_vectors_that_are_none_are_not_kept():
    for bad in (np.zeros(3), np.array([1, np.nan]), np.ones((2, 2))):
        with pytest.raises(ValueError, match="The vector “bad”"):
            vectors.keep("bad", bad)
    assert vectors.keep("a", TRUTH) == vectors.keep("b", TRUTH.astype(np.float64))
    with pytest.raises(ValueError, match="read-only"):
        vectors.kept(vectors.keep("a", TRUTH))[0] = 1.0
    assert replace(session()).document.pair.interventions == ()
