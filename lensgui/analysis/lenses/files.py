"""Fitted lenses as files: other packages' are read once, in a limited process, and kept as ours."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lensgui.analysis.lenses.lens import Fit, JacobianLens, Lens, TunedLens
from lensgui.checkpoints.files import pickles
from lensgui.checkpoints.files.descriptions import read_object
from lensgui.models import lenses, store
from lensgui.models.lenses import SUFFIX
from lensgui.terms.errors import ModelError
from lensgui.terms.resources import own_command

PARAMS, CONFIG = "params.pt", "config.json"  # of the package tuned-lens
_KEY = "lens"  # of our files' metadata
_LAYER = re.compile(r"(\d+)\.(weight|bias)")
MOST_LAYERS = 1000


def load_lens(path: str | Path) -> Lens:
    """Return the lens of a file of ours.

    Args:
        path: What `import_lens` or `save_lens` made; of what was imported its name will do.

    Raises:
        ModelError: If it is no such file, is damaged, or its numbers are not finite.
    """
    path = lenses.find(path)
    try:
        tensors, facts = _read(path)
        return _made(facts["kind"], tensors, Fit(**facts["fit"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, FileNotFoundError):
            raise ModelError(
                f"There is no lens {path}: import it with `lensgui lens import FILE`."
            ) from error
        raise ModelError(
            f"{path} is no lens, or damaged: choose a lens of lensgui's, or import one with "
            "`lensgui lens import`."
        ) from error


def save_lens(lens: TunedLens | JacobianLens, path: Path) -> None:
    """Write a lens as a file of ours, whole or not at all.

    Raises:
        ModelError: If it can't be written.
    """
    if isinstance(lens, TunedLens):
        kind, tensors = "tuned", {"weights": lens.weights, "biases": lens.biases}
    else:
        kind = "jacobian"
        tensors = {str(layer): matrix for layer, matrix in lens.jacobians.items()}
    _write(path, tensors, {"kind": kind, "fit": asdict(lens.fit)})


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return a file's arrays, and what it says of them."""
    with safe_open(path, framework="pt") as file:
        told = json.loads((file.metadata() or {})[_KEY])
        return {name: file.get_tensor(name) for name in file.keys()}, told  # noqa: SIM118 - no dict


def _write(path: Path, tensors: Mapping[str, Tensor], told: Mapping[str, Any]) -> None:
    """Write arrays, and what is to be said of them, whole or not at all."""
    arrays = {name: one.contiguous().cpu() for name, one in tensors.items()}
    _put(path, save(arrays, {_KEY: json.dumps(dict(told))}))


def _put(path: Path, data: bytes) -> None:
    """Write a file, and its folder if there is none."""
    with store.writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write_whole(path, data)


def _made(kind: str, tensors: Mapping[str, Tensor], fit: Fit) -> TunedLens | JacobianLens:
    """Return the lens of some tensors.

    Raises:
        ValueError: If they are none, or not finite.
        KeyError: If some are missing.
    """
    if not tensors or not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ValueError("it has numbers that are not finite, or none")
    if kind == "tuned":
        weights, biases = tensors["weights"], tensors["biases"]
        layers, width = biases.shape
        if weights.shape != (layers, width, width):
            raise ValueError("its weights and biases are not of one width")
        return TunedLens(weights, biases, fit)
    if kind != "jacobian":
        raise ValueError("it is of a kind that is not known")
    width = next(iter(tensors.values())).shape[-1]
    if not all(tensor.shape == (width, width) for tensor in tensors.values()):
        raise ValueError("its matrices are not of one width")
    return JacobianLens({int(layer): tensors[layer] for layer in sorted(tensors, key=int)}, fit)


