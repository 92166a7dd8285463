"""The bench: the loaded model, the runs it has made, and an answer to every request."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Iterator
from typing import assert_never

import torch

from lensgui.circuits.heads import read_head
from lensgui.circuits.lens import logit_lens
from lensgui.circuits.questions import ModelKey, Prompt, PromptPair
from lensgui.circuits.runs import Run
from lensgui.circuits.sweeps import sweep
from lensgui.engine.loading import open_model
from lensgui.engine.model import HookedTransformer
from lensgui.jobs import drawings, readings
from lensgui.jobs.prompts import Answers, answers, encode, pair_warnings
from lensgui.jobs.requests import (
    AttentionGrid,
    AttentionHead,
    LogitLens,
    OpenModel,
    Patching,
    ReadHead,
    ReadPair,
    Request,
)
from lensgui.jobs.slices import Answer, Atlas, PairReading, Sweep

RUNS_BUDGET = 1 << 30  # bytes of runs kept for the next question


class Bench:
    """What the worker's thread owns: one model, and the runs of the prompts last asked about."""

    def __init__(self, threads: int | None = None) -> None:
        """Start without a model.

        Args:
            threads: How many threads torch may use; None to leave one core to the window.
        """
        torch.set_num_threads(threads or max(1, torch.get_num_threads() - 1))
        gc.freeze()
        self._key: ModelKey | None = None
        self._model: HookedTransformer | None = None
        self._runs: OrderedDict[tuple[int, ...], Run] = OrderedDict()

    def answer(self, request: Request) -> Iterator[Answer | None]:
        """Yield ever more of the answer to a request; None where only time has passed.

        Raises:
            ModelError: If the model can't be had.
            ValueError: If the question has no answer; the message is a sentence for the user.
        """
        match request:
            case OpenModel():
                return self._open_model(request)
            case ReadPair():
                return self._read_pair(request)
            case AttentionGrid():
                return self._attention_grid(request)
            case AttentionHead():
                return self._attention_head(request)
            case Patching():
                return self._patching(request)
            case ReadHead():
                return self._read_head(request)
            case LogitLens():
                return self._logit_lens(request)
        assert_never(request)

    def _use(self, key: ModelKey) -> HookedTransformer:
        """Return a model, loading it in the place of another if need be."""
        if self._model is None or key != self._key:
            self._runs.clear()
            self._model, self._key = None, None
            self._model = open_model(key.source, key.folded, key.device, key.dtype)
            self._key = key
            gc.freeze()
        return self._model

    def _run(self, model: HookedTransformer, prompt: Prompt) -> Run:
        """Return a prompt's run, perhaps not yet complete, from those kept if it is there."""
        tokens = encode(model, prompt)
        name = tuple(tokens.tolist())
        if name not in self._runs:
            self._runs[name] = Run(model, tokens)
        self._runs.move_to_end(name)
        while len(self._runs) > 2 and sum(run.nbytes for run in self._runs.values()) > RUNS_BUDGET:
            self._runs.popitem(last=False)
        return self._runs[name]

    def _open_model(self, request: OpenModel) -> Iterator[Answer | None]:
        yield None  # lets a newer job go first, and the window see that this one has begun
        yield readings.model_card(request.model, self._use(request.model))

    def _read_pair(self, request: ReadPair) -> Iterator[Answer | None]:
        model, pair = self._use(request.model), request.pair
        if not pair.clean:
            yield PairReading(
                readings.no_prompt(), warnings=("Type a clean prompt to begin.",), complete=True
            )
            return
        clean = self._run(model, pair.clean_prompt)
        corrupted = self._run(model, pair.corrupted_prompt) if pair.is_complete else None
        ids = [[] if run is None else run.tokens.tolist() for run in (clean, corrupted)]
        skip = readings.has_bos(model, pair.clean_prompt, clean.tokens)
        warnings = pair_warnings(pair, ids[0], ids[1], skip)
        reading = readings.pair_reading(model, pair, clean, corrupted, warnings)
        yield reading
        for run in (clean, corrupted):
            for _ in run.steps() if run is not None else ():
                yield None
        yield readings.finished_reading(reading, pair, clean, corrupted)

    def _answers(self, pair: PromptPair, clean: Run) -> Answers:
        """Return a pair's answers; the clean run must be complete."""
        return answers(clean.model, pair, readings.likeliest(clean, 2))

    def _attention_grid(self, request: AttentionGrid) -> Iterator[Answer | None]:
        model = self._use(request.model)
        run = self._run(model, request.prompt)
        drawing = drawings.AtlasDrawing(run, request.hide_first)
        for layer in range(model.cfg.n_layers):
            for _ in run.steps(layer + 1):
                yield None
            for group in range(model.cfg.kv_heads):
                drawing.add(layer, group)
                if len(run.tokens) > drawings.ATLAS_SIDE:
                    yield None
            atlas: Atlas = drawing.picture()
            yield atlas

    def _attention_head(self, request: AttentionHead) -> Iterator[Answer | None]:
        model = self._use(request.model)
        run = self._run(model, request.prompt)
        readings.check_head(model, request.layer, request.head)
        for _ in run.steps(request.layer + 1):
            yield None
        yield drawings.head_slice(run, request.layer, request.head, request.hide_first)

    def _patching(self, request: Patching) -> Iterator[Answer | None]:
        model, pair = self._use(request.model), request.pair
        clean, corrupted = (
            self._run(model, pair.clean_prompt),
            self._run(model, pair.corrupted_prompt),
        )
        for _ in clean.steps():
            yield None
        metric = readings.required_metric(self._answers(pair, clean))
        known = -1
        sweeping = sweep(model, clean, corrupted, metric, request.kind, request.direction)
        for result in sweeping:
            settled = int(result.values.isfinite().sum())
            slice_: Sweep | None = None
            if settled != known:
                slice_ = drawings.sweep_slice(corrupted, result, request.direction)
                known = settled
            yield slice_

    def _read_head(self, request: ReadHead) -> Iterator[Answer | None]:
        model = self._use(request.model)
        run = self._run(model, request.pair.clean_prompt)
        readings.check_head(model, request.layer, request.head)
        readings.check_position(run, request.position)
        for _ in run.steps():
            yield None
        metric = self._answers(request.pair, run).metric
        readout = read_head(run, request.layer, request.head, request.position, metric)
        yield readings.head_reading(run, readout)

    def _logit_lens(self, request: LogitLens) -> Iterator[Answer | None]:
        model = self._use(request.model)
        run = self._run(model, request.pair.clean_prompt)
        readings.check_position(run, request.position)
        for _ in run.steps():
            yield None
        logits = logit_lens(run, request.position)
        yield readings.lens_reading(model, logits, self._answers(request.pair, run).metric)
