"""The table of prompt pairs.

pair_model: The table of prompt pairs as Qt's views read it: only the rows in view are ever looked
    at.
pair_table: Many prompt pairs: drawn, pasted or read from a file, included or not, and averaged
    over.
word_roles: Naming words of prompts by their part, by which positions of different prompts are
    matched.
"""
