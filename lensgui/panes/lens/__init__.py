"""The lens pane: every layer and position, read as if it were the last.

lens: Lens: what each layer and position would predict, read as if it were the last.
lens_choice: Which lens is read through: those that are here, and one that is imported or dropped.
lens_controls: What is read, of which prompt and token, and through which lens.
lens_curves: The trajectories beside the grid: what each token, or the number shown, does layer by
    layer.
lens_seen: What the pane shows at the moment, of which everything that is drawn or said is made.
lens_values: What is shown of a grid: numbers, colours, and the words of a cell.
lens_words: What is said of the grid and of its cells.
"""
