"""Beside the circuit board: how well what is on it stands for the model, and how one is found.

completeness: The circuit without sets of its nodes, against the whole model without them.
curve_plot: How faithful circuits are by size, beside circuits drawn at random.
explained: What part each node plays: its role's rule, what it reads and who reads it.
rail: All of it in a column: faithfulness from what numbers, and one picture below.
suggesting: A circuit that is looked for: begun, followed, stopped, and what is found of it.
"""
