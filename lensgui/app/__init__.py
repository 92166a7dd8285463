"""The application: how it starts, what runs beside the window, and how it ends.

commands: What is made from the table of actions: menus, keys, the search and the sheet.
export: Pictures taken home: the dialog, all at once, the clipboard.
fetching: Bringing a model in the background while another is open.
help: Help: the guide, the log, and what is said of faults.
models: The dialog of models: what is here, what another one needs, how they are opened.
intervening: From what panes want done to the model to the document, and what is so without.
notebook: The window beside a script or a notebook that goes on.
question: A question with a few answers, in words and by buttons.
runtime: What runs beside the window: errors nobody caught, garbage collection, imports put off.
sessions: Sessions as files: opened, saved, found again after a crash, and shown without their
    model.
settings: What the user has set once for every window: kept in a file, changed in one dialog,
    applied.
smoke: The smoke test: does a window on the toy model come to rest with every picture drawn?
stage: Scenes: states of the window that a talk comes to, one after the other.
start: Putting the application together, running it, and leaving it in time.
tours: Tours: an example shown step by step, pointing at the real window.
window: The window: docks, bars, and the exchange between panes and worker.
"""
