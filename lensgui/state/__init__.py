"""What the user is looking at: free of torch.

changes: What differs between two documents, by the paths of its fields, and in words for a history.
document: What the user works on.
examples: The pairs of prompts that travel with lensgui.
selection: What the user points at, in every pane at once.
session: The document being worked on, its history, and the one command that changes it.
views: How each pane is set: what its own switches say, as values that the document holds.
"""
