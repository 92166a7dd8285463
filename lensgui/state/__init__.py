"""What the user is looking at, and `sessions`, the files that it is saved in: free of torch.

autosave: What keeps work through a crash: a thread that writes, and the folder of what it wrote.
changes: What differs between two documents, by the paths of its fields, and in words for a history.
document: What the user works on.
examples: The pairs of prompts that travel with lensgui.
followed: The token that the model wrote which panes follow: they show the run up to it.
layout: Where the panes stand, as a value: in the window, in a session file, in a scene.
locks: A file that one process holds at a time.
selection: What the user points at, in every pane at once.
session: The document being worked on, its history, and the one command that changes it.
settings: What the user has set once for every window: a table of settings, and what may stand in
    each.
tours: Tours of the examples: what each step says, which numbers it quotes, what it has one click.
views: How each pane is set: what its own switches say, as values that the document holds.
"""