def import_lens(path: Path) -> Path:
    """Keep a lens among those that are here: a file of ours, or another package's.

    Args:
        path: A folder of the package tuned-lens, or the file in it; or a Jacobian lens, or a
            checkpoint of one that is being fitted (*.pt).

    Returns:
        Our file.

    Raises:
        ModelError: If it is no lens, asks to run code, holds numbers that are not finite, or can't
            be read or written.
    """
    if path.suffix == SUFFIX:
        return _kept(path)
    source = path / PARAMS if path.is_dir() else path
    if not source.is_file():
        raise ModelError(
            f"There is no file {source}: choose a lens (*.pt, *.safetensors), or a folder with "
            f"{CONFIG} and {PARAMS}."
        )
    named = path.name if path.is_dir() else source.parent.name if _is_tuned(source) else source.stem
    target = lenses.place_of(source, named)
    command = [*own_command(), "lens", "import", str(source), "--child", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not target.exists():
        raise ModelError(_sentence(done.stdout, source))
    return target


def _kept(path: Path) -> Path:
    """Copy a file of ours to the others, unless it lies there."""
    load_lens(path)
    if path.parent == lenses.folder():
        return path
    target = lenses.place_of(path, path.stem)
    _put(target, path.read_bytes())
    return target


def _sentence(output: str, source: Path) -> str:
    """Return what the process said as it failed."""
    for line in reversed(output.splitlines()):
        try:
            return str(json.loads(line)["message"])
        except (ValueError, KeyError, TypeError):
            continue
    return f"{source} could not be read within the memory and time that its size explains."


def convert(source: Path, target: Path) -> None:
    """Read a pickled lens and write it as ours: what the process of its own does.

    Raises:
        ModelError: As `import_lens`.
    """
    pickles.limit(source.stat().st_size)
    found = pickles.loaded(source)
    try:
        lens = _tuned(found, source) if _is_tuned(source) else _jacobian(found)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ModelError(
            f"{source} is no lens that lensgui reads ({error}): choose a folder of tuned-lens, or "
            "a Jacobian lens."
        ) from error
    save_lens(lens, target)


def _is_tuned(source: Path) -> bool:
    return source.name == PARAMS and (source.parent / CONFIG).is_file()


def _tuned(found: Mapping[str, Any], source: Path) -> TunedLens:
    """Return a lens of the package tuned-lens: a plain state dict, `{layer}.weight` and `.bias`."""
    facts = read_object(source.parent / CONFIG)
    kind = facts.get("lens_type", "linear_tuned_lens")
    if kind != "linear_tuned_lens":
        raise ValueError(f"its kind is {kind!r}")
    layers = int(facts["num_hidden_layers"])
    if not 0 < layers <= MOST_LAYERS:
        raise ValueError(f"it says that it has {layers} layers")
    parts: dict[str, list[Tensor]] = {"weight": [], "bias": []}
    for name, tensor in found.items():
        if not _LAYER.fullmatch(name) or not isinstance(tensor, Tensor):
            raise ValueError(f"it holds {name}")
    for layer in range(layers):
        weight = found[f"{layer}.weight"].float()
        parts["weight"].append(weight)
        parts["bias"].append(found.get(f"{layer}.bias", torch.zeros(len(weight))).float())
    if len(found) != layers * len({name.rpartition(".")[2] for name in found}):
        raise ValueError(f"it says that it has {layers} layers, and has others")
    if int(facts["d_model"]) != parts["bias"][0].shape[-1]:
        raise ValueError("it is not as wide as it says")
    fit = Fit(
        str(facts.get("base_model_name_or_path") or ""), "", str(facts.get("unembed_hash") or "")
    )
    stacked = {"weights": torch.stack(parts["weight"]), "biases": torch.stack(parts["bias"])}
    lens = _made("tuned", stacked, fit)
    assert isinstance(lens, TunedLens)
    return lens


def _jacobian(found: Mapping[str, Any]) -> JacobianLens:
    """Return a Jacobian lens, or what a checkpoint of a fit has so far: sums over prompts."""
    is_checkpoint = "jacobian_sum" in found
    matrices = found["jacobian_sum" if is_checkpoint else "J"]
    count = int(found.get("n_done" if is_checkpoint else "n_prompts", 0))
    if is_checkpoint and count < 1:
        raise ValueError("no prompt has been taken in yet")
    about = dict(found.get("metadata") or {})
    target = found.get("target_layer", about.get("target_layer"))
    if len(matrices) > MOST_LAYERS:
        raise ValueError(f"it has {len(matrices)} layers")
    tensors = {str(int(layer)): matrix for layer, matrix in matrices.items()}
    if is_checkpoint:
        tensors = {layer: matrix.float() / count for layer, matrix in tensors.items()}
    name = str(found.get("model_name") or about.get("model_name") or "")
    size = f"{count:,} prompts" if count else ""
    if target is not None and int(target) <= max(map(int, tensors)):
        raise ValueError(f"it leads to layer {int(target)}, and not to the end of the model")
    lens = _made("jacobian", tensors, Fit(name, size))
    assert isinstance(lens, JacobianLens)
    return lens


class Partial:
    """What a fit goes on from, in a file beside its result."""

    def __init__(self, out: Path, facts: Mapping[str, Any]) -> None:
        """Know where it is.

        Args:
            out: The result's file.
            facts: What has to be the same for a fit to be gone on with.
        """
        self._path, self._facts = out.with_name(f"{out.name}.part"), dict(facts)

    def read(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the arrays and numbers of a state; None where there is none.

        Raises:
            ModelError: If it is another fit's, or damaged.
        """
        if not self._path.exists():
            return None
        try:
            tensors, told = _read(self._path)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{self._path} is damaged: delete it to begin anew.") from error
        if told["facts"] != self._facts:
            raise ModelError(
                f"{self._path} is of a fit of another text, model or kind: delete it, or choose "
                "another file with --out."
            )
        return tensors, told["numbers"]

    def write(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Keep a state.

        Raises:
            ModelError: If it can't be written.
        """
        _write(self._path, tensors, {"facts": self._facts, "numbers": dict(numbers)})

    def remove(self) -> None:
        """Forget it: the fit is done."""
        self._path.unlink(missing_ok=True)
