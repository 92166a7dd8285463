"""The dockable views, a folder a subject, and what they are drawn with.

action: What is known of something that the user can do: its words, its keys, why it can't be
    done.
actions: What the user can do, as values: what it is called, what it does, and by which keys.
colour_maps: Tables of 256 colours from a few, mixed so that equal steps look equal, in any hue.
files: Where dialogs begin that open or save files: set in one place for all of them.
menus: The menu of a place, what can be done with it, and what sets of heads are called.
pane: What every dockable view is: a question for the worker, and a picture of the answer.
style: How Qt's own controls are drawn: outlined, in every theme.
theme: Colours, fonts and what else is drawn alike everywhere: set in one place for all widgets.
token_text: How tokens are spelled on screen, where a space must be seen and a name must fit.
verb: One line of the menu of a place.
"""
