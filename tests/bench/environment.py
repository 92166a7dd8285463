"""Environments of their own below build, in which other implementations live."""

import subprocess
import sys
import sysconfig
from pathlib import Path

REFERENCE = "transformer-lens==4.3.0"
BUILD = Path(__file__).resolve().parent.parent.parent / "build"


def reference_python() -> Path | None:
    """The Python that runs the reference; None where it can't be had."""
    return python_with(REFERENCE, "reference")


def python_with(requirement: str, name: str) -> Path | None:
    """The Python of an environment with a requirement such as "package==1.2", in build/name.

    Made if need be; None where it can't be had.
    """
    folder = BUILD / name
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if _has(python, requirement):
        return python
    print(f"Installing {requirement} into {folder} (once) …", flush=True)
    try:
        _make(folder, python, requirement)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", "") or str(error)
        print(
            f"{requirement} can't be had, so nothing is compared with it: {detail.strip()[-400:]}"
        )
        return None
    return python if _has(python, requirement) else None


def _has(python: Path, requirement: str) -> bool:
    name, _, version = requirement.partition("==")
    code = f"import importlib.metadata as m; assert m.version({name!r}) == {version!r}"
    try:
        return subprocess.run([python, "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


def _make(folder: Path, python: Path, requirement: str) -> None:
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    places = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", places))
    # It sees the torch and transformers that are measured here, so that both sides run the same.
    (site / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, requirement], check=True, capture_output=True, text=True)
