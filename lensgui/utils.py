"""The odds and ends that notebooks import from their library's `utils`."""

from lensgui.circuits.evaluations import (
    look_at_prompt as test_prompt,
)
from lensgui.engine.devices import (
    best_device as get_device,
)
from lensgui.engine.factored import (
    composition_scores,
)
from lensgui.engine.generation import (
    sample_logits,
)
from lensgui.engine.loss import (
    lm_accuracy,
    lm_cross_entropy_loss,
)
from lensgui.engine.names import (
    get_act_name,
)
from lensgui.engine.notebook import (
    gelu_fast,
    gelu_new,
    remove_batch_dim,
    to_numpy,
)

__all__ = [
    "composition_scores",
    "gelu_fast",
    "gelu_new",
    "get_act_name",
    "get_device",
    "lm_accuracy",
    "lm_cross_entropy_loss",
    "remove_batch_dim",
    "sample_logits",
    "test_prompt",
    "to_numpy",
]
