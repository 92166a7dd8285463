"""A answerer without a model: made-up numbers that follow from the question, and a gate."""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answerer import Limits
from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.readings import (
    HeadReading,
    LensReading,
    Likely,
    PairReading,
    PromptReading,
    Token,
)
from lensgui.jobs.answers.reply import Answer
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
    OpenCircuit,
    SaveCircuit,
    ScoreEdges,
    SuggestCircuit,
)
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.jobs.questions.intervention_requests import (
    AblateSet,
    AskStrength,
    MakeVector,
    ReadInterventions,
)
from lensgui.jobs.questions.lens_requests import AverageLens, LensMetric, LensWorth, ReadLens
from lensgui.jobs.questions.neuron_requests import (
    FindPlaces,
    NeuronOverPrompt,
    NeuronSlopes,
    RankNeurons,
    ReadNeurons,
)
from lensgui.jobs.request import Request
from lensgui.jobs.requests import (
    AttentionFrom,
    AttentionGrid,
    AttentionHead,
    CompareFormats,
    FindReplacements,
    FindTokens,
    HeadRoles,
    LogitLens,
    OpenModel,
    OutputNorms,
    Patching,
    PathsInto,
    ReadEdge,
    ReadEvidence,
    ReadHead,
    ReadMLP,
    ReadPair,
    ReadPairs,
    ScoreHeads,
    VerifyCell,
    WhoFeeds,
)
from lensgui.prompts.pair import Prompt, PromptPair
from tests.fakes import activations as fake_activations
from tests.fakes import attention as fake_attention
from tests.fakes import attributions as fake_attributions
from tests.fakes import circuits as fake_circuits
from tests.fakes import generation as fake_generation
from tests.fakes import heads as fake_heads
from tests.fakes import interventions as fake_interventions
from tests.fakes import lenses as fake_lenses
from tests.fakes import models as fake_models
from tests.fakes import neurons as fake_neurons
from tests.fakes import pairs as fake_pairs
from tests.fakes import sweeps as fake_sweeps

LAYERS, HEADS, GROUPS = 6, 4, 2
NEURONS = 40
WAIT = 20  # seconds after which a test that forgot to open a gate fails


class FakeAnswerer:
    """Answers every request with numbers that nobody can mistake for real ones.

    Attributes:
        gate: Each step of a sweep waits here, once the gate is held.
        asked: Every request that was begun, in order.
        left: Requests whose generators were left before their end.
        broken: Kinds of request that raise, each with what it raises.
        held: Kinds of request that wait at the gate after their first answer.
        limits: How much of the machine it may use, as it was last said; None before that.
    """

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.is_gated = False
        self.asked: list[Request] = []
        self.left: list[Request] = []
        self.broken: dict[type, Exception] = {}
        self.held: set[type] = set()
        self.limits: Limits | None = None
        self.thread = threading.current_thread()

    def answer(self, request: Request) -> Iterator[Answer | None]:
        self.asked.append(request)
        if type(request) in self.broken:
            raise self.broken[type(request)]
        whole = False
        try:
            yield from self._answers(request)
            whole = True
        finally:
            if not whole:
                self.left.append(request)

    def limit(self, limits: Limits) -> None:
        self.limits = limits

    def _answers(self, request: Request) -> Iterator[Answer | None]:
        if isinstance(request, Patching):
            return fake_sweeps.steps(request, self._wait)
        return self._in_turn(request)

    def _in_turn(self, request: Request) -> Iterator[Answer | None]:
        for number, answer in enumerate(MADE_UP[type(request)](request)):
            if number and type(request) in self.held:
                assert self.gate.acquire(timeout=WAIT)
            yield answer

    def _wait(self) -> None:
        if self.is_gated:
            assert self.gate.acquire(timeout=WAIT)


