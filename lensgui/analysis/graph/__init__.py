"""What one part of a model tells another: paths through its graph, patched exactly.

measured_pair: Two prompts of one length, and a metric of the model on them.
path_patching: Path patching: what one part of a model tells another, exactly.
receiving: What a set of heads reads while a sweep is under way: replaced for each cell, a layer at
    a time.
senders: Path patching of every sender into the queries, keys or values of a set of heads, fast.
"""
