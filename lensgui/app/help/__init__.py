"""Help: the guide, the log, and what is said of faults.

faults: What is said of a fault of lensgui's own: what happened, what to do, and the details
    folded.
guide: The guide: its pages in reading order, searched, with links from one to another.
help: A window's help: the guide at the right page, the log, and its faults.
log: What happened since the window was opened: messages, faults, and what the worker logs.
"""
