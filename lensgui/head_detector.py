"""Head detection under the names that notebooks import."""

from functools import partial

from lensgui.analysis.heads.scores import (
    HEAD_NAMES,
    compute_head_attention_similarity_score,
    detect_head,
    get_duplicate_token_head_detection_pattern,
    get_induction_head_detection_pattern,
    get_previous_token_head_detection_pattern,
    get_supported_heads,
)
from lensgui.import_paths import find

__all__ = [
    "HEAD_NAMES",
    "compute_head_attention_similarity_score",
    "detect_head",
    "get_duplicate_token_head_detection_pattern",
    "get_induction_head_detection_pattern",
    "get_previous_token_head_detection_pattern",
    "get_supported_heads",
]
__getattr__ = partial(find, "head_detector", known=__all__)
