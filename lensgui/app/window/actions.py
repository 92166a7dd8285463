"""The window's actions, and all others with them: the one table.

Menus, shortcuts, the search and the sheet of keys are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.app.window.bars import BARS
from lensgui.panes.action import Action
from lensgui.panes.actions import PANE_ACTIONS

BEFORE = "before"  # what is shown while its key is held
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
        "export_scenes",
        "Export sc&enes…",
        "Save the scenes as a PDF deck, as one HTML page with values under the pointer, or as PNG.",
        menu="&File",
        slot="exporting.export_scenes",
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
        "models",
        "&Models…",
        "List the models that are here, see what another one needs, open, check or delete one.",
        keys=("Ctrl+M",),
        menu="&File",
        slot="window.model_bar.models_requested.emit",
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
        BEFORE,
        "&Without interventions",
        "Show in every pane what is so without interventions while the key is held; chosen in the "
        "menu, until it is chosen again.",
        keys=("B",),
        menu="&View",
        slot="window.intervening.toggle",
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
        "compare_formats",
        "Compare &number formats…",
        "What bfloat16 and the other formats give on this pair next to float32, and how fast.",
        menu="&Run",
        slot="window.model_bar.formats_requested.emit",
    ),
    Command(
        "tour",
        "&Tour of this example",
        "Be led through the example that is open: where its information moves, by which heads.",
        menu="&Help",
        slot="touring.start_here",
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
    Command(
        "add_scene",
        "Add s&cene",
        "Keep what is shown now as a scene: prompts, panes, settings, interventions, selection.",
        keys=("Ctrl+Shift+B",),
        menu="&View",
        slot="stage.add",
    ),
    Command(
        "toggle_strip",
        "S&trip of scenes",
        "Hide the row of scenes below the panes, or show it again.",
        menu="&View",
        slot="strip.toggle",
    ),
    Command(
        "present",
        "&Present",
        "Show the panes in front to an audience: large text, no bars, on a second screen if there "
        "is one. Space, arrows and digits step; Esc leaves.",
        keys=("F11",),
        menu="&View",
        slot="present.toggle",
    ),
    Command(
        "toggle_speaker",
        "Spea&ker's notes",
        "Show or hide the next scene and what only you see while you present.",
        menu="&View",
        slot="speaker.toggle",
    ),
    Command(
        "next_scene",
        "Next scene",
        "Go to the next scene, whatever was changed since the last.",
        keys=("PgDown",),
        menu="&View",
        slot="stage.step",
        arguments=(1,),
    ),
    Command(
        "scene_before",
        "Scene before",
        "Go back to the scene before.",
        keys=("PgUp",),
        menu="&View",
        slot="stage.step",
        arguments=(-1,),
    ),
    _step("token_before", "Token before", "Select the token before.", "Left", "position", -1),
    _step("token_after", "Token after", "Select the token after.", "Right", "position", 1),
    _step("layer_above", "Layer above", "Select the layer shown above.", "Up", "layer", -1),
    _step("layer_below", "Layer below", "Select the layer shown below.", "Down", "layer", 1),
    _step("head_before", "Head before", "Select the head before.", "[", "head", -1),
    _step("head_after", "Head after", "Select the head after.", "]", "head", 1),
)
ACTIONS: dict[str, Action] = {row.name: row for row in (*COMMANDS, *BARS)} | PANE_ACTIONS


def is_bare(key: str) -> bool:
    """Whether a key means something only where no widget takes it, such as text that is typed."""
    return len(key) == 1 or key in ("Left", "Right", "Up", "Down", "PgUp", "PgDown")
