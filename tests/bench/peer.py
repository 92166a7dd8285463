"""A handle on another process that measures: it is sent JSON lines, and answers with as many."""

import json
import os
import subprocess
from pathlib import Path


class Peer:
    """A script beside this one, run by some Python, and asked one thing at a time.

    Args:
        python: Which one.
        script: The script's name.
        arguments: Its arguments.
        path: What is first on its path, and where it runs; None for nothing of lensgui's.
    """

    def __init__(
        self, python: Path | str, script: str, *arguments: Path, path: Path | None = None
    ) -> None:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        environment.pop("PYTHONPATH", None)
        if path:
            environment["PYTHONPATH"] = str(path)
        self._process = subprocess.Popen(
            # -P: no module beside the script stands for another
            [python, "-P", Path(__file__).with_name(script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=path,
        )
        self.greeting = self._read()

    def ask(self, **request: object) -> dict[str, float]:
        """What it answers to a request of its own kind."""
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
            raise RuntimeError(
                f"{self._process.args[2].name} ended: {self._process.stderr.read()[-800:]}"
            )
        return json.loads(line)
