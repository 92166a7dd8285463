"""What a model's folder says about it: its Hugging Face config and its tokenizer.

Nothing in a folder is ever run.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lensgui.checkpoints.families.hooked import MODEL_TYPE, is_hooked
from lensgui.checkpoints.families.registry import family_of, supported_types
from lensgui.terms.errors import ModelError, first_line

_TOKENIZERS = ("tokenizer.json", "vocab.json", "tokenizer.model", "vocab.txt")


def read_config(folder: Path) -> Any:
    """Return a folder's Hugging Face config.

    Raises:
        ModelError: If there is none, or its architecture is not supported or needs remote code.
    """
    from transformers import AutoConfig

    path = folder / "config.json"
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        kind = written.get("model_type")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelError(f"{folder} has no config.json: choose a model's own folder.") from error
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} can't be read as JSON: get the file again.") from error
    if is_hooked(written):
        return SimpleNamespace(model_type=MODEL_TYPE, **written)
    if kind not in supported_types() and "auto_map" in written:
        raise ModelError(
            f"{folder.name} needs code that it brings itself (model type {kind!r}), and lensgui "
            f"never runs that; it opens {', '.join(supported_types())}."
        )
    family_of(kind)
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # transformers raises many kinds for bad values
        raise ModelError(f"{path} does not describe a model: {first_line(error)}.") from error


def read_tokenizer(folder: Path) -> Any:
    """Return a folder's tokenizer; None if it has none.

    Raises:
        ModelError: If it can't be read.
    """
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in _TOKENIZERS):
        return None
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # a broken file shows itself in many ways
        if "trust_remote_code" in str(error):
            raise ModelError(
                f"The tokenizer in {folder} needs code that it brings itself, and lensgui never "
                "runs that: choose a model with a tokenizer.json of a usual kind."
            ) from error
        raise ModelError(
            f"The tokenizer in {folder} can't be read: {first_line(error)}."
        ) from error
