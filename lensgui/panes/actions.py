"""What the user can do in panes, as one table: what it is called, what it does, by which keys.

Buttons are made from its rows, and what the search finds.
"""

from __future__ import annotations

from lensgui.panes.action import Action
from lensgui.panes.circuit.board_choices import BOARD_ACTIONS
from lensgui.panes.generation.generation_actions import GENERATION_ACTIONS
from lensgui.panes.interventions.tray_actions import TRAY_ACTIONS
from lensgui.prompts.tasks import DRAWN

_ROWS = (
    Action("start_example", "", "Open this example with its selection.", "Example", kind=None),
    Action("start_tour", "Tour", "Be led through this example in eight steps.", kind=None),
    Action("start_file", "", "Open this session.", "Session", kind=None),
    Action(
        "start_model", "", "Open this model; fetch it first if it is not here.", "Model", kind=None
    ),
    Action(
        "swap_prompts",
        "Swap",
        "Swap the prompts, and answer with distractor.",
        "Swap clean and corrupted",
    ),
    Action("surprisal", "Surprisal", "Colour each token by −log2 of its probability, in bits."),
    Action(
        "swap_names",
        "Swap names",
        "Make the corrupted prompt by exchanging two names.",
        reason="The clean prompt has no two names to exchange.",
    ),
    Action(
        "replace_words",
        "Replace…",
        "Make the corrupted prompt by replacing words.",
        "Replace words",
        reason="There is no clean prompt.",
    ),
    Action(
        "only_last", "Only where it stands last", "Leave the words before as they are.", kind=None
    ),
    Action(
        "take_distractor",
        "Take the distractor from what comes next then",
        "What the model finds likeliest after the corrupted prompt becomes the distractor.",
        "Take the distractor from the corrupted prompt",
        kind=None,
    ),
    Action(
        "clean_only",
        "show clean only",
        "Take the corrupted prompt away; Undo brings it back.",
        "Show the clean prompt alone",
        reason="Both prompts have as many tokens.",
    ),
    Action(
        "likely_answers",
        "",
        "Neither answer is likely here: make what comes next the answer and the distractor.",
        "Ask for likely tokens",
        reason="The answers are likely here, or there are none.",
    ),
    Action(
        "likely_token",
        "",
        "What the model finds likeliest to come next: click a token to make it the answer, "
        "Shift-click for the distractor.",
        "Likeliest next tokens",
        reason="Nothing is known of the next token.",
    ),
    Action(
        "fitting_word",
        "",
        "Click a word to put it into the corrupted prompt.",
        "Words that give both prompts as many tokens",
        reason="Both prompts have as many tokens.",
    ),
    Action(
        "token",
        "",
        "Click a token to select its position in every pane.",
        "Tokens of a prompt",
        kind=None,
    ),
    Action("turn_line", "", "Scroll the line of tokens.", "Earlier or later tokens", kind=None),
    Action(
        "hide_first",
        "hide position 0",
        "Leave position 0, an attention sink, out of the grid and share each row among the rest: "
        "it would swamp everything else.",
        "Hide position 0 in the grid",
        kind=None,
    ),
    Action("more_of_head", "⋯", "More switches.", "More about the selected head"),
    Action(
        "look_at_sources",
        "What a token attends to",
        "Lines and text follow a token to its sources.",
        kind="setting",
    ),
    Action(
        "look_at_destinations",
        "What attends to a token",
        "Lines and text follow a token to its destinations.",
        kind="setting",
    ),
    Action(
        "hide_first_of_head",
        "Hide position 0 of this head",
        "Leave position 0 out here too; attention is shared among the rest of each row.",
        kind="setting",
    ),
    Action(
        "role_rules",
        "Roles…",
        "What the letters on heads stand for, by which rules, and with which numbers.",
        "Rules by which roles are proposed",
    ),
    Action("usual_numbers", "Usual numbers", "Set all numbers back.", kind=None),
    Action("show_in", "", "Bring another pane to the front.", "Show in another pane", kind=None),
    Action("verb", "", "What can be done with a place, in its menu.", "Menu of a place", kind=None),
    Action(
        "copy_table",
        "Copy",
        "Copy all of it, with tabs between columns.",
        "Copy the table",
        kind=None,
    ),
    Action(
        "pin_selected",
        "Pin",
        "Outline this place in every pane.",
        "Pin what is selected",
        reason="Nothing is selected that can be pinned.",
    ),
    Action("pin_place", "", "Outline this place in every pane.", "Pin a place", kind=None),
    Action(
        "pin", "", "Click a pin to select its place.", "Pinned places", reason="Nothing is pinned."
    ),
    Action("draw_pairs", "Draw", f"Add {DRAWN} pairs of a task.", "Draw pairs"),
    Action("open_pairs", "Open…", "Read pairs from CSV or JSON files.", "Open pairs"),
    Action(
        "paste_pairs",
        "Paste",
        "Add the pairs on the clipboard to the table of pairs.",
        "Paste pairs",
        keys=("Ctrl+V",),
    ),
    Action(
        "copy_pairs",
        "Copy",
        "Copy all pairs of the table, roles and ticks too, as CSV.",
        "Copy pairs",
        keys=("Ctrl+C",),
        reason="The table has no pairs.",
    ),
    Action(
        "delete_pairs",
        "Delete",
        "Remove the chosen pairs from the table of pairs.",
        "Delete pairs",
        keys=("Delete",),
        reason="The table has no pairs.",
    ),
    Action(
        "exclude_pairs",
        "Exclude wrong",
        "Leave out what the model gets wrong by itself, without interventions.",
        "Exclude wrong pairs",
        reason="No included pair is known to be wrong, or interventions are on.",
    ),
    Action(
        "does_it_hold",
        "Does it hold?",
        f"Average over {DRAWN} other pairs like the present one; rows that are there stay, "
        "unticked.",
    ),
    Action("task", "", "Draw pairs of this task.", "Task"),
    Action(
        "name_words",
        "Name words…",
        "Say which word is IO, S1, S2 or end, so that prompts of other lengths can be matched.",
        "Name words by their part",
        reason="The table has no pairs.",
    ),
    Action(
        "average",
        "Average over the table",
        "Let every pane average over the included pairs.",
        kind=None,
    ),
    Action("word", "", "Click a word to name it, or go to it with the arrow keys.", kind=None),
    Action(
        "name_in_all_rows",
        "The same word of all rows with as many words",
        "Else only the word of this row gets the name.",
        "Name the same word of all rows with as many words",
        kind=None,
    ),
    Action(
        "suggest_names",
        "Suggest",
        "Name the answer’s place IO, the distractor’s S1 and S2, and the last word end, in every "
        "row that has no names yet.",
        "Suggest names for all rows without any",
        kind=None,
    ),
    Action(
        "pause",
        "Pause",
        "Stop what is swept for now, and keep what is there.",
        "Pause the sweep",
        reason="Nothing is swept.",
    ),
    Action(
        "keep_sweep",
        "Keep as A",
        "Keep this sweep as A, and compare it, or what is then chosen for A, with what you choose "
        "next.",
        "Keep this sweep for comparison",
        reason="There is no sweep yet.",
    ),
    Action(
        "strongest_cells", "Table", "List the cells that do most.", "Table of the strongest cells"
    ),
    Action(
        "estimates",
        "Estimate",
        "Plot the first-order estimate of each cell against its exact value.",
        "Estimate against exact",
        reason="This sweep has no estimates: they come only where exact numbers take a while.",
    ),
    Action(
        "intervals",
        "Intervals",
        "Plot the strongest cells of a mean with the interval in which each lies.",
        "Strongest cells with their intervals",
        reason="Only a mean over pairs has intervals.",
    ),
    Action("all_kinds", "All kinds", "Show the sweeps of all kinds at once.", "All kinds at once"),
    Action(
        "compare_side",
        "",
        "Show one of two sweeps, or their difference.",
        "Show A, B or A − B",
        reason="No sweep is kept for comparison.",
    ),
    Action(
        "compare_no_more",
        "×",
        "Forget the sweep that was kept as A.",
        "Compare no more",
        reason="No sweep is kept for comparison.",
    ),
    Action("enlarge_kind", "", "Show this kind alone, in all the room there is.", "Show one kind"),
    Action(
        "attention_of_heads",
        "Attention",
        "Show their mean attention.",
        "Attention of the selected heads",
        reason="No head is selected.",
    ),
    Action(
        "feeders_of_heads",
        "Who feeds?",
        "Path patching of every earlier head and MLP into all of the selected heads.",
        "Who feeds the selected heads",
        reason="No head is selected.",
    ),
    Action(
        "pin_heads",
        "Pin",
        "Frame the selected heads in every pane.",
        "Pin the selected heads",
        reason="No head is selected.",
    ),
    Action("paths_into", "", "Show who feeds one of the inputs of a head.", "Paths into an input"),
    Action(
        "sum_so_far",
        "sum so far",
        "Show beside the grid what the stream comes to after each layer, at the final norm's "
        "scale: a lens divides each layer by a scale of its own, and reads another number.",
        "Attribution: sum so far",
        kind=None,
    ),
    Action(
        "hook_point",
        "",
        "Which hook point is looked at: of the selected layer, or outside of layers. Its axes, its "
        "formula and its norm stand in the tooltips of the map.",
        "Activation: hook point",
        kind=None,
    ),
    Action(
        "which_lens",
        "",
        "What brings each layer's stream to the end: nothing (logit lens), or a lens that was "
        "fitted to the model. Import one, or drop its file here.",
        "Lens: which",
        kind=None,
    ),
    Action(
        "mid_rows",
        "mid",
        "Also read the stream between each layer's attention and its MLP, where there is one; a "
        "fitted lens reads only what enters a layer.",
        "Lens: between attention and MLP",
        kind=None,
    ),
    Action(
        "trajectories",
        "trajectories",
        "Show beside the grid what each token does layer by layer at the selected position, or the "
        "number that is shown; of a fitted lens's KL, what the lens is worth on a text that it was "
        "not fitted on.",
        "Lens: trajectories",
        kind=None,
    ),
    Action(
        "follow_token",
        "",
        "Type a token, its space included, and press Enter: it is followed beside answer and "
        "distractor. Right-click a cell to follow one of its likeliest tokens, or no longer.",
        "Lens: follow a token",
        kind=None,
    ),
    Action(
        "words_only",
        "words only",
        "Write the likeliest of the ten likeliest tokens that is a whole word, or the beginning of "
        "one.",
        "Lens: words only",
        kind=None,
    ),
    Action(
        "more_neurons",
        "more",
        "List twice as many neurons.",
        "List more neurons",
        reason="All neurons are listed.",
    ),
    Action(
        "fewer_neurons",
        "fewer",
        "List half as many neurons.",
        "List fewer neurons",
        reason="No fewer neurons can be listed.",
    ),
    Action(
        "open_neuron_text",
        "Text…",
        "Choose a text file, or drop one here: its first 100,000 tokens are read for the places "
        "where each neuron of the layer is on most.",
        "Strongest places of neurons in a text file",
    ),
    Action(
        "filter_heads",
        "",
        "Type conditions that heads must meet, with “and” or a comma between: induction > .4 and "
        "layer < 20. The columns have the names of their headings, and there are layer and head.",
        "Heads: filter",
        kind=None,
    ),
    Action(
        "sort_direction",
        "▼",
        "Put the smallest first, or the largest again.",
        "Heads: turn the order around",
        reason="The heads stand layer by layer.",
    ),
    Action("head_columns", "Columns", "Choose the scores of the table.", "Heads: columns"),
    Action("head_column", "", "Show this score as a column, or no longer.", kind=None),
    Action("usual_columns", "Usual columns", "Show the columns of the beginning.", kind=None),
    Action(
        "hear_each_other",
        "hear each other",
        "Whether a later receiver also receives what earlier receivers changed, instead of being "
        "recorded while all else is as in the corrupted run (Wang et al. 2022): a difference only "
        "for heads of several layers.",
        "Receivers hear each other",
        reason="Heads of several layers must be selected.",
        kind=None,
    ),
    Action(
        "link",
        "",
        "Ask again who feeds what was asked about before.",
        "Links of who feeds whom",
        reason="No head is selected.",
    ),
    Action("links_left_out", "…", "Links for which there is no room.", "Links left out", kind=None),
)
PANE_ACTIONS = {
    row.name: row for row in (*_ROWS, *TRAY_ACTIONS, *GENERATION_ACTIONS, *BOARD_ACTIONS)
}
