"""What can be done where the model writes, as rows of the table of what panes can do."""

from __future__ import annotations

from lensgui.panes.action import Action

MORE = 20  # tokens that one presses for
DRAWN = "At temperature 0 nothing is drawn, and this changes nothing."
GENERATION_ACTIONS = (
    Action(
        "stop_writing",
        "Stop",
        "Write no more tokens, and keep what is there.",
        "Generation: stop",
        reason="Nothing is being written.",
    ),
    Action(
        "write_more",
        "Go on",
        f"Go on where it was stopped; else write {MORE} more tokens.",
        "Generation: go on",
        reason="No more can be written: the text has ended, or there is none.",
    ),
    Action(
        "take_as_prompt",
        "Take as prompt",
        "Make the prompt end with the selected token, so that every pane shows the run up to it; "
        "Return does the same, and Undo takes it back. The text is split into tokens anew.",
        "Generation: take up to the selected token as the prompt",
        reason="No token that was written is selected.",
    ),
    Action(
        "written_count",
        "",
        "How many tokens are written at most; Go on asks for more.",
        "Generation: how many tokens",
        kind=None,
    ),
    Action(
        "temperature",
        "",
        "Logits are divided by it before a token is drawn; at 0 the likeliest token is taken.",
        "Generation: temperature",
        kind=None,
    ),
    Action(
        "top_k",
        "",
        "Draw from so many likeliest tokens only (Fan et al. 2018).",
        "Generation: top-k",
        kind=None,
    ),
    Action(
        "top_p",
        "",
        "Draw from the fewest likeliest tokens that have this much probability together (Holtzman "
        "et al. 2020).",
        "Generation: top-p",
        kind=None,
    ),
    Action(
        "drawing_seed",
        "",
        "What is drawn follows from it: the same seed gives the same text, and both sides have the "
        "same.",
        "Generation: seed",
        kind=None,
    ),
)
