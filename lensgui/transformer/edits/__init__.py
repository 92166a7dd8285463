"""A model some of whose activations are changed on the way, beside the model itself.

edit: What one intervention does to an activation, at which positions, in which heads.
intervened: IntervenedTransformer: the same weights, with edits at some hook points.
"""
