"""Evaluations under the names that notebooks import."""

from lensgui.analysis.evaluations import ioi_eval

__all__ = [
    "ioi_eval",
]
