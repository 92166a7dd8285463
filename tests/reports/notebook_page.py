"""What becomes of each name that public notebooks use; as a script, writes the guide's page of it.

python -m tests.reports.notebook_page
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

import lensgui
from lensgui.checkpoints import loading
from lensgui.terms.transformer_lens import arguments, elsewhere
from lensgui.terms.transformer_lens.arguments import Argument
from lensgui.transformer.weights.processing import fold

ROOT = Path(__file__).resolve().parents[2]
NAMES: dict[str, Any] = json.loads(
    (ROOT / "tests" / "fixtures" / "notebook_names.json").read_text(encoding="utf-8")
)
PAGE = ROOT / "resources" / "guide" / "notebooks.md"
WORKS = "works"
SAID = {  # every sentence that may be the answer
    *elsewhere.NAMES.values(),
    *elsewhere.MODULES.values(),
    *elsewhere.MODEL.values(),
    *(
        one.way
        for table in (
            arguments.CONFIG,
            arguments.FORWARD,
            arguments.GENERATE,
            arguments.MAKING,
            arguments.OPENING,
        )
        for one in table.values()
    ),
}
INTRODUCTION = """# Notebooks written for TransformerLens

With `transformer_lens` replaced by `lensgui` in the imports, the names below work, or raise one
sentence that says how it is done here. They are all that TransformerLens's own notebooks of
versions 2.16 and 3.5 use, and those that users reported missing elsewhere; a test walks this page.
What is not on it may be missing.

What differs though the name is the same:

- `cache["normalized", layer, "ln1"]` is before the norm's weight and bias where those are not
  folded, as in TransformerLens 3; its version 2 gives what comes after.
- The parts in `components` are the model's own classes: they are called as in TransformerLens, and
  built differently.
- `TransformerBridge` is `HookedTransformer`; `boot_transformers` opens a model with its weights as
  they are, and `enable_compatibility_mode` folds them in place.
- With `act_fn="solu_ln"`, folding leaves the norm inside the MLP as it is.
- `patching.get_act_patch_*` and `generic_activation_patch` run no whole forward pass a cell,
  whatever the metric. It is called once a cell, in order, with logits that are worked out when it
  looks at them: a metric that reads `logits[0, -1]` costs one row, one that reads every position
  costs those that differ. They are its own: it may change them, print them, or keep them. Only
  where hooks are attached, prompts are padded, or the setter is your own, cells run one after the
  other; with your own setter from the patched layer on. Maps of a float64 model are float64.
"""


def model() -> lensgui.HookedTransformer:
    """A small random model with every part that notebooks read."""
    cfg = lensgui.HookedTransformerConfig(
        n_layers=2, d_model=16, n_ctx=12, d_head=8, d_vocab=20, seed=0, default_prepend_bos=False
    )
    return lensgui.HookedTransformer(cfg)


def outcome(find: Callable[[], object]) -> str:
    """Return "works", or the way that the sentence of the error says."""
    try:
        find()
    except (AttributeError, ImportError, TypeError, ValueError) as error:
        said = str(error)
        ways = sorted((way for way in SAID if said.endswith(f": {way}.")), key=len)
        if not ways:
            raise
        return ways[-1]
    return WORKS


def imported(name: str) -> Any:
    """Return what a dotted name after the package's is: by attributes, or from a module."""
    module, _, last = name.rpartition(".")
    try:
        return within(lensgui, name)
    except AttributeError:
        return getattr(import_module(f"lensgui.{module}"), last)


def within(thing: Any, name: str) -> Any:
    """Return an attribute by its dotted name; `blocks` stands for the first."""
    for part in name.split("."):
        thing = getattr(thing[0] if isinstance(thing, torch.nn.ModuleList) else thing, part)
    return thing


MODEL = lensgui.HookedTransformer
OPENING = ([loading.from_pretrained], arguments.OPENING)
RUNNING = arguments.FORWARD
TAKEN: dict[str, tuple[list[Any], dict[str, Argument]]] = {  # whose arguments a call passes on
    "HookedTransformer": ([MODEL], arguments.MAKING),
    "HookedTransformerConfig": ([lensgui.HookedTransformerConfig], arguments.CONFIG),
    "TransformerBridgeConfig": ([lensgui.HookedTransformerConfig], arguments.CONFIG),
    "HookedTransformer.from_pretrained": OPENING,
    "HookedTransformer.from_pretrained_no_processing": OPENING,
    "model_bridge.TransformerBridge.boot_transformers": OPENING,
    "model.forward": ([MODEL.forward], RUNNING),
    "model.run_with_cache": ([MODEL.run_with_cache, MODEL.forward], RUNNING),
    "model.run_with_hooks": ([MODEL.run_with_hooks, MODEL.forward], RUNNING),
    "model.generate": ([MODEL.generate, MODEL.generate_stream], arguments.GENERATE),
    "model.enable_compatibility_mode": ([MODEL.enable_compatibility_mode, fold], {}),
    "model.load_and_process_state_dict": ([fold], {}),
}


def argument(call: str, name: str, subject: lensgui.HookedTransformer) -> str:
    """Return what becomes of an argument of a call."""
    if call in TAKEN:
        takers, known = TAKEN[call]
    else:
        root, _, rest = call.partition(".")
        roots = {"model": subject, "cache": lensgui.ActivationCache}
        takers, known = [within(roots[root], rest) if root in roots else imported(call)], {}
    if any(name in inspect.signature(taker).parameters for taker in takers):
        return WORKS
    if known[name].neutral is None and known[name].way:
        return f"is taken; {known[name].way}"
    way = outcome(lambda: arguments.kept({name: object()}, known))
    neutral = [value for value in known[name].neutral or () if value is not None]
    return f"works as `{neutral[-1]!r}`; for more: {way}" if neutral else way


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield (kind, name, "works" or the way here) for every name."""
    subject = model()
    tokens = torch.arange(8)[None]
    _, cache = subject.run_with_cache(tokens)
    for name in NAMES["package"]:
        yield "The package", name, outcome(partial(imported, name))
    things = {
        "model": subject,
        "cache": cache,
        "config": subject.cfg,
        "factored_matrix": subject.OV,
        "hook_point": subject.blocks[0].attn.hook_z,
    }
    for kind, thing in things.items():
        for name in NAMES[kind]:
            found = outcome(partial(within, thing, name))
            yield f"Of a {kind.replace('_', ' ')}", name, found
    for entry in NAMES["activations"]:
        name, count = entry.split("|")
        key: tuple[Any, ...] = (name, 0, "ln1" if name == "scale" else "attn")[: int(count)]
        subject.set_use_attn_result(True)
        subject.set_use_split_qkv_input(True)
        assert lensgui.get_act_name(*key) in subject.hook_dict
        yield "Activations", f"get_act_name{key!r}", WORKS
    for call, words in NAMES["arguments"].items():
        said = "" if call.startswith(("model", "cache")) else outcome(partial(imported, call))
        if call.startswith("model.") and not said:
            said = outcome(partial(within, subject, call.partition(".")[2]))
        for name in words if said in ("", WORKS) else ():
            yield "Arguments", f"{call}({name}=)", argument(call, name, subject)


def page() -> str:
    """Return the page."""
    found = list(rows())
    lines = [INTRODUCTION]
    kind = ""
    for its_kind, name, way in found:
        if its_kind != kind:
            kind = its_kind
            lines.append(f"\n## {kind}\n\n| name | here |\n|---|---|")
        lines.append(f"| `{name}` | {way} |")
    works = sum(way == WORKS for *_, way in found)
    lines.append(f"\n{len(found)} names: {works} work, {len(found) - works} say the way.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
