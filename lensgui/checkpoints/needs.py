"""What opening a model takes, before anything of it is fetched: bytes, memory, terms."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from lensgui.checkpoints import devices, folder, hub, locate
from lensgui.checkpoints.families.registry import family_of
from lensgui.checkpoints.files import gguf_files, naming
from lensgui.checkpoints.hub import File, Remote
from lensgui.models import known_models, library, store
from lensgui.models.library import NO_CARD, size_of
from lensgui.terms.errors import ModelError
from lensgui.terms.homes import expanded
from lensgui.transformer.config import HookedTransformerConfig

CONVERTED = 4  # bytes a number of what is dequantised


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model takes.

    Attributes:
        name: What was asked for.
        source: What that is: a name of lensgui or of the hub, or a path.
        licence: Its licence, as whoever published it says.
        is_here: Whether nothing has to be fetched.
        download: Bytes that have to be.
        arrived: Bytes of it that an interrupted fetch has brought already.
        disk: Bytes that it takes more of the disk than now, once it can be opened.
        free_disk: Bytes that are free there.
        parameters: How many numbers the weights are, a tied embedding counted once; 0 if that is
            not known.
        parameters_folded: Likewise of folded weights, whose embeddings are never tied.
        layers: How many it has; 0 likewise.
        is_gated: Whether the hub asks to accept terms.
        is_accepted: Whether it lets this machine's token through.
        is_pickled: Whether the weights have to be imported first.
        free_memory: Bytes that are free, by device.
    """

    name: str
    source: str
    licence: str
    is_here: bool = True
    download: int = 0
    arrived: int = 0
    disk: int = 0
    free_disk: int = 0
    parameters: int = 0
    parameters_folded: int = 0
    layers: int = 0
    is_gated: bool = False
    is_accepted: bool = True
    is_pickled: bool = False
    free_memory: dict[str, int] = field(default_factory=dict)


def of(name: str) -> Needs:
    """Return what a model takes; of the hub's, after asking it.

    Args:
        name: What `locate.locate` takes.

    Raises:
        ModelError: If there is no such model, or it can't be opened.
    """
    found = _of(name)
    target = library.hub_cache() if hub.is_name(found.source) else store.models_folder()
    there = next(path for path in (target, *target.absolute().parents) if path.exists())
    free = {device: devices.free_bytes(device) for device in devices.devices()}
    return replace(found, free_disk=shutil.disk_usage(there).free, free_memory=free)


def _of(name: str) -> Needs:
    path = expanded(name)
    entries = {entry.name: entry for entry in known_models.CATALOGUE}
    if locate.is_there(path):
        return _of_path(name, path)
    if name.lower() in entries:
        return _of_entry(name, entries[name.lower()])
    if path.is_absolute() or name.startswith((".", "~")):
        raise ModelError(f"There is no folder or file {path}.")
    whole = locate.hub_name(name)
    if imported := known_models.imported(whole):
        return _of_place(name, whole, imported)
    return _of_hub(name, whole)


def _of_entry(name: str, entry: known_models.Entry) -> Needs:
    if entry.is_here:
        return _of_place(name, entry.name, entry.folder)
    return Needs(
        name,
        entry.name,
        entry.licence,
        is_here=False,
        download=entry.download,
        disk=CONVERTED * entry.parameters,
        parameters=entry.parameters,
        parameters_folded=entry.parameters,
    )


def _of_path(name: str, path: Path) -> Needs:
    files = sorted(path.glob("*.gguf")) if path.is_dir() else [path]
    is_quantised = len(files) == 1 and files[0].suffix == ".gguf"
    if is_quantised and not (path.is_dir() and any(path.glob("*.safetensors"))):
        return _of_gguf(name, files[0])
    if path.is_file() and path.suffix != ".safetensors":
        locate.locate(name)  # which says why not
    return _of_place(name, str(path), path)


