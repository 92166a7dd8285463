"""The library on a GPU: right, and how fast. Four minutes at most; each figure is printed at once.

    python3 -m tests.bench.gpu [--device cuda] [--json gpu.json] [--small]

It needs torch and einops, and no other package: no Qt, no transformers, no model's file. Weights
are random and made on the device; how fast a model is does not depend on them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from lensgui.analysis.attribution.components import attribute
from lensgui.analysis.heads.copying import copying_scores
from lensgui.analysis.heads.repeated import repeated_tokens, score_on_repeats
from lensgui.analysis.lenses.lens import LogitLens
from lensgui.analysis.lenses.reading import lens_metric, read_lens
from lensgui.analysis.neurons.gradients import neuron_effects
from lensgui.analysis.run.run import KEPT, Run
from lensgui.analysis.sweep.estimates.attribution import attribution_patch
from lensgui.analysis.sweep.sweep import sweep_many
from lensgui.terms.kinds import RESID_PRE, SWEEP_KINDS, SweepKind
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer

MOST_S = 240.0
TIMES = 5  # of which the median counts
EXACT = 2e-3  # the largest difference of logits in float32 to the CPU's, of sizes up to 30
METRIC = LogitDifference(answer=(3,), distractor=(7,))
NINE = (
    *(SweepKind(name) for name in ("resid_pre", "resid_mid", "attn_out", "mlp_out")),
    *(SweepKind(name, "all") for name in ("z", "q", "k", "v", "pattern")),
)
GPT2 = HookedTransformerConfig(
    n_layers=12, d_model=768, n_heads=12, d_head=64, d_mlp=3072, n_ctx=1024, d_vocab=50257,
    act_fn="gelu_new", normalization_type="LN", seed=0,
)  # fmt: skip
SMOL = HookedTransformerConfig(
    n_layers=30, d_model=576, n_heads=9, n_key_value_heads=3, d_head=64, d_mlp=1536, n_ctx=2048,
    d_vocab=49152, act_fn="silu", normalization_type="RMS", positional_embedding_type="rotary",
    gated_mlp=True, seed=0,
)  # fmt: skip
LARGE = HookedTransformerConfig(
    n_layers=32, d_model=4096, n_heads=32, n_key_value_heads=8, d_head=128, d_mlp=14336,
    n_ctx=8192, d_vocab=128256, act_fn="silu", normalization_type="RMS",
    positional_embedding_type="rotary", gated_mlp=True, dtype=torch.bfloat16, seed=0,
)  # fmt: skip
Figure = dict[str, Any]


def small(cfg: HookedTransformerConfig) -> HookedTransformerConfig:
    """A model of the same kind that a CPU runs at once."""
    heads = 2 * (cfg.n_heads // (cfg.n_key_value_heads or cfg.n_heads))
    groups = 2 if cfg.n_key_value_heads else None
    return replace(
        cfg, n_layers=2, d_model=32, n_heads=heads, n_key_value_heads=groups, d_head=8,
        d_value=8, rotary_dim=None, d_mlp=48, d_vocab=97, n_ctx=320,
    )  # fmt: skip


def made(cfg: HookedTransformerConfig, device: str) -> HookedTransformer:
    """A model with random weights on a device, where they are made."""
    with torch.device(device):
        model = HookedTransformer(replace(cfg, device=device), initialise=False)
    torch.manual_seed(0)
    for name, weight in model.named_parameters():
        is_scale = name.endswith(("ln1.w", "ln2.w", "ln_final.w"))
        weight.data.fill_(1.0) if is_scale else weight.data.normal_(0.0, 0.02)
    return model.requires_grad_(False).eval()


def prompts(cfg: HookedTransformerConfig, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two prompts that differ in one token, as a tokenizer gives them: in host memory."""
    clean = torch.randint(0, cfg.d_vocab, (tokens,), generator=torch.Generator().manual_seed(1))
    corrupted = clean.clone()
    corrupted[tokens * 2 // 3] = (int(clean[tokens * 2 // 3]) + 1) % cfg.d_vocab
    return clean, corrupted


def finish(device: str) -> None:
    """Wait until a device has done all it was asked."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
    elif torch.device(device).type == "mps":
        torch.mps.synchronize()


def timed(device: str, work: Callable[[], object], times: int = TIMES) -> float:
    """The median of what some work takes, in seconds; once before, it warms up."""
    found = []
    for _ in range(times + 1):
        finish(device)
        begun = time.perf_counter()
        work()
        finish(device)
        found.append(time.perf_counter() - begun)
    return statistics.median(found[1:])


@torch.no_grad()
def agreement(cfg: HookedTransformerConfig, device: str) -> Iterator[Figure]:
    """The same weights on the device and on the CPU, in float32: logits, a cache and sweeps."""
    here = made(replace(cfg, dtype=torch.float32, n_layers=2), "cpu")
    there = HookedTransformer(replace(here.cfg, device="cpu"), initialise=False)
    there.load_state_dict(here.state_dict())
    there = there.requires_grad_(False).eval().to(device)
    clean, corrupted = prompts(cfg, 14)
    largest = float((here(clean[None]) - there(clean[None].to(device)).cpu()).abs().max())
    yield figure("largest difference of logits to the CPU", largest, "logits", EXACT)
    _, ours = there.run_with_cache(clean[None].to(device))
    _, theirs = here.run_with_cache(clean[None])
    apart = ((ours[name].cpu() - theirs[name]).nan_to_num(0.0, 0.0, 0.0) for name in theirs)
    largest = max(float(difference.abs().max()) for difference in apart)
    yield figure("largest difference of any activation to the CPU", largest, "", EXACT)
    *_, swept = sweep_many(there, clean, corrupted, METRIC, SWEEP_KINDS)
    *_, expected = sweep_many(here, clean, corrupted, METRIC, SWEEP_KINDS)
    pairs = list(zip(swept, expected, strict=True))
    largest = max(float((one.values - other.values).abs().max()) for one, other in pairs)
    yield figure("largest difference of any patched cell to the CPU", largest, "logits", EXACT)
    known = readings(here, 14)
    for what, read in readings(there, 14).items():
        largest = float((read() - known[what]()).nan_to_num(0.0).abs().max())
        yield figure(f"largest difference to the CPU: {what}", largest, "", EXACT)


def last(steps: Iterable[Any]) -> Any:
    """The last thing that a generator yields which is not None."""
    *_, found = (step for step in steps if step is not None)
    return found


def readings(model: HookedTransformer, tokens: int) -> dict[str, Callable[[], torch.Tensor]]:
    """What is read of a run, each from the run on and by name: numbers, in host memory."""
    run = Run(model, prompts(model.cfg, tokens)[0]).complete()
    layer, lens = model.cfg.n_layers - 1, LogitLens()
    repeated = repeated_tokens(model)

    def cells() -> torch.Tensor:
        found = list(read_lens(run, lens, (3, 7)))
        parts = (torch.cat([one.chosen, one.log_probs], 1) for one in found)
        order = [place for one in found for place in zip(one.rows, one.positions, strict=True)]
        by_place = sorted(range(len(order)), key=lambda at: tuple(map(int, order[at])))
        return torch.cat(list(parts))[by_place]

    return {
        "a lens's metric at all rows": lambda: last(lens_metric(run, lens, METRIC)),
        "all of a lens's cells": cells,
        "attribution by head": lambda: last(attribute(run, METRIC)).by_head,
        "neurons' effects": lambda: neuron_effects(run, METRIC, layer),
        "scores on repeated tokens": lambda: last(score_on_repeats(model, repeated)).scores,
        "effective copying": lambda: last(copying_scores(model)),
    }


@torch.no_grad()
def reading(model: HookedTransformer, name: str, tokens: int) -> Iterator[Figure]:
    """What each reading takes from a run on; heads' scores are those of a model."""
    device = str(model.embed.W_E.device)
    for what, read in readings(model, tokens).items():
        yield in_ms(f"{name}: {what}, {tokens} tokens", timed(device, read, 3))


def forwards(model: HookedTransformer, name: str) -> Iterator[Figure]:
    """A forward pass and a cache of 14 tokens."""
    device, tokens = str(model.embed.W_E.device), prompts(model.cfg, 14)[0][None]
    tokens = tokens.to(device)
    with torch.no_grad():
        yield in_ms(f"{name}: forward of 14 tokens", timed(device, lambda: model(tokens)))
        seconds = timed(device, lambda: model.run_with_cache(tokens))
        yield in_ms(f"{name}: run_with_cache of everything", seconds)


def sweeps(
    model: HookedTransformer, name: str, kinds: Sequence[SweepKind], bar_ms: float | None = None
) -> Iterator[Figure]:
    """Kinds of sweeps of a pair of 14 tokens, one after the other; the bar is of all together."""
    device, total, cells = str(model.embed.W_E.device), 0.0, 0
    clean, corrupted = prompts(model.cfg, 14)

    def swept(kind: SweepKind) -> int:
        *_, (result,) = sweep_many(model, clean, corrupted, METRIC, (kind,))
        return int(result.values.isfinite().sum())

    for kind in kinds:
        seconds = timed(device, partial(swept, kind), 3)
        total, cells = total + seconds, cells + swept(kind)
        yield in_ms(f"{name}: sweep of {kind.activation}, {kind.extent}", seconds)
    yield in_ms(f"{name}: {len(kinds)} kind(s), {cells:,} cells, together", total, bar_ms)
    asked = model, clean, corrupted, METRIC, kinds
    seconds = timed(device, lambda: list(attribution_patch(*asked)), 3)
    yield in_ms(f"{name}: estimates of all these cells", seconds)


@torch.no_grad()
def typing(
    model: HookedTransformer, name: str, tokens: int, bar_ms: float | None = None
) -> Iterator[Figure]:
    """A key at the end of a long prompt: its run, and all heads' patterns of it, in host memory."""
    device = str(model.embed.W_E.device)
    whole = prompts(model.cfg, tokens + TIMES + 1)[0]
    runs = [Run(model, whole[:tokens]).complete()]
    groups = range(model.cfg.kv_heads)

    def key() -> None:
        length = len(runs[-1].ids) + 1
        runs.append(Run(model, whole[:length], leader=runs[-1]).complete())
        rows = [runs[-1].patterns(layer, groups, length - 1) for layer in range(model.cfg.n_layers)]
        torch.stack(rows).float().cpu()

    yield in_ms(f"{name}: a key at the end of {tokens} tokens", timed(device, key), bar_ms)
    seconds = timed(device, lambda: Run(model, whole[:tokens], KEPT).complete())
    yield in_ms(f"{name}: a whole run of {tokens} tokens, everything kept", seconds)


def figure(what: str, value: float, unit: str, bar: float | None = None) -> Figure:
    """A figure, and whether its bar holds, if it has one."""
    holds = bar is None or value <= bar
    return {"what": what, "value": value, "unit": unit, "bar": bar, "holds": holds}


def words(one: Figure) -> str:
    """A figure as it is printed."""
    said = f"{one['what']}: {one['value']:.4g} {one['unit']}"
    verdict = "holds" if one["holds"] else "MISSED"
    return said if one["bar"] is None else f"{said} (bar {one['bar']:g}: {verdict})"


def in_ms(what: str, seconds: float, bar: float | None = None) -> Figure:
    """A time."""
    return figure(what, seconds * 1e3, "ms", bar)


def parts(device: str, is_small: bool) -> Iterator[Iterator[Figure]]:
    """What is measured, in order; a model is let go of before the next is made."""
    fit = small if is_small else (lambda cfg: cfg)
    yield agreement(fit(GPT2), device)
    yield agreement(fit(SMOL), device)
    model = made(fit(GPT2), device)
    yield forwards(model, "GPT-2 small")
    yield sweeps(model, "GPT-2 small", NINE, 150.0)
    yield sweeps(model, "GPT-2 small", [kind for kind in SWEEP_KINDS if kind not in NINE])
    del model
    model = made(fit(SMOL), device)
    yield typing(model, "SmolLM2-135M", 300, 40.0)
    yield sweeps(model, "SmolLM2-135M", NINE)
    yield reading(model, "SmolLM2-135M", 14)
    del model
    model = made(fit(LARGE), device)
    yield forwards(model, "8 B in bfloat16")
    yield sweeps(model, "8 B in bfloat16", (RESID_PRE,), 1500.0)
    yield typing(model, "8 B in bfloat16", 300)
    yield reading(model, "8 B in bfloat16", 14)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="tests.bench.gpu", description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, mps or cpu")
    parser.add_argument("--json", type=Path, default=Path("gpu.json"), help="where figures go")
    parser.add_argument("--small", action="store_true", help="small models, to try this program")
    asked = parser.parse_args(arguments)
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("This torch sees no GPU: give --device cpu --small to try the program without one.")
        return 2
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    is_gpu = torch.device(asked.device).type == "cuda"
    name = torch.cuda.get_device_name() if is_gpu else asked.device
    found: list[Figure] = []
    begun, what = time.perf_counter(), {"device": name, "torch": torch.__version__}
    print(f"{name}, torch {torch.__version__}")
    for part in parts(asked.device, asked.small):
        if time.perf_counter() - begun > MOST_S - 40:
            print("The four minutes are nearly over: the rest is left out.")
            break
        for one in part:
            print(words(one), flush=True)
            found.append(one)
            most = torch.cuda.max_memory_allocated() / 1e9 if is_gpu else None
            seconds = time.perf_counter() - begun
            told = {**what, "seconds": seconds, "most_gigabytes": most, "figures": found}
            asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0 if all(one["holds"] for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
