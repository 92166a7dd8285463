"""What can be chosen and done on the circuit board."""

from __future__ import annotations

from lensgui.panes.action import Action
from lensgui.panes.controls.chooser import Option
from lensgui.state.views import Beside, BoardNodes, Measured
from lensgui.terms.circuits.graph import Ranking
from lensgui.terms.circuits.nodes import Reference

BOARD_ACTIONS = (
    Action(
        "check_edges",
        "Exact",
        "Work out exactly what taking out each of the edges that are drawn changes, one at a time: "
        "those that are known are solid, estimates are dotted.",
        "Exact effects of the edges of the circuit board",
    ),
    Action(
        "board_paths",
        "Paths",
        "Fade what is on no drawn path through the selected node.",
        "Fade what is on no path through the selected node",
    ),
    Action(
        "board_free",
        "By head",
        "Let heads stand at their numbers and MLPs to the right, rather than at the position that "
        "carries most of what they send.",
        "Let nodes of the circuit board stand at their heads' numbers",
    ),
    Action(
        "board_tidy",
        "Tidy",
        "Put nodes that were dragged back to where they stand by themselves.",
        "Tidy the circuit board",
        reason="No node was dragged.",
    ),
    Action(
        "group_heads",
        "Group",
        "Draw the selected heads as one node with a name, its edges summed: Shift-click selects "
        "several.",
        "Group the selected heads on the circuit board",
        reason="Select two heads or more.",
    ),
    Action(
        "pin_board",
        "Pin nodes",
        "Pin all heads that are on the board: they are then framed in every pane, and stay on the "
        "board.",
        "Pin the heads of the circuit board",
        reason="No head is on the board that is not pinned.",
    ),
    Action(
        "suggest_circuit",
        "Suggest",
        "Look for a small circuit that stands for the model: edges are ranked, circuits of the "
        "best measured exactly, and then edges taken out as long as it stands without them. Of "
        "several pairs it is found on one half and measured on the other. Stop at any time.",
        "Suggest a circuit",
        reason="Type a corrupted prompt first.",
    ),
    Action(
        "circuit_menu",
        "Circuit ▾",
        "What can be done with the circuit that is kept: knock it out, keep nothing but it, save "
        "it, or read one from a file.",
        "What can be done with the circuit",
    ),
)

REFERENCES: tuple[Option[Reference], ...] = (
    Option(
        "corrupted",
        "corrupted",
        "A cut edge carries what its sender writes on the corrupted prompt. If that prompt flips "
        "the answer, whatever is cut counts twice.",
    ),
    Option(
        "names",
        "other names",
        "A cut edge carries what its sender writes on the clean prompt with other names, each of "
        "them once (ABC, Wang et al. 2022): neither answer fits, so nothing counts twice.",
    ),
    Option(
        "mean",
        "mean",
        "A cut edge carries the mean of what its sender writes, position by position, over the "
        "prompts of as many tokens: the pair's, or the table's while panes average.",
    ),
    Option("zero", "0", "A cut edge carries nothing: off-distribution."),
)
NODES: tuple[Option[BoardNodes], ...] = (
    Option("strongest", "strongest", "The strongest edges of the whole model, and pins."),
    Option(
        "selected",
        "selected",
        "The strongest edges into and out of the selected heads, or the MLP of the selected layer: "
        "what it reads, and who reads it.",
    ),
    Option("pinned", "pinned", "The edges among the pinned heads, embedding and logits."),
    Option(
        "circuit",
        "the circuit",
        "The strongest edges of the circuit that was suggested or read from a file; exact effects "
        "are then within it.",
    ),
)
RANKINGS: tuple[Option[Ranking], ...] = (
    Option(
        "size",
        "by size",
        "The edges with the largest scores, whatever their sign; of several pairs the mean size.",
    ),
    Option(
        "sign",
        "by sign",
        "The edges that raise the metric most: leaves out what works against the answer.",
    ),
)
MEASURED: tuple[Option[Measured], ...] = (
    Option("", "a picture", "What is on the board is a picture, and is not measured."),
    Option(
        "heads",
        "its heads",
        "Measure the heads on the board, or of the circuit that it shows: all other heads are "
        "cut, all MLPs stay.",
    ),
    Option(
        "edges",
        "its edges",
        "Measure the edges that are drawn, or the circuit that is shown, whole: all other edges "
        "are cut, those of MLPs too.",
    ),
    Option(
        "sizes",
        "by size",
        "Measure circuits of the best edges of the model, from .1 % to all, beside circuits of as "
        "many edges drawn at random.",
    ),
)
BESIDE: tuple[Option[Beside], ...] = (
    Option(
        "minimality",
        "minimality",
        "What each node matters to the circuit: one that changes nothing could go.",
    ),
    Option(
        "completeness",
        "completeness",
        "What is left of the circuit without sets of its nodes, and of the whole model without "
        "them; minimality is then the largest over these sets.",
    ),
    Option(
        "parts",
        "what each does",
        "Each node in words: the rule of its role, what it reads, and who reads it.",
    ),
)
BANDS: tuple[Option[float], ...] = tuple(
    Option(
        band,
        f"± {band:g}",
        f"A suggested circuit’s faithfulness may be from {1 - band:g} to {1 + band:g}: above 1 it "
        "leaves out what works against the answer.",
    )
    for band in (0.02, 0.05, 0.1, 0.2)
)
COUNTS: tuple[Option[int], ...] = tuple(
    Option(count, f"{count} edges", f"Draw the {count} first edges.")
    for count in (10, 20, 40, 80, 120, 200)
)
