"""What is read of a run: lenses, neurons, and what each part adds to a metric.

activations: Hook points and what they hold: a map of one layer, and two axes of one activation.
attributions: What each part of the model adds to the metric directly, and what these consist of.
generation: How the model goes on behind a prompt, without interventions and under them, in turn.
head_scores: All heads scored whatever the answers are: on repeats, by their weights, by what they
    write.
lens_grid: What a lens reads of every row and position, the selected position first.
lens_means: What a lens reads of many prompts: means over pairs, and what a lens is worth on a text.
neuron_places: Where the neurons of a layer are on most: in the prompts of a table, or in a text
    file.
neurons: What the neurons of a layer do at a position, over a prompt, and in the vocabulary.
"""
