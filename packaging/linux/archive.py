"""The archive for every distribution: the bundle, the demo model, and what enters it in a menu."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEFT_OUT = ("lintian",)  # what only Debian's tools read


def laid_out(folder: Path, bundle: Path, model: Path, shared: Path) -> Path:
    """Lay out what is unpacked.

    Args:
        folder: Where; what is there goes.
        bundle: The program's folder.
        model: The demo model's file.
        shared: What a package has below /usr/share.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(bundle, folder, symlinks=True, copy_function=os.link)
    left_out = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(shared, folder / "share", symlinks=True, ignore=left_out)
    (folder / "models").mkdir()
    os.link(model, folder / "models" / model.name)
    shutil.copy(HERE / "install.sh", folder / "install.sh")
    shutil.copyfile(HERE / "unpacked.txt", folder / "README.txt")
    return folder


def packed(folder: Path, out: Path, stamp: int) -> Path:
    """Make a tar.xz of a folder, in a fixed order, with one date and no owner."""
    archive = out / f"{folder.name}.tar.xz"
    same = ["--sort=name", f"--mtime=@{stamp}", "--owner=0", "--group=0", "--numeric-owner"]
    command = ["tar", "-C", folder.parent, *same, "--hard-dereference", "-cf", "-", folder.name]
    with (
        archive.open("wb") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE) as tar,
        subprocess.Popen(["xz", "-T0", "-6"], stdin=tar.stdout, stdout=file) as xz,
    ):
        assert tar.stdout is not None
        tar.stdout.close()
    if tar.returncode or xz.returncode:
        raise SystemExit(f"{archive.name} could not be made.")
    return archive
