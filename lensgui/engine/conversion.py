"""GGUF → a folder in Hugging Face's layout: safetensors, config.json, tokenizer.json."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lensgui.engine.errors import ModelError


def convert_gguf(gguf: Path, folder: Path) -> Iterator[int]:
    """Dequantise a GGUF file to float32 and save it with its tokenizer.

    Args:
        gguf: The file to read.
        folder: The folder to write, which need not exist.

    Yields:
        How many of the three parts are done: tokenizer, weights read, weights written.

    Raises:
        ModelError: If transformers can't read the file.
        OSError: If the folder can't be written.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

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
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{gguf} can't be read as a GGUF model ({reason}): fetch it again."
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
