"""What comes back from the worker: plain values in host memory, free of torch.

activations: What is said of hook points, and a slice of one activation.
arrays: What comes back as pictures: labelled arrays.
attributions: What each part of the model adds to a metric directly.
circuits: What every edge of the model's graph is worth, and what single ones matter exactly.
generation: What a model writes behind a prompt, without interventions and under them.
interventions: What is said of interventions, and vectors that were made for them.
lenses: What a lens says of every row and position of a prompt.
models: What comes back about models: the card of one that is open, and what number formats give.
neurons: What neurons of a layer do: at a position, in the vocabulary, and where most.
readings: What comes back in words: tokens, and what prompts, heads, layers and rows read.
reply: How a question stands: its answer so far, and why there is none.
"""
