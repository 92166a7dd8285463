"""Text to token ids and back, padding, and generation.

generation: Writing on from a prompt, token by token; hooks fire at every step.
padding: Prompts of unequal length as one tensor, and which of its positions are padding.
sampling: Drawing a next token from logits.
tokens: Text to token ids and back, and the strings that stand on axes.
vocabulary: What the tokens of a vocabulary stand for: its scheme is a property of the tokenizer.
"""
