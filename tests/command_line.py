"""The command line of models, without a process of its own."""

from __future__ import annotations

import argparse

from lensgui.checkpoints import cli


def lensgui(*words: str) -> int:
    """Run `lensgui models WORDS`; return its status."""
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser.add_subparsers())
    return cli.run(parser.parse_args(["models", *words]))
