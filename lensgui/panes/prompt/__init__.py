"""Prompts, their tokens, the answers and the metric.

answer_row: What is asked of two prompts: answer, distractor, metric and beginning of sequence,
    in a row.
message_line: The one line below the prompts: what is wrong with them, and the way out.
panels: Prompts as panels of figures: the likeliest next tokens, and how surprising each token
    is.
prompt: The two prompts, their tokens, and what the model would say next.
replace_dialog: Making a corrupted prompt from the clean one: names swapped, or words replaced.
surprisal_switch: The switch that colours tokens by their surprisal, and what its colours stand
    for.
token_picker: A field to type a token in, with a list of the vocabulary's tokens that contain
    what is typed.
token_rows: The tokens of both prompts, one row below the other: what is selected, pinned and
    surprising.
"""
