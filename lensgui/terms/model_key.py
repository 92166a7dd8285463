"""Which model is meant, exactly."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MODEL = "smollm2-135m"
TOY_MODEL = "toy"
BEST_DEVICE = "best"
NUMBER_FORMATS = ("float32", "bfloat16", "float16", "float64")  # as torch calls them
MEMORY = "memory:"  # begins the source of a model that somebody handed over


@dataclass(frozen=True, slots=True)
class ModelKey:
    """Which model is meant, exactly: two equal keys give the same numbers.

    Attributes:
        source: A name of `lensgui models list`, a hub name, or the path of a folder; of a model
            that was handed over in memory, "memory:" and a name of its own.
        folded: Whether LayerNorm is folded and writing weights are centred, as the field does by
            default.
        device: "best", "cpu", "cuda" or "mps".
        dtype: "float32", "bfloat16", "float16" or "float64".
    """

    source: str = DEFAULT_MODEL
    folded: bool = False
    device: str = BEST_DEVICE
    dtype: str = "float32"

    @property
    def is_in_memory(self) -> bool:
        """Whether somebody handed the model over: it can't be opened from anywhere."""
        return self.source.startswith(MEMORY)
