"""What torch computed → what the window may hold: float32 copies in host memory, and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from lensgui.analysis.checks import unequal
from lensgui.analysis.heads.readout import HeadReadout
from lensgui.analysis.neurons.numbering import most_neurons
from lensgui.analysis.pairs.answers import Answers, is_unknown
from lensgui.analysis.run.predictions import read_out
from lensgui.analysis.run.run import Run
from lensgui.checkpoints.content import content_id
from lensgui.checkpoints.devices import devices
from lensgui.checkpoints.locate import folder_of, locate
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.readings import (
    HeadReading,
    LensReading,
    Likely,
    PairReading,
    PromptReading,
    Token,
)
from lensgui.models import known_models, store
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.terms.metric import Metric
from lensgui.terms.metrics import LogitDifference
from lensgui.terms.model_key import ModelKey
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text import tokens as text

_TOKENS: WeakKeyDictionary[HookedTransformer, dict[int, Token]] = WeakKeyDictionary()
_LAST: WeakKeyDictionary[Run, Tensor] = WeakKeyDictionary()  # logits of last positions
TOP = 8  # how many likely tokens the window shows


def token_of(model: HookedTransformer, token: int) -> Token:
    """Return a token as the window shows it."""
    known = _TOKENS.setdefault(model, {})
    if token not in known:
        known[token] = Token(
            token,
            text.to_single_str_token(model, token),
            text.token_bytes(model, token),
            token in model.tokenizer.all_special_ids,
        )
    return known[token]


def pair_warnings(pair: PromptPair, clean: list[int], corrupted: list[int], skip: int) -> list[str]:
    """Return what is wrong or surprising about a pair of prompts.

    Args:
        pair: The pair as typed.
        clean: Its token ids.
        corrupted: Likewise; empty while there is only one prompt.
        skip: How many tokens in front nobody typed.
    """
    named = {"clean": pair.clean, "corrupted": pair.corrupted}
    found = [
        f"The {name} prompt ends in a space; most tokens bring their own, so the model rarely "
        "sees one there."
        for name, typed in named.items()
        if typed.endswith(" ")
    ]
    if not corrupted:
        return found
    if reason := unequal(len(clean), len(corrupted)):
        found.append(reason)
    elif clean == corrupted:
        found.append("The prompts are identical: patching one into the other changes nothing.")
    elif not skip and clean[0] != corrupted[0]:
        found.append(
            "The prompts differ at position 0, an attention sink: what stands there is hardly "
            "represented. "
            "Put a beginning-of-sequence token in front."
        )
    return found


def model_card(key: ModelKey, model: HookedTransformer) -> ModelCard:
    """Describe a model that has been opened."""
    cfg, tokenizer = model.cfg, model.tokenizer
    place = None if key.is_in_memory else locate(key.source)
    facts = (
        {"licence": "its owner's"} if place is None else known_models.read_card(folder_of(place))
    )
    dtype = str(cfg.dtype).removeprefix("torch.")
    choices = [] if tokenizer is None else list(tokenizer.all_special_tokens)
    return ModelCard(
        key=key,
        title=str(facts.get("title", cfg.model_name)),
        licence=str(facts.get("licence", "see its model card")),
        device=str(model.embed.W_E.device.type),
        devices=devices(),
        dtype=dtype,
        n_layers=cfg.n_layers,
        n_heads=cfg.n_heads,
        n_key_value_heads=cfg.kv_heads,
        n_ctx=cfg.n_ctx,
        n_params=sum(weight.numel() for weight in _distinct(model)),
        bos=(tokenizer.bos_token if tokenizer is not None else None) or "",
        bos_choices=tuple(dict.fromkeys(choices)),
        verified=None if place is None else store.read_verification(place, dtype),
        remark="; ".join(step for step in cfg.processing if "skipped" in step),
        digits=_digits(model),
        content_id="" if place is None else content_id(place),
        n_neurons=most_neurons(model),
    )


def _digits(model: HookedTransformer) -> int:
    """Return how many digits make one token: 2, 1, or 0 where the vocabulary has none."""
    for count, numbers in ((2, range(10, 100)), (1, range(10))):
        ids = [text.encode_continuation(model, str(number)) for number in numbers]
        if all(len(of) == 1 and not is_unknown(model, of) for of in ids):
            return count
    return 0


def _distinct(model: HookedTransformer) -> list[Tensor]:
    """Return a model's own parameters: shared memory once, absent (zero) biases left out."""
    seen: dict[int, Tensor] = {}
    for weight in model.parameters():
        seen.setdefault(weight.data_ptr(), weight)
    return [weight for weight in seen.values() if weight.ndim > 1 or bool(weight.any())]


