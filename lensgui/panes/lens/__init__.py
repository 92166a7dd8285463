"""The lens pane: every layer and position, read as if it were the last.

lens: Lens: what each layer and position would predict, read as if it were the last.
lens_choice: Which lens is read through: those that are here, and one that is imported or dropped.
lens_values: What is shown of a grid: numbers, colours, and the words of a cell.
"""
