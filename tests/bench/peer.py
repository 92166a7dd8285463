"""A handle on another process that measures: it is sent JSON lines, and answers with as many."""

import json
import os
import subprocess
from pathlib import Path
from typing import TypedDict


class Answer(TypedDict, total=False):
    """What a process says of itself at first, and of each request then."""

    place: str
    seconds: float
    metric: float
    names: list[str]
    error: str


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
        self._script = script
        self._process = process = subprocess.Popen(
            # -P: no module beside the script stands for another
            [python, "-P", Path(__file__).with_name(script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=path,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._requests, self._answers, self._errors = process.stdin, process.stdout, process.stderr
        self.greeting = self._read()

    def ask(self, **request: object) -> Answer:
        """What it answers to a request of its own kind."""
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        return self._read()

    def close(self) -> None:
        self._requests.close()
        self._answers.close()
        self._errors.close()
        self._process.wait()

    def _read(self) -> Answer:
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"{self._script} ended: {self._errors.read()[-800:]}")
        answer: Answer = json.loads(line)
        return answer
