"""Answers about circuits.

edges: What every edge is worth, and what single ones matter exactly.
"""
