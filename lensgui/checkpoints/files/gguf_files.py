"""GGUF → a folder in Hugging Face's layout: safetensors, config.json, tokenizer.json."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lensgui.checkpoints.families.registry import family_of
from lensgui.models import store
from lensgui.models.known_models import note, read_card
from lensgui.models.store import Progress, Report, silence
from lensgui.terms.errors import ModelError, first_line

PARTS = 3  # of a conversion
FORMAT = 3  # of converted folders: what an older lensgui converted is converted anew
_ROPE_FACTORS = "rope_freqs.weight"  # what each pair's wavelength is multiplied by (LLaMA 3.1)
_NEEDED = (
    "block_count",
    "context_length",
    "embedding_length",
    "attention.head_count",
    "attention.layer_norm_epsilon",
)
_SHOWN = {  # numbers that the tensors' shapes show, and what changes none
    "vocab_size",
    "context_length",
    "feed_forward_length",
    "expert_feed_forward_length",
    "expert_shared_feed_forward_length",
    "attention.head_count_kv",
    "rope.scaling.type",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
    "tensor_data_layout",
}
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
    folder = converted_folder(gguf)
    if not is_converted(folder):
        with store.writing(store.home()), store.alone(), store.working_folder() as work:
            _refuse_too_large(gguf)
            for done in convert_gguf(gguf, work / "finished"):
                report(Progress("convert", done, PARTS))
            title = f"{gguf.stem}, dequantised from GGUF"
            note(work / "finished", title=title, source=str(gguf), format=FORMAT)
            shutil.rmtree(folder, ignore_errors=True)
            (work / "finished").rename(folder)
    return folder


def converted_folder(gguf: Path) -> Path:
    """Return where a GGUF file's conversion lies, if it was converted."""
    return store.models_folder() / f"{gguf.stem}-{store.fingerprint(gguf)[:8]}"


def is_converted(folder: Path) -> bool:
    """Whether a conversion is there, whole and as it would be made now."""
    card = read_card(folder)
    is_whole = not store.differing(folder, card.get("files"), thorough=False)
    return card.get("format") == FORMAT and is_whole


def elements(gguf: Path) -> int:
    """Return how many numbers a GGUF file holds.

    Raises:
        ModelError: If it can't be read.
    """
    from gguf import GGUFReader

    with _readable(gguf):
        return sum(int(tensor.n_elements) for tensor in GGUFReader(gguf).tensors)


def _refuse_too_large(gguf: Path) -> None:
    """Refuse a file whose weights fit neither into memory nor onto the disk as float32."""
    from lensgui.checkpoints.devices import free_bytes

    needed = 4 * elements(gguf)
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
        folder: The folder to write, which must not exist.

    Yields:
        How many of the parts are done: none yet, tokenizer, weights read, weights written.

    Raises:
        ModelError: If transformers can't read the file, or not all of it.
        OSError: If the folder can't be written.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    yield 0
    with _writable():
        folder.mkdir(parents=True)
    # Read from the new folder: what lies beside the file plays no part.
    file: dict[str, Any] = {"gguf_file": str(gguf.absolute()), "local_files_only": True}
    file["trust_remote_code"] = False
    with _quiet(), _readable(gguf):
        _refuse_unstated(gguf)
        config = _config(gguf, AutoConfig.from_pretrained(folder, **file))
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, **file)
    with _quiet(), _writable():
        tokenizer.save_pretrained(folder)
    yield 1
    with _quiet(), _readable(gguf):
        kind: Any = AutoModelForCausalLM
        model, found = kind.from_pretrained(
            folder, config=config, dtype=torch.float32, output_loading_info=True, **file
        )
        _refuse_lacking(gguf, found["missing_keys"])
        # A model read from GGUF takes itself for a quantised one, which save_pretrained refuses.
        model.hf_quantizer = None
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
    yield 2
    with _quiet(), _writable():
        model.save_pretrained(folder)
        # safetensors writes files that nobody else may read.
        for path in folder.glob("*.safetensors"):
            path.chmod((folder / "config.json").stat().st_mode)
    yield 3


def _refuse_unstated(gguf: Path) -> None:
    """Refuse a file that does not say its numbers, or says another number of layers than it has."""
    from gguf import GGUFReader

    reader = GGUFReader(gguf)
    kind = _text(reader, "general.architecture")
    said = {key.removeprefix(f"{kind}.").replace("norm_rms", "norm") for key in reader.fields}
    if absent := [key for key in _NEEDED if key not in said]:
        raise ModelError(f"{gguf} does not say its {absent[0]}: get it again, from elsewhere.")
    stated = int(reader.fields[f"{kind}.block_count"].contents())
    layers = {tensor.name.split(".")[1] for tensor in reader.tensors if tensor.name[:4] == "blk."}
    if len(layers) != stated:
        raise ModelError(
            f"{gguf} says that it has {stated} layers, and has tensors of {len(layers)}: get it "
            "again."
        )
    scaling = _text(reader, f"{kind}.rope.scaling.type")
    if scaling not in ("", "none"):
        raise ModelError(
            f"{gguf} scales its rotary frequencies ({scaling}), which is not read from GGUF files: "
            "get the model as safetensors."
        )


