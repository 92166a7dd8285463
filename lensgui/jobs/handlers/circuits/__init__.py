"""Answers about circuits.

edges: What every edge is worth, and what single ones matter exactly; how well circuits stand.
suggested: A circuit that stands for the model, found on some prompts and measured on others.
"""
