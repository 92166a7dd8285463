"""A few lines of Python for each pane: they compute with the library what the pane shows.

They import from `lensgui` alone, and end by printing a table.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields

from lensgui.jobs.answers.arrays import ATLAS_SIDE
from lensgui.prompts.pair import PairRow, PromptPair, Role
from lensgui.prompts.sides import SUMMANDS
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms import vectors
from lensgui.terms.interventions import Intervention, Site, Vector
from lensgui.terms.kinds import AttentionMeasure, Averaged, Side
from lensgui.terms.model_key import BEST_DEVICE
from lensgui.terms.scores import REPEATED_SCORES, HeadScore

OF_WEIGHTS = {
    "copying": ["*_, ranks = copying_scores(model)"],
    "raw copying": ["*_, ranks = copying_scores(model, raw=True)"],
    "top 5": ["*_, (ranks, _) = copied_shares(model)"],
    "bottom 5": ["*_, (_, ranks) = copied_shares(model)"],
}
LENS_PRINTED = "print(table(shown))  # [row as lens_rows counts them, position]"
PRINTED = "print(table(ranks))  # [layer, head]"


def script(document: Document, lines: Iterable[str]) -> str:
    """Return a whole script: what lines import, how the model is opened, and the lines."""
    body = "\n".join([*_opening(document), *lines]) + "\n"
    body = "".join(f"{line}\n" for line in _vectors(body)) + body
    names = [node for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    used = {node.id for node in names} - made - {"model", "torch", *dir(builtins)}
    imports = ["import torch"] if "torch" in {node.id for node in names} else []
    if used:
        imports.append(f"from lensgui import {', '.join(sorted(used))}")
    return "\n".join([*imports, "", body])


def _vectors(body: str) -> list[str]:
    """Return the lines that keep the vectors which a script names by their content, each once."""
    calls = [node for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Call)]
    known: dict[str, str] = {}
    for call in calls:
        texts = [ast.literal_eval(part) for part in call.args if isinstance(part, ast.Constant)]
        if isinstance(call.func, ast.Name) and call.func.id == Vector.__name__:
            name, content = texts
            known[content] = name
    found = [(name, vectors.as_text(content)) for content, name in known.items()]
    return [f"keep_vector({name!r}, {text!r})" for name, text in found if text]


def pair(name: str, found: PromptPair) -> str:
    """Return what makes a pair."""
    return f"{_reference([found])}{name} = {_pair(found)}"


def pairs(name: str, found: Sequence[PromptPair], *, has_means: bool = False) -> str:
    """Return what lists pairs; with the prompts of means too if what follows has some."""
    listed = ", ".join(_pair(one, has_means=has_means) for one in found)
    return f"{_reference(found, has_means=has_means)}{name} = [{listed}]"


def rows(name: str, found: Sequence[PairRow], *, has_roles: bool) -> str:
    """Return what lists rows of the table, with or without their roles."""
    listed = ", ".join(_row(row, has_roles=has_roles) for row in found)
    return f"{_reference([row.pair for row in found])}{name} = [{listed}]"


def _reference(found: Sequence[PromptPair], *, has_means: bool = False) -> str:
    """Return the line that lists the prompts that pairs' means are over; "" without means.

    They are the same for all pairs.
    """
    known = [pair.reference if has_means else pair.acting.reference for pair in found]
    listed = next(filter(None, known), ())
    if not listed:
        return ""
    if any(of.word_roles for of in listed):
        named = [(of.text, of.bos, [astuple(role) for role in of.word_roles]) for of in listed]
        made = "Prompt(text, bos, word_roles=tuple(Role(*role) for role in roles))"
        return f"reference = tuple({made} for text, bos, roles in {named})\n"
    if len({of.bos for of in listed}) == 1:
        marked = f", {listed[0].bos!r}" * (listed[0].bos is not False)
        texts = ", ".join(repr(of.text) for of in listed)
        return f"reference = tuple(Prompt(text{marked}) for text in [{texts}])\n"
    each = ", ".join(f"Prompt({of.text!r}, {of.bos!r})" for of in listed)
    return f"reference = ({each},)\n"


def tokens(prompt: str) -> str:
    """Return the expression for the token ids of a side of `pair`, [batch, position]."""
    return f"model.to_tokens(pair.{prompt}, prepend_bos=pair.bos)"


def prompt(document: Document) -> str:
    """Return how to get the likeliest next tokens, and the metric of each prompt."""
    plainly = f"model({tokens('clean')})[0, -1].softmax(-1)"
    lines, was = [pair("pair", document.pair), f"chances = {plainly}"], ""
    if any(one.acts_on("clean") for one in document.pair.interventions):
        lines[1:] = [
            f"before = {plainly}  # without interventions",
            "run = run_prompt(model, pair.clean_prompt)",
            "chances = run.model.to_logits(run.residuals[-1][None])[0, -1].softmax(-1)",
        ]
        was = " (was {before[token]:.3f})"
    lines += [
        "for chance, token in zip(*chances.topk(5)):",
        f'    print(f"{{chance:.3f}}{was} {{model.to_single_str_token(int(token))!r}}")',
        "for side, value in zip(('clean', 'corrupted'), read_pair(model, pair)):",
        "    print(side, value)",
    ]
    if any(one.is_on for one in document.pair.interventions):
        lines.append("print(read_pair(model, pair.plain), 'without interventions')")
    return script(document, lines)


def pair_table(document: Document) -> str:
    """Return how to get the metric of every included pair, and its mean."""
    found = [row.pair for row in document.whole_table if row.is_included] or [document.pair]
    lines = [
        pairs("pairs", found),
        "readings = [read_pair(model, pair) for pair in pairs]",
        "numbers = [reading for reading in readings if reading]  # the table marks the others: !",
        "means = [sum(side) / len(side) for side in zip(*numbers)]",
        f"print(table([*numbers, means], columns={sides_of(found)}))  # the means come last",
    ]
    return script(document, lines)


def every_pair(rows: Sequence[PairRow]) -> str:
    """Return the line that reads all pairs of the table, those left out of means too."""
    listed = pairs("listed", [row.pair for row in rows])
    return f"{listed}\nevery = [read_pair(model, pair) for pair in listed]"


def inspector(document: Document, cursor: Cursor) -> str:
    """Return how to read the head, edge, MLP and position that are selected."""
    layer, head, source, position = cursor.layer, cursor.head, cursor.source, cursor.position
    columns = "lens[:, list(difference.columns)].double()"
    lines = [
        pair("pair", document.pair),
        "run = run_prompt(model, pair.clean_prompt)",
        "difference = answers(model, pair).difference  # None without answers",
        f"position = {'len(run.tokens) - 1' if position is None else position}",
        "lens = logit_lens(run, position)  # [layer, d_vocab]",
        f"curve = difference.of_columns({columns}) if difference else None  # [layer]",
    ]
    if layer is not None and head is not None:
        place = f"run, {layer}, {head}, position"
        lines += [
            f"head = read_head({place}, difference)",
            f"*_, keys = score_keys({place})  # what its query would match, [d_vocab]",
        ]
        if source is not None and (position is None or source <= position):
            lines.append(f"edge = read_edge({place}, {source}, difference)")
    if layer is not None:
        lines.append(f"mlp = read_mlp(run, {layer}, position, difference)")
    lines += ["for row in lens:", "    print(model.to_str_tokens(row.topk(5).indices))"]
    return script(document, lines)


def lens(document: Document, read: str) -> str:
    """Return how to read every layer and position as if it were the last, as `shown`.

    Args:
        document: Says what is read, of which prompt.
        read: The expression for it of `cells`; "" for the metric.
    """
    view = document.views.lens
    whose = ("answer", "distractor")[view.token] if view.token < 2 else ""
    of_token = "chosen" in read
    mid = ", mid=True" * (view.mid and not view.lens)
    reading = [f"*_, shown = lens_metric(run, lens, found.metric{mid})"]
    if read:
        one = f"found.{whose}[:1]" if whose else "[followed]"
        tokens = f", {one}" * of_token
        count = f"len(lens_rows(model{mid}))"
        reading = [
            f"shown = torch.full(({count}, len(run.tokens)), torch.nan)",
            f"for cells in read_lens(run, lens{tokens}{mid}):",
            f"    shown[cells.rows, cells.positions] = cells.{read}.float()",
        ]
    lines = [pair("pair", document.pair), _chosen_lens(document)]
    if of_token and not whose:
        lines.append(f"followed = model.to_single_token({view.followed[view.token - 2]!r})")
    elif of_token or not read:
        lines.append("found = answers(model, pair)")
    prompts = prompts_of(view.side)
    if len(prompts) == 1:
        lines += [f"run = run_prompt(model, {prompts[0]})", *reading]
    else:
        lines += ["both = []", f"for prompt in ({', '.join(prompts)}):"]
        inner = ["run = run_prompt(model, prompt)", *reading, "both.append(shown)"]
        lines += [f"    {line}" for line in inner]
        lines.append("shown = both[0] - both[1]")
    return script(document, [*lines, LENS_PRINTED])


def prompts_of(side: Side) -> list[str]:
    """Return the expressions for the prompts of `pair` that a side reads, the second taken away."""
    return [one.python for one in SUMMANDS[side]]


def lens_of_pairs(document: Document, value: Averaged) -> str:
    """Return how to read all pairs through a lens: the mean as `shown`, and its spread."""
    view, found = document.views.lens, document.rows
    mid = ", mid=True" * (view.mid and not view.lens)
    lines = [
        rows("rows", found, has_roles=any(row.roles for row in found)),
        _chosen_lens(document),
        f"*_, read = read_lens_of_pairs(model, rows, lens, {value!r}, {view.side!r}{mid})",
        "shown, deviation = read.mean(0), read.std(0)  # over the pairs",
    ]
    return script(document, [*lines, LENS_PRINTED])


def _chosen_lens(document: Document) -> str:
    name = document.views.lens.lens
    return f"lens = load_lens({name!r})" if name else "lens = LogitLens()"


def _opening(document: Document) -> list[str]:
    """Return the line that opens the model."""
    model = document.model
    if model.is_in_memory:
        return ["# `model` is the model that was opened."]
    options = [repr(model.source)]
    if model.device != BEST_DEVICE:
        options.append(f"device={model.device!r}")
    if model.dtype != "float32":
        options.append(f"dtype={model.dtype!r}")
    how = "from_pretrained" if model.folded else "from_pretrained_no_processing"
    return [f"model = HookedTransformer.{how}({', '.join(options)})"]


def sides_of(found: Sequence[PromptPair]) -> tuple[str, ...]:
    """Return the sides that all of some pairs have."""
    return ("clean", "corrupted") if all(pair.corrupted for pair in found) else ("clean",)


def _row(row: PairRow, *, has_roles: bool) -> str:
    return f"PairRow({_pair(row.pair)}{f', {_roles(row.roles)}' * (has_roles and row.roles != ())})"


def _roles(found: Sequence[Role]) -> str:
    listed = [f"Role({role.name!r}, {role.end})" for role in found]
    return f"({', '.join(listed)}{',' * (len(listed) == 1)})"


def _pair(pair: PromptPair, *, has_means: bool = False) -> str:
    texts = [pair.clean, pair.corrupted, pair.answer, pair.distractor]
    parts = [repr(text) for text in texts]
    parts += [f"bos={pair.bos!r}"] if pair.bos is not False else []
    parts += [f"metric={pair.metric!r}"] if pair.metric != "logit difference" else []
    acting = [spelled(one) for one in pair.interventions if one.is_on]
    parts += [f"interventions=({', '.join(acting)},)"] if acting else []
    means = pair if has_means else pair.acting
    parts += ["reference=reference"] if means.reference else []
    parts += [f"word_roles={_roles(means.word_roles)}"] if means.word_roles else []
    parts += [f"more={pair.more}"] if pair.more else []
    parts += [f"more_behind={pair.more_behind!r}"] if pair.more_behind != "clean" else []
    return f"PromptPair({', '.join(parts)})"


def spelled(value: Intervention | Site | Vector) -> str:
    """Return the expression for an intervention, or for what it names: what is not as usual."""
    parts = []
    for at, field in enumerate(fields(value)):
        own = getattr(value, field.name)
        if own == field.default:
            continue
        is_named = isinstance(own, Site | Vector)
        words = spelled(own) if is_named else repr(own)
        parts.append(words if at < 2 else f"{field.name}={words}")
    return f"{type(value).__name__}({', '.join(parts)})"


def attention(
    document: Document,
    heads: Sequence[tuple[int, int]],
    side: Side,
    measure: AttentionMeasure,
    *,
    hides_first: bool,
    grid_hides_first: bool,
    ranked: Sequence[str] = (),
) -> str:
    """Return how to get one head's numbers, or the mean of several, as `shown`; all as `grid`.

    Args:
        document: The prompts.
        heads: Layer and head of each.
        side: Whose attention, or which difference.
        measure: What is counted.
        hides_first: Whether position 0 is left out; only a pattern's rows are renormalised.
        grid_hides_first: The same of the grid.
        ranked: The lines that compute what heads are ranked by.
    """
    found = document.rows or (PairRow(document.pair),)
    has_roles = any(row.roles for row in found)
    of_focus = f"{side!r}, {measure!r}" + ", hides_first=True" * hides_first
    of_grid = f"{side!r}, {measure!r}" + ", hides_first=True" * grid_hides_first
    lines = [
        rows("rows", found, has_roles=has_roles),
        f"heads = {list(heads)}",
        f"shown = mean_attention(model, rows, heads, {of_focus}).mean(0)",
        "layers, count = range(model.cfg.n_layers), model.cfg.n_heads",
        "every = [(layer, head) for layer in layers for head in range(count)]",
        f"grid = mean_attention(model, rows, every, {of_grid}, at_most={ATLAS_SIDE})",
        "grid = grid.unflatten(0, (-1, count))  # [layer, head, destination, source]",
        *ranked,
        "print(table(shown))  # [destination, source]",
    ]
    return script(document, lines)


def ranked(document: Document, score: HeadScore, cursor: Cursor, side: Side) -> list[str]:
    """Return the lines that compute and print what heads are ranked by, as `ranks`.

    They go on where `model` and `rows` are known. None where it is not computed by a few lines: a
    sweep, which its own pane copies, or what the grid's attention says already.

    Args:
        document: The model and the prompts.
        score: What heads are ranked by.
        cursor: What is selected.
        side: Whose attention is looked at.
    """
    if score.origin == "repeats":
        number = REPEATED_SCORES.index(score.key)
        return [
            "*_, repeats = score_on_repeats(model, repeated_tokens(model))",
            f"ranks = repeats.scores[{number}]  # {score.key}",
            PRINTED,
        ]
    if score.origin == "weights":
        return [*OF_WEIGHTS[score.key], PRINTED]
    if document.rows:
        return []
    if score.origin == "answer":
        return [
            "difference = answers(model, rows[0].pair).difference  # None without two answers",
            "run = run_prompt(model, rows[0].pair.clean_prompt)",
            "*_, ranks = attribute_heads(run, difference) if difference else [None]",
            "print(table(ranks) if difference else None)  # [layer, head]",
        ]
    runs = [f"run_prompt(model, rows[0].{prompt})" for prompt in prompts_of(side)]
    minus = " - ".join(f"each[{at}]" for at in range(len(runs)))
    each = f"for run in ({', '.join(runs)},)]"
    if score.origin == "outputs":
        return [
            f"each = [[*output_norms(run)][-1] {each}",
            f"ranks = ({minus})[..., 1:].mean(-1)  # over positions after 0",
            PRINTED,
        ]
    position, source = cursor.position, cursor.source
    is_edge = score.origin == "edge" and position is not None and source is not None
    if is_edge:
        return [
            f"each = [[*attention_from(run, {position})][-1] {each}",
            f"ranks = ({minus})[..., {source}]  # raw, position 0 included",
            PRINTED,
        ]
    return []


def ranked_slowly(score: HeadScore, *, has_rows: bool) -> tuple[str, ...]:
    """Return the lines that compute what `ranked` leaves out, as `ranks`; () where there are none.

    They go on where `model` and `rows` are known.

    Args:
        score: What heads are ranked by.
        has_rows: Whether it is a mean over `rows`.
    """
    if score.origin == "answer" and has_rows:
        return (
            "pairs = [row.pair for row in rows]",
            "runs = [run_prompt(model, pair.clean_prompt) for pair in pairs]",
            "sides = zip(runs, [answers(model, pair).difference for pair in pairs])",
            "written = [[*attribute_heads(run, side)][-1] for run, side in sides if side]",
            "ranks = sum(written) / len(written)",
        )
    if score.key not in ("restores", "breaks"):
        return ()
    what = "sweep_cases(model, cases" if has_rows else "sweep_pair(model, rows[0].pair"
    direction = ', direction="noising"' if score.key == "breaks" else ""
    return (
        *(["cases = [case_of(model, row) for row in rows]"] if has_rows else []),
        f'*_, swept = {what}, SweepKind("z", "all"){direction})',
        f"ranks = {'-' if score.key == 'breaks' else ''}swept.shown",
    )
