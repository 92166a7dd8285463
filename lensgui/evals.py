"""Evaluations under the names that notebooks import."""

from lensgui.circuits.evaluations import (
    ioi_eval,
)

__all__ = [
    "ioi_eval",
]
