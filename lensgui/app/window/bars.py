"""Actions of bars and dialogs: what the window's menus don't have."""

from __future__ import annotations

from lensgui.panes.action import Action

BARS = (
    Action(
        "scene_list",
        "",
        "A click, arrows, Space or a digit go to a scene; it is dragged into another order, or "
        "moved by Ctrl and arrows; F2 renames it.",
        "Scenes",
        kind=None,
    ),
    Action(
        "scene_caption", "", "What is said about the scene that is shown.", "Caption", kind=None
    ),
    Action("scene_add", "Add scene", "Add what is shown now as a scene behind this one."),
    Action(
        "scene_take",
        "Take what is shown",
        "Have this scene show what the window shows now; its name and caption stay.",
    ),
    Action("scene_duplicate", "Duplicate", "Add this scene once more.", "Duplicate the scene"),
    Action(
        "scene_remove",
        "Remove",
        "Leave this scene out; what the window shows stays. Undo brings it back.",
        "Remove the scene",
    ),
    Action("tour_back", "Back", "Go to the step before.", "Back in the tour", kind=None),
    Action(
        "tour_next", "Next", "Do what is pointed at, and go on.", "Next step of the tour", kind=None
    ),
    Action(
        "tour_leave",
        "Leave",
        "End the tour; everything stays as it is.",
        "Leave the tour",
        kind=None,
    ),
    Action("stage_prompt", "", "The clean prompt; it can be typed into.", "Prompt", kind=None),
    Action(
        "stage_reveal",
        "",
        "How much of the pictures is seen; a clicker goes on in six steps.",
        "So far",
        kind=None,
    ),
    Action("speaker_notes", "", "What only you see while you present.", "Notes", kind=None),
    Action(
        "copy_python",
        "Copy as Python",
        "Copy a few lines of Python that compute what this pane shows.",
    ),
    Action("export_which", "", "Which picture is exported.", "Picture", kind=None),
    Action("export_format", "", "What kind of file it becomes.", "File", kind=None),
    Action(
        "export_width",
        "",
        "How wide it is where it is printed or shown; text is never smaller than 8 pt.",
        "Width",
        kind=None,
    ),
    Action("export_times", "", "How many pixels it has, times 96 an inch.", "Pixels", kind=None),
    Action("export_background", "", "What is behind the picture.", "Background", kind=None),
    Action(
        "export_text",
        "",
        "Text can be edited and found; outlines look alike where the fonts are not there.",
        "Text of SVG",
        kind=None,
    ),
    Action(
        "export_caption",
        "Caption below the picture",
        "Write what is to be known to read it below the picture; the file has it in any case.",
        kind=None,
    ),
    Action(
        "export_session",
        "Can be reopened in lensgui",
        "Put the session into the file too: dropped on a window of lensgui, the picture opens it.",
        kind=None,
    ),
    Action("export_save", "Save…", "Choose where the file goes, and save it.", kind=None),
    Action("export_copy", "Copy", "Copy the picture as it is shown here.", kind=None),
    Action("export_close", "Close", "Close this; choices stay for the next picture.", kind=None),
    Action(
        "models_list", "", "Arrow keys choose, Return opens, Delete deletes.", "Models", kind=None
    ),
    Action("models_open", "Open", "Open the model that is chosen in the list.", kind=None),
    Action(
        "models_check",
        "Check now",
        "Compare the chosen model with Hugging Face's own code, in the number format below.",
        kind=None,
    ),
    Action(
        "models_delete",
        "Delete…",
        "Take the chosen model off this machine's disk, after one more question.",
        kind=None,
    ),
    Action("models_delete_it", "Delete it", "Delete it now; this can't be undone.", kind=None),
    Action("models_keep_it", "Keep it", "Delete nothing.", kind=None),
    Action(
        "models_name",
        "",
        "A name of the hub such as gpt2-small, or a path; Return looks it up, typing asks nobody.",
        "Name",
        kind=None,
    ),
    Action(
        "models_look_up",
        "Look up",
        "See what this model needs; of a hub's model, the network is used now.",
        kind=None,
    ),
    Action(
        "models_folder", "Folder…", "Choose a model's folder, and see what it needs.", kind=None
    ),
    Action(
        "models_file",
        "File…",
        "Choose a GGUF or safetensors file, and see what it needs.",
        kind=None,
    ),
    Action("models_get", "Open", "Open this model, once it is here.", kind=None),
    Action("models_cancel", "Cancel", "Stop this.", kind=None),
    Action("models_device", "", "Where models run: the open one and others.", "Device", kind=None),
    Action(
        "models_dtype", "", "The number format of weights and activations.", "Numbers", kind=None
    ),
    Action(
        "models_folded",
        "",
        "Raw: as trained; folded: LayerNorm folded into the weights, writing weights centred.",
        "Weights",
        kind=None,
    ),
    Action("fold_pane", "", "Fold this to one line.", "Fold a pane"),
    Action(
        "show_pair",
        "",
        "Show the pair of the prompts above again; the table stays as it is.",
        "Show this pair",
        reason="No pane shows a mean of pairs.",
    ),
    Action(
        "show_prompt",
        "",
        "Show the prompt alone again: no token that the model wrote is selected then.",
        "Show the prompt without what was written behind it",
        reason="No pane shows what was written behind the prompt.",
    ),
    Action("choose_folder", "Choose…", "Choose another folder.", "Choose a folder", kind=None),
    Action("default", "Default", "Set it as at first.", kind=None),
    Action("all_defaults", "All defaults", "Set all settings as at first.", kind=None),
    Action("open_folder_of", "Open folder", "Show the folder in the file manager.", kind=None),
    Action("switch", "on", "Switch this setting on or off.", kind=None),
    Action("recent_session", "", "Open this session again.", kind=None),
    Action(
        "forget_sessions",
        "Clear this list",
        "Forget which sessions were open; the files stay.",
        kind=None,
    ),
    Action(
        "compute_here",
        "from the file",
        "What is shown here is partly as the session's file had it: have it worked out here.",
        "Compute here what is from the file",
        reason="No pane shows numbers of a file.",
    ),
    Action(
        "get_model",
        "Get",
        "Fetch the model of this name, if there is one: this is when the network is used.",
        "Get the session's model",
        reason="The session's model is here.",
    ),
    Action(
        "locate_model",
        "Locate…",
        "Choose the folder on this machine that the session's model lies in.",
        "Locate the session's model",
        reason="The session's model is here.",
    ),
    Action(
        "use_another",
        "Use another…",
        "Choose another model; the numbers will be that one's.",
        "Use another model for the session",
        reason="The session's model is here.",
    ),
    Action(
        "show_alone",
        "",
        "Show it alone, or the other panes again; a double-click on the title does the same.",
        "Show a pane alone",
    ),
    Action("close_pane", "", "Close this pane; the View menu brings it back.", "Close a pane"),
    Action("show_or_hide", "", "Show or hide a part of the window.", kind=None),
    Action(
        "choose_model", "…", "Which model is open; click to open another one.", "Model", kind=None
    ),
    Action("model", "", "Open this model; one that is not here is fetched first.", kind=None),
    Action(
        "choose_device",
        "…",
        "Where the model runs and in which number format.",
        "Device and number format",
    ),
    Action(
        "use_format",
        "Use it",
        "Run the model in the number format of the chosen row from now on; undo goes back.",
        "Use the number format",
        reason="It is in use, or can't be.",
        kind=None,
    ),
    Action("device", "", "Run the model there, or in that number format.", kind="setting"),
    Action(
        "fold_weights",
        "raw weights",
        "Folded: LayerNorm folded into the weights and the writing weights centred; raw: as "
        "trained.",
        "Folded weights",
    ),
    Action("example", "", "Open an example with its selection.", kind="example"),
    Action("colors", "", "Draw the window in other colours.", kind="setting"),
    Action("guide_back", "Back", "Return to the page before.", "Back in the guide", kind=None),
    Action("guide_forward", "Forward", "Undo going back.", "Forward in the guide", kind=None),
    Action("copy_log", "Copy all", "Copy the whole log.", "Copy the log", kind=None),
    Action("clear_log", "Clear", "Empty the log here; the file stays.", "Clear the log", kind=None),
    Action("fault_details", "Details", "Show where in the program it was.", kind=None),
    Action("copy_fault", "Copy", "Copy what happened with its details.", kind=None),
    Action("close_fault", "Close", "Close this; the window can still be used.", kind=None),
)
