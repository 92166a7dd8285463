"""What a set of heads, or all interventions, do together, and which of them matter most.

ablation: The pane.
ablation_seen: Its rows, what it says, and its figures.
"""
