"""The patching panes.

all_kinds: All kinds at once: a small map of every kind of sweep, with one scale, cursor and
    pointer.
chain: From who feeds a head back to who feeds that one: a line of links.
followups: What one asks next of a cell that matters: which heads, which of their inputs, who
    feeds them.
inputs: Through which of its inputs a set of heads is fed: all paths together, and which to show.
necessary_sufficient: Necessary or sufficient: every head as a point, by what it restores and what
    it breaks.
patching: Where the answer lives: activation patching of every place of one kind.
selected_heads: The heads that are selected together, and what can be asked of them at once.
tile: One of several maps that stand together: no names at its sides, and the pointer of the
    others.
tile_layout: Where the maps of all kinds of sweeps stand: in rows that share an axis of layers.
tiles: Small maps of all kinds of sweeps, which share their axes, the selection and the pointer.
who_feeds: Who feeds it: path patching from every earlier head and MLP into a set of heads.
"""