def noise(seed: str, *shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(zlib.crc32(seed.encode("utf-8", "replace"))).random(
        shape, np.float32
    )


def tokens(text: str) -> tuple[Token, ...]:
    words = re.findall(r" ?[^\s]+|\s", text)
    return tuple(Token(zlib.crc32(word.encode()) % 50_000, word, word.encode()) for word in words)


def tokens_of(prompt: Prompt) -> tuple[Token, ...]:
    """A prompt's tokens, with those behind its text."""
    return (*tokens(prompt.text), *(Token(at, f" +{at}", b"+") for at in prompt.more))


def difference(clean: tuple[Token, ...], corrupted: tuple[Token, ...]) -> tuple[int, ...]:
    if len(clean) != len(corrupted):
        return ()
    return tuple(
        at for at, pair in enumerate(zip(clean, corrupted, strict=True)) if pair[0] != pair[1]
    )


def card(request: OpenModel) -> ModelCard:
    return ModelCard(
        key=request.model,
        title="Fake model of made-up numbers",
        licence="none",
        device="cpu",
        devices=("cpu",),
        dtype=request.model.dtype,
        n_layers=LAYERS,
        n_heads=HEADS,
        n_key_value_heads=GROUPS,
        n_ctx=512,
        n_params=1_000_000,
        bos="<|begin|>",
        bos_choices=("<|begin|>", "<|other|>"),
        verified=2.1e-5,
        n_neurons=NEURONS,
    )


def read_pair(pair: PromptPair) -> Iterator[PairReading]:
    clean = PromptReading(tokens_of(pair.clean_prompt))
    corrupted = PromptReading(tokens_of(pair.corrupted_prompt)) if pair.corrupted else None
    differing = difference(clean.tokens, corrupted.tokens) if corrupted else ()
    warnings = ("The clean prompt ends in a space.",) if pair.clean.endswith(" ") else ()
    yield PairReading(clean, corrupted, differing, warnings=warnings)
    answer, distractor = (
        (tokens(text) or (Token(1, default),))[0]
        for text, default in ((pair.answer, " likeliest"), (pair.distractor, " second"))
    )
    is_under = any(one.is_on for one in pair.interventions)
    before = (0.9375, 0.0) if is_under else (None, None)
    top = (Likely(answer, 0.75, 14.2, before[0]), Likely(distractor, 0.125, 12.4, before[1]))
    metrics = (4.1, -7.25) if is_under else (None, None)
    yield PairReading(
        PromptReading(clean.tokens, top=top, metric=1.8, metric_before=metrics[0]),
        PromptReading(corrupted.tokens, top=top[::-1], metric=-6.2, metric_before=metrics[1])
        if corrupted
        else None,
        differing,
        answer,
        distractor,
        warnings,
        complete=True,
    )


def axis(name: str, labels: list[str]) -> Axis:
    return Axis(name, tuple(range(len(labels))), tuple(labels))


def read_head(request: ReadHead) -> HeadReading:
    found = tokens(request.pair.clean)
    if request.position >= len(found):
        raise ValueError(f"Position {request.position} is beyond the prompt's {len(found)} tokens.")
    attention = noise(f"read{request}", request.position + 1)
    shares = tuple(float(share) for share in attention / attention.sum())
    words = [(Token(at, f" word{at}"), 3.0 - at) for at in range(6)]
    return HeadReading(found, shares, 1.25, tuple(words[:3]), tuple(words[:2:-1]))


def lens(request: LogitLens) -> LensReading:
    rows = noise(f"lens{request}", LAYERS + 1)
    top = tuple(Likely(Token(7, " word"), float(row), 1.0) for row in rows)
    return LensReading(top, tuple(float(row) * 8 - 4 for row in rows))


MADE_UP: dict[type, Callable[[Any], Iterable[Answer]]] = {
    OpenModel: lambda request: [card(request)],
    ReadPair: lambda request: read_pair(request.pair),
    AttentionGrid: fake_attention.attention,
    AttentionHead: lambda request: [fake_attention.head(request)],
    AttentionFrom: lambda request: [fake_attention.rows(request)],
    ScoreHeads: lambda request: fake_heads.scores(request),
    OutputNorms: lambda request: [fake_heads.norms(request)],
    ReadEvidence: lambda request: [fake_heads.evidence(request)],
    ReadHead: lambda request: [read_head(request)],
    ReadEdge: lambda request: [fake_heads.edge(request)],
    ReadMLP: lambda request: [fake_heads.mlp(request)],
    CompareFormats: fake_models.formats,
    LogitLens: lambda request: [lens(request)],
    MapModel: lambda request: [fake_activations.model_map(request)],
    ReadActivation: lambda request: [fake_activations.piece(request)],
    AttributeMetric: lambda request: [fake_attributions.parts(request)],
    AttributeSources: lambda request: [fake_attributions.sources(request)],
    AttributeNeurons: lambda request: [fake_attributions.neurons(request)],
    ReadLens: fake_lenses.grid,
    LensMetric: lambda request: [fake_lenses.metric(request)],
    AverageLens: fake_lenses.mean,
    LensWorth: lambda request: [fake_lenses.worth(request)],
    RankNeurons: lambda request: [fake_neurons.ranking(request)],
    NeuronSlopes: lambda request: [fake_neurons.products(request)],
    ReadNeurons: lambda request: [fake_neurons.words(request)],
    NeuronOverPrompt: lambda request: [fake_neurons.over_prompt(request)],
    ReadInterventions: lambda request: [fake_interventions.read(request)],
    AskStrength: fake_interventions.strength,
    AblateSet: fake_interventions.ablated,
    ScoreEdges: fake_circuits.table,
    CheckEdges: fake_circuits.checks,
    MeasureCircuit: fake_circuits.circuit,
    MeasureCurve: fake_circuits.curve,
    SuggestCircuit: fake_circuits.suggestion,
    OpenCircuit: fake_circuits.opened,
    SaveCircuit: fake_circuits.saved,
    MakeVector: lambda request: [fake_interventions.made(request)],
    FindPlaces: fake_neurons.places,
    Generate: fake_generation.written,
    VerifyCell: lambda request: [fake_sweeps.verification(request)],
    HeadRoles: lambda request: [fake_sweeps.roles(request)],
    WhoFeeds: lambda request: [fake_sweeps.feeding(request)],
    PathsInto: lambda request: [fake_sweeps.totals(request)],
    ReadPairs: fake_pairs.rows,
    FindTokens: lambda request: [fake_pairs.matches(request)],
    FindReplacements: lambda request: [fake_pairs.replacements(request)],
}
