"""A few lines of Python for each pane: they compute with the library what the pane shows."""

from __future__ import annotations

from lensgui.circuits.questions import BEST_DEVICE, RESID_PRE, PromptPair, SweepKind
from lensgui.panes import metricsnippet
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

UNFOLDED = (
    "fold_ln=False",
    "center_writing_weights=False",
    "center_unembed=False",
    "fold_value_biases=False",
)


def opening(document: Document, imports: tuple[str, ...] = ()) -> list[str]:
    """Return the lines that open the model."""
    model = document.model
    if model.is_in_memory:
        named = [f"from lensgui import {', '.join(sorted(imports))}"] if imports else []
        return [*named, "", "# `model` is the model that was opened."]
    options = [repr(model.source)]
    if not model.folded:
        options += UNFOLDED
    if model.device != BEST_DEVICE:
        options.append(f"device={model.device!r}")
    if model.dtype != "float32":
        options.append(f"dtype={model.dtype!r}")
    return [
        f"from lensgui import {', '.join(sorted(['HookedTransformer', *imports]))}",
        "",
        "model = HookedTransformer.from_pretrained(",
        *(f"    {option}," for option in options),
        ")",
    ]


def tokens(name: str, text: str, bos: bool | str) -> str:
    """Return the line that turns a prompt into tokens."""
    if isinstance(bos, str):
        return f"{name} = model.to_tokens({bos + text!r}, prepend_bos=False)"
    return f"{name} = model.to_tokens({text!r}, prepend_bos={bos})"


def metric(pair: PromptPair) -> str:
    """Return the expression for the metric; the default answers are left to be filled in."""
    return metricsnippet.expression(pair)


def prompt(document: Document) -> str:
    """Return how to get the likeliest next tokens, and the metric of each prompt."""
    pair = document.pair
    lines = opening(document, metricsnippet.imports(pair))
    lines += [
        tokens("clean", pair.clean, pair.bos),
        "logits = model(clean)",
        "chances = logits[0, -1].softmax(-1)",
        "for chance, token in zip(*chances.topk(5)):",
        '    print(f"{chance:.3f} {model.to_string(token)!r}")',
        "",
        *metricsnippet.reading(pair),
    ]
    if pair.corrupted:
        lines += [
            tokens("corrupted", pair.corrupted, pair.bos),
            'print("corrupted", read(corrupted))',
        ]
    return _join(lines)


def patching(document: Document, number: int, cursor: Cursor) -> str:
    """Return how to patch every place of the chosen kind, in the chosen direction."""
    pair, view = document.pair, document.views[number]
    kind = view.kind
    lines = opening(document, (metricsnippet.CLASSES[pair.metric],))
    lines.insert(1, "from lensgui.circuits.sweeps import sweep")
    options = []
    if kind != RESID_PRE:
        lines.insert(1, "from lensgui.circuits.questions import SweepKind")
        options.append(f"kind={_spelled(kind)}")
    if view.direction != "denoising":
        options.append(f"direction={view.direction!r}")
    lines += [
        tokens("clean", pair.clean, pair.bos),
        tokens("corrupted", pair.corrupted, pair.bos),
        f"difference = {metric(pair)}",
        "*_, result = sweep(",
        f"    {', '.join(['model', 'clean', 'corrupted', 'difference', *options])}",
        ")",
        f"share = result.normalised  # of clean − corrupted, [{', '.join(kind.axes)}]",
    ]
    if kind.extent == "edge":
        place = f"[{cursor.layer or 0}, {cursor.head or 0}]"
        lines += [f"edges = share{place}  # of the selected head, [position, source]"]
    return _join(lines)


def inspector(document: Document, cursor: Cursor) -> str:
    """Return how to get a head's attention and attribution, and the logit lens of a position."""
    pair = document.pair
    layer, head, position = cursor.layer or 0, cursor.head or 0, cursor.position
    where = -1 if position is None else position
    lines = opening(document)
    lines += [
        tokens("clean", pair.clean, pair.bos),
        "logits, cache = model.run_with_cache(clean)",
        f'attention = cache["pattern", {layer}][0, {head}, {where}]  # [source]',
        "",
        f"answer = model.to_single_token({pair.answer or ' answer'!r})",
        f"distractor = model.to_single_token({pair.distractor or ' distractor'!r})",
        f"heads, names = cache.stack_head_results(pos_slice={where}, return_labels=True)",
        "written = cache.logit_attrs(",
        f"    heads, tokens=answer, incorrect_tokens=distractor, pos_slice={where}",
        f")[names.index('L{layer}H{head}')]",
        "",
        f"stream = cache.accumulated_resid(apply_ln=True, pos_slice={where})",
        "lens = stream @ model.W_U + model.b_U  # [layer, batch, vocabulary]",
    ]
    return _join(lines)


def _spelled(kind: SweepKind) -> str:
    extent = f", {kind.extent!r}" if kind.extent != "position" else ""
    return f"SweepKind({kind.activation!r}{extent})"


def _join(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
