"""Values drawn from the fields of their classes, so that a new field is drawn as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lensgui.jobs import requests
from lensgui.jobs.answers.activations import MappedPoint
from lensgui.jobs.answers.arrays import Feeding
from lensgui.jobs.answers.circuits import CircuitReading, EdgeChecks
from lensgui.jobs.answers.generation import Written
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.questions.activation_requests import MapModel, ReadActivation
from lensgui.jobs.questions.circuit_requests import CheckEdges, MeasureCircuit
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.jobs.questions.lens_requests import AverageLens, LensMetric, LensWorth, ReadLens
from lensgui.models import lenses
from lensgui.prompts.pair import PairRow, Prompt, PromptPair
from lensgui.state.document import Document, Scene
from lensgui.state.layout import Area, Layout
from lensgui.state.selection import Cursor
from lensgui.state.sessions.saved import ModelReference
from lensgui.state.views import (
    UNSCORED,
    ActivationView,
    AllKindsView,
    AttentionView,
    BoardView,
    GenerationView,
    HeadsView,
    LensView,
    Link,
    NeuronsView,
)
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.circuits.nodes import Shape
from lensgui.terms.interventions import Intervention, Site, Vector
from lensgui.terms.kinds import SWEEP_KINDS, SweepKind
from lensgui.terms.model_key import NUMBER_FORMATS, ModelKey
from lensgui.terms.roles import NAMED, NO_ROLE, GivenRole, RoleBounds
from lensgui.terms.scores import SCORES

MODEL = ModelKey("toy")
PNG = b"\x89PNG\r\n\x1a\n and more"
SHAPE = 2, 3
MOST = 3  # of anything that there may be several of

shares = st.floats(0, 1)
counts = st.integers(0, 16)
nodes = st.sampled_from(["embed", "logits", "MLP 3", "L0H0", "L12H3.q", "L1H0.k", "L2H1.v"])
names = st.from_regex(r"[a-z0-9]{1,9}(/[a-z0-9]{1,9})?", fullmatch=True)
keys = st.builds(ModelKey, names, st.booleans(), st.just("best"), st.sampled_from(NUMBER_FORMATS))
hooks = st.from_regex(r"[a-z0-9_.]{1,20}", fullmatch=True)
heads = st.lists(st.tuples(counts, counts), min_size=1, max_size=MOST).map(tuple)
numbers = st.floats(allow_nan=False, allow_infinity=False)
where = st.sampled_from(["all", "last", "generated"]) | st.lists(counts, max_size=MOST).map(tuple)
vectors = st.builds(Vector, st.text(max_size=20), st.text(max_size=20))
OF_HEADS = st.builds(Site, st.sampled_from("qkvz"), counts, st.none() | counts)
SETTING = st.sampled_from(["zero", "mean", "resample", "scale", "freeze"])
interventions = st.one_of(
    st.builds(Intervention, OF_HEADS, SETTING, where, numbers, seed=counts, is_on=st.booleans()),
    st.builds(
        Intervention,
        st.builds(Site, st.just("attn_scores"), counts, counts),
        st.just("knock_out"),
        where,
        sources=st.lists(counts, max_size=MOST).map(tuple),
        runs=st.sampled_from(["clean", "corrupted", "both"]),
    ),
    st.builds(
        Intervention,
        st.builds(Site, st.just("resid_pre"), counts),
        st.just("exchange"),
        where,
        numbers,
        vectors,
        vectors,
        skips_special=st.booleans(),
    ),
    st.builds(
        Intervention,
        st.just(Site("post", 1, neuron=3)) | st.just(Site("embed")),
        st.just("scale"),
        where,
        numbers,
    ),
    st.builds(
        Intervention,
        st.just(Site("mlp_out", 2)),
        st.just("cap"),
        vector=vectors,
        bounds=st.tuples(numbers, numbers).map(sorted).map(tuple),
    ),
)
edges = st.lists(st.tuples(nodes, nodes), max_size=MOST).map(tuple)
sets = st.lists(st.tuples(names, st.lists(nodes, max_size=MOST).map(tuple)), max_size=MOST).map(
    tuple
)
circuits = st.lists(
    st.tuples(nodes, nodes, st.floats(allow_nan=False, allow_infinity=False)), min_size=1,
    max_size=MOST,
).map(
    lambda rows: KeptCircuit(
        tuple(row[:2] for row in rows), "found", ("a",), tuple(row[2] for row in rows)
    )
)  # fmt: skip
DRAWN: dict[type, st.SearchStrategy] = {
    KeptCircuit: circuits,
    bool: st.booleans(),
    int: counts,
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(max_size=20),
    bytes: st.binary(max_size=9),
    type(None): st.none(),
    SweepKind: st.sampled_from(SWEEP_KINDS),
    ModelKey: st.just(MODEL),
    Intervention: interventions,
}
NODE_SETS = (BoardView, "groups"), (MeasureCircuit, "sets"), (CircuitReading, "knockouts")
EDGE_NAMES = (
    *((kind, "edges") for kind in (CheckEdges, EdgeChecks, MeasureCircuit)),
    (CheckEdges, "within"),
)
FIELDS: dict[tuple[type, str], st.SearchStrategy] = {
    (Prompt, "under"): st.none(),  # of a prompt that a mean is over
    (Prompt, "more"): st.just(()),  # likewise
    (Document, "scenes"): st.just(()),  # likewise, as each holds a document
    (Document, "kept"): st.none(),  # whose model is drawn in a test of its own
    (AttentionView, "score"): st.sampled_from([score.key for score in SCORES]),
    (HeadsView, "sort"): st.sampled_from([*UNSCORED, *(of.key for of in SCORES)]),
    (HeadsView, "columns"): st.lists(st.sampled_from([of.key for of in SCORES])).map(tuple),
    **{
        (kind, "lens"): st.from_regex(lenses.NAME, fullmatch=True) | st.just("")
        for kind in (LensView, ReadLens, LensMetric, AverageLens, LensWorth)
    },
    **{
        (kind, name): hooks
        for kind in (ActivationView, MapModel, ReadActivation, MappedPoint)
        for name in ("name", "short")
    },
    (ReadLens, "start"): st.just(-1),  # which is no part of the question
    (ReadLens, "only"): st.none(),  # whose answers no file keeps
    (AttentionView, "least_score"): st.floats(0, 1000),
    (AttentionView, "least_line"): shares,
    (AllKindsView, "enlarged"): st.none() | counts,
    (GivenRole, "name"): st.sampled_from([NO_ROLE, *NAMED]),
    (NeuronsView, "count"): st.integers(1, 1000),
    (BoardView, "most"): st.integers(1, 200),
    (BoardView, "band"): st.floats(0.01, 0.99),
    (BoardView, "places"): st.lists(st.tuples(nodes, shares), max_size=MOST).map(tuple),
    **dict.fromkeys(
        ((BoardView, "groups"), (MeasureCircuit, "sets"), (CircuitReading, "knockouts")), sets
    ),
    **dict.fromkeys(
        (
            (CheckEdges, "edges"),
            (CheckEdges, "within"),
            (EdgeChecks, "edges"),
            (MeasureCircuit, "edges"),
        ),
        edges,
    ),
    (CircuitReading, "parts"): st.lists(nodes, max_size=MOST).map(tuple),
    **{(Shape, name): st.integers(1, 16) for name in ("n_layers", "n_heads", "kv_heads")},
    **{
        (kind, name): drawn_from
        for kind in (GenerationView, Generate)
        for name, drawn_from in (
            ("count", st.integers(1, 1000)),
            ("temperature", st.floats(0, 10)),
            ("top_p", st.floats(0.01, 1)),
        )
    },
    (Written, "probability"): shares,
    (Written, "top"): st.just(((Token(3, " a"), 0.5),)),
    (Link, "heads"): heads,
    (ModelReference, "name"): names,
    (ModelReference, "dtype"): st.sampled_from(NUMBER_FORMATS),
    **{(RoleBounds, field.name): shares for field in fields(RoleBounds)},
    **{(Area, name): shares for name in ("left", "top", "width", "height")},
    **{
        (kind, "heads"): heads
        for kind in (requests.WhoFeeds, requests.PathsInto, requests.AttentionHead, Feeding)
    },
}


@cache
def drawn(kind: Any, is_of_answer: bool = False) -> st.SearchStrategy:
    """Return how values of a type are drawn; those of answers may be no finite numbers."""
    if kind in DRAWN:
        return st.floats() if is_of_answer and kind is float else DRAWN[kind]
    if is_dataclass(kind):
        return _built(kind, is_of_answer)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (Union, UnionType):
        return st.one_of([drawn(of, is_of_answer) for of in inner])
    if origin is not np.ndarray:
        return _several(origin, inner, is_of_answer)
    (number,) = get_args(inner[1])
    return arrays.arrays(number, SHAPE)


def _several(origin: Any, inner: tuple[Any, ...], is_of_answer: bool) -> st.SearchStrategy:
    """Return how values are drawn that hold others."""
    if origin is tuple and inner[1:] == (...,):
        least = 1 if getattr(inner[0], "__name__", "") == "Axis" else 0
        some = st.lists(drawn(inner[0], is_of_answer), min_size=least, max_size=MOST)
        return some.map(tuple)
    if origin is tuple:
        return st.tuples(*(drawn(of, is_of_answer) for of in inner))
    if origin is Mapping:
        return st.dictionaries(*(drawn(of, is_of_answer) for of in inner), max_size=MOST)
    assert origin is frozenset, origin
    return st.frozensets(drawn(inner[0], is_of_answer), max_size=MOST)


def _built(kind: Any, is_of_answer: bool) -> st.SearchStrategy:
    each, hints = {}, get_type_hints(kind)
    for field in fields(kind):
        own = FIELDS.get((kind, field.name))
        each[field.name] = drawn(hints[field.name], is_of_answer) if own is None else own
    return st.builds(kind, **each)


def pictured(*thumbs: bytes) -> Document:
    """Return a document with a scene for each small picture."""
    plain = Document(MODEL, PromptPair("clean", "corrupted"))
    scenes = [Scene("one", plain, Cursor(), Layout(), thumb=thumb) for thumb in thumbs]
    return replace(plain, scenes=tuple(scenes))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Draw a document with up to two scenes."""
    texts, scenes = st.text(max_size=20), []
    thumbs = st.just(b"") | st.binary(max_size=20).map(PNG.__add__)
    for _ in range(draw(st.integers(0, 2))):
        where = draw(drawn(Cursor)), draw(drawn(Layout))
        scenes.append(Scene(draw(texts), draw(worked()), *where, draw(texts), draw(thumbs)))
    return replace(draw(worked()), scenes=tuple(scenes))


@st.composite
def worked(draw: st.DrawFn) -> Document:
    """Draw a document without scenes, with a kept sweep of its own model or of another."""
    document: Document = draw(drawn(Document))
    kept = draw(st.none() | drawn(requests.Patching))
    if kept is not None:
        model = draw(st.just(MODEL) | keys)
        kept = requests.Patching(model, *(getattr(kept, field.name) for field in fields(kept)[1:]))
    return document.having(kept=kept, reference=(), word_roles=())  # which the table says


layouts = drawn(Layout)
rows = drawn(tuple[PairRow, ...])
