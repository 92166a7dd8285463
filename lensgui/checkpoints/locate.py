"""What the user typed → where that model lies on this machine, fetched if need be."""

from __future__ import annotations

from pathlib import Path

from lensgui.checkpoints import hub
from lensgui.checkpoints.files import gguf_files
from lensgui.models import known_models
from lensgui.models.aliases import TEACHING, hub_id
from lensgui.models.store import Report, silence
from lensgui.terms.errors import ModelError
from lensgui.terms.homes import expanded


def locate(
    name: str,
    token: str | bool | None = None,
    revision: str | None = None,
    report: Report = silence,
) -> Path:
    """Return where a model lies: its folder, or its only safetensors file.

    Args:
        name: A folder, a safetensors or GGUF file, a name of `lensgui models list`, a hub name, or
            an alias of one.
        token: For the hub; see `hub.fetch`.
        revision: Likewise.
        report: Called often while something is fetched or converted.

    Raises:
        ModelError: If there is no such model, or it can't be had.
    """
    path = expanded(name)
    if is_there(path):
        refuse_revision(revision, str(path))
        return _on_disk(path, report)
    if name in {entry.name for entry in known_models.CATALOGUE}:
        refuse_revision(revision, name)
        return known_models.path(name)
    if path.is_absolute() or name.startswith((".", "~")):
        raise ModelError(
            f"There is no folder {path}: choose a folder with config.json and *.safetensors."
        )
    return of_hub(name, token, revision, report)


def of_hub(
    name: str,
    token: str | bool | None = None,
    revision: str | None = None,
    report: Report = silence,
) -> Path:
    """Return the folder of a model of the hub: imported, or fetched.

    Args:
        name: OWNER/NAME, or an alias.
        token: See `hub.fetch`; so the others.
        revision: Likewise.
        report: Likewise.

    Raises:
        ModelError: If it can't be had, or must be imported first.
    """
    whole = hub_name(name)
    if imported := known_models.imported(whole, revision):
        return imported
    if whole in TEACHING.values():
        raise ModelError(hub.pickled_only(name))
    return hub.fetch(whole, token, revision, report)


def hub_name(name: str) -> str:
    """Return the hub's name of a model that is not on disk: itself, or what an alias stands for.

    Raises:
        ModelError: If it is neither; the nearest names are offered.
    """
    return (
        name
        if hub.is_name(name)
        else hub_id(name, (entry.name for entry in known_models.CATALOGUE))
    )


def folder_of(place: Path) -> Path:
    """Return the folder that a model lies in.

    Args:
        place: What `locate` returned.
    """
    return place if place.is_dir() else place.parent


def is_there(path: Path) -> bool:
    """Whether there is a file or folder of a path, whatever was typed."""
    try:
        return path.is_file() or path.is_dir()
    except (OSError, ValueError):  # too long, or holding a character that no path may
        return False


def refuse_revision(revision: str | None, name: str) -> None:
    """Refuse a revision of what has none.

    Raises:
        ModelError: If one is given.
    """
    if revision is not None:
        raise ModelError(f"{name} is not of the hub, so it has no revision: leave {revision} out.")


def _on_disk(path: Path, report: Report) -> Path:
    """Return a model's place, given its folder or one of its files."""
    if path.is_dir():
        quantised = [] if any(path.glob("*.safetensors")) else sorted(path.glob("*.gguf"))
        if len(quantised) > 1:
            names = ", ".join(file.name for file in quantised)
            raise ModelError(f"{path} holds several GGUF files ({names}): choose one of them.")
        return gguf_files.folder_of_gguf(quantised[0], report) if quantised else path
    if path.suffix == ".gguf":
        return gguf_files.folder_of_gguf(path, report)
    if path.suffix == ".safetensors":
        return path
    raise ModelError(
        f"{path} is a file that lensgui doesn't open: choose a *.safetensors or *.gguf file, or "
        "the folder that holds config.json and the weights."
    )
