"""What must be settled before torch, Qt or the hub's library is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lensgui.models.aliases import ALIASES
from lensgui.terms.resources import resource

NO_DISPLAY = (
    "There is no display to open a window on: give it a virtual one with `xvfb-run -a lensgui`."
)
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
OFFLINE = "HF_HUB_OFFLINE"  # huggingface_hub reads it as it is imported


def lacks_display(environment: Mapping[str, str]) -> bool:
    """Whether Qt would abort for want of a display."""
    return sys.platform.startswith("linux") and not any(map(environment.get, DISPLAYS))


def prepare(model: str | None) -> None:
    """Set what must be set before torch and transformers are imported.

    Nothing goes over the network unless the user names a model of the hub; telemetry never does.
    """
    leave_no_trace()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not is_hub_name(model):
        os.environ[OFFLINE] = "1"


def stay_offline() -> None:
    """Let nothing go over the network: the hub's library reads the variable as it is imported."""
    os.environ[OFFLINE] = "1"
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        setattr(constants, OFFLINE, True)


def leave_no_trace() -> None:
    """Have no library tell anyone that it is used, or make folders that nobody takes away."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    # Where torch keeps what it compiles: nothing, but it makes the folder as soon as it could.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(resource()))


def is_hub_name(model: str | None) -> bool:
    """Whether a model can only be one of the hub's: openai-community/gpt2, or gpt2-small."""
    if model is None or model.startswith((".", "~")):
        return False
    if model.lower() in ALIASES:
        return not Path(model).exists()
    return model.count("/") == 1 and not model.startswith("/") and not Path(model).exists()
