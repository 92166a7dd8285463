"""Circuits: what edges and nodes are worth, alone and together, and what a circuit leaves out.

ablation: Prompts run with parts of the model taken out.
composition: How well heads read what others can write, by their weights.
curve: How faithful circuits are by size, beside circuits drawn at random.
edges: Edge attribution: how much each edge of a model matters, to first order.
effects: What single edges and nodes matter, exactly.
faithfulness: How well a circuit stands for the whole model: faithfulness, completeness,
    minimality.
groups: Prompts of one length that run together, in which something is cut.
other_names: Prompts whose names are others, each of them once: what stands in, saying nothing.
rows: Runs of prompts in which edges or whole parts are cut, many circuits at once.
runs: Prompts that circuits are measured on, and what stands in for what is cut.
stand_ins: What the parts of a model write on prompts, and what stands in for that.
suggest: A circuit found on some prompts, pruned exactly, and measured on others.
"""
