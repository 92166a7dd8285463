"""`lensgui models list | info NAME | delete NAME`: what is here, what it needs, off the disk."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

from lensgui.models import folded, known_models, library
from lensgui.models.library import Listed
from lensgui.models.store import in_words
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import NUMBER_BYTES

ASKED = "Delete it? [y/N] "
PAGE = "https://huggingface.co/{name}"


def list_models(arguments: argparse.Namespace) -> int:
    """List the models that are here or have a name."""
    for model in library.here():
        print(json.dumps(_facts(model)) if arguments.json else _line(model))
    return 0


def _facts(model: Listed) -> dict[str, object]:
    downloads = {entry.name: entry.download for entry in known_models.CATALOGUE}
    return {
        "name": model.source,
        "title": model.title,
        "licence": model.licence,
        "kind": model.kind,
        "here": model.is_here,
        "download": 0 if model.is_here else downloads.get(model.source, 0),
        "verified": model.verified,
        "size": model.size,
        "folded": model.folded,
        "used": model.used,
        "place": str(model.place),
    }


def _line(model: Listed) -> str:
    facts: dict[str, Any] = _facts(model)
    kept = f", of which {in_words(model.folded)} folded weights" if model.folded else ""
    where = f"here, {in_words(model.size)}{kept}"
    if not model.is_here:
        where = f"not here yet, {in_words(facts['download'])} to download"
    checked = (
        "not verified"
        if model.verified is None
        else f"max-abs {model.verified:.1e} to Hugging Face"
    )
    used = ""
    if model.used is not None:
        used = f"; opened last on {datetime.fromtimestamp(model.used):%Y-%m-%d %H:%M}"
    title = "" if model.title == model.source else f"{model.title} "
    return f"{model.source:14} {title}({model.licence}; {model.kind}; {where}; {checked}{used})"


def show_info(arguments: argparse.Namespace) -> int:
    """Say what opening a model takes; the hub is asked, and nothing but its config fetched."""
    from lensgui.checkpoints import needs

    found = needs.of(arguments.name)
    if arguments.json:
        print(json.dumps({"event": "info", **asdict(found)}), flush=True)
        return 0
    page = PAGE.format(name=found.source)
    rows = {
        "licence": found.licence,
        "to download": "nothing" if not found.download else _download(found),
        "on disk": f"{in_words(found.disk)} more; {in_words(found.free_disk)} are free",
        "in memory": _memory(found.parameters),
        "free memory": ", ".join(
            f"{in_words(free)} ({device})" for device, free in found.free_memory.items()
        ),
    }
    if found.is_gated:
        rows["terms"] = f"the hub asks to accept them on {page}, and for a token (HF_TOKEN)"
    if found.is_pickled:
        rows["weights"] = f"pickled only: run `lensgui models import {found.name}`"
    print(found.source)
    print("\n".join(f"  {title:12} {said}" for title, said in rows.items()))
    return 0


def _download(found: Any) -> str:
    arrived = f", of which {in_words(found.arrived)} are here" if found.arrived else ""
    return f"{in_words(found.download)}{arrived}"


def _memory(parameters: int) -> str:
    if not parameters:
        return "not known before it is here"
    return ", ".join(
        f"{in_words(parameters * size)} in {name}" for name, size in NUMBER_BYTES.items()
    )


def delete_model(arguments: argparse.Namespace) -> int:
    """Take a model off the disk, once the user has said so."""
    model = library.find(arguments.name, library.here())
    if model.why_kept and not arguments.folded:
        raise ModelError(model.why_kept)
    if not (arguments.yes or arguments.folded or _agrees(model, arguments.json)):
        return 0
    freed = folded.delete(model.place) if arguments.folded else library.delete(model)
    what = f"the folded weights of {model.title}" if arguments.folded else model.title
    if arguments.json:
        print(json.dumps({"event": "deleted", "name": model.source, "freed": freed}), flush=True)
    else:
        print(f"Deleted {what}: {in_words(freed)} are free again.")
    return 0


def _agrees(model: Listed, as_json: bool) -> bool:
    """Ask the user whether a model is to be deleted; only on a terminal can one be asked."""
    if as_json or not sys.stdin.isatty():
        raise ModelError(f"{model.title} is not deleted without a yes: add --yes.")
    print(f"{model.title} takes {in_words(model.size)} in {model.place}.")
    return input(ASKED).strip().lower() in ("y", "yes")
