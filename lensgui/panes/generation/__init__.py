"""Generation: how the model goes on behind a prompt, before and after interventions.

generation: The pane: two texts side by side, what each token could have been, and what takes one.
generation_actions: Its buttons and boxes, as rows of the table of what panes can do.
generation_controls: What is continued, how far, and how tokens are drawn.
generation_words: What is said of what is written, as captions, a figure and Python.
written_text: One text, token by token, each on the colour of its probability.
"""
