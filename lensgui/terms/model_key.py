"""Which model is meant, exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace

DEFAULT_MODEL = "smollm2-135m"
TOY_MODEL = "toy"
BEST_DEVICE = "best"
NUMBER_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "float64": 8}  # as torch calls them
NUMBER_FORMATS = tuple(NUMBER_BYTES)
MEMORY = "memory:"  # begins the source of a model that somebody handed over
ABSENT = "absent:"  # begins the source of a model that a session names and that is not here


@dataclass(frozen=True, slots=True)
class ModelKey:
    """Which model is meant, exactly: two equal keys give the same numbers.

    Attributes:
        source: A name of `lensgui models list`, a hub name, or the path of a folder; of a model
            that was handed over in memory, "memory:" and a name of its own; of one that a session
            was made with and that is not on this machine, "absent:" and what it is called.
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

    @property
    def is_absent(self) -> bool:
        """Whether it is not on this machine: it is never looked for under its name."""
        return self.source.startswith(ABSENT)

    def on(self, device: str) -> ModelKey:
        """Return the same model on a device; it stays where it is if it was handed over or absent.

        The first runs as it was made, and of the second there are only numbers.
        """
        return self if self.is_in_memory or self.is_absent else replace(self, device=device)