def no_prompt() -> PromptReading:
    """Return the reading of an empty prompt."""
    return PromptReading(())


def has_bos(model: HookedTransformer, prompt: Prompt, tokens: Tensor) -> bool:
    """Return whether a prompt's first token was put in front rather than typed."""
    typed = len(text.encode(model, prompt.text, prepend_bos=False))
    return len(tokens) > typed + len(prompt.more)


def pair_reading(
    model: HookedTransformer,
    pair: PromptPair,
    clean: Run,
    corrupted: Run | None,
    warnings: list[str],
) -> PairReading:
    """Describe a pair's tokens, before any layer has run."""
    both = [
        None
        if run is None
        else PromptReading(
            tuple(token_of(model, token) for token in run.ids),
            has_bos(model, prompt, run.tokens),
        )
        for run, prompt in ((clean, pair.clean_prompt), (corrupted, pair.corrupted_prompt))
    ]
    assert both[0] is not None
    differing: tuple[int, ...] = ()
    if corrupted is not None and len(corrupted.tokens) == len(clean.tokens):
        pairs = enumerate(zip(clean.ids, corrupted.ids, strict=True))
        differing = tuple(at for at, (one, other) in pairs if one != other)
    return PairReading(both[0], both[1], differing, warnings=tuple(warnings))


def finished_reading(
    reading: PairReading,
    found: Answers,
    clean: Run,
    corrupted: Run | None,
    ends: Sequence[Run],
) -> PairReading:
    """Add likeliest tokens, answers and metric to a pair's reading; all runs must be complete.

    Args:
        reading: The tokens.
        found: The answers.
        clean: The clean prompt's run.
        corrupted: The corrupted prompt's.
        ends: The runs that the metric is read from, as many as there are prompts.
    """
    model = clean.model
    metric = known_metric(found, clean)
    values = [None if metric is None else metric_of(run, metric) for run in (*ends, *ends)]
    tokens = [token_of(model, ids[0]) if ids else None for ids in (found.answer, found.distractor)]
    return replace(
        reading,
        clean=_finished(reading.clean, clean, values[0]),
        corrupted=None
        if corrupted is None or reading.corrupted is None
        else _finished(reading.corrupted, corrupted, values[1]),
        answer=tokens[0],
        distractor=tokens[1],
        warnings=reading.warnings + found.warnings,
        complete=True,
    )


def compared_reading(
    reading: PairReading,
    pair: PromptPair,
    found: Answers,
    plain: Sequence[Run],
    ends: Sequence[Run],
) -> PairReading:
    """Add to a pair's finished reading what it is without interventions; all runs are complete.

    Args:
        reading: What it is under them.
        pair: The pair.
        found: The answers.
        plain: The runs without interventions, as many as there are prompts.
        ends: Those that the metric is read from.
    """
    metric, compared = known_metric(found, plain[0]), list[PromptReading]()
    readings = [of for of in (reading.clean, reading.corrupted) if of is not None]
    prompts = pair.clean_prompt, pair.corrupted_prompt
    for of, prompt, run, end in zip(readings, prompts, plain, ends, strict=False):
        top = of.top
        if prompt.under is not None:
            chances = last_logits(run).softmax(-1)
            top = tuple(replace(one, before=float(chances[one.token.id])) for one in top)
        value = None if metric is None else metric_of(end, metric)
        compared.append(replace(of, top=top, metric_before=value))
    clean, *others = compared
    return replace(reading, clean=clean, corrupted=others[0] if others else reading.corrupted)


def _finished(reading: PromptReading, run: Run, value: float | None) -> PromptReading:
    return replace(reading, top=tuple(_likely(run, TOP)), metric=value)


