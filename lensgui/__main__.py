"""The command line: builds the parts and hands them to each other."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lensgui._version import __version__
from lensgui.jobs.answerer import Answerer
from lensgui.models.aliases import ALIASES
from lensgui.prompts.pair import TYPED

NO_DISPLAY = (
    "There is no display to open a window on: give it a virtual one with `xvfb-run -a lensgui`."
)
SUFFIX = ".lens"  # of a session
VALUED = ("--model", *(f"--{name}" for name in TYPED))  # followed by a value
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run lensgui.

    Args:
        arguments: The command line without the program's name; None for the process's own.

    Returns:
        The exit status.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    session = take_session(given)
    parsed = _parser().parse_args(given)
    if parsed.command == "models":
        from lensgui.checkpoints import cli

        return cli.run(parsed)
    if parsed.smoke_test and lacks_display(os.environ):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if lacks_display(os.environ):
        print(NO_DISPLAY, file=sys.stderr)
        return 2
    prepare(parsed.model)
    try:
        return _open_window(parsed, session)
    except KeyboardInterrupt:  # before the window is there, or again while it is left
        os._exit(130)  # at once: threads may be importing


def take_session(given: list[str]) -> Path | None:
    """Take the session out of a command line: beside commands, argparse knows no other words.

    Args:
        given: The command line, which loses it.
    """
    for at, text in enumerate(given):
        if text == "models":
            break
        is_value = at > 0 and given[at - 1] in VALUED
        if text.endswith(SUFFIX) and not text.startswith("-") and not is_value:
            return Path(given.pop(at))
    return None


def lacks_display(environment: Mapping[str, str]) -> bool:
    """Whether Qt would abort for want of a display."""
    return sys.platform.startswith("linux") and not any(map(environment.get, DISPLAYS))


def prepare(model: str | None) -> None:
    """Set what must be set before torch and transformers are imported.

    Nothing goes over the network unless the user names a model of the hub; telemetry never does.
    """
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not is_hub_name(model):
        os.environ["HF_HUB_OFFLINE"] = "1"


def is_hub_name(model: str | None) -> bool:
    """Whether a model can only be one of the hub's: openai-community/gpt2, or gpt2-small."""
    if model is None or model.startswith((".", "~")):
        return False
    if model.lower() in ALIASES:
        return not Path(model).exists()
    return model.count("/") == 1 and not model.startswith("/") and not Path(model).exists()


def make_answerer() -> Answerer:
    """Import torch and what stands on it, on the thread that calls."""
    from lensgui.jobs.handlers.dispatch import Dispatcher

    return Dispatcher()


def _open_window(parsed: argparse.Namespace, session: Path | None) -> int:
    from lensgui.app import start
    from lensgui.app.sessions.attaching import SessionFile

    given = ((name, getattr(parsed, name)) for name in TYPED)
    options = start.Options(
        model=parsed.model,
        pair=tuple((name, text) for name, text in given if text is not None),
        smoke_test=parsed.smoke_test,
        request=None if session is None else SessionFile.of(session),
        safe_mode=parsed.safe_mode,
    )
    return start.run(options, make_answerer)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lensgui",
        usage="%(prog)s [SESSION.lens] [options] [models …]",
        description="See inside a language model: attention, patching, logit lens.",
    )
    parser.add_argument("--version", action="version", version=f"lensgui {__version__}")
    parser.add_argument("--model", metavar="NAME|PATH", help="the model to open")
    parser.add_argument("--clean", metavar="TEXT", help="the clean prompt")
    parser.add_argument("--corrupted", metavar="TEXT", help="the corrupted prompt")
    parser.add_argument("--answer", metavar="TOKEN", help="the answer, leading space included")
    parser.add_argument("--distractor", metavar="TOKEN", help="what the answer is compared with")
    parser.add_argument(
        "--smoke-test", action="store_true", help="open the toy model, compute, and leave"
    )
    parser.add_argument(
        "--safe-mode", action="store_true", help="start with the settings as at first"
    )
    commands = parser.add_subparsers(dest="command", metavar="models")
    from lensgui.checkpoints import cli

    cli.add_arguments(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
