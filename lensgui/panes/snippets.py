"""A few lines of Python for each pane: they compute with the library what the pane shows."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from lensgui.circuits.questions import BEST_DEVICE, PairRow, PromptPair
from lensgui.panes import metricsnippet
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

UNFOLDED = (
    "fold_ln=False",
    "center_writing_weights=False",
    "center_unembed=False",
    "fold_value_biases=False",
)
HOMES: dict[str, tuple[str, ...]] = {  # the names that snippets use, by where they live
    "lensgui": (
        "ContinuationLogProbability",
        "HookedTransformer",
        "KLDivergence",
        "LogProbability",
        "LogitDifference",
        "Probability",
        "Rank",
    ),
    "lensgui.circuits.answers": ("answers", "encode"),
    "lensgui.circuits.averages": ("sweep_cases",),
    "lensgui.circuits.cards": ("read_edge", "read_mlp", "sought"),
    "lensgui.circuits.cases": ("case_of",),
    "lensgui.circuits.continuations": ("continued", "of_prompt"),
    "lensgui.circuits.feeding": ("feed",),
    "lensgui.circuits.heads": ("hide_first_source", "read_head", "shrink", "shrink_signed"),
    "lensgui.circuits.lens": ("logit_lens",),
    "lensgui.circuits.nodes": ("Node",),
    "lensgui.circuits.patches": ("map_shape",),
    "lensgui.circuits.patterns": ("weighed",),
    "lensgui.circuits.questions": ("PairRow", "PromptPair", "Role", "SweepKind"),
    "lensgui.circuits.roles": ("at_places", "matched_rows"),
    "lensgui.circuits.runs": ("Run",),
    "lensgui.circuits.shares": ("refusal",),
    "lensgui.circuits.sweeps": ("sweep",),
}


def script(document: Document, lines: Iterable[str]) -> str:
    """Return a whole script: what lines import, how the model is opened, and the lines."""
    body = "\n".join([*_opening(document), *lines]) + "\n"
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    imports = ["import torch", ""] if "torch" in used else []
    for home, names in HOMES.items():
        wanted = [name for name in names if name in used]
        imports += [f"from {home} import {', '.join(wanted)}"] if wanted else []
    return "\n".join([*imports, "", body])


def tokens(name: str, text: str, bos: bool | str) -> str:
    """Return the line that turns a prompt into tokens."""
    return f"{name} = model.to_tokens({text!r}, prepend_bos={bos!r})"


def pairs(name: str, found: Sequence[PromptPair]) -> list[str]:
    """Return the lines of a list of pairs."""
    return [f"{name} = [", *(f"    {_pair(pair)}," for pair in found), "]"]


def rows(name: str, found: Sequence[PairRow], *, has_roles: bool) -> list[str]:
    """Return the lines of a list of rows of the table, with or without their roles."""
    lines = []
    for row in found:
        roles = [f"Role({role.name!r}, {role.end})" for role in row.roles if has_roles]
        named = f", ({', '.join(roles)}{',' * (len(roles) == 1)})" if roles else ""
        lines.append(f"    PairRow({_pair(row.pair)}{named}),")
    return [f"{name} = [", *lines, "]"]


def resolved(pair: str, *, is_typed: bool) -> str:
    """Return the expression for what a pair compares.

    Args:
        pair: Python for the pair.
        is_typed: Whether nobody needs to ask for the likeliest tokens.
    """
    if is_typed:
        return f"answers(model, {pair}, [])"
    logits = f"model(encode(model, {pair}.clean_prompt))[0, -1]"
    return f"answers(model, {pair}, {logits}.topk(2).indices.tolist())"


def prompt(document: Document) -> str:
    """Return how to get the likeliest next tokens, and the metric of each prompt."""
    pair = document.pair
    lines = [
        tokens("clean", pair.clean, pair.bos),
        "chances = model(clean)[0, -1].softmax(-1)",
        "for chance, token in zip(*chances.topk(5)):",
        '    print(f"{chance:.3f} {model.to_single_str_token(int(token))!r}")',
        "",
        *metricsnippet.reading(pair),
    ]
    if pair.corrupted:
        lines += [
            tokens("corrupted", pair.corrupted, pair.bos),
            'print("corrupted", read(corrupted))',
        ]
    return script(document, lines)


def inspector(document: Document, cursor: Cursor) -> str:
    """Return how to read the head, edge, MLP and position that are selected."""
    pair, layer, head, source = document.pair, cursor.layer, cursor.head, cursor.source
    position = cursor.position
    is_typed = bool(pair.answer and pair.distractor)
    lines = [
        f"pair = {_pair(pair)}",
        "run = Run(model, encode(model, pair.clean_prompt)).complete()",
        f"difference = {resolved('pair', is_typed=is_typed)}.difference  # None without answers",
        f"position = {'len(run.tokens) - 1' if position is None else position}",
        "",
        "lens = logit_lens(run, position)  # [layer, d_vocab]",
        "columns = lens[:, list(difference.columns)].double() if difference else None",
        "curve = difference and difference.of_columns(columns)  # [layer]",
    ]
    if layer is not None and head is not None:
        place = f"run, {layer}, {head}, position"
        lines += [
            "# attention [source], attribution in logits, effect [d_vocab]",
            f"head = read_head({place}, difference)",
            f"*_, keys = sought({place})  # how well each token would match its query, [d_vocab]",
        ]
        if source is not None and (position is None or source <= position):
            lines.append(f"edge = read_edge({place}, {source}, difference)")
    if layer is not None:
        lines.append(f"mlp = read_mlp(run, {layer}, position, difference)")
    return script(document, lines)


def _opening(document: Document) -> list[str]:
    """Return the lines that open the model."""
    model = document.model
    if model.is_in_memory:
        return ["# `model` is the model that was opened."]
    options = [repr(model.source)]
    if not model.folded:
        options += UNFOLDED
    if model.device != BEST_DEVICE:
        options.append(f"device={model.device!r}")
    if model.dtype != "float32":
        options.append(f"dtype={model.dtype!r}")
    return [
        "model = HookedTransformer.from_pretrained(",
        *(f"    {option}," for option in options),
        ")",
    ]


def _pair(pair: PromptPair) -> str:
    texts = [pair.clean, pair.corrupted, pair.answer, pair.distractor]
    parts = [repr(text) for text in texts]
    parts += [f"bos={pair.bos!r}"] if pair.bos is not False else []
    parts += [f"metric={pair.metric!r}"] if pair.metric != "logit difference" else []
    return f"PromptPair({', '.join(parts)})"
