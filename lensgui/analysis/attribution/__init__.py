"""A metric taken apart: what each part of the model adds to it directly, all parts adding up.

averages: Attributions of many pairs: the mean of each part, and how far pairs differ in it.
components: The logits that a metric reads, by embedding, head, MLP and bias, and by layer.
parts: A head's part by source token, an MLP's by neuron and expert.
"""
