"""The grid of all heads, and one of them as a map, as lines or on the text.

attention: Where every head looks, and where one head looks exactly.
attention_controls: The switches of the attention explorer, in as little room as they need.
focus: One head, or the mean of several: as a map, as lines, or on the text.
head_lines: One head as lines: from each token on the left to what it looks at on the right, or
    as arcs.
head_map: One head as a heatmap: rows look at columns; any part of it can be seen large.
head_numbers: Numbers of one head → colours and words, the same in every view of them.
head_text: The prompt itself, coloured by what one token attends to, or by what attends to it.
panels: One head's numbers as panels of figures: as a map, as lines, or on the text.
"""
