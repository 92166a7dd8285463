"""The patching panes.

all_kinds: All kinds at once: a small map of every kind of sweep, with one scale, cursor and
    pointer.
followups: What one asks next of a cell that matters: which heads, which of their inputs, who
    feeds them.
necessary_sufficient: Necessary or sufficient: every head as a point, by what it restores and what
    it takes away.
patching: Where the answer lives: activation patching of every place of one kind.
tile: One of several maps that stand together: no names at its sides, and the pointer of the
    others.
tile_layout: Where the maps of all kinds of sweeps stand: in rows that share an axis of layers.
tiles: Small maps of all kinds of sweeps, which share their axes, the selection and the pointer.
who_feeds: Who feeds it: path patching from every earlier head and MLP into the selected head.
"""
