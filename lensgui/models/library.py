"""The models that are on this machine: which, how large, used when; and taken off it again."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lensgui.models import folded, known_models, recognised, store
from lensgui.models.aliases import ALIASES, ALIASES_OF
from lensgui.terms.errors import ModelError
from lensgui.terms.homes import expanded

Kind = Literal["built in", "known", "imported", "converted", "hub", "folder"]
MOST_FOLDERS = 100  # of the user's own, the latest first
NO_CARD = "see its model card"
WORKING = ".get-"  # begins a folder that the next one who works there removes
OF_WEIGHTS = (".safetensors", ".bin", ".pth", ".pt")
WHY_NOT: dict[Kind, str] = {
    "built in": "{title} travels with lensgui, so it can't be deleted.",
    "hub": (
        "{title} lies in the hub's cache ({place}), which other programs use too: delete it there."
    ),
    "folder": "{place} is your own folder: lensgui deletes only what it fetched or made itself.",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that is here, or that is known by name.

    Attributes:
        source: How it is asked for: a name, or the path of a folder or file.
        kind: How it came here.
        title: What it honestly is.
        licence: Its licence.
        place: Its folder, or its only file of weights.
        is_here: Whether it is on this machine.
        size: Bytes of its files, and of copies of its folded weights.
        used: When it was opened here last, in seconds since 1970; None if that is not known.
        verified: The largest |difference| to the Hugging Face logits; None if never checked.
        names: All that it may be asked for by.
        folded: How many of the bytes are of folded weights.
    """

    source: str
    kind: Kind
    title: str
    licence: str
    place: Path
    is_here: bool = True
    size: int = 0
    used: float | None = None
    verified: float | None = None
    names: tuple[str, ...] = ()
    folded: int = 0

    @property
    def why_kept(self) -> str:
        """Why it can't be deleted, in a sentence; "" if it can."""
        if not self.is_here:
            return f"{self.title} is not on this machine."
        return WHY_NOT.get(self.kind, "").format(title=self.title, place=self.place)


def hub_cache() -> Path:
    """Return where the hub's own library keeps what it fetched, without importing that."""
    said = os.environ
    if cache := said.get("HF_HUB_CACHE") or said.get("HUGGINGFACE_HUB_CACHE"):
        return expanded(cache)
    caches = Path(said.get("XDG_CACHE_HOME") or "~/.cache")
    return expanded(said.get("HF_HOME") or caches / "huggingface") / "hub"


def here(dtype: str = "float32") -> list[Listed]:
    """Return the models that are here, or known by name; folders that can't be read are left out.

    Args:
        dtype: The number format whose check counts.
    """
    found: dict[Path, Listed] = {}
    for each in (*_known(), *_own(), *_of_hub(), *_of_user()):
        place = each.place
        if place not in found and place.resolve() not in found:
            found[place] = each
    uses, copies = recognised.uses(), folded.sizes()
    return [_with_facts(each, uses, copies, dtype) for each in found.values()]


def find(name: str, models: Iterable[Listed]) -> Listed:
    """Return the model of a name.

    Args:
        name: What it is asked for by, its title, or the name of its folder.
        models: Those there are.

    Raises:
        ModelError: If there is none.
    """
    for each in models:
        if name in (*each.names, each.title, each.place.name) or name.lower() in each.names:
            return each
    raise ModelError(f"There is no model “{name}” here: `lensgui models list` names what is.")


