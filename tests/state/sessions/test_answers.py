from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from lensgui.jobs import requests
from lensgui.jobs.answers.arrays import Axis, CellState, Spread
from lensgui.jobs.answers.readings import PairReading, Token
from lensgui.jobs.questions.activation_requests import MapModel, ReadActivation
from lensgui.jobs.questions.attribution_requests import (
    AttributeMetric,
    AttributeNeurons,
    AttributeSources,
)
from lensgui.jobs.questions.circuit_requests import (
    CheckEdges,
    MeasureCircuit,
    MeasureCurve,
    ScoreEdges,
)
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.jobs.questions.intervention_requests import (
    AblateSet,
    AskStrength,
    ReadInterventions,
)
from lensgui.jobs.questions.lens_requests import AverageLens, LensMetric, LensWorth, ReadLens
from lensgui.jobs.questions.neuron_requests import (
    NeuronOverPrompt,
    NeuronSlopes,
    RankNeurons,
    ReadNeurons,
)
from lensgui.prompts.pair import PairRow, PromptPair, Role
from lensgui.state.document import Document
from lensgui.state.sessions.conversion import to_record, to_value
from lensgui.state.sessions.fitting import check_fit, model_shape
from lensgui.state.sessions.sessions import from_bytes, size_of_answers, to_bytes
from lensgui.state.sessions.stored import readings as stored
from lensgui.state.sessions.stored.kinds import KINDS
from lensgui.terms.interventions import Intervention, Site, Vector
from lensgui.terms.kinds import HEADS, SWEEP_KINDS, SweepKind
from lensgui.terms.model_key import ModelKey
from tests.fakes import HEADS as FAKE_HEADS
from tests.fakes import LAYERS, FakeAnswerer
from tests.state.sessions.strategies import MODEL
from tests.state.sessions.test_round_trip import again, same, saved

