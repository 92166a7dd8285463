"""What must be settled before torch, Qt or the hub's library is imported."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lensgui.models.aliases import ALIASES
from lensgui.terms.resources import resource

NO_DISPLAY = (
    "There is no display to open a window on: give it a virtual one with `xvfb-run -a lensgui`."
)
UNREACHABLE = (
    "The display {display} can't be opened: check DISPLAY, or give it a virtual one with "
    "`xvfb-run -a lensgui`."
)
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
OFFLINE = "HF_HUB_OFFLINE"  # huggingface_hub reads it as it is imported


def lacks_display(environment: Mapping[str, str]) -> bool:
    """Whether Qt would abort for want of a display."""
    return sys.platform.startswith("linux") and not any(map(environment.get, DISPLAYS))


def unreachable_display(environment: Mapping[str, str]) -> str:
    """Return why no window can be opened on the display that is named; "" where nothing says so.

    Qt would end the process with a core dump.
    """
    display = environment.get("DISPLAY", "")
    if not display or environment.get("WAYLAND_DISPLAY") or environment.get("QT_QPA_PLATFORM"):
        return ""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:  # no Linux, or none of Qt's libraries: Qt says which it lacks
        return ""
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    is_refused = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return UNREACHABLE.format(display=display) if is_refused else ""


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
