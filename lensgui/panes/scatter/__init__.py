"""Points on two axes, which are selected alone or together.

point_key: What colours and sizes of points count: one line beside a scatter plot.
point_labels: Which points of a scatter plot are named, and where their names fit.
point_plot: How points of a scatter plot are drawn by pyqtgraph, and where they are on screen.
scatter: Points on two axes, each of them something that can be selected, alone or with others.
"""
