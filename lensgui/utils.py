"""The odds and ends that notebooks import from their library's `utils`."""

from functools import partial

from lensgui.analysis.evaluations import look_at_prompt as test_prompt
from lensgui.checkpoints.devices import best_device as get_device
from lensgui.import_paths import find
from lensgui.notebook_names import (
    USE_DEFAULT_VALUE,
    gelu_fast,
    gelu_new,
    get_corner,
    is_lower_triangular,
    is_square,
    remove_batch_dim,
    to_numpy,
    transpose,
)
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.hooks.slices import Slice, SliceInput
from lensgui.transformer.layers.activations import ACTIVATIONS as ACTIVATION_FN_DICT
from lensgui.transformer.layers.activations import solu
from lensgui.transformer.loss import lm_accuracy, lm_cross_entropy_loss
from lensgui.transformer.text.sampling import sample_logits
from lensgui.transformer.weights.factored import composition_scores

__all__ = [
    "ACTIVATION_FN_DICT",
    "USE_DEFAULT_VALUE",
    "Slice",
    "SliceInput",
    "composition_scores",
    "gelu_fast",
    "gelu_new",
    "get_act_name",
    "get_corner",
    "get_device",
    "is_lower_triangular",
    "is_square",
    "lm_accuracy",
    "lm_cross_entropy_loss",
    "remove_batch_dim",
    "sample_logits",
    "solu",
    "test_prompt",
    "to_numpy",
    "transpose",
]
__getattr__ = partial(find, "utils", known=__all__)
