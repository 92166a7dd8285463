"""An answer to every request: which function answers which, about the model that is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lensgui.jobs import requests
from lensgui.jobs.answerer import Limits
from lensgui.jobs.handlers import attention, heads, in_words, pairs, sweeps
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.requests import Request
from lensgui.jobs.results import Answer
from lensgui.models import recognised
from lensgui.terms.model_key import ModelKey
from lensgui.transformer.model import HookedTransformer

Handler = Callable[[Loaded, Any], Iterator[Answer | None]]


def open_model(loaded: Loaded, request: requests.OpenModel) -> Iterator[Answer | None]:
    """Open a model and say what it is."""
    yield None  # lets a newer job go first, and the window see that this one has begun
    card = in_words.model_card(request.model, loaded.use(request.model, may_be_hooked=True))
    if card.content_id:
        recognised.remember(card.content_id, request.model.source)
    yield card


HANDLERS: dict[type[Request], Handler] = {
    requests.OpenModel: open_model,
    requests.ReadPair: pairs.read_pair,
    requests.ReadPairs: pairs.read_pairs,
    requests.FindTokens: pairs.find_tokens,
    requests.FindReplacements: pairs.find_replacements,
    requests.AttentionGrid: attention.attention_grid,
    requests.AttentionHead: attention.attention_head,
    requests.AttentionFrom: attention.attention_rows,
    requests.ScoreHeads: heads.score_heads,
    requests.ReadEvidence: heads.read_evidence,
    requests.Patching: sweeps.patching,
    requests.VerifyCell: sweeps.verify_cell,
    requests.HeadRoles: heads.head_roles,
    requests.WhoFeeds: heads.who_feeds,
    requests.PathsInto: heads.paths_into,
    requests.ReadHead: heads.read_head_at,
    requests.ReadEdge: heads.read_edge_at,
    requests.ReadMLP: heads.read_mlp_at,
    requests.LogitLens: heads.read_lens,
}


class Dispatcher:
    """Answers requests, each by its handler."""

    def __init__(
        self,
        threads: int | None = None,
        given: Mapping[ModelKey, HookedTransformer] | None = None,
    ) -> None:
        """Start without a model open; arguments as `Loaded` takes them."""
        self.loaded = Loaded(threads, given)

    def answer(self, request: Request) -> Iterator[Answer | None]:
        """Yield ever more of the answer to a request; None where only time has passed.

        Raises:
            ModelError: If the model can't be had.
            ValueError: If the question has no answer; the message is a sentence for the user.
        """
        return HANDLERS[type(request)](self.loaded, request)

    def limit(self, limits: Limits) -> None:
        """Use no more of the machine than that from now on."""
        self.loaded.limit(limits)
