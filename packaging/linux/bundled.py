"""The folder that PyInstaller makes of lensgui and all that it imports: pruned, listed, checked."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

from dependencies import links, unlinked

from lensgui.terms.resources import LISTING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def bundled(out: Path) -> Path:
    """Run PyInstaller; return the folder with the program.

    Args:
        out: Where it works.

    Raises:
        SystemExit: If a path of this machine is in it.
    """
    places = "--distpath", out / "bundle", "--workpath", out / "work"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    subprocess.run([*command, *places, HERE / "bundle.spec"], check=True, cwd=out)
    bundle = out / "bundle" / "lensgui"
    inside = bundle / "_internal"
    for path in unlinked(links(bundle), inside):
        path.unlink()
    for path in inside.rglob("*"):
        # Links to what was left out; and what pip notes of where a wheel lay.
        if (path.is_symlink() and not path.exists()) or path.name == "direct_url.json":
            path.unlink()
    (inside / "lensgui" / LISTING).write_text(json.dumps(listing(inside), indent=0))
    if found := holding(bundle, own_places()):
        raise SystemExit(f"A path of this machine is in {', '.join(found)}.")
    return bundle


def listing(folder: Path) -> dict[str, int]:
    """Return the size of each file in a folder, by its name from there."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}


def own_places() -> set[str]:
    """Return folders that only this machine has; containers that wheels are built in have /root."""
    shared = {"/usr", "/usr/local", "/root"}
    return {str(ROOT), str(Path.home()), sys.prefix, sys.base_prefix} - shared


def holding(bundle: Path, folders: set[str]) -> list[str]:
    """Return which files of a bundle hold a path in some folders, packed modules included."""
    from PyInstaller.archive.readers import CArchiveReader

    paths = [path for path in bundle.rglob("*") if path.is_file() and not path.is_symlink()]
    modules = CArchiveReader(str(bundle / "lensgui")).open_embedded_archive("PYZ.pyz")
    sought = [f"{folder}/".encode() for folder in folders]
    return [
        name
        for name, data in itertools.chain(
            ((str(path), path.read_bytes()) for path in paths),
            ((name, modules.extract(name, raw=True) or b"") for name in modules.toc),
        )
        if any(word in data for word in sought)
    ]
