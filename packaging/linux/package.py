"""Makes what is installed on Linux: `make package`.

    python packaging/linux/package.py WORK OUT

It is run by the Python of an environment that has lensgui, PyInstaller and what lensgui needs, and
nothing else; torch for the CPU. Debian's tools for packages and `readelf` have to be there.
"""

from __future__ import annotations

import gzip
import importlib.metadata as metadata
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from email.utils import formatdate
from pathlib import Path

import archive
import demo_model
from bundled import HERE, ROOT, bundled
from dependencies import (
    CAPTURED,
    MEANT_FOR_BUILDING,
    bundled_libraries,
    dependencies,
    links,
)

SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
MAINTAINER = "The lensgui authors <lensgui@localhost>"
WHERE = "usr/lib/lensgui"
CONTROL = """Package: lensgui
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: {depends}
Recommends: {recommends}
Section: science
Priority: optional
Description: see how a language model computes
 A desktop app in which one points, clicks and sees how a transformer computes:
 attention of every head, activation patching, what heads read and write, with
 sessions, figures and Python code for every number. Models run on this machine.
"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: lensgui
Comment: What is bundled beside lensgui has licences of its own, whose texts are in
 /usr/share/doc/lensgui/licences, a folder for each package.

Files: *
Copyright: 2026 The lensgui authors
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
"""


def main(work: Path, out: Path) -> int:
    """Make the bundle, and the packages and the archive from it; print what was made."""
    import torch

    if torch.version.cuda or torch.version.hip:
        print(f"torch {torch.__version__} is built for GPUs: install its CPU build here first.")
        return 1
    begun = time.monotonic()

    def tell(what: str, path: Path) -> None:
        seconds = time.monotonic() - begun
        print(f"{what}: {megabytes(path):,.0f} MB, after {seconds:.0f} s", flush=True)

    bundle = bundled(work)
    tell("bundle", bundle)
    model = demo_model.fetched(work)
    version, architecture = metadata.version("lensgui"), debian_architecture()
    tree = work / "tree"
    lay_out(tree, bundle)
    package = out / f"lensgui_{version}_{architecture}.deb"
    tell(package.name, packed(tree, control(tree, version, architecture), package))
    of_model = demo_model.packed(model, work, out, MAINTAINER)
    tell(of_model.name, of_model)
    folder = work / f"lensgui-{version}-linux-{os.uname().machine}"
    unpacked = archive.laid_out(folder, bundle, model, tree / "usr/share")
    packed_tar = archive.packed(unpacked, out, stamp())
    tell(packed_tar.name, packed_tar)
    return 0


def lay_out(tree: Path, bundle: Path) -> None:
    """Lay out what the package installs."""
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(bundle, tree / WHERE, symlinks=True, copy_function=os.link)
    program = tree / "usr/bin/lensgui"
    program.parent.mkdir(parents=True)
    program.symlink_to(Path("../lib/lensgui/lensgui"))
    for name, text in shared_files().items():
        path = tree / "usr/share" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    draw_icons(tree / "usr/share/icons/hicolor")
    copy_licences(tree / "usr/share/doc/lensgui")


def shared_files() -> dict[str, bytes]:
    """Return what goes below /usr/share, by name: how desktops find and describe the program."""
    version, date = metadata.version("lensgui"), time.strftime("%Y-%m-%d", time.gmtime(stamp()))

    def filled(name: str) -> bytes:
        text = (HERE / name).read_text(encoding="utf-8")
        return text.replace("@VERSION@", version).replace("@DATE@", date).encode()

    changes = (ROOT / "CHANGELOG.md").read_bytes()
    return {
        "applications/lensgui.desktop": filled("lensgui.desktop"),
        "mime/packages/lensgui.xml": filled("lensgui.xml"),
        "metainfo/lensgui.metainfo.xml": filled("lensgui.metainfo.xml"),
        "man/man1/lensgui.1.gz": gzip.compress(filled("lensgui.1"), 9, mtime=0),
        "doc/lensgui/changelog.gz": gzip.compress(debian_changelog(version).encode(), 9, mtime=0),
        "doc/lensgui/NEWS.md.gz": gzip.compress(changes, 9, mtime=0),
        "lintian/overrides/lensgui": filled("lintian-overrides"),
        "doc/lensgui/copyright": COPYRIGHT.encode(),
        "icons/hicolor/scalable/apps/lensgui.svg": icon().read_bytes(),
    }


