"""What a sweep is likely to give: estimates of all cells, and which of them must be run.

attribution: Attribution patching: a first-order estimate of every cell of every sweep.
gradients: Gradients that go back through a run a piece of a layer at a time.
settling: Which cells of a long sweep to run until those that matter are exact.
"""
