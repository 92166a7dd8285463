"""Architectures as data: a config map and a weight map each, in one file each.

`family` is what they are made of, `hf_fields` reads what their configs share, and `registry` lists
them.
"""
