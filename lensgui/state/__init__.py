"""What the user is looking at: free of torch.

document: What the user works on, and the one command that changes it.
examples: The pairs of prompts that travel with lensgui.
selection: What the user points at, in every pane at once.
views: How each pane is set: what its own switches say, as values that the document holds.
"""