def delete(model: Listed) -> int:
    """Take a model that lensgui fetched or made off the disk, whole or not at all.

    Then the copies of its folded weights.

    Returns:
        How many bytes that frees.

    Raises:
        ModelError: If it is not lensgui's own, is used, or can't be deleted; it stays whole then.
    """
    if model.why_kept:
        raise ModelError(model.why_kept)
    folder, place = store.models_folder(), model.place
    if place.parent.resolve() != folder.resolve() or place.is_symlink():
        raise ModelError(f"{place} is not in {folder}, so it is not deleted.")
    with store.writing(folder), store.alone(patience=0):
        size, gone = size_of(place), folder / f"{WORKING}{secrets.token_hex(4)}"
        try:
            place.rename(gone)  # all of it is there, or nothing; what is left below is no model
        except FileNotFoundError:
            raise ModelError(f"{model.title} is not there any more.") from None
        except OSError as error:
            raise ModelError(
                f"{model.title} could not be deleted ({error.strerror}): close what has it open, "
                "and try again."
            ) from error
        shutil.rmtree(gone, ignore_errors=True)
    return size + folded.delete(place)


def size_of(place: Path) -> int:
    """Return how many bytes a model's files take; 0 where they can't be read."""
    try:
        if place.is_file():
            return place.stat().st_size
        return sum(path.stat().st_size for path in place.iterdir() if path.is_file())
    except OSError:
        return 0


def _known() -> Iterator[Listed]:
    for entry in known_models.CATALOGUE:
        kind: Kind = "built in" if entry.is_built_in else "known"
        yield Listed(
            entry.name, kind, entry.title, entry.licence, entry.folder, is_here=entry.is_here
        )


def _own() -> Iterator[Listed]:
    """Yield what lies in lensgui's own folder: imported, converted, of older versions."""
    for place in _folders(store.models_folder(), "[!.]*"):
        if not (place / known_models.CARD).is_file():
            continue
        card = known_models.read_card(place)
        source, title = str(card.get("source", "")), str(card.get("title", place.name))
        is_imported = known_models.imported(source) == place
        is_of_file = os.path.isabs(source)
        is_there = is_imported or (is_of_file and os.path.exists(source))
        made: Kind = "converted" if is_of_file else "known"  # or an older version of that
        yield Listed(
            source if is_there else str(place),
            made if "format" in card else "imported",
            title,
            str(card.get("licence", NO_CARD)),
            place,
        )


def _of_hub() -> Iterator[Listed]:
    """Yield the models of the hub's cache whose weights are here."""
    for folder in _folders(hub_cache(), "models--*--*"):
        name = folder.name.removeprefix("models--").replace("--", "/", 1)
        try:
            commit = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        place = folder / "snapshots" / commit
        if (place / "config.json").is_file() and any(place.glob("*.safetensors")):
            yield Listed(name, "hub", name, NO_CARD, place)


def _of_user() -> Iterator[Listed]:
    """Yield the user's own folders and files of weights that were open here."""
    paths = [one.source for one in recognised.read() if os.path.isabs(one.source) and one.is_here]
    for place in map(Path, paths[:MOST_FOLDERS]):
        if place.is_dir() or place.suffix in OF_WEIGHTS:
            facts = known_models.read_card(place)
            title = str(facts.get("title", place.name))
            yield Listed(str(place), "folder", title, str(facts.get("licence", NO_CARD)), place)


def _folders(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_dir())
    except OSError:  # a home that can't be one
        return []


def _with_facts(
    model: Listed, uses: dict[str, float], copies: dict[str, int], dtype: str
) -> Listed:
    """Return a model with what is known of it beside where it lies."""
    kept = copies.get(folded.name_of(model.place), 0)
    names = (model.source, str(model.place), *ALIASES_OF.get(model.source, ()))
    return Listed(
        model.source,
        model.kind,
        model.title,
        model.licence,
        model.place,
        is_here=model.is_here,
        size=size_of(model.place) + kept if model.is_here else 0,
        used=max((uses[name] for name in names if name in uses), default=None),
        verified=store.read_verification(model.place, dtype) if model.is_here else None,
        names=names,
        folded=kept,
    )


def typed_before() -> list[str]:
    """Return the names that can be completed: of the hub, used here before, then known aliases."""
    used = [one.source for one in recognised.read() if not os.path.isabs(one.source)]
    return list(dict.fromkeys((*used, *ALIASES, *ALIASES_OF)))
