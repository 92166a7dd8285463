"""A handle on the reference's process."""

import json
import os
import subprocess
from pathlib import Path


class Peer:
    """The reference implementation, asked one thing at a time."""

    def __init__(self, python: Path, model: Path) -> None:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        environment.pop("PYTHONPATH", None)
        script = Path(__file__).with_name("reference.py")
        self._process = subprocess.Popen(
            [python, "-P", script, model],  # no module beside the script stands for another
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._read()

    def ask(self, **request: object) -> dict[str, float]:
        """What it answers to a request of reference.py's."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.stderr.close()
        self._process.wait()

    def _read(self) -> dict[str, float]:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the reference ended: {self._process.stderr.read()[-800:]}")
        return json.loads(line)
