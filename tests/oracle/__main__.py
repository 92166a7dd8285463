"""`make oracle`: every number against TransformerLens 3.9, which runs in build/oracle.

`--store` also writes what tests/transformer/test_oracle.py compares with; names pick subjects.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ORACLE = "transformer-lens==3.9.0"


def ask_peer(python: Path, names: list[str], folder: Path) -> None:
    """Have TransformerLens answer every question about some subjects, into a folder."""
    from tests.oracle import subjects

    places = [f"{name}={subjects.folder_of(name, folder)}" for name in names]
    quiet = {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environment = {**os.environ, **quiet, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPATH", None)
    script = Path(__file__).with_name("reference.py")
    subprocess.run([python, script, folder, *places], env=environment, check=True)


def compare(name: str, folder: Path, store: bool) -> bool:
    """Compare one subject, print what is found, and return whether all of it holds."""
    from tests.oracle import answers, comparison, subjects

    stored = answers.load(folder / f"{name}.npz")
    found = list(comparison.compare(name, stored))
    for question, worst in comparison.worst_by_question(found).items():
        print(f"| {name} | {question} | {worst:.1e} |")
    wrong = [one for one in found if not one.holds]
    for one in wrong:
        print(f"  {name}/{one.name}: {one.distance:.3g} (largest number {one.scale:.3g})")
    print(f"  {len(found)} answers, {sum(one.purpose is not None for one in found)} on purpose")
    if store and not wrong:
        kept: answers.Answers = {
            one.name: whole(stored[one.name])
            for one in found
            if one.purpose is None and one.name in stored
        }
        weights = subjects.fingerprint(name)
        kept |= {f"tensor/{key}": value for key, value in weights.items()}
        answers.save(comparison.FIXTURES / f"{name}.npz", kept, thin=True)
    return not wrong


def whole(stored: str | tuple[tuple[int, ...], np.ndarray]) -> str | np.ndarray:
    """Return a stored answer as it was given."""
    return stored if isinstance(stored, str) else stored[1].reshape(stored[0])


def main() -> int:
    """Compare; 1 where something differs."""
    from tests.bench.environment import python_with
    from tests.oracle import subjects

    parser = argparse.ArgumentParser(prog="tests.oracle", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(subjects.ALL))
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    python = python_with(ORACLE, "oracle")
    if python is None:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        ask_peer(python, arguments.names, Path(folder))
        print("| model | question | max-abs |\n|---|---|---|")
        held = [compare(name, Path(folder), arguments.store) for name in arguments.names]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