def known_metric(found: Answers, clean: Run) -> Metric | None:
    """Return the metric, comparing with the complete clean run if it compares; None if none."""
    metric = found.metric
    if metric is not None and metric.compares:
        return metric.against(exact(last_logits(clean)))
    return metric


@torch.no_grad()
def metric_of(run: Run, metric: Metric) -> float:
    """Return the metric of a complete run; one that compares must know the clean run already."""
    residual = run.residuals[-1]
    read = residual[-metric.reads :] if metric.reads > 1 else residual[-1]
    return float(metric.of_columns(exact(read_out(run.model, read, metric.columns))))


def ending(run: Run, found: Answers) -> Run:
    """Return the run that a metric is read from: of an answer of several tokens, a longer one.

    Args:
        run: A prompt's run.
        found: The answers.

    Raises:
        ValueError: If prompt and answer are longer than the model takes.
    """
    if not found.continuation:
        return run
    tokens, most = found.ending(run.tokens), run.model.cfg.n_ctx
    if len(tokens) > most:
        raise ValueError(f"Prompt and answer have more than the {most} tokens this model takes.")
    return Run(run.model, tokens, leader=run)


@torch.no_grad()
def last_logits(run: Run) -> Tensor:
    """Return the logits of the last position of a complete run, [d_vocab], kept with the run."""
    if run not in _LAST:
        stream = run.residuals[-1][-1]
        _LAST[run] = run.model.unembed.columns(run.model.ln_final(stream)).float()
    return _LAST[run]


@torch.no_grad()
def read_last(runs: Sequence[Run]) -> None:
    """Work out the logits of complete runs under the same interventions, W_U being read once."""
    first = runs[0]
    if len(runs) > 1 and all(run.model is first.model for run in runs) and first not in _LAST:
        model, streams = first.model, torch.stack([run.residuals[-1][-1] for run in runs])
        for run, logits in zip(runs, model.unembed.columns(model.ln_final(streams)), strict=True):
            _LAST[run] = logits.float()


def likeliest(run: Run, count: int) -> list[int]:
    """Return the ids of a complete run's likeliest next tokens, likeliest first."""
    ids: list[int] = last_logits(run).topk(count).indices.tolist()
    return ids


def _likely(run: Run, count: int) -> list[Likely]:
    return _top(run.model, last_logits(run), count)


def _top(model: HookedTransformer, logits: Tensor, count: int) -> list[Likely]:
    """Return the likeliest tokens of logits [d_vocab]."""
    best = logits.topk(min(count, len(logits)))
    probabilities = logits.softmax(-1)[best.indices].tolist()
    return [
        Likely(token_of(model, token), probability, logit)
        for token, probability, logit in zip(
            best.indices.tolist(), probabilities, best.values.tolist(), strict=True
        )
    ]


def head_reading(run: Run, readout: HeadReadout) -> HeadReading:
    """Return what a head reads and writes, in words."""
    return HeadReading(
        tuple(token_of(run.model, token) for token in run.ids),
        tuple(readout.attention.tolist()),
        readout.attribution,
        extremes(run.model, readout.effect),
        extremes(run.model, readout.effect, largest=False),
    )


def extremes(
    model: HookedTransformer, effect: Tensor, largest: bool = True
) -> tuple[tuple[Token, float], ...]:
    """Return the tokens on which an effect [d_vocab] is largest, or smallest, with its size."""
    end = effect.topk(min(TOP, len(effect)), largest=largest)
    return tuple(
        (token_of(model, token), value)
        for token, value in zip(end.indices.tolist(), end.values.tolist(), strict=True)
    )


def lens_reading(
    model: HookedTransformer, logits: Tensor, metric: LogitDifference | None
) -> LensReading:
    """Return a logit lens [layer, d_vocab] in words."""
    curve: Any = (
        () if metric is None else metric.of_columns(exact(logits[:, list(metric.columns)])).tolist()
    )
    return LensReading(tuple(_top(model, row.float(), 1)[0] for row in logits), tuple(curve))


def check_position(run: Run, position: int) -> None:
    """Refuse a position that the prompt does not have.

    Raises:
        ValueError: With a sentence that says how many there are.
    """
    if not 0 <= position < len(run.tokens):
        raise ValueError(
            f"There is no position {position}: the prompt has {len(run.tokens)} tokens."
        )
