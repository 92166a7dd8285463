"""The one switch that lets anything go over the network."""

from __future__ import annotations

import os
import sys

VARIABLE = "HF_HUB_OFFLINE"


def allow_hub() -> None:
    """Let the hub be reached from now on: the user has asked for a model of it.

    The hub's library reads the variable when it is imported, so one imported already is told too.
    """
    os.environ[VARIABLE] = "0"
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        setattr(constants, VARIABLE, False)
