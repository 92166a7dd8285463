"""A model's parameters: out of a checkpoint as they are, or folded and kept so.

filling: Parameters out of a checkpoint: tensor by tensor, without a copy where memory allows.
folded: Folded parameters: made layer by layer, kept on the disk, and opened from there.
"""