def _config(gguf: Path, config: Any) -> Any:
    """Return a file's config with what transformers leaves out of it: rotary factors, numbers.

    Raises:
        ModelError: If the file does not hold all of the model, or more than is read.
    """
    from gguf import GGUFReader, dequantize

    family_of(config.model_type)
    reader = GGUFReader(gguf)
    kind = _text(reader, "general.architecture")
    _take_numbers(gguf, config, reader, kind)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    if _ROPE_FACTORS in tensors and "rope_theta" in _rope(config):
        factors = tensors.pop(_ROPE_FACTORS)
        numbers = dequantize(factors.data, factors.tensor_type).tolist()
        # A factor for each frequency is LongRoPE with the same factors at every length.
        config.rope_parameters = _rope(config) | {
            "rope_type": "longrope",
            "short_factor": numbers,
            "long_factor": numbers,
            "factor": 1.0,
            "attention_factor": 1.0,
            "original_max_position_embeddings": config.max_position_embeddings,
        }
    _refuse_misfits(gguf, config, kind, set(tensors))
    return config


def _take_numbers(gguf: Path, config: Any, reader: Any, kind: str) -> None:
    """Take the numbers over that transformers leaves out of a config.

    Raises:
        ModelError: If the file says one that is neither what the config has nor can be taken.
    """
    from transformers import modeling_gguf_pytorch_utils as theirs

    tables: Any = theirs.GGUF_TO_TRANSFORMERS_MAPPING["config"]
    read = tables[config.model_type.removesuffix("_text")]
    for name, field in reader.fields.items():
        key = name.removeprefix(f"{kind}.")
        if key == name or read.get(key) or key in _SHOWN:
            continue
        value = field.contents()
        if key == "rope.freq_base" and "rope_theta" in _rope(config):
            config.rope_parameters["rope_theta"] = value
        elif key == "attention.sliding_window" and kind in ("phi3", "starcoder2"):
            config.sliding_window = value or None
        elif not _agrees(value, _expected(config, key)):
            raise ModelError(
                f"{gguf} says that {name} is {value}, which is not read from GGUF files: get the "
                "model as safetensors."
            )


def _expected(config: Any, key: str) -> Any:
    """Return what a config makes of a number that transformers does not read; None if nothing."""
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rope = _rope(config)
    known = {
        "rope.dimension_count": int(head * rope.get("partial_rotary_factor", 1.0)),
        "rope.freq_base_swa": rope.get("sliding_attention", {}).get("rope_theta"),
        "rope.scale_linear": 1.0,
        "rope.scaling.factor": 1.0,
        "rope.scaling.attn_factor": 1.0,
        "attention.key_length": head,
        "attention.value_length": head,
        "attention.causal": True,
        "attention.sliding_window": getattr(config, "sliding_window", None),
        "attention.layer_norm_epsilon": getattr(config, "layer_norm_epsilon", None),
    }
    return known[key] if key in known else getattr(config, key, None)


def _agrees(stated: Any, expected: Any) -> bool:
    """Return whether a file's number is a config's; 0 stands for none."""
    if isinstance(stated, float) and isinstance(expected, int | float):
        return math.isclose(stated, expected, rel_tol=1e-6)  # the file's has four bytes
    return bool(stated == expected or (not stated and expected is None))


def _rope(config: Any) -> dict[str, Any]:
    return getattr(config, "rope_parameters", None) or {}


def _text(reader: Any, key: str) -> str:
    """Return a text that a file holds under a key; "" if it holds none."""
    field = reader.fields.get(key)
    return "" if field is None else bytes(field.parts[field.data[0]]).decode()


def _refuse_misfits(gguf: Path, config: Any, kind: str, names: set[str]) -> None:
    """Refuse a file that lacks a tensor of its model, or has one that transformers would drop."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers import modeling_gguf_pytorch_utils as theirs

    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    processor: Any = theirs.TENSOR_PROCESSORS.get(kind, theirs.TensorProcessor)
    known: dict[str, str] = theirs.get_gguf_hf_weights_map(model, processor({}))
    read = {name.removesuffix(".weight") for name in known}  # stacked experts lack the suffix there
    present = {name.removesuffix(".weight"): name for name in names}
    tied = {"output"} if config.tie_word_embeddings else set()
    _refuse_lacking(gguf, read - present.keys() - tied)
    if unknown := sorted(present.keys() - read):
        raise ModelError(
            f"{gguf} has a tensor {present[unknown[0]]} that is not known for {kind}; the model "
            "has a feature that is not supported."
        )


def _refuse_lacking(gguf: Path, names: Iterable[str]) -> None:
    if names := sorted(names):
        raise ModelError(f"{gguf} has no tensor {names[0]}, which its model needs: get it again.")


@contextlib.contextmanager
def _readable(gguf: Path) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # another library's code, on somebody's file
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
