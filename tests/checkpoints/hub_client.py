"""Fetches what its standard input names, in a process that knows only the test's hub.

Each line in is the keyword arguments of `hub.fetch`; each line out has its folder or its sentence,
and how far it was each time it said so. A line with "needs" is answered with what that model needs.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from lensgui.checkpoints import hub, needs
from lensgui.terms.errors import ModelError


def fetched(arguments: dict[str, Any]) -> dict[str, object]:
    steps: list[tuple[str, int, int]] = []
    try:
        folder = hub.fetch(**arguments, report=lambda p: steps.append((p.step, p.done, p.total)))
    except ModelError as error:
        return {"error": str(error), "steps": steps}
    return {"folder": str(folder), "steps": steps}


def needed(name: str) -> dict[str, object]:
    try:
        return asdict(needs.of(name))
    except ModelError as error:
        return {"error": str(error)}


for line in sys.stdin:
    asked = json.loads(line)
    said = needed(asked["needs"]) if "needs" in asked else fetched(asked)
    print(json.dumps(said), flush=True)
