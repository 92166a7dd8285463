"""Models whose files were changed at random, seeded, and what becomes of opening one."""

from __future__ import annotations

import json
import os
import random
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from lensgui.checkpoints.files import tensors
from lensgui.checkpoints.loading import open_model
from lensgui.models import store
from lensgui.terms.errors import ModelError
from tests.checkpoints.gguf_files import save_llama, written

SECONDS = 20  # to open and run one, on a busy machine
BYTES = 1 << 30  # of address space on top of what the test itself has
LONGEST = 700  # letters of a sentence
PACKAGE = f"{os.sep}lensgui{os.sep}"

DEEP = "\0deep"  # written as 100,000 brackets
ODD: tuple[Any, ...] = (
    0, 1, -1, 3, 10**9, 2**31, 2**63, 10**30, -(10**30), 1e30, 0.5, -0.5, 1e-30,
    float("nan"), float("inf"), True, False, None, "", "4", "four", "\ud800", "../x", "a\nb\nc",
    [], [1], [0, -1, "x"], [[]], {}, {"a": 1}, {"rope_type": "linear"}, DEEP,
)  # fmt: skip
CONFIG_KEYS = (
    "sliding_window", "head_dim", "layer_types", "rope_scaling", "rope_theta", "num_experts",
    "partial_rotary_factor", "torch_dtype", "dtype", "quantization_config", "text_config",
    "auto_map", "architectures", "attention_bias", "mlp_bias", "id2label", "transformers_version",
    "pruned_heads", "is_decoder", "bos_token_id", "pad_token_id", "max_length",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a model: it runs, or one sentence says why not; else it `is_fault`."""

    kind: str
    message: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it is neither a model that runs nor one sentence."""
        return self.kind not in ("runs", "sentence")


def make(folder: Path) -> None:
    """Save a tiny llama: sharded safetensors and a tokenizer; a GGUF file of it in `gguf`."""
    model = save_llama(folder / "model")
    (folder / "gguf").mkdir()
    path, _ = written(model)
    path.rename(folder / "gguf" / "tiny.gguf")
    tensors = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    weight_map = {name: f"part-{place % 2}.safetensors" for place, name in enumerate(tensors)}
    for shard in set(weight_map.values()):
        part = {name: tensor for name, tensor in tensors.items() if weight_map[name] == shard}
        save_file(part, model / shard)
    save_file({"decoy": tensors["model.norm.weight"]}, folder / "outside.safetensors")
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    words = ["<s>", "</s>", "<unk>", *(chr(ord("A") + number) for number in range(26))]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(model)


def place(folder: Path, kind: str) -> Path:
    """Return what to open to see a kind of change."""
    return folder / "gguf" / "tiny.gguf" if kind == "gguf" else folder / "model"


def mutate(folder: Path, kind: str, seed: int) -> str:
    """Change one of a model's files, and return what was done."""
    dice = random.Random(f"{kind} {seed}")
    return KINDS[kind](folder, dice)


def _config(folder: Path, dice: random.Random) -> str:
    path = folder / "model" / "config.json"
    if dice.random() < 0.15:
        return _file(path, dice)
    held = json.loads(path.read_text())
    if dice.random() < 0.7:
        key, value = dice.choice([*held, *CONFIG_KEYS]), dice.choice(ODD)
        held[key] = value
        what = f"config.json: {key} = {value!r}"
    else:
        what = "config.json: " + _somewhere(held, dice)
    write(path, held)
    return what


def _tokenizer(folder: Path, dice: random.Random) -> str:
    name = dice.choice(["tokenizer.json", "tokenizer.json", "tokenizer_config.json"])
    path = folder / "model" / name
    if dice.random() < 0.15:
        return _file(path, dice)
    held = json.loads(path.read_text())
    draw = dice.random()
    if name == "tokenizer.json" and draw < 0.15:
        more = dice.choice([30, 10**6, 2**32, -5])
        held["model"]["vocab"] = {w: i + more for w, i in held["model"]["vocab"].items()}
        what = f"ids + {more}"
    elif name == "tokenizer.json" and draw < 0.3:
        held["model"]["unk_token"] = None
        for word in ("A", "B"):
            del held["model"]["vocab"][word]
        what = "no unknown token"
    else:
        what = _somewhere(held, dice)
    write(path, held)
    return f"{name}: {what}"


def _index(folder: Path, dice: random.Random) -> str:
    path = folder / "model" / "model.safetensors.index.json"
    draw = dice.random()
    if draw < 0.2:
        return _file(path, dice)
    held = json.loads(path.read_text())
    if draw < 0.4:
        held = dice.choice([*ODD, {"weight_map": dice.choice(ODD)}])
        what = repr(held)
    elif draw < 0.9:
        outside = str(folder / "outside.safetensors")
        places = ["../outside.safetensors", outside, "not-there.safetensors", "part-1.safetensors"]
        places += ["/dev/zero", "/etc/passwd", "config.json", "./part-0.safetensors", ".."]
        name, value = dice.choice(list(held["weight_map"])), dice.choice([*places, *ODD])
        held["weight_map"][dice.choice([name, "extra"])] = value
        what = f"{name} in {value!r}"
    else:
        what = _somewhere(held, dice)
    write(path, held)
    return f"index.json: {what}"


def _header(folder: Path, dice: random.Random) -> str:
    path = folder / "model" / dice.choice(["part-0.safetensors", "part-1.safetensors"])
    draw = dice.random()
    if draw < 0.2:
        return _file(path, dice)
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    if draw < 0.3:
        size = dice.choice([0, 1, length - 1, length + 1, len(raw), 2**31, 2**63, 2**64 - 1])
        path.write_bytes(size.to_bytes(8, "little") + raw[8:])
        return f"{path.name}: header of {size} bytes"
    held = json.loads(raw[8 : 8 + length])
    if draw < 0.7:
        name = dice.choice([key for key in held if key != "__metadata__"])
        part = dice.choice(["dtype", "shape", "data_offsets"])
        types = ["F64", "I8", "F8_E4M3", "BF16", "BOOL", "U64", "C64"]
        shapes = [[0], [64, 0], [2**40, 2**40], [-1, 64], [4, 4], [2**62], [1.5]]
        offsets = [[0, 0], [5, 1], [-1, 10], [0, 2**60], [0, len(raw)]]
        odd: dict[str, list[Any]] = {"dtype": types, "shape": shapes, "data_offsets": offsets}
        value = dice.choice(odd[part])
        held[name][part] = dice.choice([value, value, dice.choice(ODD)])
        what = f"{name}: {part} = {held[name][part]!r}"
    else:
        what = _somewhere(held, dice)
    header = _dumped(held)
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw[8 + length :])
    return f"{path.name}: {what}"


