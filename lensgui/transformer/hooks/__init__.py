"""Hook points, the names of activations, and which positions of them are meant.

hook_point: Named places in a model at which activations are read or replaced.
names: Short names of activations, such as ("pattern", 3).
standing: Where the rows of an activation stand, as a hook point sees rows and not their
    positions.
slices: Some places of a dimension: a position, a range, a list of them.
"""
