"""Everything that is known about the selected place.

inspector: Everything known about the selection, in words and numbers.
lens_rows: The logit lens of one position: a row for each layer, and the metric as a curve
    beside them.
more: The ways from the inspector's short forms to the panes that have all of it.
numbers: The numbers that other panes have for the selected place, and what each of them is of.
panels: What the inspector knows as panels of figures: tables of numbers, and bars of attention.
ranking: Where a head looks, as bars: the sources that get most of its attention.
sections: Parts of the inspector: what a head, an edge and an MLP do where the cursor stands.
selection_requests: What the inspector asks about a selection, and what it calls it.
"""
