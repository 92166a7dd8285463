"""Single neurons of MLPs: what they read and write, how far they are on, and where most.

activations: How far a layer's neurons are on at each position of a run, and which experts were
    used.
directions: What neurons read and write, in the vocabulary.
gradients: What each neuron does to a metric: directly, and through all that comes after it.
numbering: How the neurons of a layer are numbered, those of experts one expert after the other.
places: Where in many prompts, or in a long text, each neuron of a layer is on most, and how
    often.
texts: A text file as contexts of token ids, read a piece at a time.
"""
