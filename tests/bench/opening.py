"""How much memory opening a model takes at most, in a process of its own, beside its weights."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.bench.environment import BUILD

ROOM = 300e6  # bytes beside the weights and a layer
VOCABULARY, HEAD = 32000, 64
SHARD = 8  # layers in a file


@dataclass(frozen=True)
class Shape:
    """A LLaMA of some size, its embeddings untied.

    Attributes:
        name: What it is called here.
        layers: How many it has.
        width: d_model.
        hidden: d_mlp.
        groups: Its key/value heads.
    """

    name: str
    layers: int
    width: int
    hidden: int
    groups: int

    @property
    def layer(self) -> int:
        """The numbers of a layer."""
        attention = 2 * self.width * (self.width + self.groups * HEAD)
        return attention + 3 * self.width * self.hidden

    @property
    def weights(self) -> int:
        """The numbers of all of it; norms and biases are too few to count."""
        return self.layers * self.layer + 2 * VOCABULARY * self.width


SHAPES = (Shape("0.3 B", 16, 1024, 4096, 16), Shape("1 B", 22, 2048, 5632, 4))
WAYS = ("raw", "folded, not kept", "folded, first", "folded, second")
CHILD = """
import json, os, sys
import torch
torch.set_num_threads(1)
from lensgui.checkpoints.loading import NO_PROCESSING, from_pretrained
folder, tiny, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
settings = {**(NO_PROCESSING if settings.pop("raw", False) else {}), **settings}
def kilobytes(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))
from_pretrained(tiny, device="cpu", **settings)  # whatever is imported late is imported now
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak counts from here
before = kilobytes("VmRSS:")
model = from_pretrained(folder, device="cpu", **settings)
opened = kilobytes("VmHWM:")
for weight in model.parameters():
    float(weight.sum())  # every page of them
print(1024 * (opened - before), 1024 * (kilobytes("VmHWM:") - before))
"""


def save(shape: Shape, folder: Path, dtype: torch.dtype) -> Path:
    """Save such a model with random weights, several layers in a file."""
    folder.mkdir()
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": shape.width,
        "intermediate_size": shape.hidden, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.width // HEAD, "num_key_value_heads": shape.groups,
        "vocab_size": VOCABULARY, "max_position_embeddings": 2048, "tie_word_embeddings": False,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    index: dict[str, str] = {}
    for number, shapes in enumerate(_shards(shape)):
        file = f"model-{number:05}.safetensors"
        save_file({name: _random(size, dtype) for name, size in shapes.items()}, folder / file)
        index |= dict.fromkeys(shapes, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    return folder


def _random(size: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    return torch.empty(size, dtype=dtype).normal_(1.0 if len(size) == 1 else 0.0, 0.02)


def _shards(shape: Shape) -> Iterator[dict[str, tuple[int, ...]]]:
    width, hidden, few = shape.width, shape.hidden, shape.groups * HEAD
    table = (VOCABULARY, width)
    yield {"model.embed_tokens.weight": table}
    found: dict[str, tuple[int, ...]] = {}
    for layer in range(shape.layers):
        sizes = {
            "self_attn.q_proj": (width, width), "self_attn.k_proj": (few, width),
            "self_attn.v_proj": (few, width), "self_attn.o_proj": (width, width),
            "mlp.gate_proj": (hidden, width), "mlp.up_proj": (hidden, width),
            "mlp.down_proj": (width, hidden), "input_layernorm": (width,),
            "post_attention_layernorm": (width,),
        }  # fmt: skip
        found |= {f"model.layers.{layer}.{name}.weight": size for name, size in sizes.items()}
        if (layer + 1) % SHARD == 0 or layer + 1 == shape.layers:
            yield found
            found = {}
    yield {"model.norm.weight": (width,), "lm_head.weight": table}


def compare() -> tuple[list[str], bool]:
    """Rows of the table, and whether the bar holds, of files in float32 and in bfloat16."""
    if sys.platform != "linux":
        print("\npeak memory is measured on Linux only")
        return [], True
    rows, all_hold = [], True
    print(f"\npeak memory of opening in float32 (bar: weights + a layer + {ROOM / 1e6:.0f} MB)")
    BUILD.mkdir(exist_ok=True)
    for shape in SHAPES:
        for dtype in (torch.float32, torch.bfloat16):
            with tempfile.TemporaryDirectory(dir=BUILD) as work:
                worst, holds = _of(shape, dtype, Path(work))
            rows.append(worst)
            all_hold &= holds
    return rows, all_hold


def _of(shape: Shape, dtype: torch.dtype, work: Path) -> tuple[str, bool]:
    folder = save(shape, work / "model", dtype)
    tiny = save(Shape("tiny", 1, 64, 64, 1), work / "tiny", dtype)
    bar = 4 * (shape.weights + shape.layer) + ROOM
    stored, largest = str(dtype).removeprefix("torch."), 0.0
    for way in WAYS:
        if way == "folded, first":
            shutil.rmtree(work / "home", ignore_errors=True)
        settings = {"raw": True} if way == "raw" else {"keep_folded": "not" not in way}
        opened, used = _peaks(folder, tiny, settings, work / "home")
        largest = max(largest, opened, used)
        print(
            f"  {shape.name} stored in {stored}, {way}: {opened / 1e9:.2f} GB, with every page "
            f"read {used / 1e9:.2f} GB (weights {4 * shape.weights / 1e9:.2f}, bar "
            f"{bar / 1e9:.2f} GB: {'holds' if max(opened, used) <= bar else 'MISSED'})"
        )
    row = (
        f"| peak memory, {shape.name} stored in {stored} | 1 | {largest / 1e9:.2f} GB | "
        f"{4 * shape.weights / 1e9:.2f} GB (weights) | {largest / 4 / shape.weights:.2f}× | |"
    )
    return row, largest <= bar


def _peaks(folder: Path, tiny: Path, settings: dict, home: Path) -> tuple[float, float]:
    """The peak while a model is opened, and once all of it was read, in bytes."""
    command = [sys.executable, "-c", CHILD, str(folder), str(tiny), json.dumps(settings)]
    variables = {**os.environ, "LENSGUI_HOME": str(home)}
    output = subprocess.run(command, env=variables, capture_output=True, check=True).stdout
    opened, used = map(float, output.split())
    return opened, used


if __name__ == "__main__":
    compare()
