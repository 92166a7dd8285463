"""`lensgui doctor`: versions, devices, models and files, and what is wrong with them."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import platform
import re
import shutil
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import psutil

from lensgui._version import __version__
from lensgui.command_line.doctor_files import Findings, look_at_home
from lensgui.command_line.ending import DONE, FAILED, ended
from lensgui.command_line.environment import OFFLINE, lacks_display, leave_no_trace
from lensgui.models import store
from lensgui.terms.errors import ModelError, first_line
from lensgui.terms.homes import user_folder
from lensgui.terms.model_key import TOY_MODEL

PACKAGES = (
    "torch",
    "transformers",
    "PySide6-Essentials",
    "numpy",
    "tokenizers",
    "safetensors",
    "huggingface_hub",
)
AGREES = 1e-3  # logits of the toy, in float32
LEAST_DISK = 1e9  # bytes
LEAST_MEMORY = 1e9
TOKENS = 24
_WIDTH = 20  # of a column of names
_LEAST_NAME = 3  # letters of a user's name that is looked for


def run(arguments: argparse.Namespace) -> int:
    """Do what `doctor` was asked to do.

    Args:
        arguments: A parsed command line.

    Returns:
        The exit code.
    """
    os.environ[OFFLINE] = "1"
    leave_no_trace()
    return ended(lambda: _report(as_json=arguments.json), as_json=arguments.json)


def _report(*, as_json: bool) -> int:
    findings = Findings()
    for look in (look_at_versions, look_at_machine, look_at_devices, look_at_home):
        look(findings)
    wrong = [nameless(sentence) for sentence in findings.wrong]
    sections = {
        title: {name: nameless(text) for name, text in facts.items()}
        for title, facts in findings.sections.items()
    }
    if as_json:
        print(json.dumps({**sections, "wrong": wrong}, ensure_ascii=False))
    else:
        for title, facts in sections.items():
            print(f"{title}\n" + "\n".join(f"  {name:{_WIDTH}} {facts[name]}" for name in facts))
        print("wrong\n" + ("\n".join(f"  {sentence}" for sentence in wrong) or "  nothing"))
    return FAILED if wrong else DONE


def nameless(text: str) -> str:
    """Return a text without the user's name: `~` for the home folder, USER within other paths."""
    home = str(user_folder())
    text = text.replace(home, "~") if len(home) > len(os.sep) else text
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name
        return text
    if len(name) < _LEAST_NAME:
        return text
    return re.sub(rf"(?<=[/\\]){re.escape(name)}(?=[/\\\s]|$)", "USER", text)


def look_at_versions(findings: Findings) -> None:
    """Note the versions of what lensgui stands on."""
    facts = findings.section("versions")
    facts["lensgui"] = __version__
    facts["Python"] = platform.python_version()
    for name in PACKAGES:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = "missing"
            findings.wrong.append(f"The package {name} is missing: install lensgui again.")
    facts["system"] = f"{platform.platform()}, {platform.machine()}"


def look_at_machine(findings: Findings) -> None:
    """Note memory, disk and whether there can be a window."""
    facts = findings.section("machine")
    memory = psutil.virtual_memory()
    facts["memory"] = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
    if memory.available < LEAST_MEMORY:
        findings.wrong.append("Less than 1 GB of memory is free: close other programs.")
    facts["processors"] = str(os.cpu_count())
    place = next(path for path in (store.home(), *store.home().parents) if path.exists())
    try:
        free = shutil.disk_usage(place).free
        facts["disk"] = f"{free / 1e9:.1f} GB free where models are kept"
        if free < LEAST_DISK:
            findings.wrong.append(f"Less than 1 GB is free on the disk that holds {store.home()}.")
    except OSError as error:
        findings.wrong.append(f"{place} can't be looked at: {first_line(error)}.")
    facts["display"] = "none" if lacks_display(os.environ) else "yes"
    if trouble := _missing("PySide6.QtWidgets"):
        findings.wrong.append(
            f"Qt can't be loaded ({trouble}), so there is no window: install the libraries that "
            "the README lists."
        )


def _missing(module: str) -> str:
    """Return why a module can't be imported; "" if it can."""
    try:
        import_module(module)
    except (ImportError, OSError, RuntimeError) as error:  # as a library that it needs is missing
        return first_line(error)
    return ""


def look_at_devices(findings: Findings) -> None:
    """Run the toy on every device, and compare its logits with the CPU's."""
    facts = findings.section("devices")
    if trouble := _missing("torch"):
        findings.wrong.append(f"torch can't be loaded ({trouble}): install it again.")
        return
    import torch

    from lensgui.checkpoints.devices import devices

    facts["threads"] = f"{torch.get_num_threads()} of torch's"
    for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "HF_HOME"):
        if name in os.environ:
            facts[name] = os.environ[name]
    expected = _tried("cpu", facts, findings, _logits)
    for device in devices():
        if device == "cpu" or expected is None:
            continue
        found = _tried(device, facts, findings, _logits)
        if found is None:
            continue
        difference = max(abs(a - b) for a, b in zip(expected, found, strict=True))
        facts[device] = f"{_name(device)}: logits within {difference:.1e} of the CPU's"
        if not difference <= AGREES:
            findings.wrong.append(
                f"The toy's logits on {device} differ by {difference:.1e} from the CPU's: don't "
                "trust numbers of that device; choose cpu in the settings."
            )


def _tried(
    device: str,
    facts: dict[str, str],
    findings: Findings,
    compute: Callable[[str], list[float]],
) -> list[float] | None:
    """Return what is computed on a device; None, with a sentence, if that fails."""
    try:
        found = compute(device)
    except (ModelError, ImportError, RuntimeError, MemoryError, OSError) as error:
        facts[device] = "fails"
        findings.wrong.append(f"The toy does not run on {device}: {first_line(error)}.")
        return None
    facts[device] = f"{platform.processor() or platform.machine()}: the toy runs"
    return found


def _logits(device: str) -> list[float]:
    """Return all logits of a fixed prompt of the toy."""
    import torch

    from lensgui.checkpoints.loading import open_model

    model = open_model(TOY_MODEL, device=device)
    tokens = torch.arange(3, 3 + TOKENS, device=device)[None]
    with torch.no_grad():
        logits = model(tokens)
    found: list[float] = logits.double().cpu().flatten().tolist()
    return found


def _name(device: str) -> str:
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else device
