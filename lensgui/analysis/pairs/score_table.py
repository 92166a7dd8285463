"""All scores of all heads in one call: what the table of heads shows, as plain tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from lensgui.analysis.heads.copied import copied_shares
from lensgui.analysis.heads.copying import copying_scores
from lensgui.analysis.heads.evidence import attention_from, mean_output_norms
from lensgui.analysis.heads.necessity import attribute_heads
from lensgui.analysis.heads.repeated import repeated_tokens, score_on_repeats
from lensgui.analysis.heads.scores import head_scores, strongest_edges, targets
from lensgui.analysis.pairs.answers import answers
from lensgui.analysis.pairs.averages import sweep_cases
from lensgui.analysis.pairs.cases import case_of
from lensgui.analysis.pairs.roles import at_places, matched_rows
from lensgui.analysis.pairs.typed_pairs import run_prompt, sweep_pair
from lensgui.analysis.run.run import Run
from lensgui.prompts.pair import PairRow
from lensgui.terms.kinds import HEADS, Direction
from lensgui.terms.scores import PROMPT_SCORES, REPEATED_SCORES, SCORES
from lensgui.transformer.model import HookedTransformer

_SCORED = tuple(score for score in SCORES if score.key != "estimate")


@torch.no_grad()
def score_heads(
    model: HookedTransformer,
    rows: Sequence[PairRow],
    names: Sequence[str] = REPEATED_SCORES,
    edge: tuple[int, int] | None = None,
) -> dict[str, Tensor]:
    """Score every head in several ways at once.

    What depends on prompts is read of the clean ones, and is the mean over the pairs; exact sweeps
    run both prompts.

    Args:
        model: The model; it must have no hooks.
        rows: The pairs; prompts laid out differently are matched by their roles.
        names: Which scores, by the keys of `lensgui.terms.scores.SCORES`: "induction", "copying",
            "attribution", "restores", "entropy here" and so on. Only what they need is worked out.
        edge: Destination and source whose attention is "edge"; of rows with roles, the roles'
            numbers.

    Returns:
        Scores by their names, [layer, head] each, in float64 and host memory; NaN where a head or a
        prompt has none.

    Raises:
        ValueError: If there is no such score, no edge for "edge", or a pair lacks what a score
            needs: two answers, or a corrupted prompt of as many tokens.
    """
    known = [score.key for score in _SCORED]
    for name in names:
        if name not in known:
            raise ValueError(f"There is no score {name!r}; there are {', '.join(known)}.")
    table = _Table(model, rows, edge)
    origins = {score.key: score.origin for score in _SCORED}
    return {name: table.read[origins[name]](name).cpu().double() for name in names}


class _Table:
    """What scores are read off, worked out when first needed."""

    def __init__(
        self, model: HookedTransformer, rows: Sequence[PairRow], edge: tuple[int, int] | None
    ) -> None:
        self._model, self._rows, self._edge = model, rows, edge
        self.read: dict[str, Callable[[str], Tensor]] = {
            "repeats": lambda name: self._repeats[REPEATED_SCORES.index(name)],
            "weights": self._of_weights,
            "edge": lambda _: self._along(),
            "answer": lambda _: self._attribution(),
            "sweep": self._swept,
            "prompt": lambda name: self._prompt[PROMPT_SCORES.index(name.removesuffix(" here"))],
            "outputs": lambda _: _mean([mean_output_norms(run) for run in self._runs]),
        }

    @cached_property
    def _repeats(self) -> Tensor:
        *_, found = score_on_repeats(self._model, repeated_tokens(self._model))
        assert found is not None
        return found.scores

    def _of_weights(self, name: str) -> Tensor:
        if name in ("top 5", "bottom 5"):
            return self._shares[("top 5", "bottom 5").index(name)]
        *_, found = copying_scores(self._model, raw=name == "raw copying")
        assert found is not None
        return found

    @cached_property
    def _shares(self) -> Tensor:
        *_, found = copied_shares(self._model)
        assert found is not None
        return found

    @cached_property
    def _runs(self) -> list[Run]:
        return [run_prompt(self._model, row.pair.clean_prompt) for row in self._rows]

    @cached_property
    def _places(self) -> Sequence[tuple[int, ...]]:
        """Where roles stand in each row's prompts; () where positions are matched by number."""
        if not any(row.roles for row in self._rows):
            return [()] * len(self._rows)
        return matched_rows(self._model, self._rows)[1] or [()] * len(self._rows)

    def _along(self) -> Tensor:
        if self._edge is None:
            raise ValueError("Attention along an edge needs one: name destination and source.")
        position, source = self._edge
        found = []
        for run, at in zip(self._runs, self._places, strict=True):
            places = at or range(len(run.tokens))
            if not -len(places) <= source <= position < len(places):
                raise ValueError(
                    f"There is no edge {position} → {source}: there are {len(places)} positions, "
                    "and no head looks ahead."
                )
            *_, rows = attention_from(run, places[position])
            found.append(rows[..., places[source]])
        return _mean(found)

    def _attribution(self) -> Tensor:
        found = []
        for run, row in zip(self._runs, self._rows, strict=True):
            difference = answers(self._model, row.pair).difference
            if difference is not None:
                *_, written = attribute_heads(run, difference)
                found.append(written)
        if not found:
            raise ValueError("Direct attribution is to answer − distractor: name two answers.")
        return _mean(found)

    def _swept(self, name: str) -> Tensor:
        direction: Direction = "noising" if name == "breaks" else "denoising"
        if len(self._rows) == 1:
            *_, one = sweep_pair(self._model, self._rows[0].pair, HEADS, direction)
            shown = one.shown
        else:
            cases = [case_of(self._model, row) for row in self._rows]
            *_, mean = sweep_cases(self._model, cases, HEADS, direction)
            assert mean is not None
            shown = mean.shown
        return -shown if name == "breaks" else shown

    @cached_property
    def _prompt(self) -> Tensor:
        """Every one of `PROMPT_SCORES`, [score, layer, head]."""
        needed = [targets(run.tokens) for run in self._runs]
        layers = []
        for layer in range(self._model.cfg.n_layers):
            groups = range(self._model.cfg.kv_heads)
            patterns = [run.patterns(layer, groups) for run in self._runs]
            scores = _mean([head_scores(*of) for of in zip(patterns, needed, strict=True)])
            seen = _mean([at_places(*of) for of in zip(patterns, self._places, strict=True)])
            if self._places[0]:
                seen = F.pad(seen, (1, 0, 1, 0))  # by role position 0 is like any other
            layers.append(torch.cat([scores, strongest_edges(seen)[0][None]]))
        return torch.stack(layers, 1)


def _mean(parts: Sequence[Tensor]) -> Tensor:
    return torch.stack([*parts]).mean(0)
