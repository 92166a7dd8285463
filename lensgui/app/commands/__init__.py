"""What is made from the table of actions: menus, keys, the search and the sheet.

dialogs: What the menus open: what every key and click does, to be searched, and the history.
entries: Everything that the search can find in a window, each with what it does.
matches: How well a text matches what is typed, which of its letters do, and what is chosen often.
menus: The menus and keys of the window.
search: The search: a field, and below it what it finds.
"""
