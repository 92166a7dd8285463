"""One prompt's run through the layers, and what is read off it.

passes: One pass through the layers for any number of rows: weights are read once for all.
predictions: What is read of the stream: a metric after the last layer, surprisals, and the logit
    lens.
recording: The activations of a run, a layer at a time, and the first layer where they are not
    finite.
run: A run of the model that other computations start from, layer by layer.
"""