def _gguf(folder: Path, dice: random.Random) -> str:
    path = folder / "gguf" / "tiny.gguf"
    if dice.random() < 0.1:
        return _file(path, dice)
    raw = bytearray(path.read_bytes())
    head = raw.find(b"token_embd") + 1500
    draw, where = dice.random(), dice.randrange(4, head)
    if draw < 0.3:
        keys = [b"llama.block_count", b"llama.embedding_length", b"llama.attention.head_count"]
        keys += [b"llama.context_length", b"llama.vocab_size", b"llama.feed_forward_length"]
        keys += [b"llama.attention.head_count_kv", b"tokenizer.ggml.bos_token_id"]
        key = dice.choice(keys)
        where = raw.find(key) + len(key) + 4
        value = dice.choice([0, 1, 3, 5, 10**6, 2**31, 2**32 - 1])
        raw[where : where + 4] = value.to_bytes(4, "little")
        what = f"{key.decode()} = {value}"
    elif draw < 0.45:
        where = dice.choice([8, 16])
        value = dice.choice([0, 1, 2**20, 2**40, 2**64 - 1])
        raw[where : where + 8] = value.to_bytes(8, "little")
        what = f"count at {where} = {value}"
    elif draw < 0.9:
        count = dice.choice([1, 1, 4, 8])
        value = dice.choice([0, 255, dice.randrange(256)])
        raw[where : where + count] = bytes([value]) * count
        what = f"{count} bytes at {where} = {value}"
    else:
        del raw[where:]
        what = f"cut at {where}"
    path.write_bytes(raw)
    return f"tiny.gguf: {what}"


KINDS: dict[str, Callable[[Path, random.Random], str]] = {
    "config": _config, "header": _header, "tokenizer": _tokenizer, "index": _index, "gguf": _gguf,
}  # fmt: skip


