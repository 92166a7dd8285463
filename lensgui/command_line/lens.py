"""`lensgui lens list | import FILE | fit TEXT`: lenses as files, read, kept and fitted."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from lensgui.analysis.lenses import files
from lensgui.analysis.lenses.fitting import JacobianFit, TunedFit, prompts_of
from lensgui.analysis.lenses.held_out import held_out_worth
from lensgui.analysis.lenses.lens import Lens, LogitLens
from lensgui.checkpoints import demo, locate
from lensgui.checkpoints.loading import open_model
from lensgui.command_line.ending import DONE, ended
from lensgui.command_line.environment import leave_no_trace, stay_offline
from lensgui.models import known_models, lenses, store
from lensgui.terms.errors import ModelError, is_out_of_memory
from lensgui.terms.homes import expanded
from lensgui.transformer.model import HookedTransformer

FITS: dict[str, type[TunedFit] | type[JacobianFit]] = {"tuned": TunedFit, "jacobian": JacobianFit}
MOST_TEXT = 1 << 30  # bytes
KEPT_EVERY = 30  # seconds between two states that a fit is gone on from
STOPPED = "Stopped; what was fitted so far is kept, and the same command goes on."


def run(arguments: argparse.Namespace) -> int:
    """Do what `lens` was asked to do.

    Args:
        arguments: A parsed command line.

    Returns:
        The exit code.
    """
    leave_no_trace()
    actions = {"list": _list, "import": _import, "fit": _fit}
    as_json = bool(arguments.json or getattr(arguments, "child", None))
    stopped = (lambda: STOPPED) if arguments.action == "fit" else (lambda: "Stopped.")
    return ended(lambda: actions[arguments.action](arguments), as_json=as_json, stopped=stopped)


def _list(arguments: argparse.Namespace) -> int:
    for path in lenses.here():
        lens = files.load_lens(path)
        if arguments.json:
            facts = {"event": "lens", "path": str(path), "kind": lens.name, **asdict(lens.fit)}
            print(json.dumps(facts))
        else:
            words = ", ".join(filter(None, (lens.name, lens.fit.model, lens.fit.size)))
            print(f"{path} ({words})")
    return DONE


def _import(arguments: argparse.Namespace) -> int:
    path = expanded(arguments.file)
    if arguments.child:
        files.convert(path, Path(arguments.child))
        return DONE
    return _done(files.import_lens(path), as_json=arguments.json)


def _done(path: Path, *, as_json: bool) -> int:
    print(json.dumps({"event": "done", "path": str(path)}) if as_json else path, flush=True)
    return DONE


def _fit(arguments: argparse.Namespace) -> int:
    if not arguments.fetch:
        stay_offline()
    text, out = _text(expanded(arguments.text)), expanded(arguments.out)
    if out.suffix != lenses.SUFFIX:
        raise ModelError(f"{out} has to end in {lenses.SUFFIX}: give --out another name.")
    if out.exists():
        raise ModelError(f"{out} is here already: choose another file with --out.")
    torch.set_num_threads(arguments.threads or torch.get_num_threads())
    model = _model(arguments)
    try:
        fit = _begun(arguments, model, text)
        _run_fit(fit, arguments, out)
    except ValueError as error:
        raise ModelError(str(error)) from error
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise ModelError("There is too little memory: give a smaller --length.") from error
    _tell_worth(model, fit.lens(), as_json=arguments.json)
    return _done(out, as_json=arguments.json)


def _text(path: Path) -> str:
    """Return what is written in a text file.

    Raises:
        ModelError: If it can't be read, or is no text.
    """
    try:
        if path.stat().st_size > MOST_TEXT:
            raise ModelError(f"{path} has over {MOST_TEXT >> 30} GiB: give a part of it.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is no text in UTF-8: give a plain text file.") from error
    except OSError as error:
        raise ModelError(f"{path} can't be read: {error.strerror}.") from error


def _model(arguments: argparse.Namespace) -> HookedTransformer:
    """Open the model, with its weights as they are."""
    name = arguments.model
    if arguments.fetch and name in {entry.name for entry in known_models.CATALOGUE}:
        demo.get(name)
    return open_model(str(locate.locate(name)), device=arguments.device, dtype=arguments.dtype)


def _begun(
    arguments: argparse.Namespace, model: HookedTransformer, text: str
) -> TunedFit | JacobianFit:
    """Return the fit that is meant, with nothing taken in yet.

    Raises:
        ValueError: If the text is too short.
    """
    length = min(arguments.length, model.cfg.n_ctx)
    tokenizer = model.tokenizer
    tokens = model.to_tokens(text, prepend_bos=False, truncate=False)[0]
    start = tokenizer.bos_token_id if arguments.bos else None
    prompts = prompts_of(tokens, length, start)[: arguments.prompts]
    return FITS[arguments.kind](model, prompts)


def _run_fit(fit: TunedFit | JacobianFit, arguments: argparse.Namespace, out: Path) -> None:
    """Run a fit to its end, from where an earlier one of the same was stopped."""
    partial = files.Partial(out, facts_of(fit, arguments))
    if (state := partial.read()) is not None:
        fit.restore(*state)
    begun, first, kept = time.monotonic(), fit.done, time.monotonic()
    try:
        while fit.done < fit.total:
            for _ in fit.step():
                pass
            _tell(fit, time.monotonic() - begun, first, as_json=arguments.json)
            if time.monotonic() - kept > KEPT_EVERY:
                partial.write(*fit.state())
                kept = time.monotonic()
    except KeyboardInterrupt:
        partial.write(*fit.state())
        raise
    files.save_lens(fit.lens(), out)
    partial.remove()


def facts_of(fit: TunedFit | JacobianFit, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what has to be the same where a fit is gone on with."""
    return {
        "kind": arguments.kind,
        "model": fit.model.cfg.model_name,
        "dtype": arguments.dtype,
        "prompts": [len(fit.prompts), len(fit.prompts[0])],
        "text": store.digest(b"".join(prompt.cpu().numpy().tobytes() for prompt in fit.prompts)),
    }


def _tell(fit: TunedFit | JacobianFit, seconds: float, first: int, *, as_json: bool) -> None:
    """Say how far a fit is, and how long it will take."""
    left = seconds / (fit.done - first) * (fit.total - fit.done)
    if as_json:
        facts = {"event": "progress", "done": fit.done, "total": fit.total, "seconds_left": left}
        print(json.dumps(facts), flush=True)
    elif sys.stderr.isatty() or fit.done == fit.total:
        end = "\n" if fit.done == fit.total else ""
        print(f"\r{fit.done:,} of {fit.total:,}, {in_time(left)} left  ", end=end, file=sys.stderr)


def _tell_worth(model: HookedTransformer, lens: Lens, *, as_json: bool) -> None:
    """Say how far a lens is from the model on a text that it was not fitted on."""
    own, plain = ([*held_out_worth(model, of)][-1] for of in (lens, LogitLens()))
    if own is None or plain is None:
        return
    fitted = own[:-1].isfinite()  # the last row is the model itself
    means = [float(of[:-1][fitted].mean()) for of in (own, plain)]
    if as_json:
        print(json.dumps({"event": "worth", "kl": means[0], "logit_lens_kl": means[1]}), flush=True)
    else:
        said = f"KL to the model {means[0]:.2f} nats, the logit lens's {means[1]:.2f}"
        print(f"On a text that it was not fitted on: {said}.", file=sys.stderr)


def in_time(seconds: float) -> str:
    """Return a time as people read it."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"
