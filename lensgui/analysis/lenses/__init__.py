"""What the stream says at each layer: lenses, what they read, and how they are fitted.

cells: Cells as a lens reads them, a piece at a time: what is worked out of the logits of some.
files: Fitted lenses as files: other packages' are read once, in a limited process, and kept as
    ours.
fitting: Lenses fitted on text, a batch or a prompt at a time, gone on with where they stopped.
held_out: A short text that no lens was fitted on, on which every lens is measured.
jacobians: What a change of the stream at each layer does to its end, on one prompt.
lens: Lenses: how the residual stream at a layer is read as if it were the last.
reading: What a lens reads of a run, cell by cell: likeliest tokens, and how far from the model's
    own.
"""
