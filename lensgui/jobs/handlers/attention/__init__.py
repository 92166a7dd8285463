"""Attention as the window shows it: whose it is, every head's at a glance, one head's exactly.

answers: Answers about attention: every head at a glance, one head exactly.
drawing: Every head's attention as bytes; what an earlier prompt began with is not drawn again.
mixtures: Which runs attention is read from, and with what weight: one, a difference, or a mean of
    many.
strips: What a grid of attention leaves to those of prompts that begin alike.
"""
