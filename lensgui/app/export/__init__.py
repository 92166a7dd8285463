"""Pictures taken home: the dialog, all at once, the clipboard.

deck: The scenes of a session as files: a deck of pages, a page for browsers, pictures.
dialog: The dialog that exports one picture: how it will look, and what goes along.
exporting: From what the panes show to files and to the clipboard.
headless: The figures of a session without a window: every pane's questions, answered in turn.
"""
