"""What an intervention does by how strong it is, beside what random directions do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lensgui.analysis.interventions.listed import Interventions, keep_vector
from lensgui.analysis.interventions.under import Given, intervened_runs
from lensgui.analysis.run.predictions import compared, read_metric, read_out
from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import HAVE_STRENGTH, OF_WORDS, OFF_DISTRIBUTION, STRENGTHS
from lensgui.terms.metric import Metric
from lensgui.transformer.layers.embed import check_ids
from lensgui.transformer.layers.parameters import exact


@dataclass(frozen=True, slots=True, eq=False)
class StrengthCurve:
    """What an intervention does by its strength, as far as it is known.

    Attributes:
        strengths: How strong it is, in order.
        metric: The metric under it, [strength], in the metric's unit; NaN where not yet known.
        probabilities: Of the tokens that were asked for, at the last position, [strength, token].
        divergence: KL(next token without it ‖ with it) at the last position, in nats, [strength].
    """

    strengths: tuple[float, ...]
    metric: Tensor
    probabilities: Tensor
    divergence: Tensor

    @property
    def is_off_distribution(self) -> Tensor:
        """Where the next token is no longer that of such a prompt, [strength]."""
        return self.divergence > OFF_DISTRIBUTION


@torch.no_grad()
def strength_curve(
    clean: Run,
    interventions: Given,
    which: int,
    metric: Metric,
    tokens: Sequence[int] = (),
    strengths: Sequence[float] = STRENGTHS,
    corrupted: Run | None = None,
) -> Iterator[StrengthCurve]:
    """Run a prompt under an intervention at one strength after the other, nearest to 0 first.

    Args:
        clean: The prompt's run without interventions.
        interventions: All that is done; the others stay as they are.
        which: The number of the one whose strength changes.
        metric: What is read.
        tokens: Tokens whose probabilities are wanted.
        strengths: How strong.
        corrupted: The other prompt's run, where an intervention takes values from it.

    Yields:
        The curve, often; the arrays are the same each time.

    Raises:
        ValueError: If there is no such intervention or token, or one can't be done.
    """
    given, model = Interventions.of(interventions), clean.model
    if not 0 <= which < len(given.listed):
        raise ValueError(f"There is no intervention {which}: there are {len(given.listed)}.")
    check_ids(tuple(tokens), model.cfg.d_vocab_out, model.cfg.model_name)
    in_order = tuple(sorted(strengths))
    one = replace(given.listed[which], strength=0.0).on()
    if one.op not in HAVE_STRENGTH or not one.acts_on("clean"):
        raise ValueError(f"{one.site} {OF_WORDS[one.op]}: that has no strength on this prompt.")
    rest = (*given.listed[:which], one.on(False), *given.listed[which + 1 :])
    metric = compared(model, metric, clean.complete().residuals[-1])
    without = _log_probs(_under(clean, replace(given, listed=rest), corrupted))
    unknown = torch.full((len(in_order),), torch.nan, dtype=torch.float64)
    every = torch.full((len(in_order), len(tokens)), torch.nan, dtype=torch.float64)
    curve = StrengthCurve(in_order, unknown, every, unknown.clone())
    for at in sorted(range(len(in_order)), key=lambda at: abs(in_order[at])):
        strong = replace(one, strength=in_order[at])
        listed = (*given.listed[:which], strong, *given.listed[which + 1 :])
        run = _under(clean, replace(given, listed=listed), corrupted)
        for _ in run.steps():
            yield curve
        log_probs = _log_probs(run)
        curve.metric[at] = read_metric(run, metric)
        curve.divergence[at] = float((without.exp() * (without - log_probs)).sum())
        curve.probabilities[at] = log_probs[list(tokens)].exp().cpu()
        yield curve


def _under(clean: Run, given: Interventions, corrupted: Run | None) -> Run:
    return intervened_runs(clean, given, corrupted)[0]


def _log_probs(run: Run) -> Tensor:
    """Return the log-probabilities of the next token, [token], as exact as can be."""
    last = run.complete().residuals[-1][-1:]
    with run.model.standing.at(run.span.where[-1:]):
        return exact(read_out(run.model, last))[0].log_softmax(-1)


@torch.no_grad()
def placebo_vectors(
    vector: Tensor,
    stream: Tensor | None = None,
    count: int = 16,
    seed: int = 0,
) -> Tensor:
    """Draw random directions as long as a vector: what it does beside them is its own.

    Args:
        vector: The vector, [d_model].
        stream: Rows of the stream where it is added, [row, d_model], of which placebos then have
            the covariance; None for directions that are equally likely.
        count: How many.
        seed: Of the draw.

    Returns:
        [placebo, d_model], in float32.

    Raises:
        ValueError: If the rows are too few, or all alike.
    """
    generator = torch.Generator().manual_seed(seed)
    if stream is None:
        drawn = torch.randn(count, len(vector), generator=generator)
    else:
        rows = stream.float().cpu() - stream.float().cpu().mean(0)
        if len(rows) < 2 or not rows.any():
            raise ValueError("The stream's covariance needs two rows at least that differ.")
        drawn = torch.randn(count, len(rows), generator=generator) @ rows
    length = torch.linalg.vector_norm(vector.float()).cpu()
    placed: Tensor = drawn / torch.linalg.vector_norm(drawn, dim=-1, keepdim=True) * length
    return placed


def control_tokens(run: Run, token: int, count: int = 5, others: Sequence[int] = ()) -> list[int]:
    """Return the tokens whose probability at the end of a prompt is most like a token's.

    Args:
        run: The prompt's run, which is completed.
        token: The token.
        count: How many.
        others: Tokens that are not to be among them.

    Raises:
        ValueError: If there is no such token.
    """
    check_ids((token,), run.model.cfg.d_vocab_out, run.model.cfg.model_name)
    log_probs = _log_probs(run)
    apart = (log_probs - log_probs[token]).abs()
    left_out = {token, *others}
    apart[[*left_out]] = torch.inf
    count = min(count, len(apart) - len(left_out))
    return apart.topk(count, largest=False).indices.tolist()


def placebos(given: Interventions, which: int, vectors: Tensor) -> Iterator[Interventions]:
    """Yield interventions with one vector exchanged for each of some others.

    Args:
        given: All that is done.
        which: The number of the one whose vector is exchanged.
        vectors: [placebo, d_model].
    """
    for number, vector in enumerate(vectors):
        named = keep_vector(f"random direction {number + 1}", vector)
        one = replace(given.listed[which], vector=named)
        listed = (*given.listed[:which], one, *given.listed[which + 1 :])
        yield replace(given, listed=listed)
