"""A decoder-only transformer with a hook point on every activation.

config: The numbers that fix a transformer.
hooked_module: A module whose hook points can be found by name, watched and left as they were.
loss: How surprised the model is by the next token.
model: HookedTransformer: the residual stream, in at the tokens and out at the logits.
notebook_methods: What notebooks call on a model beyond what it needs itself.
parts: Transformer: what a transformer is made of, from embedding to unembedding.
"""
