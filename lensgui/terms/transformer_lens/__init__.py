"""The words of TransformerLens: what they are called here, or the way to what they ask for.

arguments: The arguments of TransformerLens's calls: their names here, or the way to what they ask.
elsewhere: What TransformerLens has and lensgui has not, and the way here.
"""
