"""What is done to the model, line by line, and the menus that add to it.

chip_line: One line: on or off, what is done where, how much, its menu.
lines: Which interventions share a line, what each overrides, and what lines say.
list_menu: What can be done with a line, and with all of them.
strengths: How far a slider goes, and what stands where on it.
tray_actions: Its buttons, as rows of the table of what panes can do.
tray: The pane: a line for each intervention, or for those that are alike.
verbs: What can be done to the model at a place, as lines of its menu.
"""
