"""Where the neurons of a layer are on most: in the prompts of a table, or in a text file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lensgui.analysis.neurons.numbering import check_neurons
from lensgui.analysis.neurons.places import HISTOGRAM_EDGES, StrongestPlaces, strongest_places
from lensgui.analysis.neurons.texts import TextContexts
from lensgui.analysis.pairs.answers import encode
from lensgui.jobs.answers.neurons import NeuronPlaces
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.in_words import token_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import host, host_ints
from lensgui.jobs.questions.neuron_requests import FindPlaces, TextFile
from lensgui.prompts.pair import PairRow
from lensgui.transformer.model import HookedTransformer

TOP = 10  # places of either end
PAUSE = 0.5  # seconds between two answers that grow


def find_places(loaded: Loaded, request: FindPlaces) -> Iterator[Answer | None]:
    """Yield the strongest places of ever more tokens."""
    model = loaded.use(request.model)
    check_neurons(model, request.layer, ())
    text = None if request.text is None else TextContexts(model, _unchanged(request.text))
    prompts = [] if text is not None else _prompts(model, request.rows)
    total = sum(map(len, prompts))
    growing = _Growing(model, text if text is not None else prompts, total)
    last, known = -PAUSE, 0
    whole: StrongestPlaces | None = None
    for found in strongest_places(model, request.layer, growing.contexts(), TOP):
        whole, now = found or whole, time.monotonic()
        if found is not None and now - last >= PAUSE:
            last, known = now, found.read
            yield growing.answer(found)
        else:
            yield None
    if whole is None:
        raise ValueError("There is no prompt in the table: add a pair, or choose a text file.")
    if whole.read != known:
        yield growing.answer(whole)


def _unchanged(text: TextFile) -> Path:
    """Return where a text file is.

    Raises:
        ValueError: If it is not there any more as it was chosen.
    """
    path = Path(text.path)
    try:
        stat = path.stat()
    except OSError as error:
        raise ValueError(f"{path.name} can't be read any more: choose it again.") from error
    if (stat.st_size, stat.st_mtime_ns) != (text.size, text.modified_ns):
        raise ValueError(f"{path.name} has changed since it was chosen: choose it again.")
    return path


def _prompts(model: HookedTransformer, rows: tuple[PairRow, ...]) -> list[tuple[int, ...]]:
    """Return the prompts of pairs, each once, as token ids: those of one length run together."""
    pairs = [row.pair for row in rows]
    prompts = dict.fromkeys(
        prompt for pair in pairs for prompt in (pair.clean_prompt, pair.corrupted_prompt)
    )
    found = [tuple(encode(model, prompt).tolist()) for prompt in prompts if prompt.text]
    return sorted(found, key=len)


class _Growing:
    """What was read so far, with the names of its tokens."""

    def __init__(
        self, model: HookedTransformer, source: TextContexts | list[tuple[int, ...]], total: int
    ) -> None:
        self._model, self._source, self._total = model, source, total
        self._tokens, self._starts = list[int](), list[int]()
        self._names: dict[int, Token] = {}

    def contexts(self) -> Iterator[tuple[int, ...]]:
        """Yield contexts, and note what they are."""
        for context in self._source:
            self._starts.append(len(self._tokens))
            self._tokens += context
            for token in context:
                if token not in self._names:
                    self._names[token] = token_of(self._model, token)
            yield context

    def answer(self, found: StrongestPlaces) -> NeuronPlaces:
        """Return what is known."""
        read = found.read
        return NeuronPlaces(
            host(found.highest),
            host_ints(found.highest_at),
            host(found.lowest),
            host_ints(found.lowest_at),
            host_ints(found.histogram),
            HISTOGRAM_EDGES,
            np.array(self._tokens[:read], np.int32),
            np.array([start for start in self._starts if start < read], np.int32),
            dict(self._names),
            self._total,
            isinstance(self._source, TextContexts) and self._source.is_cut,
        )
