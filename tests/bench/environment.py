"""The environment of its own that the reference implementation lives in: build/reference."""

import subprocess
import sys
import sysconfig
from pathlib import Path

REFERENCE = "transformer-lens==4.3.0"
FOLDER = Path(__file__).resolve().parent.parent.parent / "build" / "reference"


def reference_python() -> Path | None:
    """The Python of that environment, made if need be; None where it can't be had."""
    python = FOLDER / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if _has_reference(python):
        return python
    print(f"Installing {REFERENCE} into {FOLDER} (once) …", flush=True)
    try:
        _make(python)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", "") or str(error)
        print(f"{REFERENCE} can't be had, so nothing is compared with it: {detail.strip()[-400:]}")
        return None
    return python if _has_reference(python) else None


def _has_reference(python: Path) -> bool:
    name, _, version = REFERENCE.partition("==")
    code = f"import importlib.metadata as m; assert m.version({name!r}) == {version!r}"
    try:
        return subprocess.run([python, "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


def _make(python: Path) -> None:
    command = [sys.executable, "-m", "venv", "--clear", str(FOLDER)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    places = {"base": str(FOLDER), "platbase": str(FOLDER)}
    site = Path(sysconfig.get_path("purelib", "venv", places))
    # It sees the torch and transformers that are measured here, so that both sides run the same.
    (site / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", REFERENCE]
    subprocess.run(pip, check=True, capture_output=True, text=True)
