"""GGUF → a folder in Hugging Face's layout: safetensors, config.json, tokenizer.json."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lensgui.engine import store
from lensgui.engine.errors import ModelError, first_line
from lensgui.engine.library import CARD
from lensgui.engine.progress import Progress, Report, silence

PARTS = 3  # of a conversion
_SPLIT = re.compile(r"-\d{5}-of-(\d{5})\.gguf$")


def folder_of_gguf(gguf: Path, report: Report = silence) -> Path:
    """Return the folder that a GGUF file was converted to, once and for all, in lensgui's cache.

    Args:
        gguf: The file.
        report: Called often while it is converted.

    Raises:
        ModelError: If it can't be read, is one part of several, or there is no room for its
            weights in float32, in memory or on the disk.
    """
    split = _SPLIT.search(gguf.name)
    if split is not None and int(split[1]) > 1:
        raise ModelError(
            f"{gguf} is one of {int(split[1])} parts: merge them into one file with llama.cpp's "
            "gguf-split, and open that."
        )
    folder = store.models_folder() / f"{gguf.stem}-{store.fingerprint(gguf)[:8]}"
    if not (folder / CARD).is_file():
        with store.writing(store.home()), store.alone(), store.working_folder() as work:
            _refuse_too_large(gguf)
            for done in convert_gguf(gguf, work / "finished"):
                report(Progress("convert", done, PARTS))
            card = {"title": f"{gguf.stem}, dequantised from GGUF", "source": str(gguf)}
            store.write_text(work / "finished" / CARD, json.dumps(card, indent=1) + "\n")
            shutil.rmtree(folder, ignore_errors=True)
            (work / "finished").rename(folder)
    return folder


def _refuse_too_large(gguf: Path) -> None:
    """Refuse a file whose weights fit neither into memory nor onto the disk as float32."""
    from gguf import GGUFReader

    from lensgui.engine.devices import free_bytes

    with _readable(gguf):
        needed = 4 * sum(int(tensor.n_elements) for tensor in GGUFReader(gguf).tensors)
    rooms = {"memory": free_bytes("cpu"), "disk": shutil.disk_usage(store.models_folder()).free}
    for room, free in rooms.items():
        if needed > free:
            raise ModelError(
                f"{gguf} takes {needed / 1e9:.1f} GB in float32, and {free / 1e9:.1f} GB of {room} "
                "are free: choose a smaller model."
            )


def convert_gguf(gguf: Path, folder: Path) -> Iterator[int]:
    """Dequantise a GGUF file to float32 and save it with its tokenizer.

    Args:
        gguf: The file to read.
        folder: The folder to write, which need not exist.

    Yields:
        How many of the parts are done: none yet, tokenizer, weights read, weights written.

    Raises:
        ModelError: If transformers can't read the file.
        OSError: If the folder can't be written.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    yield 0
    where: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
    with _quiet(), _readable(gguf):
        tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, **where)
    with _quiet(), _writable():
        tokenizer.save_pretrained(folder)
    yield 1
    with _quiet(), _readable(gguf):
        model: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **where)
        # A model read from GGUF takes itself for a quantised one, which save_pretrained refuses.
        model.hf_quantizer = None
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
    yield 2
    with _quiet(), _writable():
        model.save_pretrained(folder)
    yield 3


@contextlib.contextmanager
def _readable(gguf: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{gguf} can't be read as a GGUF model ({first_line(error)}): get it again, or as "
            "safetensors."
        ) from error


@contextlib.contextmanager
def _writable() -> Iterator[None]:
    # safetensors and tokenizers raise errors of their own, which name the system's only in words.
    try:
        yield
    except Exception as error:
        if code := re.search(r"os error (\d+)", str(error)):
            raise OSError(int(code[1]), os.strerror(int(code[1]))) from error
        raise


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # one bar asks nobody
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
