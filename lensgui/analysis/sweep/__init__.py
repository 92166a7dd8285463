"""Activation patching of every place, its estimates, and the slow way that checks it.

batches: Cells of a sweep as rows, on their way through the layers in batches.
estimates: Attribution patching: a first-order estimate of every cell of every sweep.
gradients: Gradients that go back through a run a piece of a layer at a time.
grouping: Which cells of a sweep run together: as many as memory allows, the most important first.
in_order: Cells of a sweep for any metric, called once a cell, in order, as a notebook expects.
kinds: What is known of each activation that sweeps patch: how it is read, put in and estimated.
patches: What one cell of a sweep puts into the base run, where it enters, and whether it matters.
result: What is known of a sweep.
slowly: Cells of a sweep the slow, obvious way: plain forward passes of whole prompts, with hooks.
sweep: Activation patching of every place at once, exactly, without running anything twice.
"""