PAIR = PromptPair("one two three four", "one six three four", " four", " five")
OFF = (Intervention(Site("z", 1, 0), "zero"),)
UNDER = replace(PAIR, interventions=OFF)
WRITTEN = replace(UNDER, more=(7, 0, 3), more_behind="corrupted")
STEERED = replace(
    PAIR,
    interventions=(
        Intervention(Site("mlp_out", 1), "scale"),
        Intervention(Site("resid_post", 1), "add", vector=Vector("v", "0" * 32)),
    ),
)
ROWS = tuple(
    PairRow(PromptPair(f"a{at} b c", f"x{at} b c", " c", " d"), (Role("S", 1), Role("end", 5)))
    for at in range(3)
)
EDGES = SweepKind("pattern", "edge")
HEAD = ((3, 1),)
ASKED = [
    *(requests.Patching(MODEL, PAIR, kind) for kind in SWEEP_KINDS if kind != EDGES),
    requests.Patching(MODEL, PAIR, EDGES, layer=1, head=2),
    requests.Patching(MODEL, PromptPair(""), HEADS, "noising", ROWS),
    requests.WhoFeeds(MODEL, PAIR, HEAD),
    requests.PathsInto(MODEL, PAIR, HEAD),
    requests.AttentionGrid(MODEL, PAIR),
    requests.AttentionGrid(MODEL, PAIR, "difference", rows=ROWS),
    requests.AttentionHead(MODEL, PAIR, HEAD, measure="contribution"),
    requests.AttentionFrom(MODEL, PAIR, 2),
    requests.ReadPair(MODEL, PAIR),
    requests.ReadPairs(MODEL, tuple(row.pair for row in ROWS)),
    requests.HeadRoles(MODEL, PAIR, ROWS),
    requests.ScoreHeads(MODEL),
    requests.ReadEvidence(MODEL, (PAIR,)),
    requests.OutputNorms(MODEL, PAIR),
    requests.OutputNorms(MODEL, PAIR, "difference", ROWS),
    requests.LogitLens(MODEL, PAIR, 1),
    ReadLens(MODEL, PAIR, "clean"),
    ReadLens(MODEL, PAIR, "corrupted", "a-1.safetensors"),
    LensMetric(MODEL, PAIR, "clean"),
    ReadLens(MODEL, PAIR, "clean", mid=True, tokens=(" the",)),
    LensMetric(MODEL, PAIR, "corrupted", mid=True),
    AverageLens(MODEL, PAIR, "difference", "answer", mid=True, rows=ROWS),
    LensWorth(MODEL, "a-1.safetensors"),
    RankNeurons(MODEL, PAIR, "clean", 1),
    RankNeurons(MODEL, PAIR, "corrupted", 1, 2),
    NeuronSlopes(MODEL, PAIR, "clean", 1),
    ReadNeurons(MODEL, 1, (3, 0)),
    NeuronOverPrompt(MODEL, PAIR, "difference", 1, 3),
    Generate(MODEL, PAIR, "corrupted", 4, 0.7, 5, 0.9, 3),
    Generate(MODEL, UNDER),
    requests.AttentionGrid(MODEL, WRITTEN),
    requests.AttentionHead(MODEL, WRITTEN, HEAD, "corrupted change"),
    ReadLens(MODEL, WRITTEN, "corrupted"),
    requests.ReadPair(MODEL, WRITTEN),
    MapModel(MODEL, PAIR, 1),
    ReadActivation(MODEL, PAIR, "blocks.1.attn.hook_q", "difference", places=(("head", 1),)),
    AttributeMetric(MODEL, PAIR),
    AttributeMetric(MODEL, PAIR, "difference", ROWS),
    AttributeSources(MODEL, PAIR, 1, 1, "corrupted"),
    AttributeNeurons(MODEL, PAIR, 1),
    requests.ReadMLP(MODEL, PAIR, 1, 1),
    requests.ReadHead(MODEL, PAIR, 1, 1, 1),
    requests.ReadEdge(MODEL, PAIR, 1, 1, 1, 0),
    requests.ReadPair(MODEL, UNDER),
    requests.AttentionGrid(MODEL, UNDER, "clean change"),
    requests.OutputNorms(MODEL, UNDER, "corrupted change"),
    AverageLens(MODEL, PAIR, "clean change", "metric", rows=tuple(row.under(OFF) for row in ROWS)),
    NeuronOverPrompt(MODEL, UNDER, "corrupted change", 1, 3),
    ReadActivation(MODEL, UNDER, "hook_embed", "clean change"),
    AttributeMetric(MODEL, UNDER, "corrupted change"),
    ReadInterventions(MODEL, UNDER),
    AblateSet(MODEL, UNDER, STEERED.interventions),
    AblateSet(MODEL, PAIR, OFF, ROWS),
    ScoreEdges(MODEL, PAIR),
    ScoreEdges(MODEL, PAIR, "mean", ROWS),
    MeasureCurve(MODEL, PAIR, "mean", "sign"),
    MeasureCircuit(MODEL, PAIR, "mean", ((1, 1), (2, 0))),
    MeasureCircuit(MODEL, PAIR, "corrupted", edges=(("L1H1", "L2H0.q"),), rows=ROWS),
    CheckEdges(MODEL, PAIR, "zero", (("L1H1", "L2H0.q"), ("MLP 0", "logits"))),
    AskStrength(MODEL, STEERED, 1),
    AskStrength(MODEL, STEERED, 0, (0.0, 0.5, 2.0)),
    AskStrength(MODEL, STEERED, 1, (-0.5, 0.0, 0.5), (3, 4), placebos=5),
]


def answered(answerer, asked):
    return tuple((request, list(answerer.answer(request))[-1]) for request in asked)


def fake(request):
    ((_, answer),) = answered(FakeAnswerer(), [request])
    return answer


def test_every_kind_of_answer_is_kept_and_nobody_writes_to_its_arrays(answerer):
    answers = answered(answerer, ASKED)
    assert {type(request) for request in ASKED} == {kind.request for kind in KINDS.values()}
    found = again(saved(answers=answers)).answers
    assert same(found, answers)
    assert model_shape(found) == (LAYERS, FAKE_HEADS)
    (sweep,) = (answer for request, answer in found if request == ASKED[0])
    with pytest.raises(ValueError, match="read-only"):
        sweep.values[0] = 1


