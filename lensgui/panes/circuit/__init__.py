"""The circuit board: nodes and edges of the model's graph, what each is worth, and what it matters.

asked: What the board asks: what edges are worth first, and then about those that it shows.
board: The picture: nodes by layer, edges as curves, hit and moved.
board_choices: What can be chosen and done there.
board_contents: Which nodes and edges are on the board, and what each says.
board_groups: Named groups of nodes, each drawn as one.
board_paint: How parts of it are painted, and the board as a figure.
board_places: Where nodes and edges are drawn, free of Qt's widgets.
board_menu: What is done with the circuit that is kept.
circuit: The pane.
controls: What is chosen above the board, and done with it.
filing: Circuits that are read from files and written to them, by the worker.
foreign: An attribution graph of a file as a board, read only.
measured: Beside it: how well what is on it stands for the model, and how a circuit is found.
"""
