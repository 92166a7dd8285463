"""The window: docks, bars, and the exchange between panes and worker.

actions: The window's actions, and all others with them: the one table.
bars: Actions of bars and dialogs: what the window's menus don't have.
docks: A pane's dock: its frame, and its title with the pane's buttons.
exchange: From what the user looks at to requests, and from replies back to the panes.
layout: Where every pane stands: the list of all panes, their places, and their sizes at first.
role_book: What part each head plays: what has to be asked for the rules, and what they say.
statusline: The line at the bottom: what runs, how far it is, and the value under the pointer.
toolbar: Which model is open, where it runs, how far it can be trusted, and whether there is a
    network.
window: The main window: the one place where state, panes and runner are connected.
"""
