"""What is done with the circuit that is kept: heads knocked out, or kept alone, and files of it."""

from __future__ import annotations

from collections.abc import Callable

from lensgui.jobs.answers.circuits import OpenedCircuit
from lensgui.panes import menus
from lensgui.panes.circuit.filing import Filing
from lensgui.panes.interventions import verbs
from lensgui.panes.pane import Pane
from lensgui.panes.token_text import signed
from lensgui.panes.verb import Verb
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.circuits.nodes import Reference, Shape
from lensgui.terms.interventions import Intervention, Op, Site
from lensgui.terms.kinds import Head

OPS: dict[Reference, Op] = {"corrupted": "resample", "mean": "mean", "zero": "zero"}
NO_OP = "Interventions take values from the corrupted prompt, a mean or 0: choose one of these."
WORDS: dict[Reference, str] = {
    "corrupted": "what it writes in the other prompt",
    "mean": "its mean over the table",
    "zero": "0 (off-distribution)",
    "names": "what it writes with other names",
}
NO_CIRCUIT = "No circuit is kept yet: suggest one, or read one from a file."
NO_HEADS = "The circuit has no heads."
ANOTHER = "The circuit is another model’s."
NOT_SCORED = "Edges are not scored yet: the board needs a pair of prompts."


def of_circuit(pane: Pane, document: Document, shape: Shape | None, files: Filing) -> list[Verb]:
    """Return the lines of the menu.

    Args:
        pane: Where it is shown.
        document: What is worked on.
        shape: The model's architecture; None while it is not known.
        files: Opens files of circuits, and saves them.
    """
    circuit, reference = document.circuit, document.views.board.reference
    heads, lacking = circuit.heads if circuit is not None else (), _lacking(circuit, shape)
    lacking = lacking if reference in OPS else NO_OP
    inside, outside = _interventions(heads, shape, reference)
    with_what = WORDS[reference]
    tip = "Look at the graph of the model that is open again."
    closing = [Verb("Close the attribution graph", tip, files.close_graph)] if files.graph else []

    def forget() -> None:
        pane.edited.emit({"circuit": None})

    def save() -> None:
        if circuit is not None:
            files.save(circuit)

    return [
        Verb(
            f"Knock out its {len(heads)} heads",
            f"Each of them writes {with_what}: interventions that every pane and the generation "
            "follow.",
            verbs.adding(pane, inside),
            reason=lacking,
        ),
        Verb(
            f"Keep only its {len(heads)} heads",
            f"All {len(outside)} other heads write {with_what}; the embedding and all MLPs stay, "
            "so this is the circuit at the level of nodes.",
            verbs.adding(pane, outside),
            reason=lacking,
        ),
        Verb(
            "Open a circuit…",
            "Read a circuit of EAP-IG, or look at an attribution graph of circuit-tracer or "
            "Neuronpedia; both as JSON.",
            files.choose,
        ),
        *closing,
        Verb(
            "Save it as a file…",
            "Write it as JSON that the EAP-IG package reads.",
            save,
            reason=NO_CIRCUIT if circuit is None else "",
        ),
        Verb(
            "Forget it",
            "Keep no circuit; Undo brings it back.",
            forget,
            reason=NO_CIRCUIT if circuit is None else "",
        ),
    ]


def of_node(
    pane: Pane, place: Cursor, pins: tuple[Cursor, ...], around: Callable[[], None]
) -> list[Verb]:
    """Return what can be done with a head or an MLP's layer on the board.

    Args:
        pane: Where the menu is shown.
        place: The head or the layer.
        pins: What is pinned.
        around: Shows what is around it.
    """
    tip = "Show the strongest edges into and out of it."
    return [Verb("Who reads it", tip, around), *menus.of_place(pane, place, pins)]


def of_signs(pane: Pane, opened: OpenedCircuit) -> list[Verb]:
    """Return what can be answered where the scores of a file may be of a loss.

    The circuit is kept as it is until that is answered.
    """
    total = signed(opened.from_input)
    return [
        Verb(
            f"The input’s edges add up to {total}: turn all signs round, as of a loss",
            "Scores of a loss, which the clean prompt lowers, add up to less than 0; turned round, "
            "positive helps.",
            lambda: pane.edited.emit({"circuit": opened.turned}),
        ),
        Verb(
            "Keep them, as of a metric",
            "Scores of a metric that the clean prompt raises usually add up to more than 0.",
            lambda: None,
        ),
    ]


def _lacking(circuit: KeptCircuit | None, shape: Shape | None) -> str:
    """Return why its heads can't be taken out or kept; "" if they can."""
    if circuit is None:
        return NO_CIRCUIT
    if not circuit.heads:
        return NO_HEADS
    if shape is None:
        return NOT_SCORED
    try:
        circuit.graph(shape)
    except ValueError:
        return ANOTHER
    return ""


def _interventions(
    heads: tuple[Head, ...], shape: Shape | None, reference: Reference
) -> tuple[list[Intervention], list[Intervention]]:
    """Return what takes out some heads, and what takes out all others."""
    if shape is None or reference not in OPS:
        return [], []
    every = [(layer, head) for layer in range(shape.n_layers) for head in range(shape.n_heads)]
    inside = [head for head in every if head in heads]
    outside = [head for head in every if head not in heads]
    op = OPS[reference]
    made = [[Intervention(Site("z", *head), op) for head in some] for some in (inside, outside)]
    return made[0], made[1]
