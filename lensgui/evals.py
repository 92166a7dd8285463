"""Evaluations under the names that notebooks import."""

from functools import partial

from lensgui.analysis.evaluations import induction_loss, ioi_eval
from lensgui.import_paths import find

__all__ = [
    "induction_loss",
    "ioi_eval",
]
__getattr__ = partial(find, "evals", known=__all__)
