"""What a bundle links: what it needs not at all, and the packages of what it does not hold."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Collection, Set
from pathlib import Path
from typing import Any

BESIDE = ("fontconfig-config", "xdg-utils")  # used, though nothing links them
MEANT_FOR_BUILDING = {"pip", "setuptools", "pyinstaller", "pyinstaller-hooks-contrib", "altgraph"}
CAPTURED: dict[str, Any] = {"capture_output": True, "text": True}
SOURCE = "Source: lensgui\n\nPackage: lensgui\nArchitecture: any\n"


def links(bundle: Path) -> dict[Path, set[str]]:
    """Return what each program and library of a bundle links, by their file names."""
    found = {}
    for path in bundle.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF":
            said = subprocess.run(["readelf", "-d", path], **CAPTURED).stdout
            found[path] = set(re.findall(r"\(NEEDED\).*\[(.+)\]", said))
    return found


def unlinked(linked: dict[Path, set[str]], folder: Path) -> set[Path]:
    """Return the libraries that lie in a folder itself and that nothing links, whatever those link.

    They came with plugins that are left out. Python's own is opened by the program.
    """
    gone: set[Path] = set()
    while True:
        kept = {name for path, names in linked.items() if path not in gone for name in names}
        more = {
            path
            for path in linked.keys() - gone
            if path.parent == folder
            and ".so" in path.name
            and not path.name.startswith("libpython")
            and path.name not in kept
        }
        if not more:
            return gone
        gone |= more


def needed(linked: dict[Path, set[str]], bundle: Path) -> set[str]:
    """Return the libraries that a bundle links and does not hold."""
    asked = {name for names in linked.values() for name in names}
    return asked - {path.name for path in bundle.rglob("*")}


def owners(libraries: Set[str]) -> dict[str, str]:
    """Return the Debian packages that hold libraries here, by the libraries' file names."""
    places = [f"/usr/lib/*/{name}" for name in sorted(libraries)]
    found = subprocess.run(["dpkg", "-S", *places, *(p[4:] for p in places)], **CAPTURED).stdout
    lines = re.findall(r"^([^:,\s]+)[^/]*: .*/(.+)$", found, re.MULTILINE)
    return {library: package for package, library in lines}


def bundled_libraries(bundle: Path) -> dict[str, str]:
    """Return the Debian packages whose libraries were taken into a bundle, and their versions."""
    held = {path.name for path in bundle.rglob("lib*.so*") if path.is_file()}
    names = sorted(set(owners(held).values()))
    query = ["dpkg-query", "-W", "-f", "${Package} ${Version}\\n", *names]
    said = subprocess.run(query, **CAPTURED).stdout if names else ""
    return dict(line.split() for line in said.splitlines())


def least_versions(programs: Collection[Path]) -> dict[str, str]:
    """Return what Debian's own tool says that programs depend on, a line for each package.

    It looks symbols up in the packages that are here, also of libraries that a bundle holds.
    """
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder, "debian", "control")
        control.parent.mkdir()
        control.write_text(SOURCE, encoding="utf-8")
        own = {f"-l{path.parent}" for path in programs}
        command = ["dpkg-shlibdeps", "-O", "--ignore-missing-info", *own, *sorted(programs)]
        done = subprocess.run(command, cwd=folder, env={**os.environ, "LC_ALL": "C"}, **CAPTURED)
    if done.returncode:
        raise SystemExit(f"dpkg-shlibdeps ended with {done.returncode}:\n{done.stderr[-2000:]}")
    said = done.stdout.partition("shlibs:Depends=")[2]
    return {line.split()[0]: line for line in said.strip().split(", ") if line}


def dependencies(linked: dict[Path, set[str]], bundle: Path) -> str:
    """Return what a package depends on: the packages of the libraries that it links.

    Raises:
        SystemExit: If nothing here holds one of them.
    """
    libraries = needed(linked, bundle)
    held = owners(libraries)
    if lost := sorted(libraries - held.keys()):
        raise SystemExit(f"No package here holds {', '.join(lost)}: install those that do.")
    known = least_versions(linked)
    libc = os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.36"
    known["libc6"] = f"libc6 (>= {libc.split()[-1]})"  # nothing was tried with an older one
    return ", ".join([*(known.get(name, name) for name in sorted(set(held.values()))), *BESIDE])
