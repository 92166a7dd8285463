"""Heads and MLPs as nodes: paths and edges between them, ablation, faithfulness.

ablation: Ablation: the model with some of its parts taken out, and something else in their place.
edges: Edge attribution: how much each edge of a model matters, to first order.
faithfulness: How well a circuit stands for the whole model: faithfulness, completeness,
    minimality.
measured_pair: Two prompts of one length, and a metric of the model on them: what circuits are
    found with.
nodes: The graph of a model: its parts as nodes, and an edge wherever one's output reaches
    another.
path_patching: Path patching: what one part of a model tells another, exactly.
receiving: What a set of heads reads while a sweep is under way: replaced for each cell, a layer at
    a time.
senders: Path patching of every sender into the queries, keys or values of a set of heads, fast.
"""
