"""Lines of Python that measure heads against each other: both directions, and who feeds one."""

from __future__ import annotations

from lensgui.circuits.questions import HeadInput
from lensgui.panes import metricsnippet, snippets
from lensgui.state.document import Document


def necessary(document: Document) -> str:
    """Return how to patch every head in both directions, and to read it off directly."""
    lines = _pair(document)
    lines[1:1] = [
        "from lensgui.circuits.questions import SweepKind",
        "from lensgui.circuits.sweeps import sweep",
    ]
    lines += [
        'heads = SweepKind("z", "all")',
        "*_, denoising = sweep(model, clean, corrupted, difference, heads)",
        '*_, noising = sweep(model, clean, corrupted, difference, heads, "noising")',
        "sufficient, necessary = denoising.normalised, noising.normalised  # [layer, head]",
    ]
    return "\n".join(lines) + "\n"


def feeders(document: Document, place: tuple[int, int], input_: HeadInput) -> str:
    """Return how to patch the path from every head and MLP into a head, (layer, head)."""
    layer, head = place
    lines = _pair(document)
    lines[1:1] = [
        "from lensgui.circuits.feeding import feed",
        "from lensgui.circuits.nodes import Node",
        "from lensgui.circuits.runs import Run",
    ]
    shared = "" if input_ == "q" else " // (model.cfg.n_heads // model.cfg.kv_heads)"
    lines += [
        f'receiver = Node("{input_}", {layer}, {head}{shared})',
        "runs = [Run(model, tokens).complete() for tokens in (clean, corrupted)]",
        "*_, scores = feed(*runs, difference, receiver)",
        "feeds = scores.heads  # patched − corrupted, [layer, head]; scores.mlps is [layer]",
    ]
    return "\n".join(lines) + "\n"


def _pair(document: Document) -> list[str]:
    """Return the lines that open the model and make both prompts and the metric."""
    pair = document.pair
    return [
        *snippets.opening(document, (metricsnippet.CLASSES[pair.metric],)),
        snippets.tokens("clean", pair.clean, pair.bos),
        snippets.tokens("corrupted", pair.corrupted, pair.bos),
        f"difference = {snippets.metric(pair)}",
    ]
