"""What `lensgui doctor` says of files: models, what fetching left, settings, recovery, locks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from configparser import Error
from dataclasses import dataclass, field
from pathlib import Path

from lensgui.app.settings.file import SettingsFile
from lensgui.command_line.parser import SUFFIX
from lensgui.models import known_models, library, store
from lensgui.state import settings
from lensgui.terms.errors import first_line
from lensgui.terms.resources import damage

CONTENTS = "files"
RECOVERY, LAST = "recovery", "last"  # as `state.autosave` has them, which needs a Qt that works
LOCK = ".lock"  # of the models' folder
HALF = "*.lensgui.incomplete"  # of a hub's file that arrives, as `checkpoints.hub` calls it


@dataclass
class Findings:
    """What was found.

    Attributes:
        sections: Facts by name, by the title of their section.
        wrong: What is wrong, a sentence each.
    """

    sections: dict[str, dict[str, str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def section(self, title: str) -> dict[str, str]:
        """Return the facts of a section, none at first."""
        return self.sections.setdefault(title, {})


def look_at_home(findings: Findings) -> None:
    """Look at everything that lensgui keeps; nothing is changed."""
    home = store.home()
    facts = findings.section(CONTENTS)
    if damage():
        findings.wrong.append(damage())
    facts["home"] = str(home) + ("" if home.exists() else " (not there yet)")
    place = next(path for path in (home, *home.parents) if path.exists())
    if not (place.is_dir() and os.access(place, os.W_OK)):
        findings.wrong.append(store.writing_sentence(PermissionError(13, ""), home))
    try:
        _look_at_models(findings)
        _look_at_leftovers(findings)
        _look_at_recovery(findings)
    except OSError as error:
        findings.wrong.append(f"{home} can't be looked at: {first_line(error)}.")
    _look_at_settings(findings)


def _look_at_models(findings: Findings) -> None:
    """Note which models are here, how large, whether verified, and whether whole."""
    facts = findings.section("models")
    found = [(entry.name, entry.folder, entry.is_here) for entry in known_models.CATALOGUE]
    found += [(name, known_models.import_folder(name), True) for name in known_models.imports()]
    for name, folder, is_here in found:
        if not is_here:
            facts[name] = "not here"
            continue
        verified = store.read_verification(folder)
        checked = "not verified" if verified is None else f"verified within {verified:.1e}"
        facts[name] = f"{_megabytes(folder)}, {checked}"
        card = known_models.read_card(folder)
        if other := store.differing(folder, card.get("files"), thorough=False):
            facts[name] += ", broken"
            findings.wrong.append(
                f"The model {name} is broken ({', '.join(other)}): run `lensgui models "
                f"{'import' if '/' in name else 'get'} {name}`."
            )


def _look_at_leftovers(findings: Findings) -> None:
    """Note what interrupted fetches left, and folders that are no model, or none any more."""
    facts = findings.section(CONTENTS)
    models = store.models_folder()
    facts["half fetched"] = _listed(
        [*models.glob(".get-*"), *library.hub_cache().glob(f"models--*/blobs/{HALF}")]
    )
    known = {entry.folder for entry in known_models.CATALOGUE}
    others = [path for path in sorted(models.glob("[!.]*")) if path.is_dir() and path not in known]
    broken = [path for path in others if not (path / known_models.CARD).is_file()]
    old = [path for path in others if path not in broken and "--" not in path.name]
    facts["older versions"] = _listed(old)
    findings.wrong += [
        f"{path} is no whole model: remove that folder, and get or import the model again."
        for path in broken
    ]
    facts["models' lock"] = "held by a process" if _is_held(models / LOCK) else "free"


def _look_at_recovery(findings: Findings) -> None:
    """Note the work that windows kept, of those that run and of those that crashed."""
    paths = sorted((store.home() / RECOVERY).glob(f"*{SUFFIX}"))
    files = [path for path in paths if path.stem != LAST]
    is_open = [_is_held(path.with_suffix(".lock")) for path in files]
    findings.section(CONTENTS)["recovery"] = (
        f"{is_open.count(True)} of open windows, {is_open.count(False)} of windows that crashed, "
        "which the next start offers"
        if files
        else "none"
    )


def _look_at_settings(findings: Findings) -> None:
    file = SettingsFile(store.home())
    facts = findings.section(CONTENTS)
    try:
        said = file.said()
    except (OSError, Error, UnicodeDecodeError) as error:
        facts["settings"] = "can't be read"
        findings.wrong.append(
            f"{file.path} can't be read ({first_line(error)}): move it away, or start with "
            "`lensgui --safe-mode`."
        )
        return
    _, trouble = settings.read(said)
    facts["settings"] = f"{len(said)} kept" if file.path.exists() else "none kept"
    if trouble:
        findings.wrong.append(trouble)


def _is_held(path: Path) -> bool:
    """Whether a process holds a lock, which stays as it is."""
    from filelock import FileLock, Timeout

    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return True
    lock.release()
    return False


def _listed(paths: Sequence[Path]) -> str:
    """Return how many files or folders there are, how large, and the first by name."""
    if not paths:
        return "none"
    return f"{len(paths)} ({_megabytes(*paths)}): {paths[0].name}{' …' * (len(paths) > 1)}"


def _megabytes(*paths: Path) -> str:
    """Return the size of files, or of all within folders."""
    each = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return f"{sum(file.stat().st_size for file in each if file.is_file()) / 1e6:.1f} MB"
