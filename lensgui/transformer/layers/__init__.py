"""What a block is made of; attention is pure functions that model and sweeps share.

activations: The nonlinearities of MLPs, under Hugging Face's names.
attention: Multi-head attention with grouped queries, one function for the model and for sweeps.
block: One layer: attention and an MLP, each added to the residual stream.
embed: Tokens into the residual stream, and the residual stream into logits.
latent: Multi-head latent attention: keys and values are read through few numbers (DeepSeek-AI
    2024).
mlp: The feed-forward half of a block.
norms: LayerNorm and RMSNorm, with their scale and their result in view.
parameters: Parameters in the field's shapes, laid out in memory the way matrix products want
    them.
positions: Rotary embedding (Su et al. 2021), ALiBi (Press et al. 2022), and sinusoids.
routing: Which experts each token uses, and how much each of them weighs.
span: Which positions a forward pass covers, which earlier ones each may see, and what these keep.
"""
