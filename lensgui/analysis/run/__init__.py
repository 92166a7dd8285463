"""One prompt's run through the layers, and what is read off it.

layer_row: What one layer does at one position of a run: its heads, what they write, and its MLP.
lazy_logits: Logits that are worked out when they are looked at: what a notebook's own metric is
    given.
leaving: The one way by which numbers leave a device: into host memory, while the device goes on.
passes: One pass through the layers for any number of rows: weights are read once for all.
predictions: What is read of the stream: a metric after the last layer, surprisals, and the logit
    lens.
recording: The activations of a run, a layer at a time, and the first layer where they are not
    finite.
rows: Rows of activations that runs share: a run holds its own and points to those before.
run: A run of the model that other computations start from, layer by layer.
together: Runs that go through the layers as one batch: weights are read once for all.
"""
