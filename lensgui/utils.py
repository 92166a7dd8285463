"""The odds and ends that notebooks import from their library's `utils`.

==========================================================  =====================================
there                                                       here
==========================================================  =====================================
get_act_name, Slice, SliceInput, to_numpy, get_device,      the same
remove_batch_dim, get_corner, transpose, is_square,
is_lower_triangular, composition_scores,
lm_cross_entropy_loss, lm_accuracy, sample_logits,
gelu_new, gelu_fast, solu, test_prompt
tokenize_and_concatenate, get_dataset, keep_single_column   none: they need the `datasets` package
download_file_from_hf, clear_huggingface_cache              none: `huggingface_hub` has them
get_tokenizer_with_bos, get_tokens_with_bos_removed,        none: `prepend_bos` of every method
get_input_with_manually_prepended_bos, get_attention_mask   that takes text
init_*, calc_fan_in_and_fan_out                             none: `cfg.init_range`, `cfg.seed`
print_gpu_mem, warn_if_mps, check_structure, *_nested_attr  none: torch has them, or they are
filter_dict_by_prefix, override_or_use_default_value        inner workings
==========================================================  =====================================
"""

from lensgui.analysis.evaluations import look_at_prompt as test_prompt
from lensgui.checkpoints.devices import best_device as get_device
from lensgui.notebook_names import (
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
from lensgui.transformer.layers.activations import solu
from lensgui.transformer.loss import lm_accuracy, lm_cross_entropy_loss
from lensgui.transformer.text.sampling import sample_logits
from lensgui.transformer.weights.factored import composition_scores

__all__ = [
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
