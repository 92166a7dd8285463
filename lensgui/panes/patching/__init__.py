"""The patching panes.

chain: From who feeds a head back to who feeds that one: a line of links.
followups: What one asks next of a cell that matters: which heads, which of their inputs, who
    feeds them.
inputs: Through which of its inputs a set of heads is fed: all paths together, and which to show.
necessary_sufficient: Necessary or sufficient: every head as a point, by what it restores and what
    it breaks.
patching: Where the answer lives: activation patching of every place of one kind.
selected_heads: The heads that are selected together, and what can be asked of them at once.
who_feeds: Who feeds it: path patching from every earlier head and MLP into a set of heads.
"""
