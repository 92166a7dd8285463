"""Is it the same model? The same prompt through lensgui and through Hugging Face's own code.

The comparison runs in a process of its own, whose memory is given back whole, and is stored: once
for each set of weights, versions and number format.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lensgui.models import store
from lensgui.terms.errors import ModelError
from lensgui.terms.resources import own_command

AGREES = 1e-3  # logits or nats; in float32 and float64 a larger difference is a failure
_PRECISE = ("float32", "float64")


@dataclass(frozen=True, slots=True)
class Verification:
    """How far lensgui is from Hugging Face, over every position and token of one prompt.

    Attributes:
        logits: The largest |difference| of logits, weights as they are.
        log_probabilities: Likewise of log-probabilities, in nats.
        folded: Likewise of log-probabilities, in nats, with every folding step applied.
        dtype: The number format of both.
    """

    logits: float
    log_probabilities: float
    folded: float
    dtype: str = "float32"

    @property
    def agrees(self) -> bool:
        """Whether it is the same model, as far as the number format can tell."""
        bar = AGREES if self.dtype in _PRECISE else float("inf")
        figures = (self.logits, self.log_probabilities, self.folded)
        return all(figure <= bar and figure != float("inf") for figure in figures)


def verify(place: Path, dtype: str = "float32", is_automatic: bool = False) -> Verification:
    """Compare a model with the Hugging Face forward, and store the figures if they agree.

    Args:
        place: The model's folder, or its only safetensors file.
        dtype: "float32", "float64", "bfloat16" or "float16".
        is_automatic: Whether nobody asked for it: it must not fill the memory then.

    Raises:
        ModelError: If the model has no tokenizer, either copy can't be opened, or it is automatic
            and two copies exceed the free memory.
    """
    options = ["--dtype", dtype, "--child", *(["--once"] if is_automatic else [])]
    process = subprocess.run(
        [*own_command(), "models", "check", str(place), *options], capture_output=True, text=True
    )
    answer = _last_object(process.stdout)
    if "logits" not in answer:
        last = (process.stderr.strip().splitlines() or [f"status {process.returncode}"])[-1]
        raise ModelError(answer.get("message", f"{place.name} could not be compared ({last})."))
    measured = Verification(**answer)
    if measured.agrees:
        store.write_verification(place, measured.logits, dtype, asdict(measured))
    return measured


def _last_object(output: str) -> dict[str, Any]:
    """Return the last line as the JSON object that it is; {} if it is none."""
    try:
        found = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
