"""Stacked weights, products of two of them, and how weights are folded.

factored: FactoredMatrix: a product A B of low rank that is never multiplied out unless asked.
processing: Equivalent weights that are easier to read: norms folded, writers centred, heads
    rewritten.
rules: Which steps of folding leave a model's log-probabilities as they are, said by its config.
weights: A model's weights under the field's names: stacked over layers, and multiplied into
    circuits.
"""
