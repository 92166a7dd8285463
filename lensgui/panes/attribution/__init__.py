"""The attribution pane: what each part of the model adds to the metric directly.

attribution: Attribution: the metric taken apart by head, component and layer, one click deeper.
part_bars: The terms of one part as bars, the largest first, and what they add up to.
parts: What is shown of an attribution: a grid, the sum so far, and both in words.
"""
