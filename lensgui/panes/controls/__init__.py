"""What several panes are operated with.

chips: Tokens as chips in a row that wraps.
chooser: A box to choose one of several named things from, in groups.
controls: Small parts that several panes are put together from.
flow: A row of controls that breaks into more lines where there is too little width.
"""
