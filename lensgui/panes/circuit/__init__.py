"""The circuit board: nodes and edges of the model's graph, what each is worth, and what it matters.

asked: What the board asks: what edges are worth first, and then about those that it shows.
board: The picture: nodes by layer, edges as curves, hit and moved.
board_choices: What can be chosen and done there.
board_contents: Which nodes and edges are on the board, and what each says.
board_groups: Named groups of nodes, each drawn as one.
board_paint: How parts of it are painted, and the board as a figure.
board_places: Where nodes and edges are drawn, free of Qt's widgets.
circuit: The pane.
completeness: The circuit without sets of its nodes, against the whole model without them.
curve_plot: How faithful circuits are by size, beside circuits drawn at random.
rail: How well what is on the board stands for the model, and what each node matters.
"""
