"""A sweep as it is drawn: the picture, what its cells say, and what it is compared with.

cells: The cells of a patching sweep: where they are, what they say, and their colours.
compare: Two sweeps, cell by cell: A, the one that was kept or another; B, the present; and A −
    B.
estimate_plot: How good the first-order estimate was on this very pair: each cell, estimate
    against exact.
faces: What of a sweep can be drawn at once: one face of it, two axes wide, as a picture.
kinds: What can be patched, and which way, in the words of the window.
panels: Sweeps as panels of figures: the map, the table of its strongest cells, intervals,
    points.
sweep_footer: The row of switches below a sweep, and the sentence that says how far it is.
sweep_picture: One face of a sweep with its legend, its colour bar and the table of its
    strongest cells.
sweep_view: A sweep and all that belongs to it: picture, colour bar, slider, table, estimates,
    comparison.
top_cells: The cells of a sweep that move the metric most, as a table.
whiskers: The strongest cells of a mean as dots, each with the interval in which the mean lies.
"""
