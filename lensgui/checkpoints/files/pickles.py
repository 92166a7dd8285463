"""Pickled weights, which can run code: read once, on request, in a limited process of its own.

There `torch.load` reads tensors and nothing else (`weights_only`, no class allowed beyond what
tensors are made of); what it finds is written as safetensors, and the pickle is not needed again.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import save_file

from lensgui.checkpoints.files import naming
from lensgui.models import store
from lensgui.terms.errors import ModelError, first_line
from lensgui.terms.resources import own_command

PATTERNS = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
NESTED = ("state_dict", "model_state_dict", "model")  # what the weights may lie in
MOST_SECONDS = 1800
SPARE_BYTES = 12 << 30  # of address space, most of which importing torch reserves
WEIGHTS = "model.safetensors"


def pickles_in(folder: Path) -> list[Path]:
    """Return a folder's files of pickled weights: those that bear a model's name, if any do."""
    found = sorted({path for pattern in PATTERNS for path in folder.glob(pattern)})
    named = naming.pickle_files(path.name for path in found)
    return [path for path in found if path.name in named or not named]


def import_weights(folder: Path) -> Path:
    """Write the pickled weights of a folder as safetensors beside them.

    Args:
        folder: The model's folder.

    Returns:
        The new file.

    Raises:
        ModelError: If there are none, there are safetensors already, they hold anything else than
            tensors, or reading them takes too much memory or time.
    """
    target = folder / WEIGHTS
    if target.exists():
        raise ModelError(f"{target} is here already: open {folder}.")
    if not pickles_in(folder):
        raise ModelError(f"{folder} has no pickled weights: there is nothing to import.")
    command = [*own_command(), "models", "import", str(folder), "--child"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"Reading the pickled weights in {folder} took over {MOST_SECONDS // 60} minutes, and "
            "was given up: ask for the model as safetensors."
        ) from error
    if done.returncode or not target.exists():
        raise ModelError(_sentence(done.stdout, folder))
    return target


def convert(folder: Path) -> None:
    """Read a folder's pickles and write what they hold: what the process of its own does.

    Raises:
        ModelError: If they hold anything else than tensors by name, or can't be read or written.
    """
    paths = pickles_in(folder)
    limit(sum(path.stat().st_size for path in paths))
    tensors: dict[str, torch.Tensor] = {}
    for path in paths:
        found = tensors_of(path)
        if found.keys() & tensors.keys():
            raise ModelError(
                f"{path.name} has tensors that another file of {folder} has too: leave one file, "
                "or the shards of one model, in the folder."
            )
        tensors |= found
    partial = folder / f".{WEIGHTS}.{os.getpid()}.part"
    try:
        with store.writing(folder):
            save_file(tensors, partial, {"format": "pt"})
            partial.chmod(0o644)
            partial.replace(folder / WEIGHTS)
    finally:
        partial.unlink(missing_ok=True)


def loaded(path: Path) -> Any:
    """Return what a pickle holds: tensors, numbers, words, and lists and tables of them.

    Raises:
        ModelError: If it holds anything else, or can't be read.
    """
    try:
        is_new = zipfile.is_zipfile(path)  # torch maps nothing else into memory
        return torch.load(path, map_location="cpu", weights_only=True, mmap=is_new)
    except MemoryError as error:
        raise ModelError(f"{path} asks for more memory than its size explains.") from error
    except Exception as error:  # whatever a hostile file makes the reader raise
        is_unpicklable = isinstance(error, UnpicklingError)  # torch's own words offer to run it
        why = "it is damaged, or asks to run code" if is_unpicklable else first_line(error)
        raise ModelError(
            f"{path} is no plain file of tensors ({why}): ask for safetensors."
        ) from error


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a pickle by name, each with memory of its own.

    Raises:
        ModelError: If it holds anything else, or can't be read.
    """
    found = loaded(path)
    while isinstance(found, dict) and (name := next((n for n in NESTED if n in found), None)):
        found = found[name]
    is_plain = isinstance(found, dict) and all(
        isinstance(name, str) and type(tensor) in (torch.Tensor, torch.nn.Parameter)
        for name, tensor in found.items()
    )
    if not is_plain or any(tensor.layout != torch.strided for tensor in found.values()):
        raise ModelError(f"{path} holds other things than dense tensors by name.")
    return {name: tensor.detach().contiguous().clone() for name, tensor in found.items()}


def limit(size: int) -> None:
    """Let this process have no more memory, time and disk than reading so many bytes takes."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    limits = {
        resource.RLIMIT_AS: SPARE_BYTES + 4 * size,
        resource.RLIMIT_CPU: MOST_SECONDS,
        resource.RLIMIT_FSIZE: 2 * size + (1 << 20),
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


def _sentence(output: str, folder: Path) -> str:
    """Return what the process said as it failed."""
    for line in reversed(output.splitlines()):
        try:
            return str(json.loads(line)["message"])
        except (ValueError, KeyError, TypeError):
            continue
    return (
        f"The pickled weights in {folder} could not be read within the memory and time that their "
        "size explains: ask for the model as safetensors."
    )
