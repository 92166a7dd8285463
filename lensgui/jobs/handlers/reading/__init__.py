"""What is read of a run: lenses.

lens_grid: What a lens reads of every row and position, the selected position first.
lens_means: What a lens reads of many prompts: means over pairs, and what a lens is worth on a text.
"""