def test_what_a_real_model_answers_is_kept(dispatcher):
    pair = PromptPair(
        "A cat and a dog. A cat and a", "A cow and a dog. A cow and a", " dog", " cat"
    )
    under = replace(pair, interventions=(Intervention(Site("z", 0, 1), "zero"),))
    rows = (PairRow(pair), PairRow(replace(pair, clean=pair.clean.replace("cat", "pig"))))
    asked = [
        requests.Patching(MODEL, pair),
        requests.Patching(MODEL, pair, EDGES, layer=1, head=0),
        requests.Patching(MODEL, PromptPair("", metric="rank"), HEADS, rows=rows),
        requests.WhoFeeds(MODEL, pair, ((1, 0),), "k"),
        requests.PathsInto(MODEL, pair, ((1, 0),)),
        *(
            requests.AttentionGrid(MODEL, pair, measure=measure)
            for measure in ("pattern", "scores", "values", "contribution")
        ),
        requests.AttentionGrid(MODEL, pair, rows=rows),
        requests.AttentionHead(MODEL, pair, ((1, 0), (0, 1)), hide_first=True),
        requests.AttentionFrom(MODEL, pair, 2),
        requests.ReadPair(MODEL, pair),
        requests.ReadPairs(MODEL, tuple(row.pair for row in rows)),
        requests.HeadRoles(MODEL, pair, rows),
        requests.ScoreHeads(MODEL),
        requests.ReadEvidence(MODEL, (pair,)),
        requests.OutputNorms(MODEL, pair),
        requests.LogitLens(MODEL, pair, 1),
        ReadLens(MODEL, pair, "corrupted"),
        LensMetric(MODEL, pair, "clean"),
        RankNeurons(MODEL, pair, "clean", 1),
        RankNeurons(MODEL, pair, "corrupted", 1, 2),
        NeuronSlopes(MODEL, pair, "clean", 1),
        ReadNeurons(MODEL, 1, (3, 0)),
        NeuronOverPrompt(MODEL, pair, "difference", 1, 3),
        Generate(MODEL, pair, "corrupted", 4, 0.7, 5, 0.9, 3),
        Generate(MODEL, under, count=3),
        ReadLens(MODEL, replace(under, more=(5, 9)), "clean"),
        requests.AttentionGrid(MODEL, replace(under, more=(5, 9), more_behind="corrupted")),
        requests.ReadMLP(MODEL, pair, 1, 1),
        requests.ReadHead(MODEL, pair, 1, 1, 1),
        requests.ReadEdge(MODEL, pair, 1, 1, 1, 0),
        requests.ReadPair(MODEL, under),
        requests.AttentionGrid(MODEL, under, "clean change"),
        requests.AttentionHead(MODEL, under, ((1, 0),), "corrupted change", "contribution"),
        AttributeMetric(MODEL, under, "clean change"),
        ReadActivation(MODEL, under, "blocks.1.attn.hook_q", "corrupted change"),
    ]
    answers = answered(dispatcher, asked)
    assert same(again(saved(answers=answers)).answers, answers)


def test_equal_arrays_are_stored_once(answerer):
    (one,) = answered(answerer, [ASKED[0]])
    other = replace(ASKED[0], direction="noising"), replace(one[1], direction="noising")
    once = len(to_bytes(saved(answers=(one,))))
    assert len(to_bytes(saved(answers=(one, other)))) < once + 1_000


def test_a_table_is_written_once_however_many_answers_are_about_it(answerer):
    rows = tuple(PairRow(PromptPair(f"{at}" * 50, f"{-at}" * 50)) for at in range(200))
    asked = [requests.AttentionGrid(MODEL, PAIR, rows=rows, hide_first=of) for of in (False, True)]
    one, two = answered(answerer, asked)
    sizes = [size_of_answers(of, MODEL) for of in ((one,), (one, two))]
    assert sizes[1] - sizes[0] < sizes[0] / 2
    assert same(again(saved(answers=(one, two))).answers, (one, two))


def test_the_size_is_said_before_anything_is_written(answerer):
    answers = answered(answerer, ASKED)
    more = len(to_bytes(saved(answers=answers))) - len(to_bytes(saved()))
    size = size_of_answers(answers, MODEL)
    assert more * 0.5 < size < more * 2
    assert size_of_answers((), MODEL) == 0


