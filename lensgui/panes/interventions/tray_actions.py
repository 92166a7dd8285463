"""What can be done in the tray of interventions, as rows of the table of what panes can do."""

from __future__ import annotations

from lensgui.panes.action import Action

NOTHING = "Nothing is done to the model."
TRAY_ACTIONS = (
    Action(
        "add_intervention",
        "Add…",
        "Do something to the model at the selected place, or along a vector. The menu of any head, "
        "cell, edge, neuron or token has the same.",
        "Add an intervention",
    ),
    Action(
        "intervene_on_heads",
        "Intervene…",
        "Set all of the selected heads to 0 or to their mean, patch them from the other prompt, or "
        "scale them; every pane shows what follows.",
        "Intervene on the selected heads",
        reason="No head is selected.",
    ),
    Action(
        "switch_interventions",
        "all",
        "Switch all interventions on, or off: what is off gives the very numbers it gave before.",
        "Interventions: all on or off",
        kind=None,
    ),
    Action(
        "remove_interventions",
        "Remove all",
        "Take all interventions out of the list; Undo brings them back.",
        "Remove all interventions",
        reason=NOTHING,
    ),
    Action(
        "hold_before",
        "Without",
        "While it is held, every pane shows what is so without interventions; the key B does the "
        "same.",
        "Without interventions, while it is held",
        reason=NOTHING,
        kind=None,
    ),
    Action(
        "open_vectors",
        "Vectors of a file…",
        "Add the vectors of a control-vector GGUF, safetensors or npz file, each behind its layer.",
        kind=None,
    ),
    Action(
        "take_heads",
        "Take the selected",
        "Let the selected heads be the set, whatever is selected from now on.",
        "Ablation: take the selected heads",
        reason="No other heads are selected.",
    ),
    Action(
        "follow_heads",
        "Follow the selection",
        "Let the set be whatever heads are selected.",
        "Ablation: follow the selection",
        reason="It follows the selection already.",
    ),
    Action(
        "strength_of",
        "",
        "Which intervention's strength changes; the others stay as they are.",
        "Strength: of which intervention",
        kind=None,
    ),
    Action(
        "more_strengths",
        "more",
        "Go to four times the stream's median norm, where most prompts are off-distribution.",
        "Strength: more strengths",
        kind=None,
    ),
    Action(
        "random_directions",
        "16 random",
        "Draw what 16 random directions do that are as long as the vector: what it does beyond "
        "their band is its own. It takes as often as long.",
        "Strength: random directions beside it",
        kind=None,
    ),
    Action(
        "directions_like_stream",
        "like the stream",
        "Draw random directions with the covariance of the stream where the vector is written, "
        "over the clean prompt's positions after 0: they go where the stream itself varies, and so "
        "do more than directions that are equally likely.",
        "Strength: random directions like the stream",
        kind=None,
    ),
    Action(
        "unfold_interventions", "", "Show each of those that are alike, or no longer.", kind=None
    ),
    Action("switch_intervention", "", "Whether it is done.", kind=None),
    Action("intervention_strength", "", "How much of it is done; drag it.", kind=None),
    Action("intervention_number", "", "How much of it is done, as a number.", kind=None),
    Action(
        "intervention_menu",
        "⋯",
        "What is done, at which positions, on which prompt, and in which order.",
        "Menu of an intervention",
        kind=None,
    ),
)