def _of_gguf(name: str, gguf: Path) -> Needs:
    converted = gguf_files.converted_folder(gguf)
    if gguf_files.is_converted(converted):
        return _of_place(name, str(gguf), converted)
    count = gguf_files.elements(gguf)
    return Needs(
        name,
        str(gguf),
        NO_CARD,
        disk=CONVERTED * count,
        parameters=count,
        parameters_folded=count,
    )


def _of_place(name: str, source: str, place: Path) -> Needs:
    """Return what a model takes that is on this machine."""
    where = locate.folder_of(place)
    config = folder.read_config(where)
    if folder.quantisation(config):
        raise folder.quantised(str(place), config, "")
    config = folder.language_part(config)
    cfg = folder.convert_config(family_of(config.model_type), config, where.name, torch.float32)
    licence = str(known_models.read_card(where).get("licence", NO_CARD))
    names = [path.name for path in where.iterdir()]
    is_pickled = not naming.model_files(names) and bool(naming.pickle_files(names))
    disk = size_of(where) if is_pickled else 0
    return replace(
        _with_parameters(Needs(name, source, licence), cfg), is_pickled=is_pickled, disk=disk
    )


def _with_parameters(found: Needs, cfg: HookedTransformerConfig) -> Needs:
    wide = replace(cfg, dtype=torch.float32)
    tied, untied = (
        devices.parameters_bytes(replace(wide, tied_embeddings=is_tied)) // 4
        for is_tied in (cfg.tied_embeddings, False)
    )
    return replace(found, parameters=tied, parameters_folded=untied, layers=cfg.n_layers)


def _of_hub(name: str, whole: str) -> Needs:
    from huggingface_hub import HfApi

    with hub.sentences(whole, None):
        try:
            info: Any = HfApi().model_info(whole, files_metadata=True)
        except Exception:
            with suppress(FileNotFoundError, ValueError):
                return _of_place(name, whole, hub.here(whole))
            raise
    names = [sibling.rfilename for sibling in info.siblings]
    is_pickled = not naming.model_files(names) and bool(naming.pickle_files(names))
    wanted = (
        {*naming.pickle_files(names), *hub.descriptions(names)}
        if is_pickled
        else {*hub.needed(whole, names)}
    )
    remote = Remote(whole, info.sha, None)
    files = [File.of(sibling) for sibling in info.siblings if sibling.rfilename in wanted]
    missing = [file for file in files if not remote.has(file)]
    found = Needs(
        name,
        whole,
        _licence_of(info),
        is_here=not missing and not is_pickled,
        download=sum(file.size for file in missing),
        arrived=sum(_arrived(remote, file) for file in missing),
        disk=sum(file.size for file in missing) + is_pickled * sum(file.size for file in files),
        parameters=_stated(info),
        parameters_folded=_stated(info),
        is_gated=bool(getattr(info, "gated", False)),
        is_pickled=is_pickled,
    )
    return _with_config(found, remote, missing)


def _with_config(found: Needs, remote: Remote, missing: Sequence[File]) -> Needs:
    """Return what its config says too, which is fetched for that: it is small.

    Raises:
        ModelError: If it could not be opened, unless nobody knows before it is imported.
    """
    try:
        with hub.sentences(remote.name, None):
            return _with_parameters(found, hub.early_config(remote, missing))
    except ModelError as error:
        if found.is_gated and isinstance(error.__cause__, OSError):  # the hub's refusal is one
            return replace(found, is_accepted=False)
        if found.is_pickled:
            return found
        raise


def _arrived(remote: Remote, file: File) -> int:
    partial = remote.partial(file)
    return partial.stat().st_size if partial.is_file() else 0


def _stated(info: Any) -> int:
    """Return how many parameters the hub counts; 0 if it does not."""
    return int(getattr(getattr(info, "safetensors", None), "total", 0) or 0)


def _licence_of(info: Any) -> str:
    """Return the licence that a model's tags state."""
    tags = getattr(info, "tags", None) or ()
    said = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    return said[0] if said else NO_CARD
