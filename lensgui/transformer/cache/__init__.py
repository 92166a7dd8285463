"""The activations of a run, and the residual stream taken apart.

activations: The activations of a run by full or short name.
cache: ActivationCache: what a model computed, and ways to take it apart; and how it is filled.
neurons: What single neurons wrote, and the residual stream taken apart as far as it goes.
residual: The residual stream taken apart: into layers, components, heads; and what each does to a
    logit.
"""
