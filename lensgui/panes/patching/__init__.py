"""The patching panes.

followups: What one asks next of a cell that matters: which heads, which of their inputs, who
    feeds them.
necessary_sufficient: Necessary or sufficient: every head as a point, by what it restores and what
    it takes away.
patching: Where the answer lives: activation patching of every place of one kind.
who_feeds: Who feeds it: path patching from every earlier head and MLP into the selected head.
"""
