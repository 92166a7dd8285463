"""Answers about one head, one edge, one MLP, and one position of the residual stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lensgui.analysis.heads.cards import MLPReadout, read_edge, read_mlp, score_keys
from lensgui.analysis.heads.readout import read_head
from lensgui.analysis.run.lens import logit_lens
from lensgui.analysis.run.overflow import check_finite
from lensgui.analysis.run.run import Run
from lensgui.jobs.answering import Answer
from lensgui.jobs.handlers import in_words
from lensgui.jobs.handlers.in_words import extremes
from lensgui.jobs.handlers.loaded import Desk
from lensgui.jobs.requests import LogitLens, ReadEdge, ReadHead, ReadMLP
from lensgui.jobs.results import EdgeReading, MLPReading, Neuron
from lensgui.prompts.pair import PromptPair
from lensgui.terms.metrics import LogitDifference

MOST_NEURONS = 6


def answer(
    desk: Desk, request: ReadHead | ReadEdge | ReadMLP | LogitLens
) -> Iterator[Answer | None]:
    """Yield ever more of the answer to a question about a head, an MLP or a position."""
    model = desk.use(request.model)
    run = desk.run(model, request.pair.clean_prompt)
    in_words.check_position(run, request.position)
    if isinstance(request, ReadHead | ReadEdge):
        in_words.check_head(model, request.layer, request.head)
    for _ in run.steps():
        yield None
    if not isinstance(request, LogitLens):  # whose first layers may still say something
        check_finite(run)
    match request:
        case ReadHead():
            yield from _read_head(desk, request, run)
        case ReadEdge():
            in_words.check_position(run, request.source)
            yield _read_edge(desk, request, run)
        case ReadMLP():
            in_words.check_layer(model, request.layer)
            metric = _difference(desk, request.pair, run)
            readout = read_mlp(run, request.layer, request.position, metric)
            yield _mlp_reading(run, readout)
        case LogitLens():
            logits = logit_lens(run, request.position)
            yield in_words.lens_reading(model, logits, _difference(desk, request.pair, run))


def _difference(desk: Desk, pair: PromptPair, run: Run) -> LogitDifference | None:
    """Return the logit difference of a pair; None without answers."""
    return desk.answers(pair, run).difference


def _read_head(desk: Desk, request: ReadHead, run: Run) -> Iterator[Answer | None]:
    place = request.layer, request.head, request.position
    readout = read_head(run, *place, _difference(desk, request.pair, run))
    reading = in_words.head_reading(run, readout)
    yield reading
    for scores in score_keys(run, *place):
        yield None if scores is None else replace(reading, sought=extremes(run.model, scores))


def _read_edge(desk: Desk, request: ReadEdge, run: Run) -> EdgeReading:
    place = request.layer, request.head, request.position, request.source
    readout = read_edge(run, *place, _difference(desk, request.pair, run))
    return EdgeReading(
        readout.attention,
        readout.contribution,
        extremes(run.model, readout.effect),
        extremes(run.model, readout.effect, largest=False),
    )


def _mlp_reading(run: Run, readout: MLPReadout) -> MLPReading:
    neurons: tuple[Neuron, ...] = ()
    if readout.activations is not None:
        sizes = readout.activations if readout.shares is None else readout.shares
        largest = sizes.abs().topk(min(MOST_NEURONS, len(sizes))).indices.tolist()
        neurons = tuple(
            Neuron(
                index,
                float(readout.activations[index]),
                None if readout.shares is None else float(readout.shares[index]),
            )
            for index in largest
        )
    return MLPReading(
        readout.attribution,
        extremes(run.model, readout.effect),
        extremes(run.model, readout.effect, largest=False),
        neurons,
    )
