"""Questions about a model, each a function, or a generator where it takes time.

checks: What analyses ask of prompts and models before they run; each refusal is one sentence.
continuation: How a model goes on behind a prompt, token by token.
evaluations: Quick looks at how good a model is.
shares: How changes of a metric are shown: as shares of clean − corrupted, or raw where that is
    noise.
steps: What work that is done step by step comes to.
svd: What the singular directions of weights say.
"""