def test_what_no_file_keeps_is_left_out(answerer):
    find = requests.FindTokens(MODEL, PAIR.clean_prompt, "a")
    of_other = requests.ReadPair(ModelKey("other"), PAIR)
    of_many = requests.ReadEvidence(MODEL, (PAIR,) * 17)
    answers = answered(answerer, [find, of_other, of_many, ASKED[0]])
    first, *_ = answerer.answer(requests.ReadPair(MODEL, PAIR))
    half = requests.ReadPair(MODEL, PAIR), first
    found = again(saved(answers=(*answers, half))).answers
    assert [request for request, _ in found] == [ASKED[0]]


def test_answers_are_about_the_model_that_is_found(answerer):
    answers = answered(answerer, ASKED)
    here = ModelKey("/here", device="cpu")
    found = from_bytes(to_bytes(saved(answers=answers))).about(here)
    assert [request for request, _ in found.answers] == [
        replace(request, model=here) for request in ASKED
    ]


ONE = {type(request): request for request in reversed(ASKED)}
SWEEP, GRID, READ_PAIR = (
    ONE[kind] for kind in (requests.Patching, requests.AttentionGrid, requests.ReadPair)
)
SWEEP_OF_HEADS = requests.Patching(MODEL, PAIR, HEADS)


def of_axis(answer, **changes):
    first, *rest = answer.axes
    return replace(answer, axes=(replace(first, **changes), *rest))


def of_state(answer, state):
    states = answer.states.copy()
    states.flat[0] = state
    return replace(answer, states=states)


def of_nan(answer):
    values = answer.values.copy()
    values.flat[0] = np.nan
    return replace(of_state(answer, CellState.EXACT), values=values)


def of_side(answer, place):
    strongest = answer.strongest.copy()
    strongest[0, 0] = place
    return replace(answer, strongest=strongest)


MISFITS = {
    "fewer values": (SWEEP, lambda of: replace(of, values=of.values[1:])),
    "fewer states": (SWEEP, lambda of: replace(of, states=of.states[1:])),
    "fewer estimates": (SWEEP_OF_HEADS, lambda of: replace(of, estimates=of.estimates[1:])),
    "an axis more": (SWEEP, lambda of: replace(of, axes=(*of.axes, of.axes[0]))),
    "axes in turn": (SWEEP, lambda of: replace(of, axes=of.axes[::-1], values=of.values.T)),
    "another axis": (SWEEP, lambda of: of_axis(of, name="head")),
    "fewer labels": (SWEEP, lambda of: of_axis(of, labels=of.axes[0].labels[1:])),
    "odd places": (SWEEP, lambda of: of_axis(of, coordinates=(9, *of.axes[0].coordinates[1:]))),
    "an odd state": (SWEEP, lambda of: of_state(of, 6)),
    "NaN": (SWEEP, of_nan),
    "no share": (SWEEP, lambda of: replace(of, clean=of.corrupted)),
    "a share of NaN": (SWEEP, lambda of: replace(of, clean=float("nan"))),
    "a share of far too much": (SWEEP, lambda of: replace(of, corrupted=-1e308)),
    "another metric": (SWEEP, lambda of: replace(of, metric="rank")),
    "another way": (SWEEP, lambda of: replace(of, direction="noising")),
    "one end": (SWEEP, lambda of: replace(of, spread=Spread(1, 1, 0, of.values))),
    "odd ends": (SWEEP, lambda of: replace(of, spread=Spread(1, 1, 0, of.values, of.values[1:]))),
    "other inputs": (ONE[requests.PathsInto], lambda of: of_axis(of, labels=("q", "k", "v", "o"))),
    "other heads": (ONE[requests.WhoFeeds], lambda of: replace(of, heads=((0, 0),))),
    "another measure": (ONE[requests.AttentionHead], lambda of: replace(of, measure="pattern")),
    "a layer less": (GRID, lambda of: replace(of, layers=of.layers - 1)),
    "fewer scores": (GRID, lambda of: replace(of, scores=of.scores[1:])),
    "no ends": (GRID, lambda of: replace(of, measure="values")),
    "beyond": (GRID, lambda of: of_side(of, 99)),
    "before": (GRID, lambda of: of_side(of, -2)),
    "broken": (GRID, lambda of: replace(of, broken=np.zeros(3, np.bool_))),
    "no scale": (GRID, lambda of: replace(of, full=float("inf"))),
    "not to its end": (READ_PAIR, lambda of: replace(of, complete=False)),
    "differing": (READ_PAIR, lambda of: replace(of, differing=(4,))),
    "surprisals": (READ_PAIR, lambda of: replace(of, clean=replace(of.clean, surprisals=(1.0,)))),
    "a pair less": (ONE[requests.ReadPairs], lambda of: replace(of, rows=of.rows[1:])),
    "effects": (ONE[requests.HeadRoles], lambda of: replace(of, attention=of.ablation[1:])),
    "a flat effect": (ONE[requests.HeadRoles], lambda of: replace(of, ablation=of.ablation[0])),
    "queries": (ONE[requests.ScoreHeads], lambda of: replace(of, queries=(1,))),
    "copied": (ONE[requests.ScoreHeads], lambda of: replace(of, copied=of.copied[:1])),
    "estimated": (ONE[requests.ScoreHeads], lambda of: replace(of, unsettled=("entropy",))),
    "raw copying": (ONE[requests.ScoreHeads], lambda of: replace(of, raw_copying=of.copied)),
    "norms": (ONE[requests.OutputNorms], lambda of: of_axis(of, name="position")),
    "evidence": (ONE[requests.ReadEvidence], lambda of: replace(of, total=2)),
    "metrics": (ONE[requests.LogitLens], lambda of: replace(of, metric=of.metric[1:])),
    "no rows": (ONE[requests.LogitLens], lambda of: replace(of, top=(), metric=())),
    "a lens's tokens": (ONE[ReadLens], lambda of: replace(of, tokens=of.tokens[..., :1])),
    "a lens's names": (ONE[ReadLens], lambda of: replace(of, names={})),
    "a lens's rows": (ONE[ReadLens], lambda of: replace(of, states=np.zeros_like(of.states))),
    "a lens's answers": (ONE[ReadLens], lambda of: replace(of, chosen=())),
    "a lens's NaN": (ONE[ReadLens], lambda of: replace(of, entropy=of.entropy * np.nan)),
    "a flat metric": (ONE[LensMetric], lambda of: replace(of, values=of.values[0])),
    "attention": (ONE[requests.ReadHead], lambda of: replace(of, tokens=(Token(1, "a"),))),
}


