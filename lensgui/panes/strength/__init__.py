"""What an intervention does by how strong it is.

strength: The pane.
strength_plot: The metric, tokens' probabilities and KL against strength, one below the other.
strength_seen: What is drawn, as curves and in words.
"""
