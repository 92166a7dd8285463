"""Copy as Python: from values to the lines that compute what a pane shows.

circuits: A few lines of Python for the circuit board.
figures: A whole script for each picture: it computes the figure's numbers, and draws or prints
    them.
head_table: Lines of Python for the table of heads: its columns, and which heads it lists in which
    order.
interventions: A few lines of Python for the panes of interventions and of their strength.
notebook: Scripts as a Jupyter notebook: the model is opened once, then a cell for each pane.
readings: A few lines of Python for the panes of attribution and of activations.
script: A few lines of Python for each pane: they compute with the library what the pane shows.
sweeps: Lines of Python that sweep what a patching pane sweeps: a pair or a mean, A, B or A − B.
"""
