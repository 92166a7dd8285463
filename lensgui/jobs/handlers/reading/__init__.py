"""What is read of a run: lenses.

lens_grid: What a lens reads of every row and position, the selected position first.
"""