_TEXTS: dict[str, Callable[[bytes, int], bytes]] = {
    "empty": lambda raw, cut: b"",
    "cut": lambda raw, cut: raw[:cut],
    "a byte": lambda raw, cut: raw[:cut] + b"\xff" + raw[cut + 1 :],
    "UTF-16": lambda raw, cut: b"\xff\xfe" + raw,
    "a list": lambda raw, cut: b"[]",
    "a number": lambda raw, cut: b"7",
    "null": lambda raw, cut: b"null",
    "brackets": lambda raw, cut: b"[" * 100_000,
    "spaces": lambda raw, cut: b" " * (20 << 20),
    "digits": lambda raw, cut: b"9" * 10_000,
}


def _file(path: Path, dice: random.Random) -> str:
    """Change a file as such: its bytes, or its kind."""
    cut = dice.randrange(path.stat().st_size)
    return replace_file(path, dice.choice([*_TEXTS, "FIFO", "/dev/zero", "folder", "nowhere"]), cut)


def replace_file(path: Path, what: str, cut: int) -> str:
    """Put something else in a file's place."""
    raw = path.read_bytes()
    path.unlink()
    if what in _TEXTS:
        path.write_bytes(_TEXTS[what](raw, cut))
    elif what == "FIFO":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to(what)
    return f"{path.name}: {what}"


def _somewhere(held: Any, dice: random.Random) -> str:
    """Change a value somewhere in JSON, or leave it out."""
    trail, at = [], held
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = dice.choice(keys)
        trail.append(key)
        if not isinstance(at[key], dict | list) or not at[key] or dice.random() < 0.25:
            break
        at = at[key]
    if dice.random() < 0.3:
        del at[key]
        return f"without {trail}"
    at[key] = dice.choice(ODD)
    return f"{trail} = {at[key]!r}"


def _dumped(held: Any) -> bytes:
    return json.dumps(held).replace(json.dumps(DEEP), "[" * 100_000 + "]" * 100_000).encode()


def write(path: Path, held: Any) -> None:
    """Write JSON, `DEEP` as brackets."""
    path.write_bytes(_dumped(held))


def attempt(source: Path) -> Outcome:
    """Open and run a model in a child process, whose memory and time are limited."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            outcome = _tried(source)
            os.write(writing, json.dumps([outcome.kind, outcome.message[:2000]]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    over = time.monotonic() + SECONDS
    said = b""
    while select.select([reading], [], [], max(0.0, over - time.monotonic()))[0]:
        chunk = os.read(reading, 4096)
        if not chunk:
            break
        said += chunk
    else:
        os.kill(child, signal.SIGKILL)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if said:
        return Outcome(*json.loads(said))
    return Outcome("never ended" if time.monotonic() >= over else f"died of {status}")


def _tried(source: Path) -> Outcome:
    _limit()
    outside = _watch(source if source.is_dir() else source.parent)
    outcome = _opened(source)
    return Outcome("read outside", " ".join(outside)) if outside else outcome


def _watch(folder: Path) -> list[str]:
    """Return a list to which every file outside the folder goes that is read as part of a model."""
    outside: list[str] = []
    opened = safe_open

    def note(event: str, values: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(values[0], str | Path):
            path = Path(os.path.abspath(values[0]))
            if path.parent in (folder.parent, Path("/etc")) and path != folder:
                outside.append(str(path))

    def watched(path: Path, **settings: Any) -> Any:
        if path.parent != folder and not path.is_relative_to(store.home()):
            outside.append(str(path))
        return opened(path, **settings)

    sys.addaudithook(note)  # of a child process, which is about to end
    setattr(tensors, "safe_open", watched)  # noqa: B010 (whose type it has not)
    return outside


def _opened(source: Path) -> Outcome:
    try:
        model = open_model(str(source), device="cpu")
    except ModelError as error:
        return _sentence(error)
    except BaseException as error:
        return _raw(error)
    try:
        model.to_str_tokens("ABBA")
        model("ABBA")
    except (ModelError, ValueError) as error:
        is_ours = PACKAGE in traceback.extract_tb(error.__traceback__)[-1].filename
        return _sentence(error) if is_ours else _raw(error)
    except BaseException as error:
        return _raw(error)
    return Outcome("runs")


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # what other libraries print


def _sentence(error: Exception) -> Outcome:
    message = str(error)
    is_one = message.endswith(".") and "\n" not in message and len(message) <= LONGEST
    return Outcome("sentence" if is_one else "no sentence", message)


def _raw(error: BaseException) -> Outcome:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Outcome(type(error).__name__, f"{str(error)[:300]} ({last.filename}:{last.lineno})")
