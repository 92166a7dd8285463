"""The dialog of models: what is here, what another one needs, how they are opened.

another: What is typed or chosen to be opened next, and what it needs before it is fetched.
dialog: The dialog of models, beside the window, which goes on.
formats: Number formats side by side on the pair that is open, and a click to use one.
table: The models that are here as a table, read off the disk beside the window's thread.
words: What a model needs, how fast it arrives and how far it is verified, in words.
working: A line for what runs: how far it is, and its end.
"""