@pytest.mark.parametrize("name", MISFITS)
def test_an_answer_that_does_not_fit_is_refused_and_never_written(name):
    request, changed = MISFITS[name]
    answer = fake(request)
    check_fit(request, answer)
    with pytest.raises(ValueError, match=r"^[a-z]"):
        check_fit(request, changed(answer))
    assert again(saved(answers=((request, changed(answer)),))).answers == ()


def test_answers_of_different_models_are_refused():
    sweep = fake(SWEEP)
    smaller = replace(
        sweep,
        axes=(Axis("layer", (0,), ("L0",)), sweep.axes[1]),
        values=sweep.values[:1],
        states=sweep.states[:1],
    )
    check_fit(SWEEP, smaller)
    with pytest.raises(ValueError, match="different models"):
        model_shape(((SWEEP, sweep), (SWEEP, smaller)))
    found = again(saved(answers=((SWEEP, sweep), (SWEEP, smaller))))
    assert same(found.answers, ((SWEEP, sweep),))


def test_a_document_without_answers_says_nothing_of_them():
    assert b"answers" not in to_bytes(saved(Document(MODEL, PAIR)))
    assert model_shape(()) == (None, None)


def test_a_pair_that_was_kept_before_changes_were_told_is_read():
    reading = fake(requests.ReadPair(MODEL, UNDER))
    record = to_record(reading, stored.PairReading)
    assert to_value(record, PairReading, "a pair") == reading
    plain = msgspec.to_builtins(record)
    for side in (plain["clean"], plain["corrupted"]):
        del side["metric_before"]
        for likely in side["top"]:
            del likely["before"]
    old = to_value(msgspec.convert(plain, stored.PairReading), PairReading, "a pair")
    assert old.clean.metric == reading.clean.metric
    assert (old.clean.metric_before, old.clean.top[0].before) == (None, None)
