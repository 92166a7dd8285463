"""What a model's folder says about it: its Hugging Face config and its tokenizer.

Nothing in a folder is ever run.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from lensgui.checkpoints.families.registry import family_of, supported_types
from lensgui.terms.errors import ModelError, first_line

_MOST = {  # bytes; ten times what is known to be in use
    "config.json": 4 << 20,
    ".safetensors.index.json": 96 << 20,
    ".json": 512 << 20,
}
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_MOST_LAYERS = 10_000
_TOKENIZERS = ("tokenizer.json", "vocab.json", "tokenizer.model", "vocab.txt")


def read_config(folder: Path) -> Any:
    """Return a folder's Hugging Face config.

    Raises:
        ModelError: If there is none, or its architecture is not supported or needs remote code.
    """
    from transformers import AutoConfig

    path = folder / "config.json"
    try:
        refuse_odd_files(folder)
        written = read_object(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelError(f"{folder} has no config.json: choose a model's own folder.") from error
    kind = written.get("model_type")
    if kind not in supported_types() and "auto_map" in written:
        raise ModelError(
            f"{folder.name} needs code that it brings itself (model type {kind!r:.80}), and "
            f"lensgui never runs that; it opens {', '.join(supported_types())}."
        )
    family_of(kind)
    _refuse_many_layers(path, written)
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # transformers raises many kinds for bad values
        raise ModelError(f"{path} does not describe a model: {first_line(error)}.") from error


def _refuse_many_layers(path: Path, written: dict[str, Any]) -> None:
    """Refuse more layers than any model has, of each of which transformers would make a list."""
    for name in _LAYERS:
        if isinstance(count := written.get(name), int | float) and count > _MOST_LAYERS:
            raise ModelError(f"{path} says {name} is {count:g}: get the file again.")


def read_tokenizer(folder: Path) -> Any:
    """Return a folder's tokenizer; None if it has none.

    Raises:
        ModelError: If it can't be read.
    """
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in _TOKENIZERS):
        return None
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
        tokenizer.encode("")  # its settings are read only now
        return tokenizer
    except Exception as error:  # a broken file shows itself in many ways
        if "trust_remote_code" in str(error):
            raise ModelError(
                f"The tokenizer in {folder} needs code that it brings itself, and lensgui never "
                "runs that: choose a model with a tokenizer.json of a usual kind."
            ) from error
        raise ModelError(
            f"The tokenizer in {folder} can't be read: {first_line(error)}."
        ) from error


def refuse_odd_files(folder: Path) -> None:
    """Refuse a folder with files that could not be read to their ends.

    Raises:
        ModelError: If a file is a device or a pipe, or a description larger than any.
    """
    for path in sorted(folder.iterdir()):
        if not path.exists() or path.is_dir():
            continue
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ModelError(f"{path} is no regular file but a device or a pipe: get it again.")
        most = next((most for end, most in _MOST.items() if path.name.endswith(end)), None)
        if most is not None and facts.st_size > most:
            raise ModelError(
                f"{path} has {facts.st_size >> 20} MB, which is no description of a model: get it "
                "again."
            )


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object that a file holds.

    Raises:
        ModelError: If it holds none.
        FileNotFoundError: If there is no such file.
        NotADirectoryError: If it is not in a folder.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} can't be read as JSON: get the file again.") from error
    if not isinstance(held, dict):
        raise ModelError(f"{path} holds no JSON object: get the file again.")
    return held


def inside(folder: Path, name: object) -> Path:
    """Return the path of a file that a folder's index names.

    Raises:
        ModelError: If that is no plain name of a file in the folder.
    """
    is_plain = isinstance(name, str) and name.isprintable() and Path(name).name == name
    if not is_plain or name in ("", ".."):
        raise ModelError(
            f"{folder} has an index that names a file {name!r:.80}, which is none of the folder: "
            "get the model again."
        )
    return folder / str(name)
