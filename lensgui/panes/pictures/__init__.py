"""What several panes draw: pictures of numbers, their axes and scales.

axis_labels: Where the labels of an axis go, and the room they leave for a picture.
curves: Numbers by layer as curves, beside the picture whose rows they stand in line with.
heatmap: A picture of numbers with named rows and columns: one cell, one thing that can be
    selected.
level_bar: The colour bar beside a heatmap: what the colours count, and how far they reach.
number_table: The numbers behind a picture as a table, which is read cell by cell and can be
    copied.
painted: What pictures painted by hand have in common: hover, the empty state, dimming, colour
    ramps.
picture: What a heatmap draws, and how each part of it is painted.
role_marks: The letter of a head's role: filled where the role is firm, a ring where it is only
    proposed.
rows: Rows painted by hand, one below the other, that pointer and keys can choose.
"""
