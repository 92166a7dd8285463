"""What several panes draw: pictures of numbers, their axes and scales.

axis_labels: Where the labels of an axis go, and the room they leave for a picture.
heatmap: A picture of numbers with named rows and columns: one cell, one thing that can be
    selected.
level_bar: The colour bar beside a heatmap: what the colours count, and how far they reach.
painted: What pictures painted by hand have in common: hover, the empty state, dimming, colour
    ramps.
picture: What a heatmap draws, and how each part of it is painted.
point_key: What colours and sizes of points count: one line beside a scatter plot.
point_labels: Which points of a scatter plot are named, and where their names fit.
point_plot: How points of a scatter plot are drawn by pyqtgraph, and where they are on screen.
scatter: Points on two axes, each of them something that can be selected, alone or with others.
"""
