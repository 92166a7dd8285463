"""Makes what a release publishes beside packages: wheel and sdist, a list of contents, checksums.

    python packaging/release.py OUT [CYCLONEDX BUNDLED-PYTHON BUNDLE]

Wheel and sdist are made twice and have to be the same bytes. The last words are the tool
`cyclonedx-py`, the Python whose packages were bundled, and the bundle's folder; without them there
is no list of contents, as there is no bundle.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SUMS = "SHA256SUMS"
NOT_YET = "CHANGELOG.md does not say when {version} was released: date it before it is published."


def main(out: Path, *bundled: str) -> int:
    """Make them; print what was made."""
    out.mkdir(parents=True, exist_ok=True)
    version = this_version()
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(moment()))
    for made in built_twice(out):
        if found := holding(made, str(ROOT).encode()):
            raise SystemExit(f"{made.name} holds a path of this machine: {', '.join(found)}.")
        print(f"{made.name}: the same bytes twice")
    if bundled:
        tool, python, bundle = bundled
        contents = contents_of(json.loads(environment(tool, python)), version, Path(bundle))
        path = out / f"lensgui-{version}.cdx.json"
        path.write_text(json.dumps(contents, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{path.name}: {len(contents['components'])} components")
    (out / SUMS).write_text(sums(out), encoding="utf-8")
    print(f"{SUMS}: {len(sums(out).splitlines())} files")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if not is_dated(changes, version):
        print(NOT_YET.format(version=version))
    return 0


def this_version() -> str:
    """Return the version, which stands in one place."""
    text = (ROOT / "lensgui" / "_version.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert found is not None
    return found[1]


def moment() -> int:
    """Return when the last commit was made, in seconds: what is made is of that time."""
    said = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True)
    return int(said.stdout or 0)


def is_dated(changes: str, version: str) -> bool:
    """Whether a list of changes says when a version was released."""
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$"
    return bool(re.search(heading, changes, re.MULTILINE))


def built_twice(out: Path) -> Iterator[Path]:
    """Build wheel and sdist, and again, and yield them.

    Raises:
        SystemExit: If a second one differs.
    """
    with tempfile.TemporaryDirectory() as again:
        for folder in (out, Path(again)):
            command = [sys.executable, "-m", "hatchling", "build", "-d", folder]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"hatchling ended with {done.returncode}:\n{done.stderr}")
        for path in sorted(Path(again).iterdir()):
            made = out / path.name
            if made.read_bytes() != path.read_bytes():
                raise SystemExit(f"{path.name} is not the same when it is built again.")
            yield made


def holding(archive: Path, word: bytes) -> list[str]:
    """Return which members of a wheel or sdist hold a word."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return [name for name in wheel.namelist() if word in wheel.read(name)]
    with tarfile.open(archive) as sdist:
        files = [member for member in sdist if member.isfile()]
        return [one.name for one in files if word in sdist.extractfile(one).read()]  # type: ignore[union-attr]


def environment(tool: str, python: str) -> str:
    """Return what CycloneDX's own tool lists of a Python environment, as JSON."""
    command = [tool, "environment", python, "--output-reproducible", "--validate"]
    command += ["--pyproject", str(ROOT / "pyproject.toml")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def contents_of(listed: dict[str, Any], version: str, bundle: Path) -> dict[str, Any]:
    """Return what is in a bundle: its Python packages, and the system's libraries that it brings.

    Args:
        listed: What the environment holds that the bundle was made in.
        version: Of lensgui.
        bundle: The bundle's folder.
    """
    sys.path.insert(0, str(ROOT / "packaging" / "linux"))
    from dependencies import MEANT_FOR_BUILDING, bundled_libraries

    listed["metadata"]["component"]["version"] = version
    kept = [one for one in listed["components"] if one["name"].lower() not in MEANT_FOR_BUILDING]
    names = {one["bom-ref"] for one in kept} | {listed["metadata"]["component"]["bom-ref"]}
    listed["components"] = kept + [
        {
            "type": "library",
            "name": name,
            "version": number,
            "bom-ref": f"deb:{name}",
            "purl": f"pkg:deb/debian/{name}@{number}",
        }
        for name, number in bundled_libraries(bundle).items()
    ]
    listed["dependencies"] = [
        {**one, "dependsOn": [name for name in one.get("dependsOn", ()) if name in names]}
        for one in listed["dependencies"]
        if one["ref"] in names
    ]
    return listed


def sums(out: Path) -> str:
    """Return a line for each file, as `sha256sum --check` reads them."""
    paths = sorted(path for path in out.iterdir() if path.is_file() and path.name != SUMS)
    return "".join(f"{digest(path)}  {path.name}\n" for path in paths)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
