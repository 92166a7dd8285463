"""The window's actions, and all others with them: the one table.

Menus, shortcuts, the search and the sheet of keys are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.panes.actions import PANE_ACTIONS, Action

MENUS = ("&File", "&Edit", "&View", "&Run", "E&xamples", "&Help")


@dataclass(frozen=True, slots=True)
class Command(Action):
    """An action of the window.

    Attributes:
        menu: The menu it is in; "" for none.
        slot: The slot that does it, by a dotted name: that of `Commands`, or of a part of it.
        arguments: What the slot is called with.
    """

    menu: str = ""
    slot: str = ""
    arguments: tuple[object, ...] = ()


def _step(name: str, text: str, tip: str, key: str, field: str, by: int) -> Command:
    """Return the command that moves the selection along one of the cursor's fields."""
    return Command(name, text, tip, keys=(key,), slot="step", arguments=(field, by))


COMMANDS = (
    Command(
        "new_session",
        "&New session",
        "Begin anew with the model that is open: no prompts, no pins, no notes.",
        keys=("Ctrl+N",),
        menu="&File",
        slot="sessions.new",
    ),
    Command(
        "open_session",
        "&Open session…",
        "Open a session that was saved.",
        keys=("Ctrl+O",),
        menu="&File",
        slot="sessions.open",
    ),
    Command(
        "save_session",
        "&Save session",
        "Save prompts, pairs, notes, settings and places of panes to the session's file.",
        keys=("Ctrl+S",),
        menu="&File",
        slot="sessions.save",
    ),
    Command(
        "save_session_as",
        "Save session &as…",
        "Save the session to another file.",
        keys=("Ctrl+Shift+S",),
        menu="&File",
        slot="sessions.save_as",
    ),
    Command(
        "save_answers",
        "With &answers",
        "Keep what the panes show in the file too, so that it is seen where the model is not.",
        menu="&File",
        slot="sessions.switch_answers",
    ),
    Command(
        "recover_session",
        "&Recover…",
        "List what windows have left that ended without being closed, or was discarded last.",
        menu="&File",
        slot="sessions.recover",
    ),
    Command(
        "export_picture",
        "&Export picture…",
        "Save the picture that has the keyboard as PNG, SVG, PDF, CSV, NPZ or a script.",
        keys=("Ctrl+E",),
        menu="&File",
        slot="exporting.export",
    ),
    Command(
        "export_all",
        "Export all &pictures…",
        "Save every picture that the panes show to a folder, as PNG, SVG, PDF and CSV.",
        keys=("Ctrl+Shift+E",),
        menu="&File",
        slot="exporting.export_all",
    ),
    Command(
        "export_notebook",
        "Export as &notebook…",
        "Save a Jupyter notebook that computes what the panes show, a cell for each.",
        menu="&File",
        slot="exporting.export_notebook",
    ),
    Command(
        "copy_picture",
        "&Copy picture",
        "Copy the picture that has the keyboard, to be pasted into a document or a slide.",
        keys=("Ctrl+Shift+C",),
        menu="&Edit",
        slot="exporting.copy_picture",
    ),
    Command(
        "copy_numbers",
        "Copy &numbers",
        "Copy the numbers of the picture that has the keyboard, to be pasted into a spreadsheet.",
        menu="&Edit",
        slot="exporting.copy_numbers",
    ),
    Command(
        "open_folder",
        "Open model &folder…",
        "Open a model from a folder.",
        keys=("Ctrl+Shift+O",),
        menu="&File",
        slot="window.model_bar.open_folder",
    ),
    Command(
        "open_hub",
        "Open &hub model…",
        "Open a model of the hub by its name.",
        menu="&File",
        slot="window.model_bar.open_hub",
    ),
    Command(
        "import_hub",
        "&Import pickled weights…",
        "Open a model of the hub whose weights must be read by a limited process first.",
        menu="&File",
        slot="window.model_bar.import_hub",
    ),
    Command(
        "close", "&Quit", "Close the window.", keys=("Ctrl+Q",), menu="&File", slot="window.close"
    ),
    Command(
        "search",
        "&Search everything…",
        "Find an action, a pane, a head, a token, an example or a setting by some of its letters.",
        keys=("Ctrl+K",),
        menu="&Edit",
        slot="search.open",
    ),
    Command(
        "undo",
        "&Undo",
        "Take back the last edit.",
        keys=("Ctrl+Z",),
        menu="&Edit",
        slot="window.undo",
    ),
    Command(
        "redo",
        "&Redo",
        "Do the edit again.",
        keys=("Ctrl+Shift+Z", "Ctrl+Y"),
        menu="&Edit",
        slot="window.session.undo_stack.redo",
    ),
    Command(
        "history",
        "&History…",
        "List every step, and go back or forward to any of them.",
        menu="&Edit",
        slot="history.show",
    ),
    Command(
        "back",
        "Select &back",
        "Return to what was selected before.",
        keys=("Alt+Left",),
        menu="&Edit",
        slot="window.selection.back",
    ),
    Command(
        "forward",
        "Select f&orward",
        "Undo going back.",
        keys=("Alt+Right",),
        menu="&Edit",
        slot="window.selection.forward",
    ),
    Command(
        "settings",
        "Se&ttings…",
        "All settings, which are applied at once.",
        keys=("Ctrl+,",),
        menu="&Edit",
        slot="window.settings_requested.emit",
    ),
    Command(
        "fold_prompts",
        "&Fold prompts",
        "Fold the prompts to one line, or show them.",
        keys=("Ctrl+J",),
        menu="&View",
        slot="window.fold_prompts",
    ),
    Command(
        "zoom_in",
        "Zoom &in",
        "Make all text larger.",
        keys=("Ctrl++", "Ctrl+="),  # the second is where no Shift is needed for it
        menu="&View",
        slot="window.appearance.zoom_in",
    ),
    Command(
        "zoom_out",
        "Zoom &out",
        "Make all text smaller.",
        keys=("Ctrl+-",),
        menu="&View",
        slot="window.appearance.zoom_out",
    ),
    Command(
        "zoom_back",
        "Usual &size",
        "Make all text as at first.",
        keys=("Ctrl+0",),
        menu="&View",
        slot="window.appearance.zoom_back",
    ),
    Command(
        "reset_layout",
        "&Reset layout",
        "Put every pane back in its place.",
        menu="&View",
        slot="window.reset_layout",
    ),
    Command(
        "show_table",
        "Picture as a &table",
        "Show the numbers of the picture that has the keyboard as a table.",
        keys=("T",),
        menu="&View",
        slot="show_table",
    ),
    Command(
        "stop",
        "&Stop",
        "Stop what runs and keep what is known.",
        keys=("Ctrl+.",),
        reason="Nothing runs.",
        menu="&Run",
        slot="window.stop",
    ),
    Command(
        "retry",
        "&Try again",
        "Ask again what failed or was stopped.",
        keys=("F5",),
        menu="&Run",
        slot="window.exchange.retry",
    ),
    Command(
        "guide",
        "&Guide",
        "Open the guide at the page of the pane that has the keyboard.",
        keys=("F1",),
        menu="&Help",
        slot="help.show_guide",
    ),
    Command(
        "first_steps",
        "&First steps",
        "From the first prompt to the heads that move the answer.",
        menu="&Help",
        slot="help.show_page",
        arguments=("first_steps.md",),
    ),
    Command(
        "show_keys",
        "&Keys and mouse",
        "Show what every key and click does.",
        keys=("?",),
        menu="&Help",
        slot="show_keys",
    ),
    Command(
        "show_log",
        "&Log",
        "Show or hide what lensgui has said since this window was opened.",
        menu="&Help",
        slot="help.toggle_log",
    ),
    _step("token_before", "Token before", "Select the token before.", "Left", "position", -1),
    _step("token_after", "Token after", "Select the token after.", "Right", "position", 1),
    _step("layer_above", "Layer above", "Select the layer shown above.", "Up", "layer", -1),
    _step("layer_below", "Layer below", "Select the layer shown below.", "Down", "layer", 1),
    _step("head_before", "Head before", "Select the head before.", "[", "head", -1),
    _step("head_after", "Head after", "Select the head after.", "]", "head", 1),
)
_BARS = (
    Action(
        "copy_python",
        "Copy as Python",
        "Copy a few lines of Python that compute what this pane shows.",
    ),
    Action("guide_back", "Back", "Return to the page before.", "Back in the guide", kind=None),
    Action("guide_forward", "Forward", "Undo going back.", "Forward in the guide", kind=None),
    Action("copy_log", "Copy all", "Copy the whole log.", "Copy the log", kind=None),
    Action("clear_log", "Clear", "Empty the log here; the file stays.", "Clear the log", kind=None),
    Action("fault_details", "Details", "Show where in the program it was.", kind=None),
    Action("copy_fault", "Copy", "Copy what happened with its details.", kind=None),
    Action("close_fault", "Close", "Close this; the window can still be used.", kind=None),
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
    Action("fold_pane", "", "Fold this to one line.", "Fold a pane"),
    Action(
        "show_pair",
        "",
        "Show the pair of the prompts above again; the table stays as it is.",
        "Show this pair",
        reason="No pane shows a mean of pairs.",
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
)
ACTIONS: dict[str, Action] = {row.name: row for row in (*COMMANDS, *_BARS)} | PANE_ACTIONS


def is_bare(key: str) -> bool:
    """Whether a key means something only where no widget takes it, such as text that is typed."""
    return len(key) == 1 or key in ("Left", "Right", "Up", "Down")
