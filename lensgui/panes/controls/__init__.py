"""What several panes are operated with.

chip: One token as a chip: what it says, and how it is drawn.
chips: Tokens as chips in a row.
chooser: A box to choose one of several named things from, in groups.
coloured_tokens: A text, token by token, each on the colour of its number: lines wrap, clicks and
    keys choose.
controls: Small parts that several panes are put together from.
flow: A row of controls that breaks into more lines where there is too little width.
side_box: A box that says which prompt of a pair is shown, or the difference of two runs.
strip: One line of chips that scrolls sideways, and folds what two prompts have in common.
"""
