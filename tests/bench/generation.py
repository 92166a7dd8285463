"""How fast the model writes, beside Hugging Face's own `generate` with its cache, at one thread."""

from __future__ import annotations

import time
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from lensgui.analysis.continuation import Continuation, continue_prompt
from lensgui.analysis.interventions.directions import token_direction
from lensgui.analysis.interventions.listed import Interventions, keep_vector
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import Intervention, Site
from tests.bench.figures import Spread

ROUNDS, TOKENS = 7, 32
LEAST = 0.8  # tokens a second, of Hugging Face's
MOST = 2.2  # of before and after together to one alone


def seconds(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def written(run) -> list[int]:
    return [one.token for one in continue_prompt(run, TOKENS, stop_at_eos=False)]


def both(runs) -> None:
    """Before and after, a layer of each in turn, as the window's worker does."""
    going = [Continuation(run, stop_at_eos=False).steps(TOKENS) for run in runs]
    while going:
        going = [one for one in going if next(one, 0) is None]


@torch.no_grad()
def compare(model, folder, pair) -> tuple[str, bool]:
    """One row of the table of figures, printed with its details, and whether its bars hold."""
    torch.set_num_threads(1)
    other: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    layers, prompt = model.cfg.n_layers, pair.clean
    token = keep_vector("the answer", token_direction(model, pair.metric.answer[0]))
    three = Interventions(
        (
            Intervention(Site("z", 2 * layers // 3, 0), "zero"),
            Intervention(Site("resid_pre", layers // 2), "add_median", strength=0.2, vector=token),
            Intervention(Site("mlp_out", layers // 3), "scale", strength=0.5),
        ),
    )

    def theirs() -> list[int]:
        text = other.generate(
            prompt[None],
            attention_mask=torch.ones_like(prompt[None]),
            max_new_tokens=TOKENS,
            min_new_tokens=TOKENS,
            do_sample=False,
            pad_token_id=0,
        )
        return text[0, len(prompt) :].tolist()

    def ours() -> list[int]:
        return written(Run(model, prompt))

    def before_and_after() -> None:
        plain = Run(model, prompt).complete()
        both([plain, intervened_runs(plain, three)[0]])

    is_same = ours() == theirs()
    one, reference, two = ([] for _ in range(3))
    for _ in range(ROUNDS):
        one.append(seconds(ours))
        reference.append(seconds(theirs))
        two.append(seconds(before_and_after))
    found, beside, together = (Spread.of(of).median for of in (one, reference, two))
    speed, times = beside / found, together / found
    print(
        f"\ngeneration: {TOKENS} tokens behind {len(prompt)} at {TOKENS / found:.1f} a second, "
        f"Hugging Face {TOKENS / beside:.1f}: {speed:.2f}× (bar {LEAST:g}), "
        f"{'the same' if is_same else 'OTHER'} tokens\n"
        f"  before and after three interventions together {times:.2f}× one alone (bar {MOST:g})"
    )
    row = f"| {TOKENS} tokens, greedy | 1 | {found:.2f} s | {beside:.2f} s (Hugging Face)"
    holds = speed >= LEAST and times <= MOST and is_same
    return f"{row} | {speed:.2f}× as fast; before and after {times:.2f}× one | |", holds


if __name__ == "__main__":
    from lensgui.checkpoints.loading import open_model
    from lensgui.models.known_models import path
    from tests.bench.probe import DEMO
    from tests.bench.sweeps import Pair

    opened = open_model(DEMO, folded=False, device="cpu", dtype="float32")
    print(compare(opened, path(DEMO), Pair.stored("ioi"))[0])
