"""Fetches what its standard input names, in a process that knows only the test's hub.

Each line in is the keyword arguments of `hub.fetch`; each line out has its folder or its sentence,
and how far it was each time it said so.
"""

import json
import sys

from lensgui.checkpoints import hub
from lensgui.terms.errors import ModelError

for line in sys.stdin:
    steps = []
    try:
        folder = hub.fetch(
            **json.loads(line), report=lambda p, s=steps: s.append((p.step, p.done, p.total))
        )
        answer = {"folder": str(folder)}
    except ModelError as error:
        answer = {"error": str(error)}
    print(json.dumps({**answer, "steps": steps}), flush=True)
