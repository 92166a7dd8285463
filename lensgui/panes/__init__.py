"""The dockable views, a folder a subject, and what they are drawn with.

menus: The menu of a place, what can be done with it, and what sets of heads are called.
pane: What every dockable view is: a question for the worker, and a picture of the answer.
style: How Qt's own controls are drawn: outlined, in every theme.
theme: Colours and fonts: palettes for the window, 256-entry tables for numbers.
token_text: How tokens are spelled on screen, where a space must be seen and a name must fit.
"""