def debian_changelog(version: str) -> str:
    """Return the changelog as Debian's tools read it; what changed is in NEWS.md."""
    date = formatdate(stamp())
    return (
        f"lensgui ({version}) unstable; urgency=medium\n\n  * What is new is in NEWS.md.gz.\n\n"
        f" -- {MAINTAINER}  {date}\n"
    )


def stamp() -> int:
    """Return the time that the package is of, which SOURCE_DATE_EPOCH may set."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())


def icon() -> Path:
    """Return the one drawing that all icons are made of."""
    return ROOT / "resources" / "icons" / "lensgui.svg"


def draw_icons(folder: Path) -> None:
    """Draw the icon in all sizes."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    drawing = QSvgRenderer(str(icon()))
    for size in SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(0)
        painter = QPainter(image)
        drawing.render(painter)
        painter.end()
        path = folder / f"{size}x{size}" / "apps" / "lensgui.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(str(path))
    del application


def copy_licences(folder: Path) -> None:
    """Copy the licences of all Python packages, and of the system libraries that are bundled."""
    for package in bundled_packages():
        texts = [file for file in package.files or () if is_licence(file.name)]
        for file in texts:
            keep(Path(str(file.locate())), folder / "licences" / package.name / file.name)
    for name in bundled_libraries(folder.parents[2] / "lib" / "lensgui"):
        keep(Path("/usr/share/doc") / name / "copyright", folder / "licences" / name / "copyright")


def keep(source: Path, place: Path) -> None:
    """Copy a text if it is there."""
    if source.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(source.read_bytes())


def is_licence(name: str) -> bool:
    """Whether a file of a package holds a licence, by its name."""
    is_code = name.endswith((".py", ".pyc", ".pyi"))
    words = r"(licen[cs]e|copying|notice|authors|ofl)"
    return not is_code and bool(re.match(words, name, re.IGNORECASE))


def bundled_packages() -> Iterator[metadata.Distribution]:
    """Yield the Python packages of this environment that go into the bundle."""
    for package in sorted(metadata.distributions(), key=lambda one: one.name.lower()):
        if package.name.lower() not in MEANT_FOR_BUILDING:
            yield package


def debian_architecture() -> str:
    """Return what Debian calls this machine's kind."""
    return subprocess.run(["dpkg", "--print-architecture"], **CAPTURED).stdout.strip()


def control(tree: Path, version: str, architecture: str) -> str:
    """Return what the package says of itself."""
    return CONTROL.format(
        version=version,
        architecture=architecture,
        maintainer=MAINTAINER,
        size=round(megabytes(tree) * 1e6 / 1024),
        depends=dependencies(links(tree / WHERE), tree / WHERE),
        recommends=demo_model.NAME,
    )


def packed(tree: Path, control: str, package: Path) -> Path:
    """Make the package of a tree; a sum of each file goes with it."""
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(control, encoding="utf-8")
    make_readable(tree)
    command: Sequence[str | Path] = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", tree]
    subprocess.run([*command, package], check=True, stdout=subprocess.DEVNULL)
    return package


def make_readable(tree: Path) -> None:
    """Give files the rights that installed ones have, whatever the umask was here."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or is_program(path) else 0o644)


def is_program(path: Path) -> bool:
    """Whether a file is run by its name: no library, and no text that somebody made executable."""
    with path.open("rb") as file:
        begins_right = file.read(4).startswith((b"\x7fELF", b"#!"))
    return begins_right and bool(path.stat().st_mode & 0o100) and ".so" not in path.name


def megabytes(place: Path) -> float:
    """Return what a file, or a folder's files together, take."""
    paths = [place, *place.rglob("*")]
    return sum(path.lstat().st_size for path in paths if not path.is_dir()) / 1e6


if __name__ == "__main__":
    sys.exit(main(*(Path(word).resolve() for word in sys.argv[1:])))
