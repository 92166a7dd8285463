"""Models of the hub that are published as pickled weights: fetched and converted when asked to.

Everything is made in a working folder and renamed at the end, once the model has opened: an
interruption at any moment leaves the whole model or nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lensgui.checkpoints import hub, loading, locate
from lensgui.checkpoints.files import naming, pickles
from lensgui.checkpoints.files.descriptions import read_object
from lensgui.checkpoints.folder import TOKENIZERS, read_tokenizer
from lensgui.models import known_models, store
from lensgui.models.store import Progress, Report, silence
from lensgui.terms.errors import ModelError

_WITH_TOKENIZERS = (
    "added_tokens.json", "config.json", "merges.txt", "special_tokens_map.json",
    "tokenizer_config.json",
)  # fmt: skip


def fetch(name: str, revision: str | None = None, report: Report = silence) -> Path:
    """Fetch a model and turn its pickled weights into safetensors, unless that was done before.

    Args:
        name: OWNER/NAME.
        revision: A branch, tag or commit; None for the main branch.
        report: Called often, with how far it is.

    Returns:
        The model's folder; it opens by its name from now on.

    Raises:
        ModelError: If it can't be had, holds anything else than tensors, or can't be opened.
    """
    if found := known_models.imported(name, revision):
        return found
    fetched = hub.fetch(name, revision=revision, report=report, choose=_pickled)
    pickled = [fetched / file for file in naming.pickle_files(_names(fetched))]
    if not pickled:  # without a network, what an earlier try brought
        raise ModelError(f"The weights of {name} have not arrived yet: go online and try again.")
    tokenizer, target = _tokenizer_of(fetched, report), known_models.import_folder(name, revision)
    report(Progress("convert", 0, 1))
    with store.writing(store.home()), store.alone():
        if known_models.imported(name, revision) is None:  # another process may have been quicker
            with store.working_folder() as work:
                _make(target, pickled, tokenizer, work, name)
    report(Progress("convert", 1, 1))
    return target


def _pickled(name: str, files: Sequence[str]) -> Iterator[str]:
    """Yield the files of a repository that an import takes."""
    if naming.model_files(files):
        raise ModelError(f"{name} has its weights as safetensors: open it as it is.")
    weights = naming.pickle_files(files)
    if not weights:
        raise ModelError(
            f"{name} has no pickled weights such as model_final.pth or pytorch_model.bin: there is "
            "nothing to import."
        )
    yield from weights
    yield from hub.descriptions(files)


def _tokenizer(name: str, files: Sequence[str]) -> Iterator[str]:
    """Yield the files of a repository that a tokenizer is read from."""
    if not set(files) & set(TOKENIZERS):
        raise ModelError(f"{name} has no tokenizer, though a model says that it is its own.")
    yield from sorted(set(files) & {*TOKENIZERS, *_WITH_TOKENIZERS})


def _tokenizer_of(fetched: Path, report: Report) -> Any:
    """Return the tokenizer that a fetched model names; None if it names none, or has its own."""
    named = read_object(fetched / "config.json").get("tokenizer_name")
    if not isinstance(named, str) or set(_names(fetched)) & set(TOKENIZERS):
        return None
    name = locate.hub_name(named)
    return read_tokenizer(hub.fetch(name, report=report, choose=_tokenizer, is_model=False))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _make(target: Path, pickled: list[Path], tokenizer: Any, work: Path, name: str) -> None:
    """Make a model's folder in a working folder, and put it in its place."""
    fetched = pickled[0].parent
    made = work / target.name  # by its name a layout may be known
    made.mkdir()
    for file in hub.descriptions(_names(fetched)):
        shutil.copyfile(fetched / file, made / file)
    if tokenizer is not None:
        tokenizer.save_pretrained(made)
    try:
        _convert(pickled, made)
        steps: dict[str, Any] = loading.NO_PROCESSING
        loading.from_pretrained(str(made), device="cpu", first_n_layers=1, **steps)
    except ModelError as error:
        raise ModelError(str(error).replace(str(made), name)) from error
    known_models.note(made, title=name, source=name, commit=fetched.name)
    if target.exists():
        shutil.rmtree(target)  # ours by its name, yet not a model
    made.rename(target)


def _convert(pickled: list[Path], made: Path) -> None:
    """Write what pickles hold into a folder, in which they lie only meanwhile."""
    links = [made / path.name for path in pickled]
    for path, link in zip(pickled, links, strict=True):
        try:
            link.symlink_to(path.resolve())
        except OSError:  # a system, or a disk, without links
            shutil.copyfile(path, link)
    pickles.import_weights(made)
    for link in links:
        link.unlink()
