"""Prompts, pairs of them, tables of pairs, and tasks that draw them: free of torch and of Qt.

diff: Where two sequences of words or tokens differ. Free of torch, and never slow.
ioi: Prompts for indirect object identification (Wang et al. 2022), drawn from templates.
pair: A prompt, a pair of prompts with the answers compared, and a row of a table of pairs.
pair_files: Tables of prompt pairs as text: CSV, tab-separated and JSON, read and written.
sides: Which prompts of a pair are read for what is shown: one of them, or two whose difference it
    is.
tasks: Tasks that prompt pairs are drawn from, each with the words that play a part. Free of
    torch.
words: Words that prompts are made of: names, places, facts. Free of torch.
"""
