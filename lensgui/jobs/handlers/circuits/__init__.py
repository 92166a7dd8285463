"""Answers about circuits.

edges: What every edge is worth, and what single ones matter exactly; how well circuits stand.
kept: Circuits that are kept: found on some prompts and measured on others, or read from files.
"""
