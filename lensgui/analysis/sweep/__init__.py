"""Activation patching of every place, its estimates, and the slow way that checks it.

averages: A sweep over many prompt pairs: the mean, how sure it is, and which pairs the model gets
    wrong.
batches: Cells of a sweep as rows, on their way through the layers in batches.
estimates: Attribution patching: a first-order estimate of every cell of every sweep.
gradients: Gradients that go back through a run a piece of a layer at a time.
kinds: What is known of each activation that sweeps patch: how it is read, put in and estimated.
notebook_api: Activation patching as notebooks write it: cache, tokens and metric in, a map of
    numbers out.
patches: What one cell of a sweep puts into the base run, and where it enters the layers.
slowly: Cells of a sweep the slow, obvious way: plain forward passes of whole prompts, with hooks.
sweep: Activation patching of every place at once, exactly, without running anything twice.
"""
