"""Files of other people that describe a model: read whole, or refused in one sentence."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from lensgui.terms.errors import ModelError

_MOST = {  # bytes; ten times what is known to be in use
    "config.json": 4 << 20,
    ".safetensors.index.json": 96 << 20,
    ".json": 512 << 20,
}


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
