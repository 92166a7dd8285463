"""The graph of a model, and circuits in it, as values that know no model.

drawn: Circuits drawn at random, for a circuit to be compared with.
graph: A graph of a model: its edges, what each is worth, and which of them make up a circuit.
kept: A circuit that is kept beside prompts: its edges by their labels, and where it is from.
nodes: The parts of a model as nodes, and an edge wherever one's output reaches another.
"""
